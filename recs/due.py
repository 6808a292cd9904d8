"""Which of their products a customer need not be shown to buy again yet.

A durable (`consumable` is false) does not return. A consumable rests until a share of the usual time between
its purchases will be over within the week that a list is looked at. The usual time is the customer's own
median gap, else, where they bought it on one day only, the median over customers; where nobody knows, it is
due. Of products that are neither, the model says when.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recs.history import History

DAYS_AHEAD = 7
"""A list made tonight is for the shopping of the coming week."""


def resting(history: History, share: float) -> NDArray[np.bool_]:
    """For each row of `history.pairs` whether it stays out of `buy_again`, (P,).

    Args:
        history: what was bought when, and which products are consumable.
        share: of the usual gap, 0 … 1; 0 lets every consumable return at once.
    """
    consumable = history.catalogue["consumable"]
    usual = pl.coalesce("gap_median", pl.col("gap_median").median().over("column"))
    age = history.end - pl.col("last") + DAYS_AHEAD
    kind = consumable.gather(history.pairs["column"])
    return (
        history.pairs.with_columns(kind)
        .select(
            pl.when("consumable")
            .then(age < share * usual)
            .otherwise(pl.col("consumable").not_())
            .fill_null(value=False)
        )
        .to_series()
        .to_numpy()
    )
