"""Review: people look at a batch and approve, reject or hold its notices.

Each decision is one transaction: the state, its history and the promises it opens or takes back are all
there, or none of them. Deciding the same twice changes nothing. A batch has a digest of what its notices say;
approving with the digest that was shown approves what was read, or nothing.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, func, select, update
from sqlalchemy.orm import Session

from outreach.agreement import agree, refuse_author
from outreach.auditing import decided
from outreach.bulk import chunks
from outreach.changes import move_chosen, overtaken, promises_of
from outreach.choosing import ALL, CHOSEN, Which, choose, choose_back
from outreach.fitness import refuse_unfit
from outreach.models import BatchRow, NoticeEventRow, NoticeOpportunityRow, NoticeRow, WordsRow
from outreach.promises import ledger
from outreach.states import REVOCABLE, UNDECIDED
from warehouse import clock
from warehouse.access import accounts, audit
from warehouse.access.accounts import User
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
        agreed: notices that a second person has to approve now.
        entry: of the audit log, by which `undo` knows the decision; `None` where nothing was moved.
    """

    batch_id: str
    day: date
    changed: int
    unchanged: int
    promised_minor: dict[str, int]
    voided: int = 0
    overtaken: int = 0
    agreed: int = 0
    entry: int | None = None


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
        return [columns_of(batch) | {"states": states.get(batch.batch_id, {})} for batch in batches]


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
        mine = select(NoticeRow, WordsRow).join(WordsRow, WordsRow.notice_id == NoticeRow.notice_id)
        mine = mine.where(NoticeRow.batch_id == found.batch_id).order_by(NoticeRow.notice_id)
        notices = {
            row.notice_id: columns_of(row) | columns_of(words) | {"opportunities": []}
            for row, words in session.execute(mine)
        }
        told = select(NoticeOpportunityRow).join(
            NoticeRow, NoticeRow.notice_id == NoticeOpportunityRow.notice_id
        )
        told = told.where(NoticeRow.batch_id == found.batch_id).order_by(NoticeOpportunityRow.opportunity_id)
        for row in session.scalars(told):
            notices[row.notice_id]["opportunities"].append(columns_of(row))
        return columns_of(found) | {"notices": list(notices.values())}


def history(settings: Settings, notice_id: str) -> list[dict[str, Any]]:
    """What was decided about a notice, when, by whom and why, oldest first."""
    query = select(NoticeEventRow).where(NoticeEventRow.notice_id == notice_id)
    with reading(engine_for(settings)) as session:
        return [columns_of(row) for row in session.scalars(query.order_by(NoticeEventRow.event_id))]


def approve(
    settings: Settings,
    batch: str,
    *,
    by: str,
    reason: str = "",
    which: Which = ALL,
    digest: str | None = None,
    version: int | None = None,
) -> Outcome:
    """Approves notices, which promises the money they tell of.

    Of many, notices that another batch overtook are rejected instead. Where there are accounts, whoever
    edited or submitted the batch last may not approve it; and above `desk.two_above_notices` or
    `desk.two_above_minor` the first to approve only agrees, and another person's approval of the same words
    makes it so.

    Args:
        settings: the home's settings.
        batch: a batch id, a day, or `latest`.
        by: who decides.
        reason: why, for the history.
        which: which ones, held ones too if named; by default all that are proposed, and none that is held.
        digest: what `show_batch` gave for what was read, or its first 8 characters or more.
        version: of the batch when it was looked at; another one is refused.

    Raises:
        NotFoundError: no such batch, or a notice is not in it.
        ForbiddenError: there are accounts, and that of `by` may not approve, or edited the batch last.
        ConflictError: digest or version are others; a notice cannot be approved any more, no notice of the
            batch can, what a named one says was promised or told in another batch meanwhile, or one does not
            say what it must; then nothing changes.
    """
    with writing(engine_for(settings)) as session:
        user = accounts.acting(session, by, Role.APPROVER, "approve a batch")
        found, now = _opened(session, batch, version), clock.now()
        if digest is not None:
            _refuse_unless_read(found, digest)
        return approve_in(session, settings, found, user, by, now, reason, which)


