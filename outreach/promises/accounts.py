"""Where promises stand: their states and what is paid, open and voided of them. Reads only."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Subquery,
    and_,
    case,
    cast,
    func,
    select,
)
from sqlalchemy.orm import Session, aliased

from outreach.bulk import chunks
from outreach.promises.models import ACCOUNTS, IN_HAND, PostingRow, PromiseEventRow, PromiseRow

OPEN = ("open", "reopened")
"""States in which something is still owed; the others are `kept` and `voided`."""

STATE: ColumnElement[str] = func.coalesce(PromiseEventRow.state, "open")
NUMBER: ColumnElement[int] = func.coalesce(PromiseEventRow.number, 1)
SINCE: ColumnElement[datetime] = func.coalesce(PromiseEventRow.at, PromiseRow.opened_at)
"""SQL for the state of a promise, which event brought it there and when, over `with_last_event`."""


@dataclass(frozen=True)
class Balance:
    """The accounts of one customer in one currency, each summed on its own, in minor units."""

    customer_id: str
    currency: str
    promised_minor: int
    open_minor: int
    paid_minor: int
    voided_minor: int


@dataclass(frozen=True)
class Standing:
    """A promise and what became of it so far.

    Attributes:
        promise_id: and the other columns of `promises` up to `notice_id`.
        state: `open`, `reopened`, `kept` or `voided`.
        number: of the event that brought it to this state.
        since: when that was.
        open_minor: what is still owed; null without money, like the other two.
        paid_minor: what was paid and did not come back.
        voided_minor: what was taken back.
    """

    promise_id: str
    customer_id: str
    kind: str
    currency: str | None
    amount_minor: int | None
    said: str
    why: str
    opened_by: str
    opened_at: datetime
    due_at: datetime | None
    opportunity_id: str | None
    notice_id: str | None
    state: str
    number: int
    since: datetime
    open_minor: int | None
    paid_minor: int | None
    voided_minor: int | None

    @property
    def is_open(self) -> bool:
        """Whether something is still owed."""
        return self.state in OPEN

    @property
    def in_hand(self) -> bool:
        """Whether the customer can still use the money themselves, as far as any night knows."""
        return self.kind in IN_HAND and self.due_at is not None and self.since < self.due_at


def standings(session: Session, promise_ids: Iterable[str]) -> dict[str, Standing]:
    """The promises of these ids that there are."""
    found = [s for ids in chunks(promise_ids) for s in _read(session, PromiseRow.promise_id.in_(ids))]
    return {standing.promise_id: standing for standing in found}


def of_notices(session: Session, notice_ids: Iterable[str]) -> list[Standing]:
    """The promises of these notices."""
    return [s for ids in chunks(notice_ids) for s in _read(session, PromiseRow.notice_id.in_(ids))]


def listed(
    session: Session,
    *,
    states: Iterable[str] | None = None,
    customer_id: str | None = None,
    beginning: str | None = None,
) -> list[Standing]:
    """Promises, oldest first.

    Args:
        session: the caller's transaction.
        states: only in these; by default in all.
        customer_id: only this customer's.
        beginning: only those whose ids begin like this.
    """
    conditions = [] if customer_id is None else [PromiseRow.customer_id == customer_id]
    if beginning is not None:
        conditions.append(PromiseRow.promise_id.startswith(beginning, autoescape=True))
    if states is not None:
        conditions.append(STATE.in_(list(states)))
    return _read(session, *conditions)


def balances(session: Session, customer_id: str | None = None) -> list[Balance]:
    """The accounts per customer and currency, of one customer or of all, in their order."""
    mine = [] if customer_id is None else [PromiseRow.customer_id == customer_id]
    keys, moved = (PromiseRow.customer_id, PromiseRow.currency), movements(mine)
    query: Any = select(*keys, *sums_of(moved)).outerjoin(moved, moved.c.promise_id == PromiseRow.promise_id)
    query = query.where(PromiseRow.currency.is_not(None), *mine)
    return [Balance(*row) for row in session.execute(query.group_by(*keys).order_by(*keys))]


def movements(conditions: Sequence[ColumnElement[bool]] = ()) -> Subquery:
    """What moved into each account since the opening, by promise: `promise_id` and `ACCOUNTS`; often none.

    Args:
        conditions: of which promises, over `promises`; by default of all.
    """
    by = PostingRow.promise_id
    query = select(by, *(account(name).label(name) for name in ACCOUNTS)).group_by(by)
    if conditions:
        query = query.where(by.in_(select(PromiseRow.promise_id).where(*conditions)))
    return query.subquery("movements")


def sums_of(moved: Subquery) -> list[ColumnElement[int]]:
    """SQL for what is promised, open, paid and voided, over promises outer joined with `movements()`."""
    promised = func.coalesce(func.sum(PromiseRow.amount_minor), 0)
    opened, paid, voided = (func.coalesce(func.sum(moved.c[name]), 0) for name in ACCOUNTS)
    return [cast(total, BigInteger) for total in (promised, promised + opened, paid, voided)]


def account(name: str) -> ColumnElement[int]:
    """SQL for what moved into an account less what moved out, over postings, in minor units."""
    amount = PostingRow.amount_minor
    sides = case((PostingRow.debit == name, amount), (PostingRow.credit == name, -amount), else_=0)
    return func.coalesce(func.sum(sides), 0)


def promised_sum() -> ColumnElement[int]:
    """SQL for what is promised and not voided, paid or not, summed over promises, in minor units."""
    return cast(func.coalesce(func.sum(PromiseRow.amount_minor - _moved("voided")), 0), BigInteger)


def with_last_event(query: Select[Any]) -> Select[Any]:
    """A query over each promise and the last event about it, where there is one since its opening."""
    later = aliased(PromiseEventRow)
    next_one = (later.promise_id == PromiseEventRow.promise_id, later.number == PromiseEventRow.number + 1)
    last = ~select(later.event_id).where(*next_one).exists()
    mine = and_(PromiseEventRow.promise_id == PromiseRow.promise_id, last)
    return query.select_from(PromiseRow).outerjoin(PromiseEventRow, mine)


def _read(session: Session, *conditions: ColumnElement[bool]) -> list[Standing]:
    query: Select[Any] = _standing().where(*conditions)
    rows = session.execute(query.order_by(PromiseRow.opened_at, PromiseRow.promise_id))
    return [Standing(*row) for row in rows]


def _standing() -> Select[Any]:
    """One row per promise with how it stands; what moved is looked up per promise, by an index."""
    columns = [getattr(PromiseRow, name) for name in Standing.__annotations__ if hasattr(PromiseRow, name)]
    left = PromiseRow.amount_minor + _moved("open")
    moved = (case((PromiseRow.currency.is_not(None), _moved(name))) for name in ACCOUNTS[1:])
    return with_last_event(select(*columns, STATE, NUMBER, SINCE, left, *moved))


def _moved(name: str) -> ColumnElement[int]:
    """SQL for what moved into an account of a promise since its opening, over promises."""
    sums = select(cast(account(name), BigInteger)).where(PostingRow.promise_id == PromiseRow.promise_id)
    return sums.correlate(PromiseRow).scalar_subquery()
