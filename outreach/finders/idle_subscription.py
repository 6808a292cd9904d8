"""`idle_subscription` (policy): fees were paid for two or more full periods in which nothing was used.

The rule stands in `docs/savings/README.md`.
"""

from datetime import date, datetime

import polars as pl

from outreach.finders import double_payment
from outreach.finders.fees import began, named, period_of, subscriptions
from outreach.ids import content_ids
from outreach.opportunities import claims, evidence, moment_text, settings_text
from outreach.world import World
from warehouse import clock
from warehouse.settings import OutreachSettings

KIND = "idle_subscription"
NEEDED = frozenset({"usage", "entitlement_uses"})
"""Tables without which nothing can be said about what was not used."""


def find(world: World, settings: OutreachSettings, day: date) -> pl.LazyFrame:
    """The claims of a day: for each subscription the fees of the periods since it was last used."""
    end = clock.end_of(day)
    idle = _idle(world, settings, end)
    twice = _paid_twice(world, settings, day)
    rest = idle.join(twice, on=["entitlement_id", "currency"], how="left").with_columns(
        paid_twice_minor=pl.col("paid_twice_minor").fill_null(0)
    )
    worth = rest.with_columns(
        claim_minor=pl.col("periods") * pl.col("fee_minor") - pl.col("paid_twice_minor")
    ).filter(pl.col("claim_minor") > 0)
    told = named(worth, world).with_columns(
        opportunity_id=content_ids(KIND, "entitlement_id"),
        kind=pl.lit(KIND),
        owed=pl.lit("policy"),
        held=pl.lit(value=False),
        facts=_facts(settings, day),
    )
    # The claim is for what was paid; that the subscription ends one day takes nothing of it.
    return claims(told.drop("expires_at"))


def _idle(world: World, settings: OutreachSettings, end: datetime) -> pl.LazyFrame:
    """Valid subscriptions with how many full `periods` went unused, from which, and `last_use`."""
    now = pl.lit(end, dtype=pl.Datetime("us", "UTC"))
    valid = (
        subscriptions(world)
        .filter(
            pl.lit(world.known >= NEEDED),
            pl.col("expires_at").is_null() | (pl.col("expires_at") >= now),
        )
        .with_columns(_full=period_of(now))
        .filter(pl.col("_full") >= settings.idle_periods)
    )
    since = period_of(pl.col("last_use")).clip(lower_bound=-1).fill_null(-1) + 1
    return (
        _with_last_use(valid, world)
        .with_columns(first_period=since)
        .with_columns(periods=pl.col("_full") - pl.col("first_period"))
        .filter(pl.col("periods") >= settings.idle_periods)
        .with_columns(idle_from=began(pl.col("first_period")), idle_until=began(pl.col("_full")))
    )


def _with_last_use(held: pl.LazyFrame, world: World) -> pl.LazyFrame:
    """Subscriptions with `last_use`: of the right itself, of its offer, or of a product it is for."""
    both = ["customer_id", "offer_id"]
    usage = world.usage.select(*both, "product_id", "at")
    of_right = world.entitlement_uses.group_by("entitlement_id").agg(_right=pl.col("used_at").max())
    offers = held.select(both).unique()
    of_offer = usage.join(offers, on=both, how="semi").group_by(both).agg(_offer=pl.col("at").max())
    of_product = usage.filter(pl.col("product_id").is_not_null()).drop("offer_id")
    listed = offers.join(world.offer_products, on="offer_id", how="semi")
    of_listed = (
        of_product.join(listed, on="customer_id")
        .join(world.offer_products, on=["offer_id", "product_id"], how="semi")
        .group_by(both)
        .agg(_listed=pl.col("at").max())
    )
    free = offers.join(world.offer_products, on="offer_id", how="anti")
    of_any = (
        of_product.join(free, on="customer_id", how="semi")
        .group_by("customer_id")
        .agg(_at=pl.col("at").max())
        .join(free, on="customer_id")
        .select(*both, _any="_at")
    )
    return (
        held.join(of_right, on="entitlement_id", how="left")
        .join(of_offer, on=both, how="left")
        .join(of_listed, on=both, how="left")
        .join(of_any, on=both, how="left")
        .with_columns(last_use=pl.max_horizontal("_right", "_offer", "_listed", "_any"))
        .drop("_right", "_offer", "_listed", "_any")
    )


def _paid_twice(world: World, settings: OutreachSettings, day: date) -> pl.LazyFrame:
    """`entitlement_id, currency, paid_twice_minor`: what `double_payment` gives back, tonight or promised."""
    columns = ["opportunity_id", "entitlement_id", "currency"]
    tonight = double_payment.fees_paid_twice(world, settings, day).select(*columns, _minor="claim_minor")
    before = world.inputs.promised.filter(
        pl.col("kind") == double_payment.KIND, pl.col("entitlement_id").is_not_null()
    ).select(*columns, _minor="promised_minor")
    return (
        pl.concat([tonight, before])
        .group_by(columns)
        .agg(pl.col("_minor").max())
        .group_by("entitlement_id", "currency")
        .agg(paid_twice_minor=pl.col("_minor").sum())
    )


def _facts(settings: OutreachSettings, day: date) -> pl.Expr:
    return evidence(
        {
            "rule": pl.lit("fee * full periods after the last use - fees given back as paid twice"),
            "item": pl.col("item"),
            "offer": pl.col("offer"),
            "offer_id": pl.col("offer_id"),
            "currency": pl.col("currency"),
            "fee_minor": pl.col("fee_minor"),
            "fee_days": pl.col("fee_days"),
            "starts_at": moment_text(pl.col("starts_at")),
            "ends_at": moment_text(pl.col("expires_at")),
            "last_use": moment_text(pl.col("last_use")),
            "first_unused_period": pl.col("first_period"),
            "unused_periods": pl.col("periods"),
            "unused_from": moment_text(pl.col("idle_from")),
            "unused_until": moment_text(pl.col("idle_until")),
            "paid_twice_minor": pl.col("paid_twice_minor"),
            "settings": settings_text(day=day, idle_periods=settings.idle_periods),
        }
    )
