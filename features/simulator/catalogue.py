"""What the crowd buys: products that never get cheaper, and whose kinds cannot be mistaken for one another.

A list price only ever rises. A product that is sometimes on promotion is looked at by nobody; one that is out
of stock stays so, and is bought by nobody. Every title has an invented word of its own.
"""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.simulator.calibration import (
    POPULARITY_BREAK,
    POPULARITY_HEAD,
    POPULARITY_TAIL,
    PRICE_LOG_MEAN,
    PRICE_SIGMA,
)
from features.simulator.ids import PLACES, Ids
from features.simulator.nights import Nights
from features.simulator.tables import MONEY

MARKETS = ("north", "south", "east")
CURRENCIES = ("EUR", "EUR", "USD")
HISTORY = 120
"""Days of traffic before the first night."""

DAY_US = 86_400_000_000
NEW, OUT, PROMOTED = 0, 1, (2, 3, 4, 5)
"""Of every 20 products one is new (nobody bought it), one out of stock, four are sometimes on promotion."""

_LISTED = timedelta(days=300)
_WEEK = 7 * DAY_US
_AISLES = (
    *(("GROCERY", "PANTRY"), ("GROCERY", "CEREAL"), ("GROCERY", "COFFEE AND TEA"), ("DELI", "CHEESE")),
    *(("PRODUCE", "FRUIT"), ("PRODUCE", "VEGETABLES"), ("BAKERY", "BREAD"), ("HOUSEHOLD", "PAPER")),
)
_BRANDS = ("Brightwater", "Meadowlark", "Oldmill", "Harbour Lane", "Greenfield", "Northstar")
_SIZES = ("500 g", "1 kg", "250 g", "1 l", "750 ml", "6 ct", "12 ct", None)


