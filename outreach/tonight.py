"""What somebody wants to know of each batch in the morning: how much, of what, and what is odd about it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from statistics import median
from typing import Any

from sqlalchemy import BigInteger, func, select
from sqlalchemy.orm import Session

from outreach.models import BatchRow, NoticeOpportunityRow, NoticeRow
from outreach.promises.overview import groups
from outreach.states import TRANSITIONS, UNDECIDED
from warehouse.models import ReceiptRow
from warehouse.settings import Settings

SHOWN = 14
"""Batches on the page."""
UNUSUAL_TIMES = 2
"""A batch is unusually large, or small, by this factor against the median of those before."""
MANY_SHARE = 0.2
"""One product behind more than this share of a batch's notices about prices is worth a look."""
MANY_AT_LEAST = 20
STEPS = ("outreach.find", "outreach.decide", "outreach.prepare_batch")


@dataclass(frozen=True)
class Night:
    """A batch in numbers.

    Attributes:
        batch_id: and day, state, backfill, version, digest and author of the batch.
        states: notices by state.
        sums: their amounts in minor units, by currency.
        kinds: notices by kind.
        channels: notices by channel.
        customers: how many there are.
        before: notices by kind of the batch before; `None` where there is none.
        warnings: sentences about what is odd.
    """

    batch_id: str
    day: date
    state: str
    backfill: bool
    version: int
    digest: str
    author: str | None
    states: dict[str, int]
    sums: dict[str, int]
    kinds: dict[str, int]
    channels: dict[str, int]
    customers: int
    before: dict[str, int] | None
    warnings: list[str]


def nights(session: Session, settings: Settings, now: datetime) -> list[Night]:
    """The newest batches, the newest first."""
    rows = list(session.scalars(select(BatchRow).order_by(BatchRow.day.desc()).limit(SHOWN + 1)))
    return [
        night_of(session, settings, batch, rows[place + 1 :], now, warned=place == 0)
        for place, batch in enumerate(rows[:SHOWN])
    ]


def night_of(
    session: Session,
    settings: Settings,
    batch: BatchRow,
    older: Sequence[BatchRow],
    now: datetime,
    *,
    warned: bool = True,
) -> Night:
    """A batch in numbers, compared with those before it, the newest first."""
    facets = json.loads(batch.facets)
    return Night(
        batch.batch_id,
        batch.day,
        batch.state,
        batch.backfill,
        batch.version,
        batch.digest,
        batch.author,
        *_counts(session, batch),
        facets.get("kind", {}),
        facets.get("channel", {}),
        _customers(session, batch),
        json.loads(older[0].facets).get("kind", {}) if older else None,
        warnings(session, settings, batch, older, now) if warned else [],
    )


def older_than(session: Session, batch: BatchRow) -> list[BatchRow]:
    """The batches before one, as many as are shown, the newest first."""
    query = select(BatchRow).where(BatchRow.day < batch.day).order_by(BatchRow.day.desc())
    return list(session.scalars(query.limit(SHOWN)))


def warnings(
    session: Session, settings: Settings, batch: BatchRow, older: Sequence[BatchRow], now: datetime
) -> list[str]:
    """What is odd about the newest batch, the most urgent first."""
    found = [*_late(session, batch, now), *_volume(batch, older), *_one_product(session, batch)]
    found += _all_held(session, batch)
    found += [text for text in _receipts(session, batch.day) if text not in found]
    return found + _promises(session, settings, now)


def _counts(session: Session, batch: BatchRow) -> tuple[dict[str, int], dict[str, int]]:
    amount = func.sum(NoticeRow.amount_minor).cast(BigInteger)
    query = select(NoticeRow.state, NoticeRow.currency, func.count(), amount)
    mine = query.where(NoticeRow.state.in_(list(TRANSITIONS)), NoticeRow.batch_id == batch.batch_id)
    states: dict[str, int] = {}
    sums: dict[str, int] = {}
    for state, currency, count, minor in session.execute(mine.group_by(NoticeRow.state, NoticeRow.currency)):
        states[state] = states.get(state, 0) + count
        if currency is not None:
            sums[currency] = sums.get(currency, 0) + (minor or 0)
    return dict(sorted(states.items())), dict(sorted(sums.items()))


