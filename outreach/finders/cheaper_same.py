"""`cheaper_same` (advice): another size or brand of what a customer buys regularly costs less.

The rule stands in `docs/savings/README.md`, and `docs/savings/cheaper_same.md` explains it to people.
"""

from datetime import date, timedelta

import polars as pl

from features.money import MICRO, half_up, micros, minor_per_major
from outreach.finders.measures import measured, plain_name
from outreach.finders.prices import now_in_force, usual_price
from outreach.finders.stock import could_be_had
from outreach.ids import content_ids
from outreach.opportunities import claims, decimal_text, evidence, moment_text, per_currency, settings_text
from outreach.spells import SAME
from outreach.world import World
from warehouse import clock
from warehouse.settings import OutreachSettings

KIND = "cheaper_same"
THING = ["department", "category", "name", "measure"]
HABIT = ["customer_id", *SAME]

_HIGHEST_PRICE = (
    2**43
)  # in millionths; with sizes below 2^42 all fractions of the two differ by more than 2^-84
_LARGEST = 1e38  # Int128 ends at 1.7e38; a claim beyond it is not made rather than made wrongly


def find(world: World, settings: OutreachSettings, day: date) -> pl.LazyFrame:
    """The claims of a day: one per customer, product, market and currency."""
    habits = _habits(world, settings, day).filter(_fits()).with_columns(claim_minor=_saving())
    items = world.items.select(other_product_id="product_id", other_item="item")
    named = habits.join(world.items, on="product_id", how="left").join(
        items, on="other_product_id", how="left"
    )
    minimum = per_currency(pl.col("currency"), settings.min_saving_minor)
    return claims(
        named.filter(pl.col("claim_minor") > 0).with_columns(
            opportunity_id=content_ids(KIND, *HABIT),
            kind=pl.lit(KIND),
            owed=pl.lit("advice"),
            expires_at=pl.min_horizontal("ends_at", "other_ends_at"),
            held=pl.col("outlier") | minimum.is_null(),
            facts=_facts(settings, day),
        )
    )


def _habits(world: World, settings: OutreachSettings, day: date) -> pl.LazyFrame:
    """What customers kept something of in enough orders, where something cheaper is the same thing."""
    end = clock.end_of(day)
    since = end - timedelta(days=settings.cheaper_days)
    recent = world.lines.filter(pl.col("purchased_at") >= since, pl.col("kept_quantity") > 0)
    dear = _dear(world, settings, day)
    bought = (
        recent.join(dear, on=SAME, how="semi")
        .group_by(HABIT)
        .agg(
            orders=pl.col("order_id").n_unique().cast(pl.Int64),
            kept=micros(pl.col("kept_quantity")).sum().cast(pl.Int64, strict=False),
        )
        .filter(pl.col("orders") >= settings.cheaper_orders)
    )
    return bought.join(dear, on=SAME)


def _dear(world: World, settings: OutreachSettings, day: date) -> pl.LazyFrame:
    """Products per market and currency, each with the cheapest product that is the same thing and costs less.

    Columns of that other one begin with `other_`.
    """
    priced = now_in_force(world.list_prices, day).join(_things(world.products), on="product_id")
    offered = priced.with_columns(per_measure=_per_measure(micros(pl.col("price")), pl.col("size"))).filter(
        micros(pl.col("price")) < _HIGHEST_PRICE
    )
    last = pl.lit(clock.end_of(day) - timedelta(microseconds=1), dtype=pl.Datetime("us", "UTC"))
    had = (
        could_be_had(offered.with_columns(_last=last), world, "_last", "had")
        .filter("had")
        .drop("had", "_last")
    )
    where = [*THING, "market", "currency"]
    best = had.sort("per_measure", "product_id").unique(where, keep="first", maintain_order=True)
    judged = usual_price(best, world.list_prices, "price", "price_from", settings)
    kept_back = ("product_id", "price", "price_from", "ends_at", "package_size", "size", "per_measure")
    other = judged.select(*where, "usual", "outlier", **{f"other_{name}": name for name in kept_back})
    return offered.join(other, on=where).filter(pl.col("other_per_measure") < pl.col("per_measure"))


def _things(products: pl.LazyFrame) -> pl.LazyFrame:
    """Products of which it is known what they are and how much of it one is."""
    measure, size = measured(pl.col("package_size"))
    said = products.select(
        "product_id",
        "department",
        "category",
        "package_size",
        name=plain_name(pl.col("title"), pl.col("brand")),
        measure=measure,
        size=size,
    )
    return said.drop_nulls()


def _per_measure(price: pl.Expr, size: pl.Expr) -> pl.Expr:
    """A price per unit of measure as a whole number that orders, and tells apart, all such prices exactly."""
    return price * pl.lit(2**84, dtype=pl.Int128) // size.cast(pl.Int128)


def _saving() -> pl.Expr:
    """Kept quantity × package size × difference in price per unit of measure, in minor units, half up."""
    size, other_size = pl.col("size").cast(pl.Int128), pl.col("other_size").cast(pl.Int128)
    less = micros(pl.col("price")) * other_size - micros(pl.col("other_price")) * size
    minor = minor_per_major(pl.col("currency")).cast(pl.Int128)
    scale = pl.lit(MICRO * MICRO, dtype=pl.Int128)
    return half_up(pl.col("kept").cast(pl.Int128) * less * minor, scale * other_size).cast(pl.Int64)


def _fits() -> pl.Expr:
    """Whether the numbers of a claim stay within 128 bits, estimated generously in floats."""
    kept, price, other_size = (pl.col(name).cast(pl.Float64) for name in ("kept", "price", "other_size"))
    above = kept * MICRO * price * other_size * minor_per_major(pl.col("currency"))
    return 4 * above < _LARGEST


def _facts(settings: OutreachSettings, day: date) -> pl.Expr:
    used = settings_text(
        day=day,
        cheaper_days=settings.cheaper_days,
        cheaper_orders=settings.cheaper_orders,
        min_saving_minor=settings.min_saving_minor,
        outlier_share=settings.outlier_share,
    )
    return evidence(
        {
            "rule": pl.lit(
                "half_up(kept * (price - size * other_price / other_size)); list prices of one package"
            ),
            "item": pl.col("item"),
            "other_item": pl.col("other_item"),
            "other_product_id": pl.col("other_product_id"),
            "market": pl.col("market"),
            "currency": pl.col("currency"),
            "orders": pl.col("orders"),
            "kept_quantity_millionths": pl.col("kept"),
            "measure": pl.col("measure"),
            "package_size": pl.col("package_size"),
            "size": pl.col("size"),
            "price": decimal_text(pl.col("price")),
            "price_from": moment_text(pl.col("price_from")),
            "other_package_size": pl.col("other_package_size"),
            "other_size": pl.col("other_size"),
            "other_price": decimal_text(pl.col("other_price")),
            "other_price_from": moment_text(pl.col("other_price_from")),
            "usual_list_price_millionths": pl.col("usual"),
            "looks_like_a_mistake": pl.col("outlier"),
            "settings": used,
        }
    )
