"""Entitlements that customers hold: their uses, and what one use is worth. What several finders share."""

import polars as pl

from features.money import half_up
from outreach.world import World

ADVISED = ("coupon", "benefit")
"""Kinds of offers that save something on a product; others are a customer's money, or nothing to use up."""
OWN_MONEY = ("credit", "gift_card")
"""Kinds of offers that are a customer's own money."""


def uses_of(world: World) -> pl.LazyFrame:
    """`entitlement_id, uses`: how often each was used."""
    return world.entitlement_uses.group_by("entitlement_id").agg(uses=pl.len().cast(pl.Int64))


def held(world: World) -> pl.LazyFrame:
    """Entitlements that began, with their offer, their `uses`, and what one use is worth.

    Returns:
        `entitlement_id, customer_id, offer_id, starts_at, expires_at, uses_allowed, uses`; of the offer
        `kind`, `covers`, `name`, `offer_value`, `offer_currency`; of the entitlement `own_value` and
        `own_currency`; `use_minor`, `use_currency` and `value_from` (`offer` or `entitlement`), null where
        unknown.
    """
    offers = world.offers.select(
        "offer_id", "kind", "covers", "name", offer_value="value_minor", offer_currency="currency"
    )
    begun = world.entitlements.rename({"value_minor": "own_value", "currency": "own_currency"})
    joined = begun.join(offers, on="offer_id").join(uses_of(world), on="entitlement_id", how="left")
    return joined.with_columns(pl.col("uses").fill_null(0)).pipe(_valued)


def uses_left() -> pl.Expr:
    """How many uses of a held entitlement are left; null where it may be used without limit."""
    return pl.col("uses_allowed") - pl.col("uses")


def _valued(rights: pl.LazyFrame) -> pl.LazyFrame:
    """The value of one use: the offer's, else the entitlement's shared among its uses, else unknown."""
    allowed = pl.when(pl.col("uses_allowed") > 0).then("uses_allowed")
    shared = half_up(pl.col("own_value").cast(pl.Int128), allowed.cast(pl.Int128)).cast(pl.Int64)
    by_offer = pl.col("offer_value").is_not_null() & pl.col("offer_currency").is_not_null()
    currency = pl.when(by_offer).then("offer_currency").otherwise("own_currency")
    value = pl.when(by_offer).then("offer_value").otherwise(shared)
    known = currency.is_not_null() & value.is_not_null()
    return rights.with_columns(
        use_minor=pl.when(known).then(value),
        use_currency=pl.when(known).then(currency),
        value_from=pl.when(known & by_offer).then(pl.lit("offer")).when(known).then(pl.lit("entitlement")),
    )