def _customers(session: Session, batch: BatchRow) -> int:
    query = select(func.count(NoticeRow.customer_id.distinct())).where(
        NoticeRow.state.in_(list(TRANSITIONS)), NoticeRow.batch_id == batch.batch_id
    )
    return session.scalar(query) or 0


def _late(session: Session, batch: BatchRow, now: datetime) -> list[str]:
    waiting = select(func.count()).where(
        NoticeRow.state.in_(UNDECIDED), NoticeRow.batch_id == batch.batch_id, NoticeRow.send_after < now
    )
    count = session.scalar(waiting) or 0
    return [f"{count:,} notices wait for a decision, and their hour to be sent has come"] if count else []


def _volume(batch: BatchRow, older: Sequence[BatchRow]) -> list[str]:
    if len(older) < 3:
        return []
    usual = median(one.notices for one in older)
    if usual / UNUSUAL_TIMES <= batch.notices <= usual * UNUSUAL_TIMES:
        return []
    return [f"{batch.notices:,} notices are unusual: the batches before had {usual:,.0f} in the middle"]


def _one_product(session: Session, batch: BatchRow) -> list[str]:
    """A price that many notices rest on is either a bargain or a mistake."""
    told = NoticeOpportunityRow
    query = (
        select(told.product_id, func.count())
        .join(NoticeRow, NoticeRow.notice_id == told.notice_id)
        .where(NoticeRow.state.in_(list(TRANSITIONS)), NoticeRow.batch_id == batch.batch_id)
        .where(told.product_id.is_not(None))
        .group_by(told.product_id)
        .order_by(func.count().desc(), told.product_id)
        .limit(1)
    )
    top = session.execute(query).first()
    if top is None or top[1] < MANY_AT_LEAST or top[1] < MANY_SHARE * batch.notices:
        return []
    return [f"{top[1]:,} notices rest on one product, {top[0]}: is its price right?"]


def _all_held(session: Session, batch: BatchRow) -> list[str]:
    """Kinds of which every notice waits for a person."""
    query = select(NoticeRow.kinds, NoticeRow.state, func.count()).where(
        NoticeRow.state.in_(list(TRANSITIONS)), NoticeRow.batch_id == batch.batch_id
    )
    counted: dict[str, list[int]] = {}
    for kinds, state, count in session.execute(query.group_by(NoticeRow.kinds, NoticeRow.state)):
        for kind in kinds.split():
            both = counted.setdefault(kind, [0, 0])
            both[0] += count
            both[1] += count if state == "held" else 0
    return [
        f"all {count:,} notices about {kind.replace('_', ' ')} are held: read one before you release them"
        for kind, (count, held) in sorted(counted.items())
        if count == held
    ]


def _receipts(session: Session, day: date) -> list[str]:
    """What the night's steps warned of."""
    found: list[str] = []
    for step in STEPS:
        query = select(ReceiptRow.body).where(ReceiptRow.step == step, ReceiptRow.day == day)
        body: Any = session.scalar(query.order_by(ReceiptRow.receipt_id.desc()).limit(1))
        found += (body or {}).get("warnings", [])
    return found


def _promises(session: Session, settings: Settings, now: datetime) -> list[str]:
    ages = groups(session, settings.outreach, now)
    counted = {age: sum(one.promises for one in ages if one.age == age) for age in ("breach", "warning")}
    hours = settings.outreach.ageing_breach_hours
    found: list[str] = []
    if counted["breach"]:
        found.append(f"{counted['breach']:,} promises are open for more than {hours} hours: see the ledger")
    if counted["warning"]:
        found.append(f"{counted['warning']:,} promises will be open for too long soon: see the ledger")
    return found
