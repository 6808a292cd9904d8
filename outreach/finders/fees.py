"""Fees of subscriptions, and the periods they are paid for: what finders of such fees share."""

from datetime import timedelta

import polars as pl

from outreach.world import World

_A_DAY = timedelta(days=1) // timedelta(microseconds=1)


def subscriptions(world: World) -> pl.LazyFrame:
    """Entitlements to subscriptions with a fee.

    Returns:
        `entitlement_id, customer_id, offer_id, starts_at, expires_at, fee_minor, fee_days, currency`.
    """
    offers = world.offers.filter(
        pl.col("kind") == "subscription",
        pl.col("fee_minor") > 0,
        pl.col("fee_days").is_not_null(),
        pl.col("currency").is_not_null(),
    ).select("offer_id", "fee_minor", "fee_days", "currency")
    held = world.entitlements.select("entitlement_id", "customer_id", "offer_id", "starts_at", "expires_at")
    return held.join(offers, on="offer_id")


def period_of(moment: pl.Expr) -> pl.Expr:
    """The number, from 0, of the fee period that holds a moment (Int64); negative before `starts_at`."""
    gone = (moment - pl.col("starts_at")).dt.total_microseconds().cast(pl.Int128)
    return (gone // (pl.col("fee_days").cast(pl.Int128) * _A_DAY)).cast(pl.Int64)


def began(number: pl.Expr) -> pl.Expr:
    """The moment at which a fee period began, and its fee fell due."""
    return pl.col("starts_at") + pl.duration(microseconds=number * pl.col("fee_days") * _A_DAY)


def named(rows: pl.LazyFrame, world: World) -> pl.LazyFrame:
    """Rows with an `offer_id`, with the names a text may use.

    `item` is the title of the only product the offer is for, and `offer` its name; null where one of its
    products must not be named.
    """
    products = (
        world.offer_products.join(rows.select("offer_id").unique(), on="offer_id", how="semi")
        .join(world.items, on="product_id", how="left")
        .group_by("offer_id")
        .agg(
            _hidden=pl.col("item").is_null().any(),
            _only=pl.len() == 1,
            _title=pl.col("item").min(),
        )
    )
    names = world.offers.select("offer_id", _name="name")
    return (
        rows.join(names, on="offer_id", how="left")
        .join(products, on="offer_id", how="left")
        .with_columns(
            item=pl.when(pl.col("_only")).then("_title"),
            offer=pl.when(~pl.col("_hidden").fill_null(value=False)).then("_name"),
        )
        .drop("_hidden", "_only", "_title", "_name")
    )
