"""What customers chose at their own links: a channel, topics, an end of messages, personalisation.

Choices only grow; of each kind of choice the newest counts, for all accounts of the person who made it. What
they say about consent is read as rows of the feed contract's `consents`, so that whoever asks for consents
gets them: a row of a feed that is newer wins, an older one never does, whenever it was imported. About
messages they only take consent away, and take that back: no choice gives what the feed did not give.
"""

from collections.abc import Sequence
from datetime import date, datetime

import polars as pl
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from features.contract import CHANNELS, CONTRACTS
from features.events import seen
from features.models import ChoiceRow
from warehouse import clock
from warehouse.database import engine_for, reading
from warehouse.lake import Lake
from warehouse.settings import Settings

CHANNEL, MARKETING, MESSAGES = "channel", "marketing", "messages"
PERSONALISATION, TOPIC = "personalisation", "topic."
"""Kinds of choices; those about topics begin with `TOPIC`."""
ON, OFF, ANY = "on", "off", "any"
"""What is chosen: `ON` or `OFF`; of the channel one of those there are, or `ANY`."""

SCHEMA = {
    "choice_id": pl.Int64(),
    **dict.fromkeys(("customer_id", "what", "value"), pl.String()),
    "at": pl.Datetime("us", "UTC"),
}
_MEANT = (
    (MARKETING, OFF, "marketing", False),
    (MESSAGES, OFF, "marketing", False),
    (MESSAGES, OFF, "service", False),
    (PERSONALISATION, OFF, "personalisation", False),
    (PERSONALISATION, ON, "personalisation", True),
)
"""What a choice says about the consent to a purpose, on every channel."""
_KEPT_AS = "choices"
_NAMED = 10_000
"""Customers that one statement names; of more than that, everybody's choices are read."""


def newest(
    session: Session, *, before: datetime | None = None, customers: Sequence[str] | None = None
) -> pl.DataFrame:
    """The newest choice of each kind of each customer, the columns of `SCHEMA`, by `choice_id`.

    Args:
        session: one consistent view.
        before: only choices made before this moment.
        customers: only choices of these; of everybody where null.
    """
    last = select(func.max(ChoiceRow.choice_id)).group_by(ChoiceRow.customer_id, ChoiceRow.what)
    if before is not None:
        last = last.where(ChoiceRow.at < before)
    if customers is not None and len(customers) <= _NAMED:
        last = last.where(ChoiceRow.customer_id.in_(customers))
    columns = (getattr(ChoiceRow, name) for name in SCHEMA)
    query = select(*columns).where(ChoiceRow.choice_id.in_(last)).order_by(ChoiceRow.choice_id)
    found = pl.DataFrame([tuple(row) for row in session.execute(query)], schema=SCHEMA, orient="row")
    return found if customers is None else found.filter(pl.col("customer_id").is_in(customers))


def accounts_of(customers: pl.LazyFrame, ids: Sequence[str]) -> list[str]:
    """All accounts of the persons whose accounts these are, sorted; those nobody knows are among them.

    Args:
        customers: the table of the feed contract.
        ids: of customers.
    """
    people = customers.select("customer_id", person=pl.coalesce("person_id", "customer_id"))
    theirs = people.filter(pl.col("customer_id").is_in(ids)).select("person")
    found = people.join(theirs, on="person", how="semi").collect()["customer_id"]
    return sorted({*ids, *found})


def of_now(settings: Settings, customers: pl.LazyFrame, ids: Sequence[str]) -> pl.LazyFrame:
    """Choices of some customers as they are now, for all accounts of each person.

    Args:
        settings: of the home.
        customers: the table of the feed contract.
        ids: whose.
    """
    accounts = accounts_of(customers, ids)
    with reading(engine_for(settings)) as session:
        return for_all_accounts(newest(session, customers=accounts).lazy(), customers)


def of_day(settings: Settings, lake: Lake, day: date) -> pl.LazyFrame:
    """Everybody's choices as a night sees them: those made before its day's end, for all their accounts.

    They are written once per day and reused when that day runs again.
    """
    if not lake.has(_KEPT_AS, day):
        with reading(engine_for(settings)) as session:
            lake.put(_KEPT_AS, day, newest(session, before=clock.end_of(day)))
    return for_all_accounts(lake.get(_KEPT_AS, day), seen(lake, "customers", day))


def consents_of_day(settings: Settings, lake: Lake, day: date) -> pl.LazyFrame:
    """The table `consents` of the feed contract as a night sees it, customers' own choices among its rows."""
    return agreed(seen(lake, "consents", day), of_day(settings, lake, day))


def for_all_accounts(choices: pl.LazyFrame, customers: pl.LazyFrame) -> pl.LazyFrame:
    """Choices as they count: a row for every account of each person, the newest of any of them."""
    known = customers.select("customer_id", person=pl.coalesce("person_id", "customer_id"))
    others = choices.select("customer_id").unique().join(known, on="customer_id", how="anti")
    accounts = pl.concat([known, others.with_columns(person="customer_id")])
    return (
        choices.join(accounts, on="customer_id")
        .sort("choice_id")
        .unique(["person", "what"], keep="last", maintain_order=True)
        .drop("customer_id")
        .join(accounts, on="person")
        .select(list(SCHEMA))
    )


def agreed(consents: pl.LazyFrame, choices: pl.LazyFrame) -> pl.LazyFrame:
    """Consents of the feed with those rows that choices are; of one moment the customer's own word counts."""
    table = CONTRACTS["consents"].table
    key = list(table.key)
    own = _meant(choices).select(list(table.schema)).unique(key)
    feed = consents.select(list(table.schema)).join(own, on=key, how="anti")
    return pl.concat([feed, own])


def overruled(consents: pl.LazyFrame, choices: pl.LazyFrame) -> set[str]:
    """Kinds of choices of which a newer row of the feed says otherwise: to choose them again is news."""
    newer = (pl.col("recorded_at_right") > pl.col("recorded_at")) & (
        pl.col("granted_right") != pl.col("granted")
    )
    again = _meant(choices).join(consents, on=["customer_id", "channel", "purpose"]).filter(newer)
    return set(again.select("what").unique().collect()["what"])


def _meant(choices: pl.LazyFrame) -> pl.LazyFrame:
    """What choices say, as rows of `consents` with `what`."""
    meanings = pl.LazyFrame(_MEANT, schema=["what", "value", "purpose", "granted"], orient="row")
    schema = CONTRACTS["consents"].table.schema
    return (
        choices.join(meanings, on=["what", "value"])
        .join(pl.LazyFrame({"channel": CHANNELS}), how="cross")
        .rename({"at": "recorded_at"})
        .select("what", *(pl.col(name).cast(dtype) for name, dtype in schema.items()))
    )


def chosen_channel(people: pl.LazyFrame, choices: pl.LazyFrame) -> pl.LazyFrame:
    """People whose `preferred_channel` is the one they chose, where they did; `ANY` is none."""
    wanted = choices.filter(pl.col("what") == CHANNEL).select("customer_id", "value")
    said = pl.col("value").is_not_null()
    channel = pl.when(said & (pl.col("value") != ANY)).then("value").when(~said).then("preferred_channel")
    return (
        people.join(wanted, on="customer_id", how="left")
        .with_columns(preferred_channel=channel)
        .drop("value")
    )
