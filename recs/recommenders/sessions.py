"""Sessions: products that the same customer looked at on the same day, and who looked lately."""

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix, diags_array, eye_array

from recs.history import History
from recs.pairs import ordered
from recs.protocol import Ids
from recs.recommenders.base import MIN_BUYERS
from recs.recommenders.neighbours import NeighbourModel, nearest
from recs.threads import one_blas_thread

STRENGTH = {"view": 1.0, "wishlist": 2.0, "cart": 3.0}
"""What a look is worth by its kind; putting a product aside says more than looking at it."""


class Sessions(NeighbourModel):
    """Ranks what a customer looked at in the last days, and what is looked at on the same days.

    A product that only one or two customers looked at has no neighbours. Without views nothing is said.

    Args:
        neighbours: how many similar products each product keeps.
        recent_days: how long a look counts; its weight falls in proportion.
    """

    name = "sessions"

    def __init__(self, *, neighbours: int = 50, recent_days: int = 14) -> None:
        self.neighbours, self.recent_days = neighbours, recent_days

    def _near(self, history: History) -> tuple[Ids, csr_matrix, csr_matrix]:
        users, products = history.interactions.counts.shape
        looks = _looks(history.views)
        heads = looks.select("row", "column").unique()["column"].to_numpy()
        known = np.bincount(heads, minlength=products) >= MIN_BUYERS
        columns = np.unique(looks["column"].to_numpy()).astype(np.int32)
        together = _together(looks.filter(pl.Series(known).gather(looks["column"])), products)[:, columns]
        with one_blas_thread():
            near = nearest(together, self.neighbours)
        itself = csr_matrix(eye_array(len(columns), dtype=np.float32))
        left = self.recent_days - (history.end - 1 - pl.col("day"))
        recent = looks.with_columns(pl.col("strength") * left / self.recent_days).filter(left > 0)
        place = (recent["row"].to_numpy(), recent["column"].to_numpy())
        bags = csr_matrix((recent["strength"].to_numpy(), place), shape=(users, products))[:, columns]
        return columns, ordered(bags), csr_matrix(near + itself)


def _looks(views: pl.DataFrame) -> pl.DataFrame:
    """The strongest look of each customer, product and day: `row`, `column`, `day`, `strength`, sorted."""
    strength = pl.col("kind").replace_strict(STRENGTH, default=1.0, return_dtype=pl.Float64)
    return views.group_by("row", "column", "day").agg(strength=strength.max()).sort("row", "day", "column")


def _together(looks: pl.DataFrame, products: int) -> csr_matrix:
    """Days of customers by products, each product of length 1; products of columns are cosines."""
    session = looks.select(pl.struct("row", "day").rle_id()).to_series().to_numpy().astype(np.int64)
    column = looks["column"].to_numpy()
    length = np.sqrt(np.bincount(column, minlength=products))
    ones = np.ones(len(column))
    shape = (int(session.max(initial=-1)) + 1, products)
    return csr_matrix(
        csr_matrix((ones, (session, column)), shape=shape) @ diags_array(1 / np.maximum(length, 1))
    )
