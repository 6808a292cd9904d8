"""Which notices a decision is about: chosen once, into a table that lives as long as the transaction.

Everything a decision does, it does to what is in that table, in a handful of statements, however many notices
that are; so approving a hundred thousand takes seconds, and nothing can be half done.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    MetaData,
    String,
    Table,
    Text,
    case,
    cast,
    delete,
    exists,
    func,
    insert,
    literal,
    null,
    select,
)
from sqlalchemy.orm import Session, aliased

from outreach.bulk import chunks, counted, emptied, filled
from outreach.models import BatchRow, NoticeEventRow, NoticeRow
from outreach.states import TAKEN_BACK, TOLD, may_become
from warehouse.errors import ConflictError, NotFoundError

CHOSEN = Table(
    "chosen_notices",
    MetaData(),
    Column("notice_id", String(36), primary_key=True),
    Column("from_state", String(16), nullable=False),
    Column("target", String(16), nullable=False),
    Column("reason", Text),
    prefixes=["TEMPORARY"],
)
"""The notices that are to change, the states they were seen in and are to have, and their own reasons."""


@dataclass(frozen=True)
class Which:
    """What somebody decides about: by default all of a batch.

    Attributes:
        notice_ids: these by name, whatever can become what they are to be.
        matching: conditions on `NoticeRow`; all that meet them, in the states a decision is usually for.
        states: with `matching`: in these states instead.
        reasons: with `notice_ids`: by notice, where one has its own instead of the decision's.
    """

    notice_ids: Sequence[str] | None = None
    matching: Sequence[ColumnElement[bool]] = ()
    states: Collection[str] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)


ALL = Which()


def choose(session: Session, batch: BatchRow, target: str, which: Which, *, default: Collection[str]) -> int:
    """Fills `CHOSEN`; returns how many are there, or beyond it, already.

    Args:
        session: the caller's transaction; sending does not touch these notices until it ends.
        batch: the batch they are in.
        target: the state they are to have.
        which: which ones.
        default: the states that a decision about many is for.

    Raises:
        NotFoundError: a named notice is not in the batch.
        ConflictError: a named notice cannot go from its state to `target`, or none of the batch can.
    """
    emptied(session, CHOSEN)
    beyond = {target} | (set(TOLD) if target == "approved" else set())
    if which.notice_ids is not None:
        return _named(session, batch, target, which, beyond)
    mine = [NoticeRow.batch_id == batch.batch_id, *which.matching]
    possible = [state for state in which.states or default if may_become(state, target)]
    picked = select(NoticeRow.notice_id, NoticeRow.state, literal(target), _no_reason()).where(
        *mine, NoticeRow.state.in_(possible)
    )
    if session.get_bind().dialect.name == "postgresql":
        locked = select(NoticeRow.notice_id).where(*mine, NoticeRow.state.in_(possible)).with_for_update()
        session.execute(select(func.count()).select_from(locked.subquery()))
    filled(session, CHOSEN, picked)
    done = _count(session, *mine, NoticeRow.state.in_(beyond))
    if not done and not chosen_count(session):
        raise ConflictError(_nothing(session, batch, target, possible, matching=bool(which.matching)))
    return done


def choose_back(session: Session, batch: BatchRow, entry: int) -> None:
    """Fills `CHOSEN` with what a decision moved and left where it is, to go back to what it was before.

    What was approved before is only proposed again: nobody has approved it since.

    Raises:
        NotFoundError: the batch has no such decision.
        ConflictError: nothing is left of it that could go back.
    """
    emptied(session, CHOSEN)
    event = NoticeEventRow
    moved = select(event.notice_id).where(event.audit == entry)
    mine = NoticeRow.batch_id == batch.batch_id
    decided = _count(session, mine, NoticeRow.notice_id.in_(moved))
    if not decided:
        raise NotFoundError(f"the batch of {batch.day} has no decision {entry}; its history lists them")
    later = aliased(event)
    # Not as the greatest number: PostgreSQL would look for it once for each notice.
    since = exists().where(later.notice_id == event.notice_id, later.event_id > event.event_id)
    target = case((event.from_state == "held", "held"), else_="proposed")
    back = (
        select(NoticeRow.notice_id, NoticeRow.state, target, _no_reason())
        .join(event, event.notice_id == NoticeRow.notice_id)
        .where(mine, event.audit == entry, ~since, NoticeRow.state == event.to_state)
        .where(NoticeRow.state.in_(TAKEN_BACK))
    )
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(NoticeRow.notice_id).where(mine).with_for_update())
    filled(session, CHOSEN, back)
    if not chosen_count(session):
        raise ConflictError(
            f"nothing of decision {entry} about the batch of {batch.day} can be taken back: it was sent, or "
            "decided about again"
        )


def chosen_count(session: Session, target: str | None = None) -> int:
    """How many notices are chosen, or are to have a state."""
    query = select(func.count()).select_from(CHOSEN)
    return session.scalar(query if target is None else query.where(CHOSEN.c.target == target)) or 0


def moves(session: Session) -> list[tuple[str, str, str]]:
    """`notice_id, from_state, target` of all that are chosen."""
    found: Any = session.execute(select(CHOSEN.c.notice_id, CHOSEN.c.from_state, CHOSEN.c.target)).all()
    return list(found)


def leave_out(session: Session, condition: ColumnElement[bool]) -> None:
    """Chooses those not that meet a condition on `CHOSEN`."""
    session.execute(delete(CHOSEN).where(condition))


def _no_reason() -> ColumnElement[str | None]:
    return cast(null(), Text)


def _named(session: Session, batch: BatchRow, target: str, which: Which, beyond: Collection[str]) -> int:
    wanted = list(dict.fromkeys(which.notice_ids or ()))
    states = _states(session, batch, wanted)
    if strange := [one for one in wanted if one not in states]:
        raise NotFoundError(f"notice {strange[0]} is not in the batch of {batch.day}; nothing was changed")
    todo = [(one, states[one]) for one in wanted if states[one] not in beyond]
    if stuck := [(one, state) for one, state in todo if not may_become(state, target)]:
        raise ConflictError(
            f"notice {stuck[0][0]} is {stuck[0][1]} and cannot become {target}; nothing was changed"
        )
    why = which.reasons
    rows = [
        {"notice_id": one, "from_state": state, "target": target, "reason": why.get(one)}
        for one, state in todo
    ]
    if rows:
        session.execute(insert(CHOSEN), rows)
    counted(session, CHOSEN)
    return len(wanted) - len(todo)


def _states(session: Session, batch: BatchRow, notice_ids: Sequence[str]) -> Mapping[str, str]:
    query = select(NoticeRow.notice_id, NoticeRow.state).where(NoticeRow.batch_id == batch.batch_id)
    found: dict[str, str] = {}
    for ids in chunks(sorted(notice_ids)):
        mine = query.where(NoticeRow.notice_id.in_(ids)).order_by(NoticeRow.notice_id).with_for_update()
        found |= {row.notice_id: row.state for row in session.execute(mine)}
    return found


def _count(session: Session, *conditions: Any) -> int:
    return session.scalar(select(func.count()).select_from(NoticeRow).where(*conditions)) or 0


def _nothing(
    session: Session, batch: BatchRow, target: str, possible: Sequence[str], *, matching: bool
) -> str:
    query = select(NoticeRow.state, func.count()).where(NoticeRow.batch_id == batch.batch_id)
    counted = Counter({row[0]: row[1] for row in session.execute(query.group_by(NoticeRow.state))})
    there = ", ".join(f"{count:,} {state}" for state, count in sorted(counted.items())) or "no notices"
    return (
        f"the batch of {batch.day} has nothing that {'matches and ' * matching}is {' or '.join(possible)}, "
        f"only {there}; nothing was changed to {target}: `advocate batch show {batch.day}` lists them, "
        "--notice names one"
    )
