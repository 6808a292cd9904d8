"""What customers looked at and did not buy, what it cost then and what it costs now.

`watched_price_drop` and `back_in_stock_cheaper` share it. The rule stands in `docs/savings/README.md`.
"""

from datetime import date, datetime, timedelta

import polars as pl

from features.money import MICRO, half_up, micros, minor_per_major
from outreach.finders.prices import in_force, now_in_force, usual_price
from outreach.finders.stock import could_be_had
from outreach.opportunities import decimal_text, moment_text, per_currency, settings_text
from outreach.spells import SAME, stated
from outreach.world import World
from warehouse import clock
from warehouse.settings import OutreachSettings

PAIR = ["customer_id", "product_id"]
LOOKS = {"view": 0, "cart": 1, "wishlist": 2}
"""Kinds of looks, from the weakest to the strongest."""


def no_dearer_looks(world: World, settings: OutreachSettings, day: date, among: pl.LazyFrame) -> pl.LazyFrame:
    """Newest looks of the last days at what was not bought since and costs no more now.

    Args:
        world: what is looked at.
        settings: windows and shares.
        day: the day.
        among: prices of `prices_now`; only their products, markets and currencies are looked at.

    Returns:
        one row per customer and product: `PAIR, looked_at, look, market, currency`; `had_then` and `had_now`;
        `price_then` and `price_now`, each with the moment it began and its kind; `price_now_until`;
        `claim_minor`, the difference for one unit (0 or more); `usual`, `outlier`; and `item`.
    """
    end = clock.end_of(day)
    since = end - timedelta(days=settings.watched_days)
    candidates = among.collect(engine="streaming").lazy()  # asked for twice below
    # One chain of joins in which the looks are named once: Polars would compute them again for each time.
    views = world.views.join(candidates, on="product_id", how="semi")
    whose = _with_currency(_with_market(_newest(views, since), world), world.prices)
    priced = _unbought(whose.join(candidates, on=SAME), world.lines, since)
    compared = _then(priced, world).filter(pl.col("price_now") <= pl.col("price_then"))
    last = pl.lit(end - timedelta(microseconds=1), dtype=pl.Datetime("us", "UTC"))
    had = could_be_had(compared.with_columns(_last=last), world, "looked_at", "had_then")
    had = could_be_had(had, world, "_last", "had_now").drop("_last").with_columns(claim_minor=_difference())
    found = had.collect(engine="streaming").lazy()  # asked for twice, as above
    judged = usual_price(found, world.list_prices, "price_now", "price_now_from", settings)
    return judged.join(world.items, on="product_id", how="left")


def prices_now(world: World, day: date) -> pl.LazyFrame:
    """The lower of list price and promotion in the day's last moment; of equals the list price.

    Returns:
        `SAME, price_now, price_now_from, price_now_until, price_now_kind`.
    """
    kinds = {"list": world.list_prices, "promotion": world.promotions}
    both = pl.concat(
        now_in_force(prices, day).with_columns(price_now_kind=pl.lit(kind)) for kind, prices in kinds.items()
    )
    names = {"price": "price_now", "price_from": "price_now_from", "ends_at": "price_now_until"}
    ordered = both.rename(names).sort(*SAME, "price_now", "price_now_kind")
    return ordered.unique(SAME, keep="first", maintain_order=True)


def cheaper_than_once(now: pl.LazyFrame, world: World, settings: OutreachSettings, day: date) -> pl.LazyFrame:
    """Those prices now that lie below one in force at some time of the last days: few of all."""
    since = clock.end_of(day) - timedelta(days=settings.watched_days)
    lasted = pl.col("until").is_null() | (pl.col("until") > since)
    both = pl.concat([world.list_prices, world.promotions])
    highest = stated(both.filter(lasted)).group_by(SAME).agg(_highest=pl.col("price").max())
    return now.join(highest, on=SAME).filter(pl.col("price_now") < pl.col("_highest")).drop("_highest")


def may_have_lacked(now: pl.LazyFrame, world: World) -> pl.LazyFrame:
    """Those prices now of products that any row says could not be had at some time."""
    lacking = pl.concat(
        [
            world.availability.filter(~pl.col("available")).select("product_id"),
            world.products.filter(~pl.col("available") | pl.col("available_from").is_not_null()).select(
                "product_id"
            ),
        ]
    )
    return now.join(lacking.unique(), on="product_id", how="semi")


def waits(settings: OutreachSettings) -> pl.Expr:
    """Whether such a claim waits for a person: its price looks like a mistake, or there is no minimum."""
    return pl.col("outlier") | per_currency(pl.col("currency"), settings.min_saving_minor).is_null()


