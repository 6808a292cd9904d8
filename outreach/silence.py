"""Why customers hear nothing: how many for each reason, who they are, and who is owed all the same."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from outreach.opportunities import MONEY
from outreach.policy import REASONS
from outreach.states import NO_CHANNEL
from warehouse.errors import NotFoundError
from warehouse.lake import Lake

PAGE = 50
"""Customers on a page of a list."""
OUTCOMES = ("silent", "held_out", "proposed")
"""In the order in which they are told of."""
UNSAID, LEFT = "unsaid", "left"
WAYS = {
    UNSAID: "what is theirs goes back to them without a message",
    LEFT: "they are silent, and what is owed to them stands in no notice: a later night finds it again",
}
"""How one can be owed money and hear nothing of it."""
ANOTHER = "another_message"
"""The reason of a debt that no message tells of because the customer is written to about something else."""
_MEANINGS = REASONS | {ANOTHER: "they are written to about something else that night"}
_FACTS = ("customer_id", "outcome", "reason", "opportunities", "value_minor", "currency")


@dataclass(frozen=True)
class Listed:
    """Some customers of a list, and how many there are in all."""

    customers: list[dict[str, Any]]
    total: int


def days(lake: Lake) -> list[date]:
    """The days that were decided about, the newest first."""
    return lake.days("decisions")


def chosen(lake: Lake, day: date | None) -> date:
    """A day that was decided about; by default the newest.

    Raises:
        NotFoundError: no night has run, or not that one.
    """
    if day is not None and lake.has("decisions", day):
        return day
    known = days(lake)
    if not known:
        raise NotFoundError("no night has decided anything yet; run `advocate nightly --day D` first")
    if day is None:
        return known[0]
    raise NotFoundError(f"there are no decisions for {day}; there are for {known[-1]} to {known[0]}")


def reasons(lake: Lake, day: date) -> list[dict[str, Any]]:
    """How many customers each outcome and reason is of, the most silent ones first.

    Returns:
        `outcome, reason, meaning, customers`; every customer counts once.
    """
    counted = lake.get("decisions", day).group_by("outcome", "reason").agg(customers=pl.len()).collect()
    place = pl.col("outcome").replace_strict(
        {name: i for i, name in enumerate(OUTCOMES)}, return_dtype=pl.Int64
    )
    ordered = counted.sort(place, -pl.col("customers").cast(pl.Int64), "reason")
    return [row | {"meaning": REASONS.get(row["reason"], row["reason"])} for row in ordered.to_dicts()]


def customers(lake: Lake, day: date, reason: str, *, first: int = 0, limit: int = PAGE) -> Listed:
    """A page of the customers of one reason, in the order of their ids.

    Returns:
        `customer_id, outcome, reason, opportunities, value_minor, currency` of each.
    """
    mine = lake.get("decisions", day).filter(pl.col("reason") == reason).select(_FACTS)
    return _page(mine, first, limit)


def owed(lake: Lake, day: date) -> list[dict[str, Any]]:
    """Who is owed money of a night and cannot be told of it.

    Returns:
        `way, owed, reason, meaning, currency, customers, amount_minor`, largest first of each way: `unsaid`
        is a right that a notice without a message gives back; `left` is what is owed to a silent customer
        and stands in no notice at all, which a later night finds again.
    """
    found = (
        _owed(lake, day)
        .group_by("way", "owed", "reason", "currency")
        .agg(customers=pl.col("customer_id").n_unique(), amount_minor=pl.col("amount_minor").sum())
    )
    ordered = found.sort("way", "amount_minor", "reason", "owed", descending=[True, True, False, False])
    return [row | {"meaning": _MEANINGS[row["reason"]]} for row in ordered.collect().to_dicts()]


def owed_customers(lake: Lake, day: date, way: str, *, first: int = 0, limit: int = PAGE) -> Listed:
    """A page of those who are owed in one way, in the order of their ids.

    Returns:
        `customer_id, reason, owed, currency, amount_minor` of each customer, kind of debt and currency.
    """
    keys = ("customer_id", "reason", "owed", "currency")
    mine = _owed(lake, day).filter(pl.col("way") == way)
    return _page(mine.group_by(keys).agg(pl.col("amount_minor").sum()).sort(keys), first, limit)


def _page(rows: pl.LazyFrame, first: int, limit: int) -> Listed:
    page, total = pl.collect_all([rows.slice(first, limit), rows.select(pl.len())])
    return Listed(page.to_dicts(), total.item())


def _owed(lake: Lake, day: date) -> pl.LazyFrame:
    """`way, customer_id, reason, owed, currency, amount_minor`: each debt that no message tells of."""
    why = pl.when(pl.col("outcome") == "proposed").then(pl.lit(ANOTHER)).otherwise("reason")
    decided = lake.get("decisions", day).select("customer_id", "outcome", reason=why)
    debts = (
        lake.get("opportunities", day)
        .filter(pl.col("owed").is_in(MONEY))
        .select("opportunity_id", "customer_id", "owed", "currency", "amount_minor")
    )
    proposals = lake.get("outreach_proposals", day).filter(pl.col("channel") == NO_CHANNEL)
    members = lake.get("outreach_members", day).join(proposals, on="notice_id", how="semi")
    marked = debts.join(
        members.select("opportunity_id", unsaid=pl.lit(value=True)), on="opportunity_id", how="left"
    ).join(decided, on="customer_id")
    unsaid = pl.col("unsaid").fill_null(value=False)
    without = marked.filter(unsaid | (pl.col("outcome") == "silent"))
    way = pl.when(unsaid).then(pl.lit(UNSAID)).otherwise(pl.lit(LEFT))
    return without.select(way.alias("way"), "customer_id", "reason", "owed", "currency", "amount_minor")
