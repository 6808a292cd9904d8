"""Review: people look at a batch and approve, reject or hold its notices.

Each decision is one transaction: the state, its history and the promises it opens or takes back are all
there, or none of them. Deciding the same twice changes nothing. A batch has a digest of what its notices say;
approving with the digest that was shown approves what was read, or nothing.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from outreach.auditing import decided
from outreach.changes import chosen_of, move, promises_of
from outreach.fitness import refuse_unfit
from outreach.models import BatchRow, NoticeEventRow, NoticeOpportunityRow, NoticeRow
from outreach.promises import ledger
from outreach.promises.ledger import Promise
from outreach.states import REVOCABLE, UNDECIDED
from warehouse import clock
from warehouse.access import accounts
from warehouse.access.roles import Role
from warehouse.database import engine_for, reading, writing
from warehouse.errors import ConflictError, NotFoundError
from warehouse.settings import Settings

OVERTAKEN = "overtaken: another batch promised or told of the same since it was found"
DIGEST_AT_LEAST = 8
"""How many characters of a digest say which one is meant."""


@dataclass(frozen=True)
class Outcome:
    """What a decision changed.

    Attributes:
        batch_id: the batch it was about.
        day: the night of that batch.
        changed: notices that changed their state.
        unchanged: notices that were in that state, or beyond it, already.
        promised_minor: what was newly promised, in minor units per currency.
        voided: how many promises were taken back.
        overtaken: notices rejected instead, because another batch promised or told of the same meanwhile.
    """

    batch_id: str
    day: date
    changed: int
    unchanged: int
    promised_minor: dict[str, int]
    voided: int = 0
    overtaken: int = 0


def list_batches(settings: Settings) -> list[dict[str, Any]]:
    """Every batch, newest day first, with its digest and its notices counted by state."""
    with reading(engine_for(settings)) as session:
        batches = session.scalars(select(BatchRow).order_by(BatchRow.day.desc())).all()
        counted = select(NoticeRow.batch_id, NoticeRow.state, func.count()).group_by(
            NoticeRow.batch_id, NoticeRow.state
        )
        states: dict[str, dict[str, int]] = {}
        for batch_id, state, count in session.execute(counted):
            states.setdefault(batch_id, {})[state] = count
        hashes: dict[str, dict[str, str]] = {}
        columns = (NoticeRow.batch_id, NoticeRow.notice_id, NoticeRow.content_hash)
        for batch_id, notice_id, content in session.execute(select(*columns)):
            hashes.setdefault(batch_id, {})[notice_id] = content
        return [
            _columns(batch)
            | {"digest": _digest(hashes.get(batch.batch_id, {})), "states": states.get(batch.batch_id, {})}
            for batch in batches
        ]


def show_batch(settings: Settings, batch: str = "latest") -> dict[str, Any]:
    """A batch with its digest and its notices, their texts, opportunities and history.

    Args:
        settings: the home's settings.
        batch: a batch id, a day like `2017-11-30`, or `latest`.

    Raises:
        NotFoundError: there is no such batch.
    """
    with reading(engine_for(settings)) as session:
        found = find_batch(session, batch)
        mine = select(NoticeRow).where(NoticeRow.batch_id == found.batch_id).order_by(NoticeRow.notice_id)
        notices = {row.notice_id: _columns(row) | {"opportunities": []} for row in session.scalars(mine)}
        told = select(NoticeOpportunityRow).join(
            NoticeRow, NoticeRow.notice_id == NoticeOpportunityRow.notice_id
        )
        told = told.where(NoticeRow.batch_id == found.batch_id).order_by(NoticeOpportunityRow.opportunity_id)
        for row in session.scalars(told):
            notices[row.notice_id]["opportunities"].append(_columns(row))
        digest = _digest({one: notice["content_hash"] for one, notice in notices.items()})
        return _columns(found) | {"digest": digest, "notices": list(notices.values())}


def history(settings: Settings, notice_id: str) -> list[dict[str, Any]]:
    """What was decided about a notice, when, by whom and why, oldest first."""
    query = select(NoticeEventRow).where(NoticeEventRow.notice_id == notice_id)
    with reading(engine_for(settings)) as session:
        return [_columns(row) for row in session.scalars(query.order_by(NoticeEventRow.event_id))]


def approve(
    settings: Settings,
    batch: str,
    *,
    by: str,
    reason: str = "",
    notice_ids: Sequence[str] | None = None,
    digest: str | None = None,
) -> Outcome:
    """Approves notices, which promises the money they tell of.

    Of a whole batch, notices that another batch overtook are rejected instead.

    Args:
        settings: the home's settings.
        batch: a batch id, a day, or `latest`.
        by: who decides.
        reason: why, for the history.
        notice_ids: which ones, held ones too; by default all that are proposed, and none that is held.
        digest: what `show_batch` gave for what was read, or its first 8 characters or more.

    Raises:
        NotFoundError: no such batch, or a notice is not in it.
        ForbiddenError: there are accounts, and that of `by` may not approve.
        ConflictError: the digest is another; a notice cannot be approved any more, no notice of the batch
            can, what a named one says was promised or told in another batch meanwhile, or one does not say
            what it must; then nothing changes.
    """
    with writing(engine_for(settings)) as session:
        accounts.acting(session, by, Role.APPROVER, "approve a batch")
        found, now = _opened(session, batch), clock.now()
        if digest is not None:
            _refuse_unless_read(session, found, digest)
        ledger.lock(session)
        chosen, done = chosen_of(session, found, "approved", notice_ids, default=("proposed",))
        promises, overtaken = promises_of(session, [notice_id for notice_id, _ in chosen], reason)
        if overtaken and notice_ids is not None:
            raise ConflictError(
                f"notice {min(overtaken)} was {OVERTAKEN}; nothing was changed: reject it, and the next "
                "night claims what is still open"
            )
        late = [(one, state) for one, state in chosen if one in overtaken]
        chosen = [(one, state) for one, state in chosen if one not in overtaken]
        refuse_unfit(session, [notice_id for notice_id, _ in chosen], settings.outreach)
        entry = decided(session, found.batch_id, [("approved", chosen), ("rejected", late)], by, now, reason)
        move(session, late, "rejected", by=by, at=now, reason=OVERTAKEN, audit=entry)
        stamp = {"approved_at": now, "approved_hash": NoticeRow.content_hash}
        move(session, chosen, "approved", by=by, at=now, reason=reason, values=stamp, audit=entry)
        ledger.open_promises(session, promises, by=by, at=now)
        _settle(session, found, [*chosen, *late])
        return Outcome(found.batch_id, found.day, len(chosen), done, _sums(promises), overtaken=len(late))


def reject(
    settings: Settings, batch: str, *, by: str, reason: str, notice_ids: Sequence[str] | None = None
) -> Outcome:
    """Rejects notices; an approved one that was not handed over yet loses its promise again.

    By default all that are proposed, held or approved, which undoes an approval. Arguments and
    errors are those of `approve`.
    """
    with writing(engine_for(settings)) as session:
        accounts.acting(session, by, Role.REVIEWER, "reject notices")
        found, now = _opened(session, batch), clock.now()
        chosen, done = chosen_of(session, found, "rejected", notice_ids, default=REVOCABLE)
        entry = decided(session, found.batch_id, [("rejected", chosen)], by, now, reason)
        move(session, chosen, "rejected", by=by, at=now, reason=reason, audit=entry)
        approved = [notice_id for notice_id, state in chosen if state == "approved"]
        voided = ledger.void_notices(session, approved, by=by, at=now, why=reason) if approved else 0
        _settle(session, found, chosen)
        return Outcome(found.batch_id, found.day, len(chosen), done, {}, voided)


def hold(
    settings: Settings, batch: str, *, by: str, reason: str, notice_ids: Sequence[str] | None = None
) -> Outcome:
    """Holds proposed notices until somebody approves or rejects them by name.

    By default all that are proposed. Arguments and errors are those of `approve`.
    """
    with writing(engine_for(settings)) as session:
        accounts.acting(session, by, Role.REVIEWER, "hold notices")
        found, now = _opened(session, batch), clock.now()
        chosen, done = chosen_of(session, found, "held", notice_ids, default=("proposed",))
        entry = decided(session, found.batch_id, [("held", chosen)], by, now, reason)
        move(session, chosen, "held", by=by, at=now, reason=reason, audit=entry)
        _settle(session, found, chosen)
        return Outcome(found.batch_id, found.day, len(chosen), done, {})


def find_batch(session: Session, batch: str, *, lock: bool = False) -> BatchRow:
    """The batch of an id, a day or `latest`; with `lock`, nobody else decides about it meanwhile.

    Raises:
        NotFoundError: there is none.
    """
    query = select(BatchRow)
    if batch == "latest":
        query = query.order_by(BatchRow.day.desc()).limit(1)
    elif (day := _day(batch)) is not None:
        query = query.where(BatchRow.day == day)
    else:
        query = query.where(BatchRow.batch_id == batch)
    found = session.scalar(query.with_for_update() if lock else query)
    if found is None:
        raise NotFoundError(f"there is no batch {batch!r}; `advocate batch list` shows those there are")
    return found


def _opened(session: Session, batch: str) -> BatchRow:
    return find_batch(session, batch, lock=True)


def _refuse_unless_read(session: Session, batch: BatchRow, digest: str) -> None:
    columns = (NoticeRow.notice_id, NoticeRow.content_hash)
    rows = session.execute(select(*columns).where(NoticeRow.batch_id == batch.batch_id))
    now = _digest(dict(rows.all()))
    if len(digest) < DIGEST_AT_LEAST or not now.startswith(digest):
        raise ConflictError(
            f"the digest of the batch of {batch.day} does not begin with {digest!r} (at least "
            f"{DIGEST_AT_LEAST} characters): what was read is not what is there; nothing was changed: look "
            f"again with `advocate batch show {batch.day}`"
        )


def _digest(hashes: Mapping[str, str]) -> str:
    """SHA-256 over the content hashes of notices in order of their ids."""
    return hashlib.sha256("".join(hashes[one] for one in sorted(hashes)).encode()).hexdigest()


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _settle(session: Session, batch: BatchRow, changed: Sequence[object]) -> None:
    """A batch somebody decided about is in review, and closed when nothing waits for a decision."""
    if not changed:
        return
    waiting = select(func.count()).where(NoticeRow.batch_id == batch.batch_id, NoticeRow.state.in_(UNDECIDED))
    batch.state = "in_review" if session.scalar(waiting) else "closed"


def _columns(row: Any) -> dict[str, Any]:
    return {column.name: getattr(row, column.name) for column in row.__table__.columns}


def _sums(promises: Sequence[Promise]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for promise in promises:
        if promise.currency is not None:
            sums[promise.currency] = sums.get(promise.currency, 0) + (promise.amount_minor or 0)
    return sums
