"""`recurring_trouble` (advice): more goes wrong than before, so a person should call.

The rule stands in `docs/savings/README.md`, and `docs/savings/recurring_trouble.md` explains it to people.
"""

from datetime import date, timedelta

import polars as pl

from outreach.ids import content_ids
from outreach.opportunities import claims, evidence, settings_text
from outreach.world import World
from warehouse import clock
from warehouse.settings import OutreachSettings

KIND = "recurring_trouble"
LAST = timedelta(days=30)
BEFORE = timedelta(days=60)


def find(world: World, settings: OutreachSettings, day: date) -> pl.LazyFrame:
    """The calls of a day: one per customer in trouble, else one per customer and product in trouble."""
    happened = _incidents(world, day)
    own = happened.join(_recurring(happened, "customer_id", settings), on="customer_id")
    concerned = happened.join(_recurring(happened, "product_id", settings), on="product_id").join(
        own, on="customer_id", how="anti"
    )
    calls = pl.concat(
        [
            _calls(own.with_columns(product_id=pl.lit(None, dtype=pl.String)), "customer"),
            _calls(concerned, "product"),
        ]
    )
    named = calls.join(world.items, on="product_id", how="left")
    return claims(
        named.with_columns(
            opportunity_id=content_ids(KIND, "customer_id", "product_id"),
            kind=pl.lit(KIND),
            owed=pl.lit("advice"),
            held=pl.lit(value=False),
            facts=_facts(settings, day),
        )
    )


def _incidents(world: World, day: date) -> pl.LazyFrame:
    """Incidents of both spans, with `recent` and, where they name a line, its product."""
    end = clock.end_of(day)
    at = pl.col("occurred_at")
    within = world.incidents.filter(at >= end - LAST - BEFORE).select(
        "incident_id", "customer_id", "order_id", "line_id", recent=at >= end - LAST
    )
    lines = world.lines.select("order_id", "line_id", "product_id")
    return within.join(lines, on=["order_id", "line_id"], how="left")


def _recurring(happened: pl.LazyFrame, whose: str, settings: OutreachSettings) -> pl.LazyFrame:
    """Customers or products with enough incidents of late, and more than before: `incidents, before`."""
    return (
        happened.group_by(whose)
        .agg(incidents=pl.col("recent").sum().cast(pl.Int64), before=(~pl.col("recent")).sum().cast(pl.Int64))
        .filter(pl.col("incidents") >= settings.trouble_incidents, pl.col("incidents") > pl.col("before"))
    )


def _calls(happened: pl.LazyFrame, counted_by: str) -> pl.LazyFrame:
    """One row per customer and product with the customer's own incidents of late."""
    return (
        happened.filter("recent")
        .group_by("customer_id", "product_id", "incidents", "before")
        .agg(incident_ids=pl.col("incident_id").sort())
        .with_columns(counted_by=pl.lit(counted_by))
    )


def _facts(settings: OutreachSettings, day: date) -> pl.Expr:
    return evidence(
        {
            "rule": pl.lit("enough incidents in the last 30 days, and more than in the 60 days before these"),
            "item": pl.col("item"),
            "currency": pl.lit(None, dtype=pl.String),
            "counted_by": pl.col("counted_by"),
            "incidents": pl.col("incidents"),
            "incidents_before": pl.col("before"),
            "incident_ids": pl.col("incident_ids"),
            "settings": settings_text(day=day, trouble_incidents=settings.trouble_incidents),
        }
    )
