"""`double_payment` (right): the same order placed twice within minutes, or one subscription held twice.

The rule stands in `docs/savings/README.md`.
"""

from datetime import date, timedelta

import polars as pl

from outreach.finders.fees import began, named, period_of, subscriptions
from outreach.finders.orders import placed_twice
from outreach.ids import content_ids
from outreach.opportunities import claims, evidence, moment_text, settings_text
from outreach.world import World
from warehouse import clock
from warehouse.settings import OutreachSettings

KIND = "double_payment"


def find(world: World, settings: OutreachSettings, day: date) -> pl.LazyFrame:
    """The claims of a day: one for each later order, and one for each later fee."""
    return pl.concat([_orders(world, settings, day), _fees(world, settings, day)])


def fees_paid_twice(world: World, settings: OutreachSettings, day: date) -> pl.LazyFrame:
    """Last fees of subscriptions that fell due while the customer held an earlier one to the same offer.

    Returns:
        the columns of `fees.subscriptions`, and `opportunity_id`, `number` of the fee from 0, `due_at`,
        `other_entitlement_id`, `other_starts_at`, `other_expires_at`, and `claim_minor`, the fee.
    """
    end = pl.lit(clock.end_of(day), dtype=pl.Datetime("us", "UTC"))
    since = clock.end_of(day) - timedelta(days=settings.double_payment_days)
    held = subscriptions(world)
    until = pl.min_horizontal("expires_at", end)
    last = (
        held.filter(pl.col("starts_at") < until)
        .with_columns(number=period_of(until - pl.duration(microseconds=1)))
        .with_columns(due_at=began(pl.col("number")))
        .filter(pl.col("due_at") >= since)
    )
    others = held.select(
        "customer_id",
        "offer_id",
        **{f"other_{name}": name for name in ("entitlement_id", "starts_at", "expires_at")},
    )
    starts, other_starts = pl.col("starts_at"), pl.col("other_starts_at")
    first = pl.col("other_entitlement_id") < pl.col("entitlement_id")
    earlier = (other_starts < starts) | ((other_starts == starts) & first)
    valid = pl.col("other_expires_at").is_null() | (pl.col("other_expires_at") > pl.col("due_at"))
    return (
        last.join(others, on=["customer_id", "offer_id"])
        .filter(earlier, valid)
        .sort("entitlement_id", "other_starts_at", "other_entitlement_id")
        .unique("entitlement_id", keep="first", maintain_order=True)
        .with_columns(
            opportunity_id=content_ids(KIND, "entitlement_id", pl.col("number").cast(pl.String)),
            claim_minor=pl.col("fee_minor"),
        )
    )


def _orders(world: World, settings: OutreachSettings, day: date) -> pl.LazyFrame:
    twice = placed_twice(world, settings, day).filter(pl.col("paid_minor") > 0)
    facts = {
        "rule": pl.lit("all that was paid for the later of two equal orders"),
        "item": pl.col("item"),
        "market": pl.col("market"),
        "currency": pl.col("currency"),
        "order_id": pl.col("order_id"),
        "ordered_at": moment_text(pl.col("ordered_at")),
        "lines": pl.col("lines"),
        "other_order_id": pl.col("other_order_id"),
        "other_ordered_at": moment_text(pl.col("other_ordered_at")),
        "other_lines": pl.col("other_lines"),
        "at_till": pl.col("at_till"),
        "settings": _used(settings, day),
    }
    return claims(
        twice.join(world.items, left_on="only_product", right_on="product_id", how="left").with_columns(
            opportunity_id=content_ids(KIND, "order_id"),
            kind=pl.lit(KIND),
            owed=pl.lit("right"),
            claim_minor=pl.col("paid_minor"),
            held=pl.col("at_till"),
            facts=evidence(facts),
        )
    )


def _fees(world: World, settings: OutreachSettings, day: date) -> pl.LazyFrame:
    facts = {
        "rule": pl.lit("the last fee of the later of two subscriptions to one offer"),
        "item": pl.col("item"),
        "offer": pl.col("offer"),
        "offer_id": pl.col("offer_id"),
        "currency": pl.col("currency"),
        "fee_minor": pl.col("fee_minor"),
        "fee_days": pl.col("fee_days"),
        "fee_number": pl.col("number"),
        "fee_due_at": moment_text(pl.col("due_at")),
        "starts_at": moment_text(pl.col("starts_at")),
        "ends_at": moment_text(pl.col("expires_at")),
        "other_entitlement_id": pl.col("other_entitlement_id"),
        "other_starts_at": moment_text(pl.col("other_starts_at")),
        "other_expires_at": moment_text(pl.col("other_expires_at")),
        "settings": _used(settings, day),
    }
    # The claim is for what was paid; that the subscription ends one day takes nothing of it.
    paid = named(fees_paid_twice(world, settings, day), world).with_columns(
        kind=pl.lit(KIND), owed=pl.lit("right"), held=pl.lit(value=False), facts=evidence(facts)
    )
    return claims(paid.drop("expires_at"))


def _used(settings: OutreachSettings, day: date) -> pl.Expr:
    return settings_text(
        day=day,
        double_payment_days=settings.double_payment_days,
        double_payment_minutes=settings.double_payment_minutes,
    )
