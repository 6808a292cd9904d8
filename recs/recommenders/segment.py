"""Popularity by recency and segment: what customers of the same market bought lately."""

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recs.history import History
from recs.protocol import Ids, Scores
from recs.recommenders.base import Rows, packed, trained_columns, unpacked
from recs.recommenders.blocks import BlockModel


class Segment(BlockModel):
    """Ranks by the share of a market's customers who lately bought a product, blended with that of all.

    A customer belongs to the market they bought in on most days, of equals the first. Who bought in none
    is nobody's, and is left to popularity.

    Args:
        half_life_days: the age at which a purchase counts half.
        worth: how many customers the share of all is worth beside a market's own.
    """

    name = "segment"

    def __init__(self, *, half_life_days: int = 28, worth: float = 100.0) -> None:
        self.half_life_days, self.worth = half_life_days, worth
        self.market: NDArray[np.int32]
        self.heads: csr_matrix
        self.size: Scores
        self.overall: Scores

    def _learn(self, history: History) -> None:
        self.columns = trained_columns(history)
        self.market = _markets(history)
        last = history.lines.group_by("row", "column").agg(pl.col("day").max()).sort("row", "column")
        row, column, day = (last[name].to_numpy() for name in last.columns)
        recent = (0.5 ** ((history.end - 1 - day) / self.half_life_days)).astype(np.float32)
        bought = csr_matrix((recent, (row, column)), shape=history.interactions.counts.shape)[:, self.columns]
        known = np.flatnonzero(self.market >= 0)
        markets = int(self.market.max(initial=-1)) + 1
        member = csr_matrix(
            (np.ones(len(known), np.float32), (self.market[known], known)), shape=(markets, len(self.market))
        )
        self.heads = csr_matrix(member @ bought)
        self.size = np.bincount(self.market[known], minlength=markets).astype(np.float32)
        everyone = np.asarray(self.heads.sum(axis=0)).ravel() / max(len(known), 1)
        self.overall = everyone.astype(np.float32)

    def _said(self, rows: Rows) -> Scores:
        market = self.market[rows]
        asked, place = np.unique(market[market >= 0], return_inverse=True)
        share = self.heads[asked].toarray() + np.float32(self.worth) * self.overall
        share /= (self.size[asked] + np.float32(self.worth))[:, None]
        said = np.zeros((len(rows), len(self.columns)), np.float32)
        said[market >= 0] = share[place]
        return said

    def _arrays(self) -> dict[str, NDArray[Any]]:
        arrays = {"columns": self.columns, "market": self.market, "size": self.size, "overall": self.overall}
        return arrays | packed(heads=self.heads)

    def _restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        self.columns, self.market = arrays["columns"], arrays["market"]
        self.size, self.overall = arrays["size"], arrays["overall"]
        self.heads = unpacked(arrays, "heads")


def _markets(history: History) -> Ids:
    """The market of each row, -1 where none is known, (U,)."""
    most = (
        history.lines.filter(pl.col("market") >= 0)
        .group_by("row", "market")
        .agg(pl.col("day").n_unique())
        .sort("row", "day", "market", descending=[False, True, False])
        .unique("row", keep="first", maintain_order=True)
    )
    market = np.full(history.interactions.counts.shape[0], -1, np.int32)
    market[most["row"].to_numpy()] = most["market"].to_numpy()
    return market
