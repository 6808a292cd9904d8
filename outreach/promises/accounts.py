"""Where promises stand: their states and what is paid, open and voided of them. Reads only."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, case, cast, func, select
from sqlalchemy.orm import Session, aliased

from outreach.bulk import chunks
from outreach.promises.models import ACCOUNTS, IN_HAND, PostingRow, PromiseEventRow, PromiseRow

OPEN = ("open", "reopened")
"""States in which something is still owed; the others are `kept` and `voided`."""


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
        conditions.append(PromiseEventRow.state.in_(list(states)))
    return _read(session, *conditions)


def balances(session: Session, customer_id: str | None = None) -> list[Balance]:
    """The accounts per customer and currency, of one customer or of all, in their order."""
    keys = (PromiseRow.customer_id, PromiseRow.currency)
    accounts = (-account("promised"), account("open"), account("paid"), account("voided"))
    query: Any = select(*keys, *(cast(total, BigInteger) for total in accounts))
    query = query.join(PostingRow, PostingRow.promise_id == PromiseRow.promise_id)
    if customer_id is not None:
        query = query.where(PromiseRow.customer_id == customer_id)
    return [Balance(*row) for row in session.execute(query.group_by(*keys).order_by(*keys))]


def account(name: str) -> ColumnElement[int]:
    """SQL for the balance of an account: its debits less its credits, over postings, in minor units."""
    amount = PostingRow.amount_minor
    sides = case((PostingRow.debit == name, amount), (PostingRow.credit == name, -amount), else_=0)
    return func.coalesce(func.sum(sides), 0)


def promised_sum() -> ColumnElement[int]:
    """SQL for what is promised and not voided, paid or not, over postings, in minor units."""
    return cast(-account("promised") - account("voided"), BigInteger)


def _read(session: Session, *conditions: ColumnElement[bool]) -> list[Standing]:
    query: Select[Any] = _standing().where(*conditions)
    rows = session.execute(query.order_by(PromiseRow.opened_at, PromiseRow.promise_id))
    return [Standing(*row) for row in rows]


def _standing() -> Select[Any]:
    """One row per promise with its last event; sums are looked up per promise, by an index."""
    later = aliased(PromiseEventRow)
    last = select(func.max(later.number)).where(later.promise_id == PromiseRow.promise_id).scalar_subquery()
    event = (PromiseEventRow.promise_id == PromiseRow.promise_id, PromiseEventRow.number == last)
    columns = [getattr(PromiseRow, name) for name in Standing.__annotations__ if hasattr(PromiseRow, name)]
    return select(
        *columns,
        PromiseEventRow.state,
        PromiseEventRow.number,
        PromiseEventRow.at,
        *(_of_promise(name) for name in ACCOUNTS[1:]),
    ).join(PromiseEventRow, event[0] & event[1])


def _of_promise(name: str) -> ColumnElement[int | None]:
    sums = select(cast(account(name), BigInteger)).where(PostingRow.promise_id == PromiseRow.promise_id)
    return case((PromiseRow.currency.is_not(None), sums.scalar_subquery()))
