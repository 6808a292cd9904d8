"""Orders that were placed twice: what `double_payment` rests on."""

from datetime import date, timedelta

import polars as pl

from outreach.opportunities import decimal_text
from outreach.world import World
from warehouse import clock
from warehouse.settings import OutreachSettings

_OF_ONE = ["customer_id", "market", "currency"]
_ALIKE = [*_OF_ONE, "products", "products_minor"]


def placed_twice(world: World, settings: OutreachSettings, day: date) -> pl.LazyFrame:
    """Orders of the last days that repeat another of a few minutes before, nothing of either returned.

    Returns:
        `customer_id, market, currency, order_id, ordered_at, paid_minor, at_till, lines`, of the other order
        `other_order_id, other_ordered_at, other_lines`, and `only_product` where both are for one product.
    """
    end = clock.end_of(day)
    apart = timedelta(minutes=settings.double_payment_minutes)
    since = end - timedelta(days=settings.double_payment_days)
    recent = world.charges.filter(pl.col("purchased_at") >= since - apart)
    close = _close(_orders(recent), apart)
    # An order that began before was cut in two; it is too old to be either of a pair.
    began_before = world.charges.filter(pl.col("purchased_at") < since - apart).join(
        close, on="order_id", how="semi"
    )
    whole = close.join(began_before.select("order_id").unique(), on="order_id", how="anti")
    pairs = _pairs(whole.join(_contents(recent, whole), on="order_id"))
    return pairs.filter(
        pl.col("ordered_at") >= since, pl.col("ordered_at") - apart <= pl.col("other_ordered_at")
    )


def _orders(lines: pl.LazyFrame) -> pl.LazyFrame:
    """Orders of one customer, market and currency with lines of products, of which nothing came back.

    One of which it is not known whether it was dispatched is of a till.
    """
    product = pl.col("kind") == "product"
    one = pl.all_horizontal(pl.col(name) == pl.col(f"_{name}") for name in _OF_ONE)
    return (
        lines.group_by("order_id")
        .agg(
            *(pl.col(name).min() for name in _OF_ONE),
            *(pl.col(name).max().alias(f"_{name}") for name in _OF_ONE),
            ordered_at=pl.col("purchased_at").min(),
            paid_minor=pl.col("line_total_minor").sum(),
            products=product.sum().cast(pl.Int64),
            products_minor=pl.when(product).then("line_total_minor").otherwise(0).sum(),
            at_till=(product & ~pl.col("dispatched_at_known")).any(),
            _kept=(pl.col("kept_quantity") >= pl.col("quantity")).all(),
        )
        .filter(one, pl.col("_kept"), pl.col("products") > 0)
        .select(*_ALIKE, "order_id", "ordered_at", "paid_minor", "at_till")
    )


def _close(orders: pl.LazyFrame, apart: timedelta) -> pl.LazyFrame:
    """Orders near another one that is alike at first sight: few, so that only these are looked at closely."""
    several = orders.group_by(_ALIKE).agg(_count=pl.len()).filter(pl.col("_count") > 1)
    ordered = orders.join(several, on=_ALIKE, how="semi").sort(*_ALIKE, "ordered_at", "order_id")
    after = _repeats(_ALIKE) & (pl.col("ordered_at") - pl.col("ordered_at").shift(1) <= apart)
    return ordered.filter(after | after.shift(-1).fill_null(value=False))


def _contents(lines: pl.LazyFrame, orders: pl.LazyFrame) -> pl.LazyFrame:
    """`order_id`; `content`, text that equal orders share; `lines` for the evidence; `only_product`."""
    quantity = decimal_text(pl.col("quantity"))
    bought = pl.struct("product_id", quantity.alias("quantity"), "line_total_minor").struct.json_encode()
    line = pl.struct("line_id", "kind", "product_id", quantity.alias("quantity"), "line_total_minor")
    product = pl.col("kind") == "product"
    return (
        lines.join(orders, on="order_id", how="semi")
        .with_columns(
            line=line,
            bought=pl.when(product).then(bought),
            product_id=pl.when(product).then("product_id"),
        )
        .group_by("order_id")
        .agg(
            content=pl.col("bought").drop_nulls().sort().str.join("\n"),
            lines=pl.col("line").sort_by("line_id"),
            only_product=pl.col("product_id").min(),
            _last=pl.col("product_id").max(),
        )
        .with_columns(only_product=pl.when(pl.col("only_product") == pl.col("_last")).then("only_product"))
        .drop("_last")
    )


def _pairs(orders: pl.LazyFrame) -> pl.LazyFrame:
    """Each order with the one of the same content just before it; only those with one."""
    same = [*_OF_ONE, "content"]
    return (
        orders.sort(*same, "ordered_at", "order_id")
        .with_columns(
            pl.col(name).shift(1).alias(f"other_{name}") for name in ("order_id", "ordered_at", "lines")
        )
        .filter(_repeats(same))
        .drop("content", "products", "products_minor")
    )


def _repeats(columns: list[str]) -> pl.Expr:
    """Whether a row has the same values as the one before it."""
    return pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in columns).fill_null(value=False)
