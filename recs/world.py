"""What a night's recommendations are made from: history, catalogue and availability as of a day."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import polars as pl

from features.choices import consents_of_day
from features.events import bought, seen
from features.interactions import Interactions
from features.sensitive import is_sensitive
from recs import prices
from recs.availability import Availability, availability, off_in_markets, on_sale
from recs.consent import impersonal
from recs.history import CATALOGUE, LINES, VIEWS, History
from recs.local import Local
from recs.shop import Shop
from warehouse import clock
from warehouse.lake import Lake
from warehouse.settings import Settings

_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class World:
    """Everything a bundle is made from.

    Attributes:
        day: everything is as of the end of this day.
        history: all known customers, also those who never bought, and all known products, also those
            nobody bought yet.
        shop: what may be shown to whom, and what reasons may be told.
        data_hash: changes when any of this does.
    """

    day: date
    history: History
    shop: Shop
    data_hash: str

    @property
    def interactions(self) -> Interactions:
        """The history's counts and weights."""
        return self.history.interactions

    @property
    def catalogue(self) -> pl.DataFrame:
        """The history's products, one row per column."""
        return self.history.catalogue

    @property
    def available(self) -> Availability:
        """Which products each row may be shown."""
        return self.shop.available

    @property
    def nobody(self) -> int:
        """The row of the customer nobody knows."""
        return self.history.nobody


def load(settings: Settings, day: date) -> World:
    """The world of a day whose features were built.

    Raises:
        NotFoundError: the features of that day are not there.
    """
    lake = Lake.of(settings)
    visited = lake.get("customer_features", day).select("customer_id", visited="market").collect()
    found = history(settings, day)
    markets = _markets(found.interactions.customers, _accounts(lake, day), visited)
    world = World(day, found, _shop(settings, lake, day, found, markets), "")
    return replace(world, data_hash=_hash(lake.version, world))


def history(settings: Settings, day: date) -> History:
    """All that was known of customers and products at the end of a day."""
    lake = Lake.of(settings)
    ids = (
        bought(lake, day)
        .select(pl.col("customer_id", "product_id", "market").unique().implode())
        .collect(engine="streaming")
    )
    buyers, sold, markets = (ids[name].explode().drop_nulls() for name in ids.columns)
    customers = pl.concat([buyers, _accounts(lake, day)["customer_id"]]).unique().sort()
    catalogue = _catalogue(lake, day, sold, settings.features.sensitive_words)
    vocabularies = {"customer_id": customers, "product_id": catalogue["product_id"], "market": markets.sort()}
    return History.of(
        number_of(day) + 1,
        (customers, catalogue),
        _lines(lake, day, vocabularies),
        _views(lake, day, vocabularies),
        settings.features.half_life_days,
    )


def number_of(day: date) -> int:
    """A day as days since 1970-01-01."""
    return (day - _EPOCH).days


def _numbers(name: str, vocabularies: dict[str, pl.Series]) -> pl.Expr:
    """A column's ids as their places in its vocabulary; null for one that is not in it."""
    return pl.col(name).cast(pl.Enum(vocabularies[name]), strict=False).to_physical().cast(pl.Int32)


def _day_number(name: str) -> pl.Expr:
    return pl.col(name).dt.date().cast(pl.Int32)


def _accounts(lake: Lake, day: date) -> pl.DataFrame:
    """`customer_id` and `market` of the accounts that were there by the end of the day."""
    unborn = pl.col("created_at") >= clock.end_of(day)
    known = seen(lake, "customers", day).filter(~unborn.fill_null(value=False))
    return known.select("customer_id", "market").collect()


def _lines(lake: Lake, day: date, vocabularies: dict[str, pl.Series]) -> pl.DataFrame:
    """`LINES`, sorted. Orders are told apart, and those of a day sorted, by a hash of their ids.

    Polars gives the same hash within one of its versions; another may order a day's baskets otherwise.
    """
    unit = pl.col("line_total_minor").cast(pl.Float64) / pl.col("quantity").cast(pl.Float64)
    order = ["row", "day", "_order", "column", "quantity", "unit_minor", "_currency"]
    found = (
        bought(lake, day)
        .select(
            row=_numbers("customer_id", vocabularies),
            column=_numbers("product_id", vocabularies),
            _order=pl.col("order_id").hash(),
            day=_day_number("purchased_at"),
            market=_numbers("market", vocabularies),
            quantity=pl.col("quantity").cast(pl.Float32),
            unit_minor=unit.cast(pl.Float32),
            _currency="currency",
        )
        .collect(engine="streaming")
        .sort(order)
    )
    usual = (
        found.group_by("column", "_currency")
        .len()
        .sort("column", "len", "_currency", descending=[False, True, False])
        .unique("column", keep="first")
        .select("column", "_currency", usual=True)
    )
    return (
        found.join(usual, on=["column", "_currency"], how="left", maintain_order="left")
        .with_columns(unit_minor=pl.when("usual").then("unit_minor"))
        .with_columns(order=pl.struct("row", "_order").rle_id().cast(pl.Int32))
        .select(pl.col(name).cast(dtype) for name, dtype in LINES.items())
    )