def look_facts(settings: OutreachSettings, day: date) -> dict[str, pl.Expr]:
    """What a claim about a look rests on."""
    return {
        "rule": pl.lit("half_up(price_then - price_now), for one unit"),
        "item": pl.col("item"),
        "market": pl.col("market"),
        "currency": pl.col("currency"),
        "look": pl.col("look"),
        "looked_at": moment_text(pl.col("looked_at")),
        "could_be_had_then": pl.col("had_then"),
        "price_then": decimal_text(pl.col("price_then")),
        "price_then_kind": pl.col("price_then_kind"),
        "price_then_from": moment_text(pl.col("price_then_from")),
        "price_now": decimal_text(pl.col("price_now")),
        "price_now_kind": pl.col("price_now_kind"),
        "price_now_from": moment_text(pl.col("price_now_from")),
        "price_now_until": moment_text(pl.col("price_now_until")),
        "usual_list_price_millionths": pl.col("usual"),
        "looks_like_a_mistake": pl.col("outlier"),
        "settings": settings_text(
            day=day,
            watched_days=settings.watched_days,
            min_saving_minor=settings.min_saving_minor,
            outlier_share=settings.outlier_share,
        ),
    }


def _newest(views: pl.LazyFrame, since: datetime) -> pl.LazyFrame:
    """`PAIR, looked_at, look`: the newest look and what it was; of several at one moment the strongest.

    Moment and kind are one number, so that the largest is both.
    """
    strength = pl.col("kind").replace_strict(LOOKS, return_dtype=pl.Int64)
    code = pl.col("_code") % len(LOOKS)
    moment = (pl.col("_code") // len(LOOKS)).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    return (
        views.filter(pl.col("viewed_at") >= since)
        .group_by(PAIR)
        .agg(_code=(pl.col("viewed_at").dt.epoch("us") * len(LOOKS) + strength).max())
        .select(*PAIR, looked_at=moment, look=code.replace_strict({n: look for look, n in LOOKS.items()}))
    )


def _unbought(looks: pl.LazyFrame, lines: pl.LazyFrame, since: datetime) -> pl.LazyFrame:
    """Looks at or after which the customer did not buy the product."""
    bought = (
        lines.filter(pl.col("purchased_at") >= since).group_by(PAIR).agg(_bought=pl.col("purchased_at").max())
    )
    not_since = pl.col("_bought").is_null() | (pl.col("_bought") < pl.col("looked_at"))
    return looks.join(bought, on=PAIR, how="left").filter(not_since).drop("_bought")


def _with_market(looks: pl.LazyFrame, world: World) -> pl.LazyFrame:
    """Looks with the customer's `market` and, where they ever bought anything, `currency`."""
    lines = world.lines.select("customer_id", "purchased_at", "currency", line_market="market")
    last = lines.group_by("customer_id").agg(purchased_at=pl.col("purchased_at").max())
    newest = (
        lines.join(last, on=["customer_id", "purchased_at"], how="semi")
        .sort("customer_id", "line_market", "currency")
        .unique("customer_id", keep="first", maintain_order=True)
        .drop("purchased_at")
    )
    own = world.customers.select("customer_id", own_market="market")
    return (
        looks.join(own, on="customer_id", how="left")
        .join(newest, on="customer_id", how="left")
        .with_columns(market=pl.coalesce("own_market", "line_market", pl.lit("default")))
        .drop("own_market", "line_market")
    )


def _with_currency(looks: pl.LazyFrame, prices: pl.LazyFrame) -> pl.LazyFrame:
    """Looks with the customer's currency, else the only one their market has prices of the product in."""
    only = (
        prices.filter(pl.col("price") > 0)
        .group_by("product_id", "market")
        .agg(_one=pl.col("currency").min(), _other=pl.col("currency").max())
        .filter(pl.col("_one") == pl.col("_other"))
        .drop("_other")
    )
    joined = looks.join(only, on=["product_id", "market"], how="left")
    return joined.with_columns(currency=pl.coalesce("currency", "_one")).drop("_one")


def _then(looks: pl.LazyFrame, world: World) -> pl.LazyFrame:
    """Looks with the lower of list price and promotion in force at the look; null where neither was."""
    both = in_force(looks, world.list_prices, "looked_at", "_list")
    both = in_force(both, world.promotions, "looked_at", "_promotion")
    promoted = (pl.col("_promotion") < pl.col("_list")).fill_null(pl.col("_list").is_null())
    return both.with_columns(
        price_then=pl.when(promoted).then("_promotion").otherwise("_list"),
        price_then_from=pl.when(promoted).then("_promotion_from").otherwise("_list_from"),
        price_then_kind=pl.when(promoted).then(pl.lit("promotion")).otherwise(pl.lit("list")),
    ).drop("_list", "_list_from", "_promotion", "_promotion_from")


def _difference() -> pl.Expr:
    """Price then less price now for one unit, in minor units, rounded half up."""
    less = micros(pl.col("price_then")) - micros(pl.col("price_now"))
    scale = pl.lit(MICRO, dtype=pl.Int128)
    return half_up(less * minor_per_major(pl.col("currency")).cast(pl.Int128), scale).cast(pl.Int64)
