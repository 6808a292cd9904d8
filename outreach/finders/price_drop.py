"""`price_drop` (policy): the list price fell within the protection window after the purchase.

The rule stands in `docs/savings/README.md`, and `docs/savings/price_drop.md` explains it to people. Where the
dispatch of a line is known, prices that began before it are `price_guarantee`'s.
"""

from datetime import date, timedelta

import polars as pl

from outreach.finders.price_guarantee import LINE, drop_facts, fallen
from outreach.ids import content_ids
from outreach.opportunities import claims, evidence, exact, per_currency, settings_text
from outreach.world import World
from warehouse import clock
from warehouse.settings import OutreachSettings

KIND = "price_drop"


def examined(world: World, settings: OutreachSettings, day: date) -> pl.LazyFrame:
    """The lines of the protection window, whether or not anything of them was returned."""
    start = clock.end_of(day) - timedelta(days=settings.protection_days)
    return world.lines.filter(pl.col("purchased_at") >= start)


def find(world: World, settings: OutreachSettings, day: date) -> pl.LazyFrame:
    """The claims of a day: for each line what its units' price drop is worth."""
    end = pl.lit(clock.end_of(day), dtype=pl.Datetime("us", "UTC"))
    bought = pl.col("purchased_at") + pl.duration(microseconds=1)
    open_ = examined(world, settings, day).filter(
        ~pl.col("dispatched_at_known") | pl.col("dispatched_at").is_not_null()
    )
    covered = open_.with_columns(covered_from=pl.max_horizontal(bought, "dispatched_at"), covered_until=end)
    least = pl.max_horizontal(_minimum(settings).fill_null(0), _least_share(settings))
    fell = fallen(covered, world, settings).with_columns(least_minor=least)
    worth = fell.filter(pl.col("claim_minor") >= pl.col("least_minor"))
    named = worth.join(world.items, on="product_id", how="left")
    used = settings_text(
        day=day,
        protection_days=settings.protection_days,
        min_claim_minor=settings.min_claim_minor,
        min_claim_share=settings.min_claim_share,
        outlier_share=settings.outlier_share,
    )
    return claims(
        named.with_columns(
            opportunity_id=content_ids(KIND, *LINE),
            kind=pl.lit(KIND),
            owed=pl.lit("policy"),
            held=pl.col("outlier") | _minimum(settings).is_null(),
            facts=evidence(drop_facts() | {"settings": used}),
        )
    )


def _minimum(settings: OutreachSettings) -> pl.Expr:
    return per_currency(pl.col("currency"), settings.min_claim_minor)


def _least_share(settings: OutreachSettings) -> pl.Expr:
    """The smallest whole amount that is at least the share of what was paid for the line."""
    share = exact(settings.min_claim_share)
    whole = pl.col("line_total_minor").cast(pl.Int128) * share.numerator
    return ((whole + share.denominator - 1) // share.denominator).cast(pl.Int64)
