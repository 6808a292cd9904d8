"""How notices change their state: checked, moved with their history, in the caller's transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Select,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session, aliased

from outreach.bulk import chunks, insert_all, table_of
from outreach.choosing import CHOSEN, chosen_count
from outreach.models import NoticeEventRow, NoticeOpportunityRow, NoticeRow
from outreach.opportunities import MONEY
from outreach.promises.accounts import promised_sum
from outreach.promises.models import PromiseRow
from outreach.states import TOLD
from warehouse.errors import ConflictError
from warehouse.models import Moment

_MEANWHILE = "a notice was changed by somebody else meanwhile; look again and repeat"


def move(
    session: Session,
    moved: Sequence[tuple[str, str]],
    target: str,
    *,
    by: str,
    at: datetime,
    reason: str,
    values: Mapping[str, Any] | None = None,
) -> None:
    """Takes single notices from the states they were seen in to `target` and writes their history.

    Raises:
        ConflictError: one of them is not in that state any more.
    """
    new = {"state": target, "version": NoticeRow.version + 1} | dict(values or {})
    for state in sorted({state for _, state in moved}):
        for ids in chunks(one for one, was in moved if was == state):
            _update(session, [NoticeRow.notice_id.in_(ids), NoticeRow.state == state], new, len(ids))
    fixed = {"to_state": target, "by": by, "at": at, "reason": reason, "audit": None}
    events = ({"notice_id": one, "from_state": was} | fixed for one, was in moved)
    insert_all(session, NoticeEventRow, events)


def move_chosen(
    session: Session,
    target: str,
    *,
    by: str,
    at: datetime,
    reason: str,
    audit: int | None,
    values: Mapping[str, Any] | None = None,
) -> int:
    """Takes the chosen notices that are to become `target` there, and writes their history.

    `audit` is the entry of the audit log that tells of it; a notice's own reason stands in place of `reason`.
    Returns how many they are.
    """
    mine = select(CHOSEN).where(CHOSEN.c.target == target).subquery()
    events = select(
        mine.c.notice_id,
        mine.c.from_state,
        literal(target),
        literal(by),
        literal(at, Moment),
        func.coalesce(mine.c.reason, literal(reason)),
        literal(audit),
    )
    columns = ["notice_id", "from_state", "to_state", "by", "at", "reason", "audit"]
    session.execute(insert(table_of(NoticeEventRow)).from_select(columns, events))
    count = chosen_count(session, target)
    new = {"state": target, "version": NoticeRow.version + 1} | dict(values or {})
    _update(session, [NoticeRow.notice_id.in_(select(mine.c.notice_id))], new, count)
    return count


def _update(
    session: Session, conditions: Sequence[ColumnElement[bool]], new: Mapping[str, Any], expected: int
) -> None:
    statement = update(NoticeRow).where(*conditions).values(new)
    changed = session.execute(statement.execution_options(synchronize_session=False))
    if cast("CursorResult[Any]", changed).rowcount != expected:
        raise ConflictError(_MEANWHILE)


def overtaken(session: Session) -> list[str]:
    """The chosen notices that another batch promised or told of the same since their evidence was frozen."""
    told, other, other_notice = NoticeOpportunityRow, aliased(NoticeOpportunityRow), aliased(NoticeRow)
    mine = select(told.notice_id).join(CHOSEN, CHOSEN.c.notice_id == told.notice_id)
    # Few opportunities were promised before: of those alone the sums are looked up, one by one.
    earlier = (
        select(PromiseRow.promise_id)
        .join(other, other.promise_id == PromiseRow.promise_id)
        .where(other.opportunity_id == told.opportunity_id, PromiseRow.currency == told.currency)
        .correlate(told)
    )
    elsewhere = exists().where(
        other.opportunity_id == told.opportunity_id,
        other.notice_id != told.notice_id,
        other_notice.notice_id == other.notice_id,
        other_notice.state.in_(TOLD),
    )
    promised_since = earlier.with_only_columns(promised_sum()).scalar_subquery() != told.promised_before_minor
    known = or_(told.promised_before_minor != 0, earlier.exists())
    owed = mine.where(told.owed.in_(MONEY), known, promised_since)
    advice = mine.where(told.owed.not_in(MONEY), elsewhere)
    return sorted({*session.scalars(owed), *session.scalars(advice)})


def promises_of(target: str, why: str) -> Select[Any]:
    """What the chosen notices that are to become `target` promise: columns of `PromiseRow` by name."""
    told = NoticeOpportunityRow
    query: Any = (
        select(
            told.promise_id,
            NoticeRow.customer_id,
            told.kind,
            told.currency,
            told.amount_minor,
            NoticeRow.subject.label("said"),
            func.coalesce(CHOSEN.c.reason, literal(why)).label("why"),
            told.due_at,
            told.opportunity_id,
            told.notice_id,
        )
        .join(CHOSEN, CHOSEN.c.notice_id == told.notice_id)
        .join(NoticeRow, NoticeRow.notice_id == told.notice_id)
        .where(CHOSEN.c.target == target, told.promise_id.is_not(None))
    )
    return cast("Select[Any]", query)
