"""Tiny retailers written row by row; whatever a row does not say has the contract's default."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal

import polars as pl

from features.contract import CONTRACTS
from features.events import with_kept_quantity
from features.sensitive import is_sensitive
from outreach import steps
from outreach.finders import FINDERS
from outreach.inputs import SCHEMAS, Inputs
from outreach.opportunities import Claims
from outreach.settling import settle
from outreach.world import AS_SEEN, World
from warehouse.lake import Lake, as_of
from warehouse.settings import FeatureSettings, OutreachSettings, Settings

DAY = date(2017, 11, 30)
END = datetime(2017, 12, 1, tzinfo=UTC)
MORNING = datetime(2017, 12, 1, 10, tzinfo=UTC)
EVERYTHING = OutreachSettings(
    hold_share=1,
    default_timezone="UTC",
    holdout_share=0,
    channels=("file",),
    shop_name="Corner Shop",
    opt_out="Answer STOP",
    postal_address="Corner Shop, 1 High Street, Springfield",
    cap_claim_minor={"default": 10**12},
    cap_claims=1000,
)

Rows = list[dict[str, Any]]
Engine = Literal["in-memory", "streaming"]

DEFAULTS: dict[str, dict[str, Any]] = {
    "purchases": {
        "line_id": "1",
        "customer_id": "ann",
        "product_id": "milk",
        "quantity": "1",
        "line_total_minor": 200,
        "currency": "USD",
        "purchased_at": "2017-11-20",
        "kind": "product",
        "market": "default",
    },
    "returns": {"line_id": "1", "quantity": "1"},
    "customers": {},
    "products": {"available": True},
    "prices": {
        "product_id": "milk",
        "market": "default",
        "currency": "USD",
        "kind": "list",
        "effective_at": "2017-01-01",
    },
    "offers": {"offer_id": "half", "kind": "coupon", "name": "half a dollar off"},
    "offer_products": {"offer_id": "half", "product_id": "milk"},
    "entitlements": {"customer_id": "ann", "offer_id": "half", "starts_at": "2017-11-01"},
    "entitlement_uses": {"used_at": "2017-11-02"},
    "consents": {"channel": "file", "purpose": "service", "recorded_at": "2017-01-01", "granted": True},
    "availability": {"product_id": "milk", "market": "default", "effective_at": "2017-01-01"},
    "views": {"customer_id": "ann", "product_id": "milk", "viewed_at": "2017-11-20", "kind": "view"},
    "usage": {"customer_id": "ann", "kind": "play", "at": "2017-11-20"},
    "incidents": {
        "incident_id": "1",
        "customer_id": "ann",
        "kind": "damaged",
        "severity": 4,
        "occurred_at": "2017-11-25",
    },
    "contacts": {"channel": "email", "purpose": "service"},
    "responses": {"at": "2017-11-01"},
}


def at(text: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def frame(name: str, rows: Rows) -> pl.DataFrame:
    """Rows of a contract table, with defaults, typed as the contract says."""
    schema = CONTRACTS[name].table.schema
    full = [
        {column: _typed(schema[column], value) for column, value in (DEFAULTS[name] | row).items()}
        for row in rows
    ]
    return pl.DataFrame(
        [{column: row.get(column) for column in schema} for row in full], schema=schema, orient="row"
    )


def _typed(dtype: pl.DataType, value: Any) -> Any:
    if isinstance(dtype, pl.Datetime) and isinstance(value, str):
        return at(value)
    return Decimal(value) if isinstance(dtype, pl.Decimal) and value is not None else value


def fill(settings: Settings, tables: Mapping[str, Rows]) -> None:
    """Puts rows into a home's lake as one import; columns that no row names are absent from the feed."""
    frames = {
        CONTRACTS[name].table: frame(name, rows).select(_named(name, rows)) for name, rows in tables.items()
    }
    Lake.of(settings).append(frames, imported_at=END, source="test")


def _named(name: str, rows: Rows) -> list[str]:
    given = DEFAULTS[name].keys() | {column for row in rows for column in row}
    return [column for column in CONTRACTS[name].table.schema if column in given]


def world(tables: Mapping[str, Rows], inputs: Mapping[str, Rows] | None = None) -> World:
    """A world in memory, as of the end of the day."""
    seen = {
        name: as_of(frame(name, tables.get(name, [])).lazy(), CONTRACTS[name].table, END) for name in DEFAULTS
    }
    given = inputs or {}
    frozen = {
        name: pl.LazyFrame(
            [{c: _typed(t, row.get(c)) for c, t in schema.items()} for row in given.get(name, [])],
            schema=schema,
        )
        for name, schema in SCHEMAS.items()
    }
    purchases = seen["purchases"].with_columns(
        pl.lit(any(name in row for row in tables.get("purchases", []))).alias(f"{name}_known")
        for name in ("dispatched_at", "delivered_at")
    )
    charges = with_kept_quantity(purchases, seen["returns"])
    hidden = is_sensitive(FeatureSettings().sensitive_words)
    return World(
        lines=charges.filter(pl.col("kind") == "product"),
        charges=charges,
        known=frozenset(tables),
        items=seen["products"].select("product_id", item=pl.when(~hidden).then("title")),
        buyers=seen["purchases"].select("customer_id").unique(),
        customers=seen["customers"],
        inputs=Inputs(**frozen),
        **{name: seen[name] for name in AS_SEEN},
    )


def found(
    kind: str, here: World, settings: OutreachSettings = EVERYTHING, engine: Engine = "in-memory"
) -> pl.DataFrame:
    """The opportunities of one kind on the day, as if there were no other kinds.

    A night computes them by streaming, which takes seven times as long in worlds as tiny as these. That both
    find the same is in the contract of finders.
    """
    claims = Claims.validate(FINDERS[kind].find(here, settings, DAY).collect(engine=engine)).lazy()
    return settle(claims, [kind], here, settings, DAY).collect(engine=engine)


def all_found(here: World, settings: OutreachSettings = EVERYTHING) -> pl.DataFrame:
    """The opportunities of all kinds on the day."""
    claims = [
        Claims.validate(one.find(here, settings, DAY).collect(engine="in-memory")) for one in FINDERS.values()
    ]
    return settle(pl.concat(claims).lazy(), list(FINDERS), here, settings, DAY).collect(engine="in-memory")


def consenting(
    *customers: str, purposes: tuple[str, ...] = ("service", "marketing"), channel: str = "file"
) -> Rows:
    """Consents of some customers to messages on a channel."""
    return [{"customer_id": c, "purpose": p, "channel": channel} for c in customers for p in purposes]


def night(settings: Settings, day: date = DAY) -> None:
    """Runs the three steps of a night."""
    steps.find(settings, day)
    steps.decide(settings, day)
    steps.prepare_batch(settings, day)


FALL = [{"price": "2.00"}, {"price": "1.50", "effective_at": "2017-11-25"}]
"""The list price of milk falls from 2.00 to 1.50 on 25 November."""


def shop(*customers: str) -> dict[str, Rows]:
    """Customers who agreed to everything and each bought one milk at 2.00 before its price fell to 1.50."""
    return {
        "purchases": [{"order_id": f"order of {c}", "customer_id": c} for c in customers],
        "prices": FALL,
        "products": [{"product_id": "milk", "title": "Fresh milk"}],
        "consents": consenting(*customers),
    }