def approve_in(
    session: Session,
    settings: Settings,
    found: BatchRow,
    user: User | None,
    by: str,
    now: datetime,
    reason: str,
    which: Which,
) -> Outcome:
    """What `approve` does, in a transaction that has locked the batch; `user` is the account of `by`."""
    if user is not None:
        refuse_author(found, user)
    ledger.lock(session)
    done = choose(session, found, "approved", which, default=("proposed",))
    late = _take_out_overtaken(session, named=which.notice_ids is not None)
    refuse_unfit(session, settings.outreach)
    agreed = agree(session, found, user, settings.desk, now, reason)
    entry = decided(session, found.batch_id, by, now, reason)
    move_chosen(session, "rejected", by=by, at=now, reason=OVERTAKEN, audit=entry)
    stamp = {"approved_at": now, "approved_hash": NoticeRow.content_hash}
    ledger.open_selected(session, promises_of("approved", reason), by=by, at=now)
    sums = _sums(session)
    changed = move_chosen(session, "approved", by=by, at=now, reason=reason, values=stamp, audit=entry)
    _settle(session, found, changed + late + agreed)
    found.unsent = found.unsent or changed > 0
    return Outcome(found.batch_id, found.day, changed, done, sums, overtaken=late, agreed=agreed, entry=entry)


def reject(
    settings: Settings, batch: str, *, by: str, reason: str, which: Which = ALL, version: int | None = None
) -> Outcome:
    """Rejects notices; an approved one that was not handed over yet loses its promise again.

    By default all that are proposed, held or approved, which undoes an approval. Arguments and
    errors are those of `approve`.
    """
    with writing(engine_for(settings)) as session:
        accounts.acting(session, by, Role.REVIEWER, "reject notices")
        found, now = _opened(session, batch, version), clock.now()
        return reject_in(session, found, by, now, reason, which)


def reject_in(
    session: Session, found: BatchRow, by: str, now: datetime, reason: str, which: Which
) -> Outcome:
    """What `reject` does, in a transaction that has locked the batch."""
    done = choose(session, found, "rejected", which, default=REVOCABLE)
    return _decided(session, found, "rejected", by, now, reason, done)


def hold(
    settings: Settings, batch: str, *, by: str, reason: str, which: Which = ALL, version: int | None = None
) -> Outcome:
    """Holds proposed notices until somebody approves or rejects them by name.

    By default all that are proposed. Arguments and errors are those of `approve`.
    """
    with writing(engine_for(settings)) as session:
        accounts.acting(session, by, Role.REVIEWER, "hold notices")
        found, now = _opened(session, batch, version), clock.now()
        return hold_in(session, found, by, now, reason, which)


def hold_in(session: Session, found: BatchRow, by: str, now: datetime, reason: str, which: Which) -> Outcome:
    """What `hold` does, in a transaction that has locked the batch."""
    done = choose(session, found, "held", which, default=("proposed",))
    return _decided(session, found, "held", by, now, reason, done)


def undo(settings: Settings, batch: str, entry: int, *, by: str, reason: str) -> Outcome:
    """Takes a decision back: its notices are proposed again, or held if they were, and promise nothing.

    What was handed over, or decided about again, stays as it is.

    Args:
        settings: the home's settings.
        batch: a batch id, a day, or `latest`.
        entry: the decision's entry in the audit log.
        by: who decides.
        reason: why, for the history.

    Raises:
        NotFoundError: there is no such batch, or no such decision about it.
        ForbiddenError: there are accounts, and that of `by` may not do it.
        ConflictError: there is nothing left of it that could be taken back.
    """
    with writing(engine_for(settings)) as session:
        accounts.acting(session, by, Role.REVIEWER, "take a decision back")
        found, now = _opened(session, batch), clock.now()
        choose_back(session, found, entry)
        return _decided(session, found, "proposed", by, now, reason, 0)


