"""Purchases, views and changed prices in any number, as a home's lake and as plain files for a peer."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from advocate.database import upgrade
from features.contract import CONTRACTS
from warehouse import clock
from warehouse.lake import Lake, Table
from warehouse.settings import Settings
from warehouse.shelf import open_shelf

DAY = date(2025, 6, 30)
DAYS = 60
MARKETS = 5
CHUNK = 5_000_000
CHANGES = 30
"""A list price changes once, in so many last days."""

_DAY_US = 86_400_000_000
UTC = pl.Datetime("us", "UTC")


class NewRows(Lake):
    """A lake that is told, truly, that every row is new: the chunks need not be compared with each other."""

    def _fresh(self, table: Table, frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        return frame, frame.head(0).select(list(table.key) or frame.columns)


@dataclass(frozen=True)
class Shop:
    """What to make.

    Attributes:
        rows: purchases and views together, half of them each.
        days: over so many days before the end of `DAY`.
        goods: products in a market; as many customers. 0: a hundredth of the rows.
        seed: where chance begins.
    """

    rows: int
    days: int = DAYS
    goods: int = 0
    seed: int = 0

    @property
    def products(self) -> int:
        """How many products there are, each in every market."""
        return max((self.goods or self.rows // 100) // MARKETS, 1)

    @property
    def customers(self) -> int:
        """How many customers there are."""
        return max(self.goods or self.rows // 100, 1)

    @property
    def length_us(self) -> int:
        """All days in microseconds."""
        return self.days * _DAY_US

    @property
    def start(self) -> datetime:
        """When the first day begins."""
        return clock.start_of(DAY) - timedelta(days=self.days - 1)


def make(settings: Settings, plain: Path, shop: Shop) -> dict[str, int]:
    """Fills an empty home's lake, and a folder of plain files with the same rows, moments without a zone.

    For each product in a market there is a list price from before and one from within the last 30 days, three
    of ten of these lower.

    Returns:
        rows of each table.
    """
    upgrade(settings)
    lake = NewRows(open_shelf(settings.lake_location))
    counts: dict[str, int] = {}
    for place, (name, frame) in enumerate(_tables(np.random.default_rng(shop.seed), shop)):
        table = CONTRACTS[name].table
        lake.append({table: frame}, imported_at=clock.start_of(DAY), source=f"chunk {place}")
        _write_plain(plain, name, place, frame, table)
        counts[name] = counts.get(name, 0) + frame.height
    for name, contract in CONTRACTS.items():
        if name not in counts:
            _write_plain(plain, name, 0, pl.DataFrame(schema=contract.table.schema), contract.table)
    return counts


def _tables(random: np.random.Generator, shop: Shop) -> Iterator[tuple[str, pl.DataFrame]]:
    base = random.integers(100, 10_000, shop.products)
    yield "products", _products(shop.products)
    yield "customers", _ids("c", np.arange(shop.customers)).to_frame("customer_id")
    yield "prices", _prices(random, base, shop)
    for first in range(0, shop.rows // 2, CHUNK):
        size = min(CHUNK, shop.rows // 2 - first)
        yield "purchases", _purchases(random, first, size, base, shop)
        yield "views", _views(random, size, shop)


def _products(products: int) -> pl.DataFrame:
    ids = _ids("p", np.arange(products))
    return pl.DataFrame({"product_id": ids}).with_columns(available=pl.lit(value=True))


def _prices(random: np.random.Generator, base: np.ndarray, shop: Shop) -> pl.DataFrame:
    """For each product and market a list price from before all purchases, and one of the last 30 days."""
    product = np.repeat(np.arange(base.size), MARKETS)
    market = np.tile(np.arange(MARKETS), base.size)
    share = np.where(random.random(product.size) < 0.3, random.uniform(0.6, 0.99, product.size), 1.05)
    lately_us = CHANGES * _DAY_US
    changed_us = shop.length_us - lately_us + (random.random(product.size) * lately_us).astype(np.int64)
    old = pl.DataFrame({"product_id": _ids("p", product), "market": _ids("m", market)}).with_columns(
        currency=pl.lit("EUR"), kind=pl.lit("list")
    )
    cents = base[product]
    return pl.concat(
        [
            old.with_columns(
                effective_at=pl.lit(shop.start - timedelta(days=30), dtype=UTC), price=_decimal(cents)
            ),
            old.with_columns(
                effective_at=_moments(changed_us, shop),
                price=_decimal(np.maximum(cents * share, 1).astype(np.int64)),
            ),
        ]
    )


def _purchases(
    random: np.random.Generator, first: int, size: int, base: np.ndarray, shop: Shop
) -> pl.DataFrame:
    product = _popular(random, size, base.size)
    bought_us = np.sort(random.integers(0, shop.length_us, size))
    quantity = random.integers(1, 4, size)
    number = np.arange(first, first + size)
    on_the_way = random.integers(0, 10 * 86_400_000_000, size)
    frame = pl.DataFrame(
        {
            "order_id": _ids("o", number // 4),
            "line_id": (pl.Series(number % 4)).cast(pl.String),
            "customer_id": _ids("c", random.integers(0, shop.customers, size)),
            "product_id": _ids("p", product),
            "market": _ids("m", random.integers(0, MARKETS, size)),
            "quantity": _decimal(quantity * 100),
            "line_total_minor": pl.Series(base[product] * quantity, dtype=pl.Int64),
            "purchased_at": _moments(bought_us, shop),
            "dispatched_at": _moments(bought_us + on_the_way, shop),
        }
    )
    return frame.with_columns(
        currency=pl.lit("EUR"), kind=pl.lit("product"), returned_quantity=pl.lit(0).cast(pl.Decimal(18, 6))
    )


def _views(random: np.random.Generator, size: int, shop: Shop) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "customer_id": _ids("c", random.integers(0, shop.customers, size)),
            "product_id": _ids("p", _popular(random, size, shop.products)),
            "viewed_at": _moments(np.sort(random.integers(0, shop.length_us, size)), shop),
        }
    ).with_columns(kind=pl.lit("view"))


def _popular(random: np.random.Generator, size: int, products: int) -> np.ndarray:
    """Products as customers choose them: a few often, most seldom."""
    return (random.random(size) ** 3 * products).astype(np.int64)


def _ids(letter: str, numbers: np.ndarray) -> pl.Series:
    return pl.select(pl.format(letter + "{}", pl.Series(numbers))).to_series()


def _moments(microseconds: np.ndarray, shop: Shop) -> pl.Series:
    after = pl.lit(pl.Series(microseconds))
    return pl.select((shop.start + pl.duration(microseconds=after)).cast(UTC)).to_series()


def _decimal(cents: np.ndarray) -> pl.Series:
    return pl.Series(cents).cast(pl.Decimal(18, 6)) / pl.Series([100]).cast(pl.Decimal(18, 6))


def _write_plain(plain: Path, name: str, place: int, frame: pl.DataFrame, table: Table) -> None:
    folder = plain / name
    folder.mkdir(parents=True, exist_ok=True)
    moments = [column for column, dtype in table.schema.items() if isinstance(dtype, pl.Datetime)]
    unknown = [pl.lit(None, dtype=t).alias(c) for c, t in table.schema.items() if c not in frame.columns]
    whole = frame.with_columns(unknown).select(pl.col(c).cast(t) for c, t in table.schema.items())
    whole.with_columns(pl.col(moments).dt.replace_time_zone(None)).write_parquet(
        folder / f"{place:04d}.parquet"
    )
