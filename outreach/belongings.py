"""What a customer has with the shop: purchases, rights with what is left of them, and what went wrong."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from features.contract import CONTRACTS
from features.events import with_kept_quantity
from features.money import micros
from outreach.finders.balances import balance_of
from warehouse.lake import Lake

LINES = 50
"""Lines of purchases on a page."""
_LINE = (
    *("order_id", "line_id", "purchased_at", "product_id", "kind", "quantity", "kept_quantity"),
    *("line_total_minor", "currency", "market", "promised_at", "dispatched_at", "delivered_at", "offer_id"),
)


@dataclass(frozen=True)
class Purchases:
    """Some lines that a customer bought, newest first, and how many there are in all.

    `lines` have the columns of the feed contract, `kept_quantity`, and the product's `title`.
    """

    lines: list[dict[str, Any]]
    total: int


def purchases(lake: Lake, customer_id: str, *, first: int = 0, limit: int = LINES) -> Purchases:
    """A page of what a customer bought.

    Only their moments are read of all purchases there are; the lines themselves then of the few groups of
    rows that hold the moments of the page.
    """
    mine = lake.scan(CONTRACTS["purchases"].table).filter(pl.col("customer_id") == customer_id)
    moments = mine.select("purchased_at").collect()["purchased_at"].sort(descending=True)
    page = moments[first : first + limit]
    if page.is_empty():
        return Purchases([], len(moments))
    skipped = first - int((moments > page[0]).sum())
    lines = mine.filter(pl.col("purchased_at").is_in(page.unique().to_list())).collect()
    returns, titles = pl.collect_all([_of(lake, "returns", lines, "order_id"), _titles(lake, lines)])
    kept = with_kept_quantity(lines.lazy(), returns.lazy())
    shown = (
        kept.join(titles.lazy(), on="product_id", how="left")
        .select(*_LINE, "title")
        .sort("purchased_at", "order_id", "line_id", descending=[True, False, False])
        .slice(skipped, limit)
    )
    return Purchases(shown.collect().to_dicts(), len(moments))


def entitlements(lake: Lake, customer_id: str, now: datetime) -> list[dict[str, Any]]:
    """A customer's rights, those that are valid first, then by when they end.

    Returns:
        `entitlement_id, offer_id, kind, name, covers, starts_at, expires_at, uses_allowed, uses, uses_left`
        (null without a limit), `value_minor` at the start, `left_minor` (null where it is not known what
        was used, or what it is worth), `currency`, `use_minor` and `use_currency` of the offer, `state`:
        `valid`, `to come`, `used up` or `lapsed`.
    """
    held = lake.scan(CONTRACTS["entitlements"].table).filter(pl.col("customer_id") == customer_id)
    mine = held.collect()
    if mine.is_empty():
        return []
    offers = _of(lake, "offers", mine, "offer_id").select(
        "offer_id", "kind", "name", "covers", use_minor="value_minor", use_currency="currency"
    )
    uses = _of(lake, "entitlement_uses", mine, "entitlement_id")
    used = uses.group_by("entitlement_id").agg(
        uses=pl.len().cast(pl.Int64),
        spent=micros(pl.col("value")).sum(),
        unknown=pl.col("value").is_null().any(),
    )
    joined = (
        mine.lazy()
        .join(offers, on="offer_id", how="left")
        .join(used, on="entitlement_id", how="left")
        .with_columns(pl.col("uses", "spent").fill_null(0), pl.col("unknown").fill_null(value=False))
        .with_columns(uses_left=(pl.col("uses_allowed") - pl.col("uses")).clip(lower_bound=0))
        .pipe(_valued, known=lake.knows("entitlement_uses"))
        .with_columns(state=_state(now))
    )
    order = {"valid": 0, "to come": 1, "used up": 2, "lapsed": 3}
    rank = pl.col("state").replace_strict(order, return_dtype=pl.Int64)
    found = joined.sort(rank, "expires_at", "entitlement_id", nulls_last=True)
    return found.drop("customer_id", "spent", "unknown").collect().to_dicts()


def incidents(lake: Lake, customer_id: str) -> list[dict[str, Any]]:
    """What went wrong for a customer, newest first; the columns of the feed contract."""
    mine = lake.scan(CONTRACTS["incidents"].table).filter(pl.col("customer_id") == customer_id)
    found = mine.collect().sort("occurred_at", "incident_id", descending=[True, False])
    return found.drop("customer_id").to_dicts()


def _of(lake: Lake, table: str, rows: pl.DataFrame, name: str) -> pl.LazyFrame:
    """Rows of a table that have an id of some others."""
    return lake.scan(CONTRACTS[table].table).filter(pl.col(name).is_in(rows[name].unique().to_list()))


def _titles(lake: Lake, lines: pl.DataFrame) -> pl.LazyFrame:
    return _of(lake, "products", lines, "product_id").select("product_id", "title")


def _valued(rights: pl.LazyFrame, *, known: bool) -> pl.LazyFrame:
    """The value at the start, its own or the offer's for all uses, and what is left of it."""
    own = pl.col("value_minor").is_not_null() & pl.col("currency").is_not_null()
    currency = pl.when(own).then("currency").otherwise("use_currency")
    at_start = pl.when(own).then("value_minor").otherwise(pl.col("use_minor") * pl.col("uses_allowed"))
    left = balance_of(pl.col("value_minor"), pl.col("spent"), pl.col("currency")).clip(lower_bound=0)
    sure = pl.lit(known) & ~pl.col("unknown") & pl.col("currency").is_not_null()
    return rights.with_columns(value_minor=at_start, currency=currency).with_columns(
        left_minor=pl.when(sure).then(left.cast(pl.Int64))
    )


def _state(now: datetime) -> pl.Expr:
    moment = pl.lit(now, dtype=pl.Datetime("us", "UTC"))
    return (
        pl.when(pl.col("starts_at") > moment)
        .then(pl.lit("to come"))
        .when((pl.col("uses_left") == 0).fill_null(value=False))
        .then(pl.lit("used up"))
        .when((pl.col("expires_at") <= moment).fill_null(value=False))
        .then(pl.lit("lapsed"))
        .otherwise(pl.lit("valid"))
    )
