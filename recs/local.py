"""What is popular where a customer shops, for everyone there alike."""

from copy import copy
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recs.history import History
from recs.pairs import Columns, Owner, owners, values
from recs.protocol import Scores
from recs.ranking import Candidates, Limits
from recs.recommenders.base import PopularBase, Rows, packed, unpacked

DAYS = 28
"""How far back "lately" looks."""


class Local(PopularBase):
    """Ranks by how many customers bought a product in a market in the last four weeks.

    Nothing of a customer counts but the market they are in; one of an unknown market gets what is popular
    overall. It serves who did not agree to more.
    """

    name = "local"
    home: NDArray[np.int32]
    lately: csr_matrix

    @classmethod
    def of(cls, home: NDArray[np.int32]) -> "Local":
        """An unfitted model; `home` (U,) is the market of each row as the lines number them, -1 for none."""
        model = cls()
        model.home = home
        return model

    def at(self, market: int) -> "Local":
        """The same, as if every row were at home in one market."""
        moved = copy(self)
        moved.home = np.broadcast_to(np.int32(market), self.home.shape)
        return moved

    def _learn(self, history: History) -> None:
        recent = (pl.col("day") >= history.end - DAYS) & (pl.col("market") >= 0)
        cells = (
            history.lines.lazy()
            .filter(recent)
            .select("market", "column", "row")
            .unique()
            .group_by("market", "column")
            .len()
            .sort("market", "column")
            .collect()
        )
        markets = int(self.home.max(initial=-1)) + 1
        cells = cells.filter(pl.col("market") < markets)
        place = (cells["market"].to_numpy(), cells["column"].to_numpy())
        shape = (markets + 1, len(history.catalogue))  # the last market is the unknown one, and empty
        self.lately = csr_matrix((cells["len"].to_numpy().astype(np.float32), place), shape=shape)

    def evidence(self, rows: Rows, owner: Owner, columns: Columns) -> Scores:
        """How many customers of the market bought each product lately, (P,)."""
        return values(self.lately[self.home[rows]], owner, columns)

    def _candidates(self, rows: Rows, n: int, limits: Limits) -> Candidates:  # noqa: ARG002
        found = self.lately[self.home[rows]]
        return Candidates(owners(found), found.indices.astype(np.int32), found.data)

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {"home": self.home} | packed(lately=self.lately)

    def _restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        self.home, self.lately = arrays["home"], unpacked(arrays, "lately")
