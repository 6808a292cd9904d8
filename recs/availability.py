"""What a customer can get: products that are on sale, in the market the customer buys in.

A product is off for everyone when the product table says so, or when it comes later than the day. It is
off in a market when the latest word of the availability table before the day's end says so. A customer
whose market nobody knows gets only what no market has off.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recs.protocol import Mask


@dataclass(frozen=True)
class Availability:
    """Which products each customer may be shown.

    Attributes:
        base: (I,) products that are not off for everyone.
        off: for each group of customers the columns that are off besides.
        groups: (U,) the group of each customer, an index into `off`.
    """

    base: Mask
    off: tuple[NDArray[np.int64], ...]
    groups: NDArray[np.int64]

    def mask(self, group: int) -> Mask:
        """What the customers of a group may be shown, (I,)."""
        mask: Mask = np.array(self.base)
        mask[self.off[group]] = False
        return mask

    def masks(self) -> Iterator[tuple[NDArray[np.int64], Mask]]:
        """Rows that share a mask, ascending, and that mask, (I,)."""
        for group in range(len(self.off)):
            rows = np.flatnonzero(self.groups == group)
            if len(rows):
                yield rows, self.mask(group)


def on_sale(products: pl.LazyFrame, end: datetime) -> pl.LazyFrame:
    """Per `product_id` whether it is `on_sale` to anyone at `end`; an unstated `available` means yes."""
    starts = pl.col("available_from")
    later = starts.is_not_null() & (starts >= pl.lit(end, dtype=pl.Datetime("us", "UTC")))
    return products.select("product_id", on_sale=pl.col("available").fill_null(True) & ~later)


def off_in_markets(availability: pl.LazyFrame) -> pl.LazyFrame:
    """The (product_id, market) pairs whose latest word is "not available"."""
    return (
        availability.sort("effective_at")
        .group_by("product_id", "market")
        .agg(pl.col("available").last())
        .filter(~pl.col("available"))
        .select("product_id", "market")
    )


def availability(base: Mask, off: pl.DataFrame, markets: pl.Series) -> Availability:
    """Sorts customers into groups that share what is off.

    Args:
        base: (I,) products that are on sale at all.
        off: (column, market) pairs.
        markets: (U,) the market of each customer, null where unknown.
    """
    by_market = off.group_by("market").agg(pl.col("column").unique().sort()).sort("market")
    everywhere = np.unique(off["column"].to_numpy()).astype(np.int64)
    columns = [np.empty(0, np.int64), everywhere]
    columns += [np.asarray(some, np.int64) for some in by_market["column"].to_list()]
    names = by_market["market"].to_list()
    groups = markets.replace_strict(
        [None, *names], list(range(1, len(names) + 2)), default=0, return_dtype=pl.Int64
    )
    return Availability(base, tuple(columns), groups.to_numpy())