def submit(settings: Settings, batch: str, *, by: str) -> None:
    """Says that a batch is ready: somebody else has to approve it.

    Raises:
        NotFoundError: there is no such batch.
        ForbiddenError: there are accounts, and that of `by` may not do it.
    """
    with writing(engine_for(settings)) as session:
        accounts.acting(session, by, Role.REVIEWER, "submit a batch")
        found = _opened(session, batch)
        found.author = by
        audit.record(session, "batch.submit", by=by, at=clock.now(), subject=found.batch_id, details={})
        _settle(session, found, 1)


def _decided(
    session: Session, batch: BatchRow, target: str, by: str, now: datetime, reason: str, done: int
) -> Outcome:
    """Carries out what was chosen; approved notices among it lose their promises."""
    entry = decided(session, batch.batch_id, by, now, reason)
    approved = list(session.scalars(select(CHOSEN.c.notice_id).where(CHOSEN.c.from_state == "approved")))
    voided = ledger.void_notices(session, approved, by=by, at=now, why=reason) if approved else 0
    new = {"approved_at": None, "approved_hash": None} if approved else {}
    targets = session.scalars(select(CHOSEN.c.target).distinct()).all()
    changed = sum(
        move_chosen(session, one, by=by, at=now, reason=reason, audit=entry, values=new)
        for one in sorted({*targets, target})
    )
    _settle(session, batch, changed)
    return Outcome(batch.batch_id, batch.day, changed, done, {}, voided, entry=entry)


def _take_out_overtaken(session: Session, *, named: bool) -> int:
    """Has the chosen notices rejected that were overtaken; returns how many.

    Raises:
        ConflictError: they were named.
    """
    late = overtaken(session)
    if late and named:
        raise ConflictError(
            f"notice {late[0]} was {OVERTAKEN}; nothing was changed: reject it, and the next "
            "night claims what is still open"
        )
    for ids in chunks(late):
        session.execute(update(CHOSEN).where(CHOSEN.c.notice_id.in_(ids)).values(target="rejected"))
    return len(late)


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
    # PostgreSQL has no text with a zero in it, so nothing has such an id.
    found = None if "\0" in batch else session.scalar(query.with_for_update() if lock else query)
    if found is None:
        raise NotFoundError(f"there is no batch {batch!r}; `advocate batch list` shows those there are")
    return found


def _opened(session: Session, batch: str, version: int | None = None) -> BatchRow:
    found = find_batch(session, batch, lock=True)
    if version is not None and found.version != version:
        raise ConflictError(
            f"the batch of {found.day} was changed since you looked at it (version {version}, now "
            f"{found.version}); nothing was changed: look again and repeat"
        )
    return found


def _refuse_unless_read(batch: BatchRow, digest: str) -> None:
    if len(digest) < DIGEST_AT_LEAST or not batch.digest.startswith(digest):
        raise ConflictError(
            f"the digest of the batch of {batch.day} does not begin with {digest!r} (at least "
            f"{DIGEST_AT_LEAST} characters): what was read is not what is there; nothing was changed: look "
            f"again with `advocate batch show {batch.day}`"
        )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _settle(session: Session, batch: BatchRow, changed: int) -> None:
    """A batch somebody decided about is in review, and closed when nothing waits for a decision."""
    if not changed:
        return
    waiting = select(func.count()).where(NoticeRow.batch_id == batch.batch_id, NoticeRow.state.in_(UNDECIDED))
    batch.state = "in_review" if session.scalar(waiting) else "closed"
    batch.version += 1


def columns_of(row: Any) -> dict[str, Any]:
    """A row as names and values."""
    return {column.name: getattr(row, column.name) for column in row.__table__.columns}


def _sums(session: Session) -> dict[str, int]:
    """What the chosen notices promise, in minor units per currency."""
    told = NoticeOpportunityRow
    total = func.sum(told.amount_minor).cast(BigInteger)
    found = select(told.currency, total).join(CHOSEN, CHOSEN.c.notice_id == told.notice_id)
    found = found.where(CHOSEN.c.target == "approved", told.promise_id.is_not(None)).group_by(told.currency)
    return {row[0]: row[1] for row in session.execute(found.order_by(told.currency)) if row[0] is not None}
