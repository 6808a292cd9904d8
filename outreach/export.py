"""What `advocate export` writes of the outreach: one lazy frame per table, the promised columns first."""

from datetime import date

import polars as pl
from sqlalchemy import select

from features.events import seen
from outreach.finders import FOR_CALLS
from outreach.models import BatchRow, NoticeRow
from warehouse.database import engine_for, reading
from warehouse.lake import Lake
from warehouse.settings import Settings


def opportunities(settings: Settings, day: date) -> pl.LazyFrame:
    """The opportunities of a day, sorted by id.

    Raises:
        NotFoundError: the night has not run for that day.
    """
    return Lake.of(settings).get("opportunities", day)


def calls(settings: Settings, day: date) -> pl.LazyFrame:
    """Whom a person should call, and why: what was found on a day that nobody is written to about.

    Returns:
        one row each, sorted by representative and customer: `representative, customer_id, phone, timezone,
        kind, product_id, opportunity_id, evidence`; what is not known of a customer is null.

    Raises:
        NotFoundError: the night has not run for that day.
    """
    lake = Lake.of(settings)
    people = seen(lake, "customers", day).select("customer_id", "representative", "phone", "timezone")
    found = lake.get("opportunities", day).filter(pl.col("kind").is_in(FOR_CALLS))
    columns = ("representative", "customer_id", "phone", "timezone", "kind", "product_id", "opportunity_id")
    return (
        found.join(people, on="customer_id", how="left")
        .select(*columns, "evidence")
        .sort("representative", "customer_id", "opportunity_id", nulls_last=True)
    )


def decisions(settings: Settings, day: date) -> pl.LazyFrame:
    """One decision per customer, sorted by customer.

    Raises:
        NotFoundError: the night has not run for that day.
    """
    return Lake.of(settings).get("decisions", day)


def notices(settings: Settings, day: date) -> pl.LazyFrame:
    """The notices of a day with their present state, sorted by id.

    Raises:
        NotFoundError: the night has not run for that day.
    """
    query = select(NoticeRow.notice_id, NoticeRow.state).join(
        BatchRow, BatchRow.batch_id == NoticeRow.batch_id
    )
    with reading(engine_for(settings)) as session:
        states = {row.notice_id: row.state for row in session.execute(query.where(BatchRow.day == day))}
    now = pl.LazyFrame(
        {"notice_id": list(states), "now": list(states.values())},
        schema={"notice_id": pl.String, "now": pl.String},
    )
    made = Lake.of(settings).get("notices", day)
    joined = made.join(now, on="notice_id", how="left", maintain_order="left")
    return joined.with_columns(state=pl.coalesce("now", "state")).drop("now")
