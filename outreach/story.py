"""The whole story of one customer in one look, for whoever speaks with them."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl
from sqlalchemy import select
from sqlalchemy.orm import Session

from features.contract import CONTRACTS
from outreach.belongings import LINES, Purchases, entitlements, incidents, purchases
from outreach.customers import Reach, reach_of
from outreach.models import NoticeRow
from outreach.policy import REASONS
from outreach.promises.accounts import Balance, Standing, balances, listed
from outreach.references import shortened
from outreach.states import NO_CHANNEL
from warehouse.database import engine_for, reading
from warehouse.errors import NotFoundError
from warehouse.lake import Lake
from warehouse.settings import Settings

NIGHTS = 14
"""Nights of which the decision is told."""
CONTACTS = 50
"""Messages that are told of."""
_SECTIONS = 4
_DECIDED = ("outcome", "reason", "channel", "notice_id", "opportunities", "value_minor", "currency")


@dataclass(frozen=True)
class Story:
    """One customer and all they have with us, as JSON values and moments.

    Attributes:
        customer_id: who.
        reach: see `outreach.customers.Reach`.
        purchases: a page of them; see `outreach.belongings`.
        entitlements: their rights.
        incidents: what went wrong.
        promises: newest first, with `reference`; see `outreach.promises.accounts.Standing`.
        balances: the accounts of these per currency.
        contacts: messages to any of their person's accounts, newest first: `at, customer_id, channel,
            purpose, sender` (`us` or `another system`), `contact_id` of others', `notice_id`, `subject` and
            `state` of ours.
        responses: what came back, newest first: `at, customer_id, kind, notice_id, contact_id`.
        nights: newest first, `day, outcome, reason, meaning, channel, notice_id, opportunities, value_minor,
            currency`.
    """

    customer_id: str
    reach: Reach
    purchases: Purchases
    entitlements: list[dict[str, Any]]
    incidents: list[dict[str, Any]]
    promises: list[dict[str, Any]]
    balances: list[Balance]
    contacts: list[dict[str, Any]]
    responses: list[dict[str, Any]]
    nights: list[dict[str, Any]]


def story(settings: Settings, customer_id: str, now: datetime, *, page: int = 1) -> Story:
    """Reads all of one customer.

    Args:
        settings: the home's settings.
        customer_id: any text.
        now: the present moment.
        page: of the purchases, from 1.

    Raises:
        NotFoundError: nobody ever heard of them.
    """
    lake = Lake.of(settings)
    # Each section reads other files, so that they are read side by side.
    with ThreadPoolExecutor(max_workers=_SECTIONS) as pool:
        bought = pool.submit(purchases, lake, customer_id, first=(page - 1) * LINES)
        decided = pool.submit(nights, lake, customer_id)
        rights = pool.submit(entitlements, lake, customer_id, now)
        troubles = pool.submit(incidents, lake, customer_id)
        reach = reach_of(settings, lake, customer_id, now)
        with reading(engine_for(settings)) as session:
            promises = [_promise(one) for one in reversed(listed(session, customer_id=customer_id))]
            sums, ours = balances(session, customer_id), _ours(session, reach.person)
        messages = _contacts(lake, reach.accounts, ours)
        found = Story(
            customer_id,
            reach,
            bought.result(),
            rights.result(),
            troubles.result(),
            promises,
            sums,
            *messages,
            decided.result(),
        )
    if not _is_known(found):
        raise NotFoundError(f"customer {customer_id!r} is not known; ids are case-sensitive text")
    return found


def _promise(standing: Standing) -> dict[str, Any]:
    return vars(standing) | {"reference": shortened(standing.promise_id)}


def nights(lake: Lake, customer_id: str) -> list[dict[str, Any]]:
    """What the last nights decided about a customer and why, newest first."""
    mine = pl.col("customer_id") == customer_id
    frames = [
        lake.get("decisions", day).filter(mine).select(pl.lit(day).alias("day"), *_DECIDED)
        for day in lake.days("decisions")[:NIGHTS]
    ]
    rows = [row for found in pl.collect_all(frames) for row in found.to_dicts()]
    return [row | {"meaning": REASONS.get(row["reason"], row["reason"])} for row in rows]


def _is_known(found: Story) -> bool:
    had = (found.purchases.total, found.entitlements, found.incidents, found.promises, found.reach.consents)
    return found.reach.known or any(had) or any((found.contacts, found.responses, found.nights))


_OURS = {"sender": "us", "contact_id": None}


def _ours(session: Session, person: str) -> list[dict[str, Any]]:
    """Our notices to a person, the newest first; money without a message is not among them."""
    names = ("notice_id", "customer_id", "channel", "purpose", "subject", "state")
    times = (NoticeRow.sent_at, NoticeRow.handed_at, NoticeRow.send_after)
    query = select(*(getattr(NoticeRow, name) for name in names), *times).where(
        NoticeRow.person == person, NoticeRow.channel != NO_CHANNEL
    )
    newest = query.order_by(NoticeRow.send_after.desc(), NoticeRow.notice_id).limit(CONTACTS)
    return [
        dict(zip(names, row[:6], strict=True)) | {"at": row[6] or row[7] or row[8]} | _OURS
        for row in session.execute(newest)
    ]


def _contacts(
    lake: Lake, accounts: list[str], ours: list[dict[str, Any]]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Our messages with those of other systems, and what came back."""
    mine = pl.col("customer_id").is_in(accounts)
    tables = (lake.scan(CONTRACTS[name].table).filter(mine) for name in ("contacts", "responses"))
    others, responses = pl.collect_all(list(tables))
    theirs = [_of_another(row) for row in others.iter_rows(named=True)]
    newest = sorted([*ours, *theirs], key=lambda one: one["at"], reverse=True)[:CONTACTS]
    said = responses.select("at", "customer_id", "kind", "notice_id", "contact_id")
    return newest, said.sort("at", descending=True).head(CONTACTS).to_dicts()


def _of_another(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **{name: row[name] for name in ("customer_id", "contact_id", "channel", "purpose")},
        **dict.fromkeys(("notice_id", "subject", "state")),
        "at": row["sent_at"],
        "sender": "another system",
    }
