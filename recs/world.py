"""What a night's recommendations are made from: interactions, catalogue and availability as of a day."""

import hashlib
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix

from features import purchases
from features.events import bought, seen
from features.interactions import Interactions, from_features
from features.sensitive import is_sensitive
from recs.availability import Availability, availability, off_in_markets, on_sale
from warehouse import clock
from warehouse.lake import Lake
from warehouse.settings import Settings


@dataclass(frozen=True)
class World:
    """Everything a bundle is made from.

    Attributes:
        day: everything is as of the end of this day.
        interactions: all known customers, also those who never bought; its matrices have one more row
            for nobody: any customer the bundle does not know.
        baskets: (customers, products) int32, in how many baskets each pair was bought.
        last_days: (customers, products) int32, the day of the last of them, as days since 1970-01-01.
        catalogue: `product_id`, `title`, `category`, `sensitive`, `customers` (who bought it) per column.
        available: which products each row may be shown.
        data_hash: changes when any of this does.
    """

    day: date
    interactions: Interactions
    baskets: csr_matrix
    last_days: csr_matrix
    catalogue: pl.DataFrame
    available: Availability
    data_hash: str

    @property
    def nobody(self) -> int:
        """The row of the customer nobody knows."""
        return len(self.interactions.customers)


def load(settings: Settings, day: date) -> World:
    """The world of a day whose features were built.

    Raises:
        NotFoundError: the features of that day are not there.
    """
    lake = Lake.of(settings)
    pairs = (
        lake.get("customer_product_features", day)
        .select("customer_id", "product_id", "lines", "weight", "baskets", _day_number("last_at"))
        .collect()
    )
    unborn = pl.col("created_at") >= clock.end_of(day)
    known = seen(lake, "customers", day).filter(~unborn.fill_null(value=False))
    homes = known.select("customer_id", "market").collect()
    customers = pl.concat([pairs["customer_id"], homes["customer_id"]]).unique().sort()
    interactions = widened(from_features(pairs), customers)
    catalogue = _catalogue(lake, day, interactions, settings.features.sensitive_words)
    facts = pairs.select(pl.col("baskets", "last_at").cast(pl.Int32)).rechunk()
    available = _available(lake, day, catalogue, _markets(lake, day, customers, homes))
    world = World(
        day=day,
        interactions=interactions,
        baskets=_beside(interactions, facts["baskets"]),
        last_days=_beside(interactions, facts["last_at"]),
        catalogue=catalogue.drop("on_sale"),
        available=available,
        data_hash="",
    )
    return replace(world, data_hash=_hash(lake.version, world))


def earlier(settings: Settings, day: date) -> Interactions:
    """The interactions as they looked at the end of any day, built from the lines themselves."""
    lines = bought(Lake.of(settings), day)
    ids = purchases.collect_ids(lines)
    half_life = settings.features.half_life_days
    pairs = purchases.customer_product(lines, clock.end_of(day), half_life, ids)
    columns = ["customer_id", "product_id", "lines", "weight"]
    return from_features(pairs.select(columns).collect(engine="streaming"))


def widened(interactions: Interactions, customers: pl.Series) -> Interactions:
    """The same interactions with empty rows for customers who never bought, and one last row for nobody.

    Args:
        interactions: rows of those who bought.
        customers: all ids, sorted; those who bought are among them.
    """
    rows = interactions.customers.cast(pl.Enum(customers)).to_physical().to_numpy()
    lengths = np.zeros(len(customers) + 1, np.int64)
    lengths[rows] = np.diff(interactions.counts.indptr)
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    shape = (len(customers) + 1, interactions.counts.shape[1])
    counts, weights = (
        csr_matrix((matrix.data, matrix.indices, indptr), shape=shape)
        for matrix in (interactions.counts, interactions.weights)
    )
    return Interactions(customers, interactions.products, counts, weights)


def _beside(interactions: Interactions, values: pl.Series) -> csr_matrix:
    """More values for the same pairs."""
    counts = interactions.counts
    return csr_matrix((values.to_numpy(), counts.indices, counts.indptr), shape=counts.shape)


def _day_number(name: str) -> pl.Expr:
    return pl.col(name).dt.date().cast(pl.Int32)


def _catalogue(
    lake: Lake, day: date, interactions: Interactions, sensitive_words: tuple[str, ...]
) -> pl.DataFrame:
    """One row per column; a product the product table does not have is on sale and called by its id."""
    described = seen(lake, "products", day)
    hidden = is_sensitive(sensitive_words).alias("sensitive")
    texts = described.select("product_id", "title", "category", hidden).collect()
    sold = on_sale(described, clock.end_of(day)).collect()
    buyers = np.bincount(interactions.counts.indices, minlength=len(interactions.products))
    return (
        pl.DataFrame({"product_id": interactions.products, "customers": buyers.astype(np.int32)})
        .join(texts, on="product_id", how="left", maintain_order="left")
        .join(sold, on="product_id", how="left", maintain_order="left")
        .select(
            "product_id",
            pl.coalesce("title", "product_id").alias("title"),
            "category",
            pl.col("sensitive").fill_null(False),
            "customers",
            pl.col("on_sale").fill_null(True),
        )
    )


def _markets(lake: Lake, day: date, customers: pl.Series, homes: pl.DataFrame) -> pl.Series:
    """The market of each customer and of nobody: their own, else where they buy, else unknown."""
    visited = lake.get("customer_features", day).select("customer_id", visited="market").collect()
    found = (
        customers.to_frame("customer_id")
        .join(homes, on="customer_id", how="left", maintain_order="left")
        .join(visited, on="customer_id", how="left", maintain_order="left")
        .select(pl.coalesce("market", "visited").alias("market"))["market"]
    )
    return pl.concat([found, pl.Series("market", [None], dtype=pl.String)])


def _available(lake: Lake, day: date, catalogue: pl.DataFrame, markets: pl.Series) -> Availability:
    columns = catalogue.lazy().select("product_id").with_row_index("column")
    off = off_in_markets(seen(lake, "availability", day)).join(columns, on="product_id")
    return availability(catalogue["on_sale"].to_numpy(), off.select("column", "market").collect(), markets)


def _hash(version: str, world: World) -> str:
    """SHA-256 over the lake's version and everything that a bundle is made from."""
    digest = hashlib.sha256(version.encode())
    for frame in (world.interactions.customers.to_frame(), world.catalogue):
        digest.update(frame.rechunk().write_ipc(None).getvalue())
    counts, available = world.interactions.counts, world.available
    values = (counts.data, world.interactions.weights.data, world.baskets.data, world.last_days.data)
    for array in (counts.indptr, counts.indices, *values, available.base, available.groups, *available.off):
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