@dataclass(frozen=True)
class Catalogue:
    """What is sold, by column; prices are whole minor units per market.

    Attributes:
        start: the number of the first product.
        seed: where chance begins.
        reach: (I,) how much of all purchases the products up to each get, ascending to 1.
        seen: (V,) products that are looked at.
        price: (I, 3) the list price of each market before its rise.
        rise: (I, 3) when it rises by a twentieth, in microseconds since 1970.
        promotion: (I, 3) when a week of a quarter off begins; 0: never.
    """

    start: int
    seed: int
    reach: NDArray[np.float64]
    seen: NDArray[np.int64]
    price: NDArray[np.int64]
    rise: NDArray[np.int64]
    promotion: NDArray[np.int64]

    @classmethod
    def of(cls, products: int, start: int, nights: Nights, seed: int) -> "Catalogue":
        """A catalogue of that many products."""
        chance = np.random.default_rng([seed, 1])
        kind = np.arange(products) % 20
        rank = chance.permutation(products) + 1
        tail = (rank / POPULARITY_BREAK) ** -POPULARITY_TAIL
        weight = np.where(rank < POPULARITY_BREAK, (rank / POPULARITY_BREAK) ** -POPULARITY_HEAD, tail)
        reach = np.cumsum(np.where(np.isin(kind, (NEW, OUT)), 0.0, weight))
        base = np.exp(chance.normal(PRICE_LOG_MEAN, PRICE_SIGMA, products)) * 100
        price = np.maximum(base[:, None] * np.array([1.0, 1.04, 1.1]), 20).astype(np.int64)
        shape = (products, len(MARKETS))
        promotion = np.where(np.isin(kind, PROMOTED)[:, None], _evenly(shape, nights, chance), 0)
        seen = np.flatnonzero(~np.isin(kind, PROMOTED))
        return cls(start, seed, reach / reach[-1], seen, price, _evenly(shape, nights, chance), promotion)

    @property
    def products(self) -> int:
        """How many there are, besides shipping."""
        return len(self.price)

    def pick(self, chance: np.random.Generator, many: int) -> NDArray[np.int64]:
        """Products that are bought, by popularity."""
        return np.searchsorted(self.reach, chance.random(many), side="right").astype(np.int64)

    def paid(
        self, product: NDArray[np.int64], market: NDArray[np.int64], at: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """What one unit costs at a moment."""
        base = self.price[product, market]
        listed = np.where(at >= self.rise[product, market], _risen(base), base)
        began = self.promotion[product, market]
        reduced = (began > 0) & (at >= began) & (at < began + _WEEK)
        return np.where(reduced, base * 3 // 4, listed)

    def table(self, ids: Ids) -> pl.DataFrame:
        """The crowd's products, and shipping as the last one; with `number`."""
        chance = np.random.default_rng([self.seed, 2])
        many = self.products
        aisle = chance.integers(0, len(_AISLES), many).tolist()
        brand, size = (chance.integers(0, len(of), many).tolist() for of in (_BRANDS, _SIZES))
        frame = pl.DataFrame(
            {
                "number": np.arange(self.start, self.start + many),
                "department": [_AISLES[at][0] for at in aisle],
                "category": [_AISLES[at][1] for at in aisle],
                "brand": [_BRANDS[at] for at in brand],
                "package_size": [_SIZES[at] for at in size],
            }
        )
        shipping = pl.DataFrame({"number": [self.start + many], "brand": ["Shipping"]})
        both = pl.concat([frame, shipping], how="diagonal")
        return both.with_columns(
            title_number=pl.col("number"),
            available=pl.lit(value=True),
            product_id=ids.of("product", pl.col("number") * PLACES),
        )

    def prices(self, ids: Ids, nights: Nights) -> pl.DataFrame:
        """Raw rows of the table of prices."""
        number = np.repeat(np.arange(self.start, self.start + self.products), len(MARKETS))
        market = np.tile(np.arange(len(MARKETS)), self.products)
        base, rise, promotion = self.price.ravel(), self.rise.ravel(), self.promotion.ravel()
        listed = np.full(len(base), _us(nights) - _LISTED // timedelta(microseconds=1))
        reduced = promotion > 0
        parts = [
            _price_rows(number, market, base, listed, "list"),
            _price_rows(number, market, _risen(base), rise, "list"),
            _price_rows(
                number[reduced], market[reduced], (base * 3 // 4)[reduced], promotion[reduced], "promotion"
            ),
        ]
        return pl.concat(parts).with_columns(product_id=ids.of("product", pl.col("product_id") * PLACES))

    def availability(self, ids: Ids, nights: Nights) -> pl.DataFrame:
        """Raw rows of the table of availability: what went out of stock, for good."""
        gone = np.arange(self.start, self.start + self.products)[np.arange(self.products) % 20 == OUT]
        rows = pl.DataFrame({"product_id": gone}).join(pl.DataFrame({"market": MARKETS}), how="cross")
        return rows.with_columns(
            product_id=ids.of("product", pl.col("product_id") * PLACES),
            effective_at=pl.lit(nights.end - timedelta(days=40)),
            available=pl.lit(value=False),
        )


def _us(nights: Nights) -> int:
    return int(nights.end.timestamp()) * 1_000_000


def _risen(price: NDArray[np.int64]) -> NDArray[np.int64]:
    return price + price // 20 + 1


def _evenly(shape: tuple[int, int], nights: Nights, chance: np.random.Generator) -> NDArray[np.int64]:
    """Moments spread evenly over history and nights, so that every day brings as many prices as others."""
    many = shape[0] * shape[1]
    place = (chance.permutation(many) + chance.random(many)) / many
    span = (HISTORY + nights.many) * DAY_US
    began: NDArray[np.int64] = (_us(nights) - HISTORY * DAY_US + place * span).astype(np.int64)
    return began.reshape(shape)


def _price_rows(
    number: NDArray[np.int64],
    market: NDArray[np.int64],
    price: NDArray[np.int64],
    at: NDArray[np.int64],
    kind: str,
) -> pl.DataFrame:
    began = pl.Series(at).cast(pl.Datetime("us", "UTC"))
    ends = began.dt.offset_by("7d") if kind == "promotion" else pl.Series([None], dtype=began.dtype)
    return pl.DataFrame(
        {
            "product_id": number,
            "market": pl.Series(MARKETS).gather(market),
            "currency": pl.Series(CURRENCIES).gather(market),
            "kind": pl.repeat(kind, len(price), eager=True),
            "effective_at": began,
            "price": major(pl.Series(price)),
            "ends_at": ends if kind == "promotion" else ends.extend_constant(None, len(price) - 1),
        }
    )


def major(minor: pl.Series) -> pl.Series:
    """Whole cents as a decimal of the currency."""
    return (minor.cast(MONEY) / 100).cast(MONEY)
