"""Everything about one notice in one place: its words, what each amount rests on, what became of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import polars as pl
from sqlalchemy import select
from sqlalchemy.orm import Session

from features.events import seen
from outreach.editing import slots_of, told_of
from outreach.models import BatchRow, NoticeEventRow, NoticeOpportunityRow, NoticeRow, WordsRow
from outreach.promises.accounts import Standing, of_notices
from outreach.references import shortened
from outreach.review import columns_of
from outreach.spells import spells, stated
from warehouse import clock
from warehouse.database import engine_for, reading
from warehouse.errors import NotFoundError
from warehouse.lake import Lake
from warehouse.settings import Settings

CONTACTS_SHOWN = 10
PRICES = ("list", "promotion")
PRICES_SINCE = timedelta(days=90)
"""How long before a purchase its prices are shown."""
_AMOUNTS = (
    "claim_minor",
    "already_promised_minor",
    "given_beside_minor",
    "left_of_what_was_paid_minor",
    "cap_minor",
    "amount_minor",
)
"""From what a rule says to what is claimed, in the order in which it is done."""
_BOUGHT = ("purchased_at", "looked_at")
_THEN = ("list_price_at_purchase", "price_then")


@dataclass(frozen=True)
class Dossier:
    """One notice and all it rests on, as JSON values and moments.

    Attributes:
        notice: the row of `notices`.
        batch: the row of `batches`.
        words: the row of `notice_words`.
        told: for each opportunity its row with `evidence` as facts, `steps` of the arithmetic (`name,
            minor`), `reference` of its promise, the moment it is about, and around that by kind (`PRICES`)
            the `prices`: from when, until when (null: it held when the night ended) and how much.
        slots: names that may be edited, see `outreach.editing.slots_of`.
        history: what was decided, oldest first.
        promises: what approving it opened.
        contacts: our other messages to the same person, newest first.
        why: why this customer, now and on this channel, in sentences.
    """

    notice: dict[str, Any]
    batch: dict[str, Any]
    words: dict[str, Any]
    told: list[dict[str, Any]]
    slots: list[dict[str, str]]
    history: list[dict[str, Any]]
    promises: list[dict[str, Any]]
    contacts: list[dict[str, Any]]
    why: list[str]


def dossier(settings: Settings, notice_id: str) -> Dossier:
    """Reads a notice and all it rests on.

    Raises:
        NotFoundError: there is no such notice.
    """
    with reading(engine_for(settings)) as session:
        row, words = session.get(NoticeRow, notice_id), session.get(WordsRow, notice_id)
        if row is None or words is None:
            raise NotFoundError(f"there is no notice {notice_id!r}; its batch may have been made anew")
        batch = session.get(BatchRow, row.batch_id)
        assert batch is not None
        mine = select(NoticeOpportunityRow).where(NoticeOpportunityRow.notice_id == notice_id)
        order = (NoticeOpportunityRow.amount_minor.desc().nulls_last(), NoticeOpportunityRow.opportunity_id)
        told = [_told(one) for one in session.scalars(mine.order_by(*order))]
        events = select(NoticeEventRow).where(NoticeEventRow.notice_id == notice_id)
        history = [columns_of(one) for one in session.scalars(events.order_by(NoticeEventRow.event_id))]
        found = Dossier(
            columns_of(row),
            columns_of(batch),
            columns_of(words),
            told,
            slots_of(told_of(session, notice_id)),
            history,
            [_promise(one) for one in of_notices(session, [notice_id])],
            _contacts(session, row),
            _why(settings, row, told),
        )
    _add_prices(settings, found)
    return found


def _told(row: NoticeOpportunityRow) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(row.evidence)
    moment = next((facts[name] for name in _BOUGHT if facts.get(name)), None)
    price = next((facts[name] for name in _THEN if facts.get(name)), None)
    return columns_of(row) | {
        "evidence": facts | {"settings": json.loads(facts.get("settings", "{}"))},
        "steps": [
            {"name": name.removesuffix("_minor").replace("_", " "), "minor": facts[name]}
            for name in _AMOUNTS
            if facts.get(name) is not None
        ],
        "reference": shortened(row.promise_id) if row.promise_id else None,
        "bought_at": datetime.fromisoformat(moment) if moment and price else None,
        "bought_price": float(price) if price else None,
        "prices": {},
    }


def _promise(standing: Standing) -> dict[str, Any]:
    return vars(standing) | {"reference": shortened(standing.promise_id)}


def _contacts(session: Session, row: NoticeRow) -> list[dict[str, Any]]:
    columns = (NoticeRow.notice_id, NoticeRow.channel, NoticeRow.purpose, NoticeRow.subject)
    times = (NoticeRow.state, NoticeRow.handed_at, NoticeRow.sent_at)
    query = select(*columns, *times).where(
        NoticeRow.person == row.person, NoticeRow.notice_id != row.notice_id
    )
    newest = query.order_by(NoticeRow.send_after.desc(), NoticeRow.notice_id).limit(CONTACTS_SHOWN)
    return [{str(name): value for name, value in one.items()} for one in session.execute(newest).mappings()]


def _why(settings: Settings, row: NoticeRow, told: list[dict[str, Any]]) -> list[str]:
    """Why this customer, why now, why on this channel."""
    rules = settings.outreach
    found = [f"This customer: {_found(one)}." for one in told]
    if row.send_after is not None:
        found.append(
            f"Now: it goes at {row.send_after:%Y-%m-%d %H:%M} UTC, in their waking hours "
            f"({rules.waking_from}:00 to {rules.waking_until}:00 in {row.timezone})."
        )
    if row.send_by is not None:
        found.append(f"Not later than {row.send_by:%Y-%m-%d %H:%M} UTC, when what it tells of ends.")
    if row.channel == "none":
        found.append("No channel: they cannot be told tonight, and are paid all the same.")
    else:
        found.append(
            f"On {row.channel}: the first of their preferred and our channels ({', '.join(rules.channels)}) "
            f"on which they agreed to {row.purpose} messages and can be reached."
        )
    found.append(
        f"At most {rules.cap_contacts} messages in {rules.cap_days} days; amounts that belong together are "
        "in one message."
    )
    return found


def _found(one: Mapping[str, Any]) -> str:
    facts = one["evidence"]
    about = facts.get("item") or facts.get("offer") or "their records"
    return f"{one['kind'].replace('_', ' ')} ({one['owed']}), from {about}; the rule is {facts.get('rule')}"


def _add_prices(settings: Settings, found: Dossier) -> None:
    """The prices of what the evidence is about, as they were known at the night's end."""
    day = found.batch["day"]
    about = [
        one
        for one in found.told
        if one["product_id"] and one["evidence"].get("market") and one["bought_at"] is not None
    ]
    if not about:
        return
    products, end = sorted({one["product_id"] for one in about}), clock.end_of(day)
    prices = seen(Lake.of(settings), "prices", day).filter(pl.col("product_id").is_in(products))
    for kind in PRICES:
        there = stated(spells(prices, kind)).collect()
        for one in about:
            market, since = one["evidence"]["market"], one["bought_at"] - PRICES_SINCE
            mine = there.filter(
                pl.col("product_id") == one["product_id"],
                pl.col("market") == market,
                pl.col("currency") == one["currency"],
                pl.col("until").is_null() | (pl.col("until") > since),
            ).with_columns(
                pl.max_horizontal("effective_at", pl.lit(since)),
                pl.when(pl.col("until") < end).then("until"),
            )
            rows = mine.select("effective_at", "until", pl.col("price").cast(pl.Float64)).rows()
            one["prices"][kind] = [list(row) for row in rows]
