"""`failed_experience` (right): a grave incident without remedy, reported or seen in failed plays.

The rule stands in `docs/savings/README.md`.
"""

from datetime import date, timedelta

import polars as pl

from features.money import half_up
from outreach.finders.failed_plays import FAILED_PLAYS, failed_lines
from outreach.finders.prices import share_of_kept
from outreach.ids import content_ids
from outreach.opportunities import claims, decimal_text, evidence, moment_text, settings_text
from outreach.world import World
from warehouse import clock
from warehouse.settings import OutreachSettings

KIND = "failed_experience"
HALF_UNTIL = 3
"""The highest severity at which half is owed; above it, all."""

_LINE = ["order_id", "line_id", "customer_id"]
_OF_LINE = ["product_id", "line_total_minor", "quantity", "kept_quantity"]


def find(world: World, settings: OutreachSettings, day: date) -> pl.LazyFrame:
    """The claims of a day: one for each incident, and one for each line whose plays failed."""
    told = [
        _claims(_reported(world, settings, day), ["incident_id"], world, settings, day),
        _claims(_played(world, settings, day), ["order_id", "line_id"], world, settings, day),
    ]
    return pl.concat(told)


def _reported(world: World, settings: OutreachSettings, day: date) -> pl.LazyFrame:
    """Open incidents with what was paid; the order and line only where they are this customer's."""
    end = clock.end_of(day)
    since = end - timedelta(days=settings.incident_days)
    open_ = world.incidents.filter(
        pl.col("severity") >= settings.incident_severity,
        pl.col("occurred_at") >= since,
        pl.col("resolved_at").is_null(),
    ).rename({"kind": "incident_kind", "currency": "_currency"})
    lines = (
        world.charges.join(open_, on=_LINE, how="semi")
        .select(*_LINE, *_OF_LINE, "currency")
        .with_columns(_is_line=pl.lit(value=True))
    )
    own = pl.col("amount_minor").is_not_null() & pl.col("_currency").is_not_null()
    whole = pl.lit(1, dtype=pl.Int64)
    of_ = pl.when(pl.col("severity") <= HALF_UNTIL).then(2).otherwise(1).cast(pl.Int64)
    of_own = half_up(pl.col("amount_minor").cast(pl.Int128), of_.cast(pl.Int128)).cast(pl.Int64)
    return open_.join(lines, on=_LINE, how="left").with_columns(
        *(pl.when(pl.col("_is_line")).then(name).alias(name) for name in ("order_id", "line_id")),
        claim_minor=pl.when(own).then(of_own).otherwise(share_of_kept(whole, of_)),
        currency=pl.when(own).then("_currency").otherwise("currency"),
        incident_amount_minor=pl.when(own).then("amount_minor"),
        failures=pl.lit(None, dtype=pl.Int64),
        first_failed_at=pl.lit(None, dtype=pl.Datetime("us", "UTC")),
    )


def _played(world: World, settings: OutreachSettings, day: date) -> pl.LazyFrame:
    """Lines whose plays failed, as incidents that nobody reported."""
    whole = pl.lit(1, dtype=pl.Int64)
    return failed_lines(world, settings, day).with_columns(
        incident_id=pl.lit(None, dtype=pl.String),
        incident_kind=pl.lit(FAILED_PLAYS),
        incident_amount_minor=pl.lit(None, dtype=pl.Int64),
        claim_minor=share_of_kept(whole, whole),
    )


def _claims(
    incidents: pl.LazyFrame, subject: list[str], world: World, settings: OutreachSettings, day: date
) -> pl.LazyFrame:
    paid = incidents.filter(pl.col("claim_minor") > 0).join(world.items, on="product_id", how="left")
    return claims(
        paid.with_columns(
            opportunity_id=content_ids(KIND, *subject),
            kind=pl.lit(KIND),
            owed=pl.lit("right"),
            held=pl.lit(value=False),
            facts=_facts(settings, day),
        )
    )


def _facts(settings: OutreachSettings, day: date) -> pl.Expr:
    used = settings_text(
        day=day,
        incident_days=settings.incident_days,
        incident_severity=settings.incident_severity,
        failures=settings.failures,
    )
    return evidence(
        {
            "rule": pl.lit(
                "half up to severity 3, else all, of incident_amount, else of line_total * kept / quantity"
            ),
            "item": pl.col("item"),
            "incident": pl.col("incident_kind"),
            "severity": pl.col("severity"),
            "occurred_at": moment_text(pl.col("occurred_at")),
            "incident_amount_minor": pl.col("incident_amount_minor"),
            "currency": pl.col("currency"),
            "line_total_minor": pl.col("line_total_minor"),
            "quantity": decimal_text(pl.col("quantity")),
            "kept_quantity": decimal_text(pl.col("kept_quantity")),
            "failures": pl.col("failures"),
            "first_failed_at": moment_text(pl.col("first_failed_at")),
            "settings": used,
        }
    )
