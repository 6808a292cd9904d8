"""Brings live events into the lake, and forgets those that are there and no longer count live."""

from datetime import timedelta

import polars as pl
from sqlalchemy import bindparam, delete, select

from features.feeds import Delivery
from features.importing import has_purchases, take_in
from features.live import CHUNK, TABLE
from warehouse import clock
from warehouse.database import engine_for, reading, writing
from warehouse.lake import Lake
from warehouse.lease import hold
from warehouse.receipts import Receipt, recording
from warehouse.settings import Settings

_STORED = {
    "event_id": pl.Int64(),
    "customer_id": pl.String(),
    "product_id": pl.String(),
    "kind": pl.String(),
    "viewed_at": pl.Datetime("us", "UTC"),
    "received_at": pl.Datetime("us", "UTC"),
}
_FORGET = delete(TABLE).where(TABLE.c.event_id.between(bindparam("first"), bindparam("last")))
_FORGOTTEN_AT_ONCE = 10_000
"""Few enough that a shop that records meanwhile does not notice."""


def import_live(settings: Settings) -> Receipt | None:
    """Brings looks of live events into the lake's `views`; `None` where there are no events.

    They pass the wall like any feed. Purchases do not reach the lake: the shop's own feed brings them, with
    prices; until then they count in live answers only. Events stay in the database for `recs.live_hours`, so
    each is brought more than once, and the lake takes it once. What a killed run brought and did not forget,
    the next one forgets.

    Raises:
        LeaseHeldError: another run is at work on the features of this home.
    """
    with hold(settings, "features"):
        stored = _stored(settings)
        if stored.is_empty():
            return None
        with recording(settings, "import_live") as receipt:
            looks = stored.filter(pl.col("kind") != "buy")
            receipt.rows_in["views"] = looks.height
            receipt.numbers["purchases for live answers"] = stored.height - looks.height
            if looks.height and not has_purchases(Lake.of(settings)):
                receipt.warnings.append(
                    f"{looks.height} live events wait in the database: a first import needs purchases; "
                    "they reach the lake in the first night after it"
                )
                return receipt
            if looks.height:
                views = looks.lazy().select("customer_id", "product_id", "viewed_at", "kind")
                take_in(settings, Delivery("live events", {"views": views}), receipt, may_be_refused=True)
            old = clock.now() - timedelta(hours=settings.recs.live_hours)
            receipt.numbers["forgotten"] = _forget(settings, stored.filter(pl.col("received_at") < old))
            return receipt


def _stored(settings: Settings) -> pl.DataFrame:
    """All stored events, by number."""
    names = ("event_id", "customer_id", "product_id", "kind", "at", "received_at")
    query = select(*(TABLE.c[name] for name in names)).order_by(TABLE.c.event_id)
    with reading(engine_for(settings)) as session:
        found = session.execute(query, execution_options={"yield_per": CHUNK})
        parts = [
            pl.DataFrame([tuple(row) for row in rows], schema=_STORED, orient="row")
            for rows in found.partitions()
        ]
    return pl.concat([pl.DataFrame(schema=_STORED), *parts])


def _forget(settings: Settings, events: pl.DataFrame) -> int:
    """Deletes exactly these events, as ranges of numbers without a gap.

    A number that was not seen is not deleted: its event may have been committed since.
    """
    place = pl.int_range(pl.len())
    ranges = (
        events.select("event_id", part=place // _FORGOTTEN_AT_ONCE, run=pl.col("event_id") - place)
        .group_by("part", "run", maintain_order=True)
        .agg(first=pl.col("event_id").first(), last=pl.col("event_id").last())
    )
    for part in ranges.partition_by("part", maintain_order=True):
        with writing(engine_for(settings)) as session:
            session.connection().execute(_FORGET, part.select("first", "last").to_dicts())
    return events.height
