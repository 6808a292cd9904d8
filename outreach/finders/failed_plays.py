"""Lines of products that failed again and again and did not work since: incidents that nobody reported."""

from datetime import date, timedelta

import polars as pl

from outreach.world import World
from warehouse import clock
from warehouse.settings import OutreachSettings

FAILED_PLAYS = "failed_plays"
"""What evidence calls such an incident."""

SEVERITY = 4
_THING = ["customer_id", "product_id"]
_LINE = ["order_id", "line_id"]


def failed_lines(world: World, settings: OutreachSettings, day: date) -> pl.LazyFrame:
    """Lines with something kept whose plays failed on a day, with no success since.

    Returns:
        the columns of lines, and `severity`, `failures` of the last such day, `first_failed_at` and
        `occurred_at`, the last of them. Lines of which an incident tells since that day are left out.
    """
    columns = [*_LINE, *_THING, "line_total_minor", "currency", "quantity", "kept_quantity", "purchased_at"]
    before = pl.col("purchased_at") < pl.col("first_failed_at")
    newest = ["purchased_at", *_LINE]
    of_line = (
        world.lines.select(columns)
        .filter(pl.col("kept_quantity") > 0, pl.lit(settings.incident_severity <= SEVERITY))
        .join(_failing(world, settings, day), on=_THING)
        .filter(before)
        .sort(newest, descending=[name == "purchased_at" for name in newest])
        .unique([*_THING, "_day"], keep="first", maintain_order=True)
        .sort("_day", descending=True)
        .unique(_LINE, keep="first", maintain_order=True)
    )
    reported = (
        world.incidents.filter(pl.col("order_id").is_not_null(), pl.col("line_id").is_not_null())
        .group_by(_LINE)
        .agg(_reported=pl.col("occurred_at").max())
    )
    known = pl.col("_reported").dt.date() >= pl.col("_day")
    return (
        of_line.join(reported, on=_LINE, how="left")
        .filter(~known.fill_null(value=False))
        .with_columns(severity=pl.lit(SEVERITY, dtype=pl.Int64))
        .drop("_day", "_reported")
    )


def _failing(world: World, settings: OutreachSettings, day: date) -> pl.LazyFrame:
    """Customers, products and days with enough failures, and no success after the last of them."""
    end = clock.end_of(day)
    since = end - timedelta(days=settings.incident_days)
    recent = world.usage.filter(pl.col("at") >= since)
    worked = (
        recent.filter(pl.col("kind").is_in(["use", "play"])).group_by(_THING).agg(_worked=pl.col("at").max())
    )
    still = pl.col("_worked").is_null() | (pl.col("_worked") <= pl.col("occurred_at"))
    return (
        recent.filter(pl.col("kind") == "failure")
        .group_by(*_THING, _day=pl.col("at").dt.date())
        .agg(
            failures=pl.len().cast(pl.Int64),
            first_failed_at=pl.col("at").min(),
            occurred_at=pl.col("at").max(),
        )
        .filter(pl.col("failures") >= settings.failures)
        .join(worked, on=_THING, how="left")
        .filter(still)
        .drop("_worked")
    )
