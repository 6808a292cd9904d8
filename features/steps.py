"""What the pipeline calls of this room: bring a feed in, and build the features of a day."""

import tempfile
from datetime import date
from pathlib import Path

import polars as pl

from features import purchases
from features.events import bought
from features.families import CustomerFeatures, CustomerProductFeatures, ProductFeatures
from features.feeds.folder import read_folder
from features.importing import bring_in
from features.live_import import import_live
from warehouse import clock
from warehouse.errors import ConflictError
from warehouse.lake import Lake
from warehouse.lease import hold
from warehouse.receipts import Receipt, recording
from warehouse.settings import Settings

__all__ = ["build_features", "import_feed", "import_live"]


def import_feed(settings: Settings) -> Receipt | None:
    """Imports the folder that `feed.path` names; `None` where none is set.

    Raises:
        FeedError: nothing of it could be imported.
    """
    return bring_in(settings, read_folder(Path(settings.feed.path))) if settings.feed.path else None


def build_features(settings: Settings, day: date) -> Receipt:
    """Builds the purchase features of a day from what happened before its end.

    Writes `customer_features`, `product_features` and `customer_product_features` for the day; none of them
    has rows where nothing was bought yet.

    Raises:
        ConflictError: the day has not ended yet. Its night would look like the newest for weeks to come.
    """
    if clock.end_of(day) > clock.now():
        raise ConflictError(f"{day} has not ended yet (UTC); a night is for a day that is over")
    with hold(settings, "features"), recording(settings, "features", day) as receipt:
        lake, end = Lake.of(settings), clock.end_of(day)
        lines = bought(lake, day)
        ids = purchases.collect_ids(lines)
        with tempfile.TemporaryDirectory(prefix="advocate-") as folder:
            pairs = _in_ranges(Path(folder), settings, lines, ids, day)
            receipt.artifacts["customer_product_features"] = lake.put("customer_product_features", day, pairs)
        pairs = lake.get("customer_product_features", day)
        customers = purchases.customer(lines, pairs, end)
        receipt.artifacts["customer_features"] = lake.put("customer_features", day, customers)
        receipt.artifacts["product_features"] = lake.put(
            "product_features", day, purchases.product(pairs, end)
        )
        receipt.rows_in["purchases"] = int(ids.customers["lines"].sum())
        for name, schema in (
            ("customer_features", CustomerFeatures),
            ("product_features", ProductFeatures),
            ("customer_product_features", CustomerProductFeatures),
        ):
            kept = lake.get(name, day)
            schema.validate(kept.head(0).collect())
            receipt.rows_out[name] = kept.select(pl.len()).collect().item()
        receipt.numbers["lake"] = lake.version
        return receipt


def _in_ranges(
    folder: Path, settings: Settings, lines: pl.LazyFrame, ids: purchases.Ids, day: date
) -> pl.LazyFrame:
    """The pair features, one range of customers after the other, each to a file of its own."""
    end, half_life = clock.end_of(day), settings.features.half_life_days
    files = []
    for number, customers in enumerate(ids.ranges()):
        part = purchases.customer_product(lines, end, half_life, ids, customers)
        if len(ids.customers) == len(customers):
            return part
        files.append(folder / f"{number:04d}.parquet")
        part.sink_parquet(files[-1], engine="streaming", compression="lz4")  # read once, soon
    return pl.scan_parquet(files) if files else purchases.customer_product(lines, end, half_life, ids)
