"""`unused_entitlement` (advice): a coupon or benefit in hand for something this customer buys anyway.

Rule: valid at the end of the day (in its last moment; `expires_at` is the first moment of no validity), uses
left, for a product this customer bought in `habit_baskets` or more orders of the last `habit_days`. One
opportunity per entitlement: of its products the one in most orders. What covers shipping saves on no product.
Credits, gift cards, subscriptions and warranties are not coupons to be reminded of: money that is the
customer's own is owed as a right, and is found by a finder of its own.
"""

from datetime import date, datetime, timedelta

import polars as pl

from features.money import half_up
from outreach.ids import content_ids
from outreach.opportunities import claims, evidence, moment_text, per_currency, settings_text
from outreach.world import World
from warehouse import clock
from warehouse.settings import OutreachSettings

KIND = "unused_entitlement"
ADVISED = ("coupon", "benefit")


def find(world: World, settings: OutreachSettings, day: date) -> pl.LazyFrame:
    """Rights worth a reminder at the end of a day, one row per entitlement."""
    end = clock.end_of(day)
    habits = _habits(world.lines, settings, end)
    valid = _usable(world, end)
    matched = pl.concat([_for_products(valid, habits, world), _for_anything(valid, habits, world)])
    best = matched.sort("entitlement_id", "baskets", "product_id", descending=[False, True, False]).unique(
        "entitlement_id", keep="first", maintain_order=True
    )
    named = _valued(best).join(world.items, on="product_id", how="left")
    minimum = per_currency(pl.col("currency"), settings.min_saving_minor)
    return claims(
        named.with_columns(
            opportunity_id=content_ids(KIND, "entitlement_id"),
            kind=pl.lit(KIND),
            owed=pl.lit("advice"),
            held=pl.col("claim_minor").is_not_null() & minimum.is_null(),
            facts=_facts(settings, day),
        )
    )


def _habits(lines: pl.LazyFrame, settings: OutreachSettings, end: datetime) -> pl.LazyFrame:
    """`customer_id, product_id, baskets`: what customers bought in enough orders of the last days."""
    recent = pl.col("purchased_at") >= end - timedelta(days=settings.habit_days)
    return (
        lines.filter(recent, pl.col("purchased_at") < end)
        .group_by("customer_id", "product_id")
        .agg(baskets=pl.col("order_id").n_unique().cast(pl.Int64))
        .filter(pl.col("baskets") >= settings.habit_baskets)
    )


def _usable(world: World, end: datetime) -> pl.LazyFrame:
    """Coupons and benefits for products, valid just before `end`, uses left, with offer name and value."""
    used = (
        world.entitlement_uses.filter(pl.col("used_at") < end)
        .group_by("entitlement_id")
        .agg(uses=pl.len().cast(pl.Int64))
    )
    for_products = pl.col("covers").is_null() | (pl.col("covers") == "product")
    offers = world.offers.filter(pl.col("kind").is_in(ADVISED), for_products).select(
        "offer_id", "name", offer_value="value_minor", offer_currency="currency"
    )
    left = pl.col("uses_allowed").is_null() | (pl.col("uses") < pl.col("uses_allowed"))
    return (
        world.entitlements.filter(
            pl.col("starts_at") < end, pl.col("expires_at").is_null() | (pl.col("expires_at") >= end)
        )
        .join(offers, on="offer_id")
        .join(used, on="entitlement_id", how="left")
        .with_columns(pl.col("uses").fill_null(0))
        .filter(left)
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


def _valued(best: pl.LazyFrame) -> pl.LazyFrame:
    """The value of one use: the offer's, else the entitlement's shared among its uses, else unknown."""
    allowed = pl.when(pl.col("uses_allowed") > 0).then("uses_allowed")
    shared = half_up(pl.col("value_minor").cast(pl.Int128), allowed.cast(pl.Int128)).cast(pl.Int64)
    by_offer = pl.col("offer_value").is_not_null() & pl.col("offer_currency").is_not_null()
    currency = pl.when(by_offer).then("offer_currency").otherwise("currency")
    value = pl.when(by_offer).then("offer_value").otherwise(shared)
    known = currency.is_not_null() & value.is_not_null()
    return best.with_columns(
        claim_minor=pl.when(known).then(value),
        currency=pl.when(known).then(currency),
        value_from=pl.when(known & by_offer).then(pl.lit("offer")).when(known).then(pl.lit("entitlement")),
    )


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
            "currency": pl.col("currency"),
            "baskets": pl.col("baskets"),
            "habit_days": pl.lit(settings.habit_days),
            "starts_at": moment_text(pl.col("starts_at")),
            "expires_at": moment_text(pl.col("expires_at")),
            "uses": pl.col("uses"),
            "uses_allowed": pl.col("uses_allowed"),
            "offer_value_minor": pl.col("offer_value"),
            "entitlement_value_minor": pl.col("value_minor"),
            "value_from": pl.col("value_from"),
            "settings": used,
        }
    )
