"""The purchase features, as lazy frames over lines bought before a moment.

Everything is point-in-time by construction: the caller hands over lines before `end`, and ages are counted
back from `end`. Sums are over whole numbers (decay weights in 2⁻³², quantities as decimals), so they do
not depend on the order of rows or the number of threads, and the same lines give the same bytes.

The heavy part is one aggregation over all lines, per customer × product × order; products and most of the
customers' figures follow from its result. It streams, over ids turned into numbers first, one range of
customers after the other where there are many lines, so that memory is bounded by `SHARD_LINES`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from features.money import MICRO

SHARD_LINES = 12_000_000
"""How many lines are aggregated at once; about 0.3 KiB of memory each (benchmarks/features)."""

_WEIGHT_UNIT = 2**32
_DAY_US = 86_400 * 1_000_000
_PAIR = ("customer_id", "product_id")


@dataclass(frozen=True)
class Ids:
    """The ids in some lines, as sorted vocabularies: their numbers sort like the ids themselves.

    Attributes:
        customers: (customer_id, lines, own_currency), sorted by id. The own currency is that of the
            customer's newest line, of two the later in the alphabet.
        products: sorted ids.
    """

    customers: pl.DataFrame
    products: pl.Series

    def ranges(self) -> Iterator[pl.DataFrame]:
        """The customers cut into ranges of about `SHARD_LINES` lines each, in the order of their ids."""
        shard = (pl.col("lines").cum_sum() - pl.col("lines")) // SHARD_LINES
        yield from self.customers.with_columns(shard=shard).partition_by("shard", include_key=False)


def collect_ids(lines: pl.LazyFrame) -> Ids:
    """Reads the ids once; the lines themselves are not kept."""
    seen = pl.collect_all(
        [
            lines.group_by("customer_id", "currency").agg(
                lines=pl.len().cast(pl.Int64), newest=pl.col("purchased_at").max()
            ),
            lines.select("product_id").unique(),
        ],
        engine="streaming",
    )
    customers = (
        seen[0]
        .sort("customer_id", "newest", "currency")
        .group_by("customer_id", maintain_order=True)
        .agg(pl.col("lines").sum(), own_currency=pl.col("currency").last())
    )
    return Ids(customers, seen[1]["product_id"].sort())


def customer_product(
    lines: pl.LazyFrame,
    end: datetime,
    half_life_days: int,
    ids: Ids | None = None,
    customers: pl.DataFrame | None = None,
) -> pl.LazyFrame:
    """`CustomerProductFeatures`, sorted by customer and product.

    Args:
        lines: purchases of products before `end`; columns of the feed contract.
        end: the moment the features are as of.
        half_life_days: the age at which a line counts half.
        ids: the ids in `lines`; by default they are read first.
        customers: one of `ids.ranges()`; by default all customers.
    """
    ids = collect_ids(lines) if ids is None else ids
    wanted = ids.customers if customers is None else customers
    numbers = [
        pl.col(name).cast(pl.Enum(vocabulary))
        for name, vocabulary in (
            ("customer_id", ids.customers["customer_id"]),
            ("product_id", ids.products),
        )
    ]
    known = wanted.lazy().select("customer_id", "own_currency")
    own = pl.col("currency") == pl.col("own_currency")
    per_order = (
        lines.join(known, on="customer_id")
        .with_columns(numbers)
        .group_by(*_PAIR, "order_id")
        .agg(
            lines=pl.len(),
            quantity=pl.col("quantity").sum(),
            own_quantity=pl.when(own).then("quantity").sum(),
            spend_minor=pl.when(own).then("line_total_minor").sum(),
            weight=_decay(end, half_life_days).sum(),
            first_at=pl.col("purchased_at").min(),
            last_at=pl.col("purchased_at").max(),
        )
    )
    return (
        per_order.group_by(*_PAIR)
        .agg(
            pl.col("lines").sum().cast(pl.Int64),
            baskets=pl.len().cast(pl.Int64),
            days=_day("first_at").n_unique().cast(pl.Int64),
            quantity=pl.col("quantity").sum(),
            own_quantity=pl.col("own_quantity").sum(),
            spend_minor=pl.col("spend_minor").sum(),
            weight=pl.col("weight").sum(),
            first_at=pl.col("first_at").min(),
            last_at=pl.col("last_at").max(),
        )
        .join(known.with_columns(numbers[0]), on="customer_id")
        .sort(*_PAIR)
        .with_columns(*_derived(end), paid_minor=_paid())
        .with_columns(due_at=_due())
        .select(
            pl.col(_PAIR).cast(pl.String), "lines", "baskets", "days", _float("quantity"),
            pl.col("own_currency").alias("currency"), "spend_minor", "paid_minor",
            "first_at", "last_at", "recency_days", _weight(), "gap_days", "due_at",
        )
    )  # fmt: skip


def customer(lines: pl.LazyFrame, pairs: pl.LazyFrame, end: datetime) -> pl.LazyFrame:
    """`CustomerFeatures`, sorted by customer; `pairs` are the `customer_product` features of these lines."""
    orders = lines.group_by("customer_id", "order_id").agg(
        at=pl.col("purchased_at").min(), market=pl.col("market").min()
    )
    visits = orders.group_by("customer_id").agg(
        baskets=pl.len().cast(pl.Int64),
        days=_day("at").n_unique().cast(pl.Int64),
        market=pl.col("market").sort_by("at", "order_id").last(),
    )
    totals = pairs.group_by("customer_id").agg(
        pl.col("lines", "spend_minor").sum(),
        products=pl.len().cast(pl.Int64),
        quantity=_exact_sum("quantity"),
        currency=pl.col("currency").first(),
        first_at=pl.col("first_at").min(),
        last_at=pl.col("last_at").max(),
        weight=_units(pl.col("weight")).sum(),
    )
    return (
        totals.join(visits, on="customer_id")
        .sort("customer_id")
        .with_columns(*_derived(end))
        .with_columns(due_at=_due())
        .select(
            "customer_id", "market", "lines", "baskets", "days", "products", "quantity", "currency",
            "spend_minor", "first_at", "last_at", "recency_days", _weight(), "gap_days", "due_at",
        )
    )  # fmt: skip


def product(pairs: pl.LazyFrame, end: datetime) -> pl.LazyFrame:
    """`ProductFeatures`, sorted by product, from the `customer_product` features."""
    free = pl.col("paid_minor") == 0  # what was free has no quotient; its units count all the same
    own_quantity = pl.when(free).then("quantity").otherwise(pl.col("spend_minor") / pl.col("paid_minor"))
    again = pl.col("days") > 1
    money = (
        pairs.group_by("product_id", "currency")
        .agg(
            pl.col("spend_minor").sum(),
            newest=pl.col("last_at").max(),
            own_quantity=own_quantity.round(6).cast(pl.Decimal(38, 6)).sum(),
        )
        .sort("product_id", "newest", "currency")
        .group_by("product_id", maintain_order=True)
        .agg(pl.col("currency", "spend_minor", "own_quantity").last())
    )
    totals = pairs.group_by("product_id").agg(
        pl.col("lines", "baskets").sum(),
        customers=pl.len().cast(pl.Int64),
        customers_again=again.sum().cast(pl.Int64),
        quantity=_exact_sum("quantity"),
        first_at=pl.col("first_at").min(),
        last_at=pl.col("last_at").max(),
        weight=_units(pl.col("weight")).sum(),
        _gaps=_us(pl.col("last_at") - pl.col("first_at")).filter(again).sum(),
        _steps=(pl.col("days") - 1).filter(again).sum(),
    )
    return (
        totals.join(money, on="product_id")
        .sort("product_id")
        .with_columns(
            recency_days=_recency(end),
            gap_days=pl.when(pl.col("_steps") > 0).then(pl.col("_gaps") / pl.col("_steps") / _DAY_US),
            paid_minor=_paid(),
        )
        .select(
            "product_id", "customers", "customers_again", "lines", "baskets", "quantity", "currency",
            "spend_minor", "paid_minor", "first_at", "last_at", "recency_days", _weight(), "gap_days",
        )
    )  # fmt: skip


def _decay(end: datetime, half_life_days: int) -> pl.Expr:
    age = _us(pl.lit(end, dtype=pl.Datetime("us", "UTC")) - pl.col("purchased_at")) // _DAY_US
    return _units(0.5 ** (age / half_life_days))


def _units(weight: pl.Expr) -> pl.Expr:
    return (weight * _WEIGHT_UNIT).round().cast(pl.Int64)


def _weight() -> pl.Expr:
    return (pl.col("weight") / _WEIGHT_UNIT).alias("weight")


def _float(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.Float64)


def _exact_sum(name: str) -> pl.Expr:
    """The sum of a float that came from a decimal with six places, whatever the order of rows."""
    return (pl.col(name) * MICRO).round().cast(pl.Int128).sum().cast(pl.Float64) / MICRO


def _us(duration: pl.Expr) -> pl.Expr:
    return duration.dt.total_microseconds()


def _day(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.Int64) // _DAY_US


def _recency(end: datetime) -> pl.Expr:
    return _us(pl.lit(end, dtype=pl.Datetime("us", "UTC")) - pl.col("last_at")) / _DAY_US


def _derived(end: datetime) -> tuple[pl.Expr, ...]:
    span = _us(pl.col("last_at") - pl.col("first_at")) / _DAY_US
    gap = pl.when(pl.col("days") > 1).then(span / (pl.col("days") - 1))
    return _recency(end).alias("recency_days"), gap.alias("gap_days")


def _due() -> pl.Expr:
    return pl.col("last_at") + pl.duration(microseconds=(pl.col("gap_days") * _DAY_US).round().cast(pl.Int64))


def _paid() -> pl.Expr:
    quantity = _float("own_quantity")
    return pl.when(quantity > 0).then(pl.col("spend_minor") / quantity)
