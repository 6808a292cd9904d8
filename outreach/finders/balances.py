"""Credits and gift cards that lapse soon: the part of `unused_entitlement` that is a customer's own money."""

from datetime import date, timedelta

import polars as pl

from features.money import MICRO, half_up, micros, minor_per_major
from outreach.finders.rights import OWN_MONEY, held
from outreach.opportunities import evidence, moment_text, settings_text
from outreach.world import World
from warehouse import clock
from warehouse.settings import OutreachSettings


def lapsing_balances(world: World, settings: OutreachSettings, day: date) -> pl.LazyFrame:
    """Credits and gift cards, valid at the end of the day, with what is left of them.

    Returns:
        one row per entitlement: `entitlement_id, customer_id, currency, expires_at, claim_minor, facts`. None
        where it is not known what was used.
    """
    end = clock.end_of(day)
    soon = (pl.col("expires_at") >= end) & (pl.col("expires_at") < end + timedelta(days=settings.credit_days))
    known = pl.lit("entitlement_uses" in world.known)
    own = held(world).filter(known, pl.col("kind").is_in(OWN_MONEY), soon)
    spent = world.entitlement_uses.group_by("entitlement_id").agg(
        spent=micros(pl.col("value")).sum(), unknown=pl.col("value").is_null().any()
    )
    hidden = _unnamed(world).with_columns(_hidden=pl.lit(value=True))
    left = (
        _at_start(own)
        .join(spent, on="entitlement_id", how="left")
        .filter(~pl.col("unknown").fill_null(value=False))
        .with_columns(pl.col("spent").fill_null(0))
        .with_columns(claim_minor=balance_of(pl.col("at_start"), pl.col("spent"), pl.col("currency")))
        .filter(pl.col("claim_minor") > 0)
        .join(hidden, on="offer_id", how="left")
    )
    return left.select(
        *("entitlement_id", "customer_id", "currency", "expires_at"),
        pl.col("claim_minor").cast(pl.Int64),
        facts=_facts(settings, day),
    )


def _at_start(own: pl.LazyFrame) -> pl.LazyFrame:
    """The value at the start: the entitlement's, else the offer's for all its uses; where it is known."""
    by_own = pl.col("own_value").is_not_null()
    at_start = pl.when(by_own).then("own_value").otherwise(pl.col("offer_value") * pl.col("uses_allowed"))
    currency = pl.when(by_own).then("own_currency").otherwise("offer_currency")
    return own.with_columns(at_start=at_start, currency=currency).drop_nulls(["at_start", "currency"])


def balance_of(at_start: pl.Expr, spent: pl.Expr, currency: pl.Expr) -> pl.Expr:
    """What is left of a balance, in minor units, half up; `spent` is in millionths of a major unit."""
    scale = pl.lit(MICRO, dtype=pl.Int128)
    gone = spent.cast(pl.Int128) * minor_per_major(currency).cast(pl.Int128)
    return half_up(at_start.cast(pl.Int128) * scale - gone, scale)


def _unnamed(world: World) -> pl.LazyFrame:
    """Offers for a product that must not be named."""
    items = world.offer_products.join(world.items, on="product_id", how="left")
    return items.filter(pl.col("item").is_null()).select("offer_id").unique()


def _facts(settings: OutreachSettings, day: date) -> pl.Expr:
    return evidence(
        {
            "rule": pl.lit("half_up(value at the start - values of all uses)"),
            "item": pl.lit(None, dtype=pl.String),
            "offer": pl.when(pl.col("_hidden").is_null()).then("name"),
            "offer_id": pl.col("offer_id"),
            "offer_kind": pl.col("kind"),
            "currency": pl.col("currency"),
            "starts_at": moment_text(pl.col("starts_at")),
            "expires_at": moment_text(pl.col("expires_at")),
            "uses": pl.col("uses"),
            "uses_allowed": pl.col("uses_allowed"),
            "offer_value_minor": pl.col("offer_value"),
            "entitlement_value_minor": pl.col("own_value"),
            "value_at_start_minor": pl.col("at_start"),
            "spent_millionths": pl.col("spent").cast(pl.Int64),
            "settings": settings_text(day=day, credit_days=settings.credit_days),
        }
    )
