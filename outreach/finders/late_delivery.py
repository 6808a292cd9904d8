"""`late_delivery` (policy): delivered, or still under way, more than 24 hours after the promise.

The rule stands in `docs/savings/README.md`.
"""

from datetime import date, timedelta

import polars as pl

from outreach.finders.prices import share_of_kept
from outreach.ids import content_ids
from outreach.opportunities import claims, decimal_text, evidence, exact, moment_text, settings_text
from outreach.world import World
from warehouse import clock
from warehouse.settings import OutreachSettings

KIND = "late_delivery"
_A_DAY = timedelta(days=1) // timedelta(microseconds=1)


def find(world: World, settings: OutreachSettings, day: date) -> pl.LazyFrame:
    """The claims of a day: for each late line a share of what was paid for what was kept."""
    end = pl.lit(clock.end_of(day), dtype=pl.Datetime("us", "UTC"))
    since = clock.end_of(day) - timedelta(days=settings.late_days)
    late = (pl.coalesce("delivered_at", end) - pl.col("promised_at")).dt.total_microseconds()
    late_lines = (
        world.lines.filter(
            pl.col("delivered_at_known"),
            pl.col("promised_at") >= since,
            pl.col("promised_at") < end,
        )
        .with_columns(late_us=late)
        .filter(pl.col("late_us") > _A_DAY)
        .with_columns(late_days=(pl.col("late_us") + _A_DAY - 1) // _A_DAY)
        .with_columns(claim_minor=_share(settings))
        .filter(pl.col("claim_minor") > 0)
    )
    return claims(
        late_lines.join(world.items, on="product_id", how="left").with_columns(
            opportunity_id=content_ids(KIND, "order_id", "line_id"),
            kind=pl.lit(KIND),
            owed=pl.lit("policy"),
            held=pl.lit(value=False),
            facts=_facts(settings, day),
        )
    )


def _share(settings: OutreachSettings) -> pl.Expr:
    """So much for each day, and never more than the most; both as fractions with one denominator."""
    each, most = exact(settings.late_share), exact(settings.late_most)
    for_days = pl.col("late_days") * (each.numerator * most.denominator)
    share = pl.min_horizontal(for_days, pl.lit(most.numerator * each.denominator, dtype=pl.Int64))
    return share_of_kept(share, pl.lit(each.denominator * most.denominator, dtype=pl.Int64))


def _facts(settings: OutreachSettings, day: date) -> pl.Expr:
    used = settings_text(
        day=day, late_days=settings.late_days, late_share=settings.late_share, late_most=settings.late_most
    )
    return evidence(
        {
            "rule": pl.lit(
                "half_up(line_total * kept / quantity * min(late_share * started days late, late_most))"
            ),
            "item": pl.col("item"),
            "market": pl.col("market"),
            "currency": pl.col("currency"),
            "line_total_minor": pl.col("line_total_minor"),
            "quantity": decimal_text(pl.col("quantity")),
            "kept_quantity": decimal_text(pl.col("kept_quantity")),
            "purchased_at": moment_text(pl.col("purchased_at")),
            "promised_at": moment_text(pl.col("promised_at")),
            "delivered_at": moment_text(pl.col("delivered_at")),
            "started_days_late": pl.col("late_days"),
            "settings": used,
        }
    )
