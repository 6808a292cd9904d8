"""How notices change their state: chosen, checked, moved with their history, in the caller's transaction."""

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import BigInteger, CursorResult, exists, func, select, update
from sqlalchemy.orm import Session, aliased

from outreach.bulk import chunks, insert_all
from outreach.models import BatchRow, NoticeEventRow, NoticeOpportunityRow, NoticeRow
from outreach.opportunities import MONEY
from outreach.promises.accounts import promised_sum
from outreach.promises.ledger import Promise
from outreach.promises.models import IN_HAND, PostingRow, PromiseRow
from outreach.references import subject_of
from outreach.states import TOLD, may_become
from warehouse.errors import ConflictError, NotFoundError


def chosen_of(
    session: Session,
    batch: BatchRow,
    target: str,
    notice_ids: Sequence[str] | None,
    *,
    default: Sequence[str],
) -> tuple[list[tuple[str, str]], int]:
    """The notices that are to change with their states, and how many are there, or beyond it, already.

    Args:
        session: the caller's transaction; sending does not touch the batch's notices until it ends.
        batch: the batch they are in.
        target: the state they are to have.
        notice_ids: which ones; by default all that are in a state of `default`.
        default: the states that a decision about the whole batch is for.

    Raises:
        NotFoundError: a named notice is not in the batch.
        ConflictError: a named notice cannot go from its state to `target`, or none of the batch can.
    """
    query = select(NoticeRow.notice_id, NoticeRow.state).where(NoticeRow.batch_id == batch.batch_id)
    states = dict(session.execute(query.order_by(NoticeRow.notice_id).with_for_update()).all())
    beyond = {target} | (set(TOLD) if target == "approved" else set())
    if notice_ids is None:
        return _whole(batch, states, target, beyond, default)
    wanted = list(dict.fromkeys(notice_ids))
    if strange := [one for one in wanted if one not in states]:
        raise NotFoundError(f"notice {strange[0]} is not in the batch of {batch.day}; nothing was changed")
    todo = [(one, states[one]) for one in wanted if states[one] not in beyond]
    if stuck := [(one, state) for one, state in todo if not may_become(state, target)]:
        raise ConflictError(
            f"notice {stuck[0][0]} is {stuck[0][1]} and cannot become {target}; nothing was changed"
        )
    return todo, len(wanted) - len(todo)


def _whole(
    batch: BatchRow, states: Mapping[str, str], target: str, beyond: Collection[str], default: Collection[str]
) -> tuple[list[tuple[str, str]], int]:
    todo = [(one, state) for one, state in states.items() if state in default]
    done = sum(state in beyond for state in states.values())
    if not todo and not done:
        counted = sorted(Counter(states.values()).items())
        there = ", ".join(f"{count:,} {state}" for state, count in counted) or "no notices"
        raise ConflictError(
            f"the batch of {batch.day} has nothing that is {' or '.join(default)}, only {there}; nothing "
            f"was changed to {target}: `advocate batch show {batch.day}` lists them, --notice names one"
        )
    return todo, done


def move(
    session: Session,
    chosen: Sequence[tuple[str, str]],
    target: str,
    *,
    by: str,
    at: datetime,
    reason: str,
    values: Mapping[str, Any] | None = None,
    audit: int | None = None,
) -> None:
    """Takes notices from the states they were seen in to `target` and writes their history.

    `audit` is the entry of the audit log that tells of it, where people decided.

    Raises:
        ConflictError: one of them is not in that state any more.
    """
    new = {"state": target, "version": NoticeRow.version + 1} | dict(values or {})
    for state in sorted({state for _, state in chosen}):
        for ids in chunks(one for one, was in chosen if was == state):
            as_seen = update(NoticeRow).where(NoticeRow.notice_id.in_(ids), NoticeRow.state == state)
            changed = session.execute(as_seen.values(new).execution_options(synchronize_session=False))
            if cast("CursorResult[Any]", changed).rowcount != len(ids):
                raise ConflictError("a notice was changed by somebody else meanwhile; look again and repeat")
    fixed = {"to_state": target, "by": by, "at": at, "reason": reason, "audit": audit}
    events = ({"notice_id": one, "from_state": was} | fixed for one, was in chosen)
    insert_all(session, NoticeEventRow, events)


def promises_of(session: Session, notice_ids: Sequence[str], why: str) -> tuple[list[Promise], set[str]]:
    """The promises that approving these notices opens, one for each amount that is owed.

    Beside them, the notices that were overtaken: another batch promised or told of the same since their
    evidence was frozen. They open no promise.
    """
    promises: list[Promise] = []
    overtaken: set[str] = set()
    for ids in chunks(notice_ids):
        for row in session.execute(_about_to_be_told(ids)):
            if row.promised != row.promised_before_minor if row.owed in MONEY else row.told_elsewhere:
                overtaken.add(row.notice_id)
            if row.owed in MONEY:
                promises.append(_promise(row, why))
    return [promise for promise in promises if promise.notice_id not in overtaken], overtaken


def _promise(row: Any, why: str) -> Promise:
    return Promise(
        subject=subject_of(row.notice_id, row.opportunity_id),
        customer_id=row.customer_id,
        kind=row.kind,
        said=row.subject,
        why=why,
        currency=row.currency,
        amount_minor=row.amount_minor,
        due_at=_lapse(row.evidence) if row.kind in IN_HAND else None,
        opportunity_id=row.opportunity_id,
        notice_id=row.notice_id,
    )


def _lapse(evidence: str) -> datetime:
    """When money in hand lapses."""
    return datetime.fromisoformat(json.loads(evidence)["expires_at"])


def _about_to_be_told(notice_ids: Sequence[str]) -> Any:
    """What notices tell of, beside what the ledger and other notices say of it now."""
    told, other, other_notice = NoticeOpportunityRow, aliased(NoticeOpportunityRow), aliased(NoticeRow)
    same = (PromiseRow.opportunity_id == told.opportunity_id, PromiseRow.currency == told.currency)
    postings = select(promised_sum()).join(PromiseRow, PromiseRow.promise_id == PostingRow.promise_id)
    promised = postings.where(*same).scalar_subquery()
    elsewhere = exists().where(
        other.opportunity_id == told.opportunity_id,
        other.notice_id != told.notice_id,
        other_notice.notice_id == other.notice_id,
        other_notice.state.in_(TOLD),
    )
    return (
        select(
            told.notice_id,
            told.opportunity_id,
            told.kind,
            told.owed,
            told.amount_minor,
            told.currency,
            told.promised_before_minor,
            told.evidence,
            NoticeRow.customer_id,
            NoticeRow.subject,
            func.coalesce(promised, 0).cast(BigInteger).label("promised"),
            elsewhere.label("told_elsewhere"),
        )
        .join(NoticeRow, NoticeRow.notice_id == told.notice_id)
        .where(told.notice_id.in_(notice_ids))
        .order_by(told.notice_id, told.opportunity_id)
    )
