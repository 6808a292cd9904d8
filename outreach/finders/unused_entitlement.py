"""`unused_entitlement`: a coupon in hand for what is bought anyway (advice), own money that lapses (right).

The rule stands in `docs/savings/README.md`, and `docs/savings/unused_entitlement.md` explains it to people.
Uses that `unclaimed_benefit` takes are not left. Subscriptions and warranties are nothing to use up.
"""

from datetime import date, datetime, timedelta

import polars as pl

from outreach.finders.balances import lapsing_balances
from outreach.finders.rights import ADVISED, held, uses_left
from outreach.finders.unclaimed_benefit import uses_taken
from outreach.ids import content_ids
from outreach.opportunities import claims, evidence, moment_text, per_currency, settings_text
from outreach.world import World
from warehouse import clock
from warehouse.settings import OutreachSettings

KIND = "unused_entitlement"


def find(world: World, settings: OutreachSettings, day: date) -> pl.LazyFrame:
    """Rights worth a reminder at the end of a day, one row per entitlement."""
    balances = lapsing_balances(world, settings, day).with_columns(
        owed=pl.lit("right"), held=pl.lit(value=False)
    )
    both = pl.concat([_reminders(world, settings, day), balances], how="diagonal")
    return claims(both.with_columns(opportunity_id=content_ids(KIND, "entitlement_id"), kind=pl.lit(KIND)))


def _reminders(world: World, settings: OutreachSettings, day: date) -> pl.LazyFrame:
    """Coupons and benefits for what is bought regularly."""
    end = clock.end_of(day)
    habits = _habits(world.lines, settings, end)
    valid = _usable(world, settings, day)
    matched = pl.concat(
        [_for_products(valid, habits, world), _for_anything(valid, habits, world)], how="diagonal"
    )
    best = matched.sort("entitlement_id", "baskets", "product_id", descending=[False, True, False]).unique(
        "entitlement_id", keep="first", maintain_order=True
    )
    named = best.join(world.items, on="product_id", how="left").with_columns(
        claim_minor="use_minor", currency="use_currency"
    )
    minimum = per_currency(pl.col("currency"), settings.min_saving_minor)
    return named.select(
        *("entitlement_id", "customer_id", "product_id", "currency", "expires_at", "claim_minor"),
        owed=pl.lit("advice"),
        held=pl.col("claim_minor").is_not_null() & minimum.is_null(),
        facts=_facts(settings, day),
    )


def _habits(lines: pl.LazyFrame, settings: OutreachSettings, end: datetime) -> pl.LazyFrame:
    """`customer_id, product_id, baskets`: what customers bought in enough orders of the last days."""
    recent = pl.col("purchased_at") >= end - timedelta(days=settings.habit_days)
    return (
        lines.filter(recent)
        .group_by("customer_id", "product_id")
        .agg(baskets=pl.col("order_id").n_unique().cast(pl.Int64))
        .filter(pl.col("baskets") >= settings.habit_baskets)
    )


def _usable(world: World, settings: OutreachSettings, day: date) -> pl.LazyFrame:
    """Coupons and benefits for products, valid just before `end`, with uses that nothing took."""
    end = clock.end_of(day)
    for_products = pl.col("covers").is_null() | (pl.col("covers") == "product")
    valid = pl.col("expires_at").is_null() | (pl.col("expires_at") >= end)
    left = uses_left() - pl.col("claims") > 0
    return (
        held(world)
        .filter(pl.col("kind").is_in(ADVISED), for_products, valid)
        .join(uses_taken(world, settings, day), on="entitlement_id", how="left")
        .with_columns(pl.col("claims").fill_null(0))
        .filter(left.fill_null(value=True))
    )


def _for_products(valid: pl.LazyFrame, habits: pl.LazyFrame, world: World) -> pl.LazyFrame:
    """Rights to offers for named products; habits are the smaller side, so the join starts there."""
    meant = habits.join(world.offer_products, on="product_id")
    return valid.join(meant, on=["customer_id", "offer_id"])


def _for_anything(valid: pl.LazyFrame, habits: pl.LazyFrame, world: World) -> pl.LazyFrame:
    """Rights to offers for any product, with the customer's strongest habit."""
    strongest = habits.sort("customer_id", "baskets", "product_id", descending=[False, True, False]).unique(
        "customer_id", keep="first", maintain_order=True
    )
    free = valid.join(world.offer_products, on="offer_id", how="anti")
    return free.join(strongest.select("customer_id", "product_id", "baskets"), on="customer_id")


def _facts(settings: OutreachSettings, day: date) -> pl.Expr:
    used = settings_text(
        day=day,
        habit_days=settings.habit_days,
        habit_baskets=settings.habit_baskets,
        min_saving_minor=settings.min_saving_minor,
    )
    return evidence(
        {
            "rule": pl.lit("value of one use of a right in hand, for a product bought regularly"),
            "item": pl.col("item"),
            "offer": pl.when(pl.col("item").is_not_null()).then("name"),
            "offer_id": pl.col("offer_id"),
            "offer_kind": pl.col("kind"),
            "currency": pl.col("currency"),
            "baskets": pl.col("baskets"),
            "habit_days": pl.lit(settings.habit_days),
            "starts_at": moment_text(pl.col("starts_at")),
            "expires_at": moment_text(pl.col("expires_at")),
            "uses": pl.col("uses"),
            "uses_of_claims": pl.col("claims"),
            "uses_allowed": pl.col("uses_allowed"),
            "offer_value_minor": pl.col("offer_value"),
            "entitlement_value_minor": pl.col("own_value"),
            "value_from": pl.col("value_from"),
            "settings": used,
        }
    )