def _views(lake: Lake, day: date, vocabularies: dict[str, pl.Series]) -> pl.DataFrame:
    """`VIEWS` of known customers and products, sorted."""
    return (
        seen(lake, "views", day)
        .select(
            row=_numbers("customer_id", vocabularies),
            column=_numbers("product_id", vocabularies),
            day=_day_number("viewed_at"),
            kind="kind",
        )
        .select(list(VIEWS))
        .drop_nulls(["row", "column"])
        .collect(engine="streaming")
        .sort("row", "day", "column", "kind")
    )


def _catalogue(lake: Lake, day: date, sold: pl.Series, sensitive_words: tuple[str, ...]) -> pl.DataFrame:
    """`CATALOGUE` of the products of the product table and those that were bought."""
    described = seen(lake, "products", day)
    texts = described.select(
        *("product_id", "title", "category", "department", "brand", "consumable"),
        is_sensitive(sensitive_words).alias("sensitive"),
    ).collect()
    return (
        pl.concat([sold, texts["product_id"]])
        .unique()
        .sort()
        .to_frame("product_id")
        .join(texts, on="product_id", how="left", maintain_order="left")
        .with_columns(
            pl.coalesce("title", "product_id").alias("title"),
            pl.col("sensitive").fill_null(False),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in CATALOGUE.items())
    )


def _shop(settings: Settings, lake: Lake, day: date, found: History, markets: pl.Series) -> Shop:
    """What may be shown to whom, by what was known at the end of the day."""
    names = bought(lake, day).select(pl.col("market").unique().sort()).collect()["market"].to_list()
    numbers = {name: number for number, name in enumerate(names)}
    home = markets.replace_strict(numbers, default=-1, return_dtype=pl.Int32).fill_null(-1)
    customers, products = found.interactions.customers, found.catalogue["product_id"]
    required = settings.recs.require_personalisation_consent
    return Shop.of(
        found,
        settings.recs,
        _available(lake, day, found.catalogue, markets),
        prices.load(lake, day, products, markets),
        impersonal(consents_of_day(settings, lake, day), customers, required=required),
        Local.of(home.to_numpy()).fit(found),
        markets,
    )


def _markets(customers: pl.Series, homes: pl.DataFrame, visited: pl.DataFrame) -> pl.Series:
    """The market of each customer and of nobody: their own, else where they buy, else unknown."""
    found = (
        customers.to_frame("customer_id")
        .join(homes, on="customer_id", how="left", maintain_order="left")
        .join(visited, on="customer_id", how="left", maintain_order="left")
        .select(pl.coalesce("market", "visited").alias("market"))["market"]
    )
    return pl.concat([found, pl.Series("market", [None], dtype=pl.String)])


def _available(lake: Lake, day: date, catalogue: pl.DataFrame, markets: pl.Series) -> Availability:
    """What is on sale; a product that the product table does not have is."""
    columns = catalogue.lazy().select("product_id").with_row_index("column")
    described = on_sale(seen(lake, "products", day), clock.end_of(day))
    for_sale = columns.join(described, on="product_id", how="left", maintain_order="left")
    base = for_sale.select(pl.col("on_sale").fill_null(True)).collect()["on_sale"].to_numpy()
    off = off_in_markets(seen(lake, "availability", day)).join(columns, on="product_id")
    return availability(base, off.select("column", "market").collect(), markets)


def _hash(version: str, world: World) -> str:
    """SHA-256 over the lake's version and everything that a bundle is made from.

    Who is impersonal need not follow from the lake: customers also say so at their own links.
    """
    digest = hashlib.sha256(version.encode())
    history = world.history
    frames = (history.interactions.customers.to_frame(), history.catalogue, history.lines, history.views)
    for frame in frames:
        for column in frame.iter_columns():
            digest.update(column.name.encode())
            for part in _plain(column):
                digest.update(part)
    available = world.shop.available
    for array in (available.base, available.groups, *available.off, world.shop.impersonal):
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _plain(column: pl.Series) -> Iterator[bytes]:
    """The values of a column as bytes; a frame's own bytes also depend on what lies under its nulls."""
    if column.dtype == pl.String:
        yield column.str.len_bytes().cast(pl.Int64).fill_null(-1).to_numpy().tobytes()
        yield "".join(column.drop_nulls()).encode()
        return
    values = column.cast(pl.UInt8) if column.dtype == pl.Boolean else column
    yield values.is_null().cast(pl.UInt8).to_numpy().tobytes()
    yield values.fill_null(0).to_numpy().tobytes()
