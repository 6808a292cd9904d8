"""What products cost where a customer buys: the list price in force, else what was last paid for one unit.

Prices of a market are in its currency, the one that most of its lines are in. Where a market has no price of
a product, the last one paid elsewhere in that currency stands in. A customer whose market is unknown is told
the prices of the currency that the shop sells most in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from features.events import bought, seen
from features.money import MICRO, half_up, micros, minor_per_major
from warehouse import clock
from warehouse.lake import Lake

Money = NDArray[np.float64]


@dataclass(frozen=True)
class Prices:
    """Prices by market and product.

    Attributes:
        currencies: codes, the one that the shop sells most in first.
        currency: (M,) the currency of each market.
        home: (U,) the market of each row, -1 where unknown.
        local: (M, I) float64 minor units; 0 is a price, what is not stored is unknown.
        anywhere: (currencies, I) float64 minor units, NaN where unknown.
    """

    currencies: tuple[str, ...]
    currency: NDArray[np.int32]
    home: NDArray[np.int32]
    local: csr_matrix
    anywhere: Money

    def at(self, market: int) -> tuple[Money, str]:
        """The price of each product in a market (-1: unknown), (I,), NaN where unknown; and its currency."""
        if not self.currencies:
            return np.full(self.local.shape[1], np.nan), ""
        number = int(self.currency[market]) if market >= 0 else 0
        price: Money = np.array(self.anywhere[number])
        if market >= 0:
            own = slice(self.local.indptr[market], self.local.indptr[market + 1])
            price[self.local.indices[own]] = self.local.data[own]
        return price, self.currencies[number]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything as plain arrays, for `restored`."""
        return {
            "price_currencies": np.array(self.currencies, dtype="U3"),
            "price_currency": self.currency,
            "price_home": self.home,
            "price_indptr": self.local.indptr,
            "price_indices": self.local.indices,
            "price_data": self.local.data,
            "price_anywhere": self.anywhere,
        }

    @classmethod
    def restored(cls, arrays: Mapping[str, NDArray[Any]]) -> "Prices":
        """What `arrays` gave."""
        indptr, anywhere = arrays["price_indptr"], arrays["price_anywhere"]
        parts = (arrays["price_data"], arrays["price_indices"], indptr)
        local = csr_matrix(parts, shape=(len(indptr) - 1, anywhere.shape[1]))
        codes = tuple(arrays["price_currencies"].tolist())
        return cls(codes, arrays["price_currency"], arrays["price_home"], local, anywhere)


def load(lake: Lake, day: date, products: pl.Series, homes: pl.Series) -> Prices:
    """The prices as of the end of a day.

    Args:
        lake: where purchases and prices are.
        day: the day.
        products: ids, sorted.
        homes: (U,) the market of each row, null where unknown.
    """
    lines, listed = _paid(lake, day), _listed(lake, day)
    counted = pl.concat([lines.select(_COUNT), listed.select(_COUNT)])
    usual = _most(counted, "market", "currency")
    known = (
        pl.concat([lines.select(_PRICE), listed.select(_PRICE)])
        .join(usual, on=["market", "currency"], how="semi", maintain_order="left")
        .unique(["market", "product_id"], keep="last", maintain_order=True)
    )
    codes = tuple(_total(counted, "currency")["currency"].reverse().to_list())
    number = {name: place for place, name in enumerate(usual["market"].to_list())}
    place = pl.col("market").replace_strict(number, default=-1, return_dtype=pl.Int32)
    column = products.to_frame("product_id").with_row_index("column")
    cells = known.with_columns(place.alias("row")).join(column, on="product_id").sort("row", "column")
    local = csr_matrix(
        (cells["minor"].to_numpy(), (cells["row"].to_numpy(), cells["column"].to_numpy())),
        shape=(usual.height, len(products)),
    )
    home = homes.replace_strict(number, default=-1, return_dtype=pl.Int32).fill_null(-1)
    currency = np.array([codes.index(code) for code in usual["currency"].to_list()], np.int32)
    return Prices(codes, currency, home.to_numpy(), local, _anywhere(lines, column, codes))


_PRICE = ("market", "currency", "product_id", "minor")
_COUNT = ("market", "currency", "lines")


def _total(counted: pl.DataFrame, *by: str) -> pl.DataFrame:
    """Lines by some columns, fewest first."""
    return counted.group_by(by).agg(pl.col("lines").sum()).sort("lines", *by)


def _most(counted: pl.DataFrame, of: str, name: str) -> pl.DataFrame:
    """For each `of` the `name` with most lines, sorted by `of`."""
    return _total(counted, of, name).group_by(of).agg(pl.col(name).last()).sort(of)


def _paid(lake: Lake, day: date) -> pl.DataFrame:
    """`_PRICE` of the last line of each product, market and currency, its time, and how many `lines`."""
    unit = pl.col("line_total_minor").cast(pl.Float64) / pl.col("quantity").cast(pl.Float64)
    return (
        bought(lake, day)
        .select("market", "currency", "product_id", "purchased_at", minor=unit)
        .sort("purchased_at", "minor")
        .group_by("market", "currency", "product_id")
        .agg(pl.col("minor", "purchased_at").last(), lines=pl.len())
        .collect()
        .sort("purchased_at", "market", "minor")
    )


def _listed(lake: Lake, day: date) -> pl.DataFrame:
    """`_PRICE` of the newest list prices in force at the end of the day."""
    over = pl.col("ends_at") <= clock.end_of(day)
    minor = half_up(micros(pl.col("price")) * minor_per_major(pl.col("currency")), pl.lit(MICRO))
    return (
        seen(lake, "prices", day)
        .filter(pl.col("kind") == "list", ~over.fill_null(value=False))
        .sort("effective_at")
        .group_by("market", "currency", "product_id", maintain_order=True)
        .agg(minor=minor.last().cast(pl.Float64), lines=pl.lit(0, dtype=pl.get_index_type()))
        .collect()
    )


def _anywhere(lines: pl.DataFrame, column: pl.DataFrame, codes: tuple[str, ...]) -> Money:
    """The last price paid in each currency, (currencies, I), NaN where there is none."""
    last = lines.unique(["currency", "product_id"], keep="last", maintain_order=True)
    found = np.full((len(codes), column.height), np.nan)
    for number, code in enumerate(codes):
        paid = last.filter(currency=code).join(column, on="product_id")
        found[number, paid["column"].to_numpy()] = paid["minor"].to_numpy()
    return found
