"""One customer as a representative asks for them: who they are, and how they can be reached."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import polars as pl
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from features.contract import CONTRACTS
from outreach.inputs import with_channels
from outreach.models import NoticeRow
from outreach.standing import best_way, everybody, objections, reach, recent_contacts
from outreach.waking import is_waking, next_waking
from warehouse.database import engine_for, reading
from warehouse.lake import Lake
from warehouse.settings import OutreachSettings, Settings

FOUND = 50
"""Customers that a search gives at most."""


@dataclass(frozen=True)
class Reach:
    """Who a customer is and how they can be reached now; JSON values and moments.

    Attributes:
        known: whether the table of customers has them.
        facts: their row there, null where nothing is known.
        person: shared by all accounts of one person.
        accounts: ids of all these accounts.
        ways: for each purpose and configured channel `purpose, channel, rank, address, problem`, the one to
            try first at the top of its purpose; see `outreach.standing.reach`.
        best: by purpose the channel that would be used now, or null.
        consents: `channel, purpose, granted, recorded_at`: the latest word on each, those to personalisation
            too.
        complained: whether any account complained.
        unsubscribed: whether any account wants no more advice.
        timezone: their zone, else the settings'; null where there is neither.
        waking: whether they may be written to at this hour; null without a zone.
        next_waking: from when on they may be.
        heard: messages to the person within `outreach.cap_days`, ours and other systems'.
    """

    known: bool
    facts: dict[str, Any]
    person: str
    accounts: list[str]
    ways: list[dict[str, Any]]
    best: dict[str, str | None]
    consents: list[dict[str, Any]]
    complained: bool
    unsubscribed: bool
    timezone: str | None
    waking: bool | None
    next_waking: datetime | None
    heard: int


def find(settings: Settings, text: str) -> list[str]:
    """Ids of the customers of whom a text is the id, the e-mail address or the phone number.

    An id is compared to the letter; an address in any case; of a number only the digits count, and `00` at
    its beginning is a plus. At most `FOUND`, in order.
    """
    sought, customers = text.strip(), Lake.of(settings).scan(CONTRACTS["customers"].table)
    digits = _digits(pl.lit(sought))
    mine = pl.col("customer_id") == sought
    if "@" in sought:
        mine |= pl.col("email").str.to_lowercase() == sought.lower()
    elif any(letter.isdigit() for letter in sought):
        mine |= (_digits(pl.col("phone")) == digits) & pl.lit(not any(map(str.isalpha, sought)))
    found = customers.filter(mine).select(pl.col("customer_id").unique().sort()).head(FOUND)
    return found.collect()["customer_id"].to_list()


def reach_of(settings: Settings, lake: Lake, customer_id: str, now: datetime) -> Reach:
    """How a customer can be reached, as the lake and our own messages have it now.

    Args:
        settings: the home's settings.
        lake: the home's.
        customer_id: any text; of one nobody knows all is empty.
        now: the present moment.
    """
    people, known = _accounts(lake, customer_id)
    ids, person = people["customer_id"].to_list(), people["person"][0]
    scans = {name: lake.scan(CONTRACTS[name].table) for name in ("consents", "responses", "contacts")}
    consents, answers, contacts = pl.collect_all(
        [frame.filter(pl.col("customer_id").is_in(ids)) for frame in scans.values()]
    )
    responses = _with_channels(settings, lake, answers, ids)
    rules, mine = settings.outreach, pl.col("customer_id") == customer_id
    one = people.lazy().filter(mine)
    ways = reach(one, consents.lazy(), responses, rules)
    found = ways.sort("purpose", "rank", descending=[True, False]).drop("customer_id").collect()
    best = best_way(ways).select("purpose", "channel").collect()
    said = objections(people.lazy(), responses).collect().to_dicts()
    since = now - timedelta(days=rules.cap_days)
    others = contacts.lazy().select("customer_id", at="sent_at")
    heard = sum(recent_contacts(people.lazy(), others, since).collect()["contacts"].to_list())
    facts = one.collect().to_dicts()[0]
    with reading(engine_for(settings)) as session:
        ours = _ours(session, person, since)
    return Reach(
        known,
        {name: facts[name] for name in CONTRACTS["customers"].table.schema},
        person,
        ids,
        found.to_dicts(),
        dict(best.iter_rows()),
        _latest(consents.filter(mine)),
        any(row["complained"] for row in said),
        any(row["unsubscribed"] for row in said),
        *_hours(facts["timezone"], rules, now),
        heard + ours,
    )


def _digits(phone: pl.Expr) -> pl.Expr:
    return phone.str.replace_all(r"\D", "").str.replace(r"^00", "")


def _accounts(lake: Lake, customer_id: str) -> tuple[pl.DataFrame, bool]:
    """All accounts of a customer's person with `person`, theirs first; and whether theirs is known."""
    customers = lake.scan(CONTRACTS["customers"].table)
    about = (pl.col("customer_id") == customer_id) | (pl.col("person_id") == customer_id)
    near = customers.filter(about).collect()
    own = near.filter(pl.col("customer_id") == customer_id)
    named = own["person_id"].drop_nulls().to_list()
    if named:  # accounts that carry the name, and the one whose own id it is
        of_person = (pl.col("person_id") == named[0]) | (pl.col("customer_id").is_in([named[0], customer_id]))
        near = customers.filter(of_person).collect()
    me = pl.LazyFrame({"customer_id": [customer_id]})
    people = everybody(near.lazy(), me).collect()
    person = people.filter(pl.col("customer_id") == customer_id)["person"][0]
    mine = people.filter(pl.col("person") == person)
    return mine.sort(pl.col("customer_id") != customer_id, "customer_id"), not own.is_empty()


def _with_channels(settings: Settings, lake: Lake, answers: pl.DataFrame, ids: list[str]) -> pl.LazyFrame:
    if answers.is_empty():  # of most customers: spares looking for the messages they answered
        return answers.lazy().select("customer_id", "kind", "at", channel=pl.lit(None, dtype=pl.String))
    return with_channels(settings, lake, answers.lazy(), ids)


def _latest(consents: pl.DataFrame) -> list[dict[str, Any]]:
    newest = consents.sort("recorded_at").unique(["channel", "purpose"], keep="last", maintain_order=True)
    return newest.select("channel", "purpose", "granted", "recorded_at").sort("purpose", "channel").to_dicts()


def _hours(
    known: str | None, rules: OutreachSettings, now: datetime
) -> tuple[str | None, bool | None, datetime | None]:
    zone = known or rules.default_timezone or None
    if zone is None:
        return None, None, None
    return zone, is_waking(now, zone, rules), next_waking(now, zone, rules)


def _ours(session: Session, person: str, since: datetime) -> int:
    """How many of our messages a person was handed since then."""
    mine = (NoticeRow.person == person, NoticeRow.state.in_(("handed", "sent")))
    return session.scalar(select(func.count()).where(*mine, NoticeRow.handed_at >= since)) or 0
