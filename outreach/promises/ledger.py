"""The ledger: the one place that writes promises, their events and their postings. It only grows.

Double entry: all the money of a promise is open at its beginning, and every posting moves some of it from one
account to another, so that per customer and currency promised = paid + open + voided at every commit. Ids
follow from what is recorded, so writing it twice changes nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, cast

from sqlalchemy import CursorResult, Select, exists, insert, literal, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from outreach.bulk import chunks, table_of
from outreach.promises.accounts import Standing, of_notices, standings
from outreach.promises.models import PayoutRow, PostingRow, PromiseEventRow, PromiseRow
from warehouse.database import Base
from warehouse.errors import ConflictError, NotFoundError
from warehouse.ids import content_id
from warehouse.models import Moment


@dataclass(frozen=True)
class Promise:
    """Something a customer is told they get.

    Attributes:
        subject: what tells it apart from every other promise; its id follows from it.
        customer_id: whom it was given to.
        kind: the opportunity's kind, `goodwill`, `word` or `call`.
        said: what the customer was told.
        why: why it was given.
        currency: of the money; null for a promise without.
        amount_minor: in minor units, above 0; null for a promise without money.
        due_at: by when, where that was said.
        opportunity_id: what it pays for, where something was found.
        notice_id: the notice it was made in, if any.
    """

    subject: tuple[str, ...]
    customer_id: str
    kind: str
    said: str
    why: str
    currency: str | None = None
    amount_minor: int | None = None
    due_at: datetime | None = None
    opportunity_id: str | None = None
    notice_id: str | None = None

    @cached_property
    def promise_id(self) -> str:
        """The same for the same subject."""
        return promise_id_of(self.subject)


def promise_id_of(subject: tuple[str, ...]) -> str:
    """The id of the promise of a subject, whether or not there is one yet."""
    return content_id("promise", *subject)


@dataclass(frozen=True)
class Posting:
    """Money that moves from the account `credit` to the account `debit`."""

    posting_id: str
    promise_id: str
    debit: str
    credit: str
    amount_minor: int
    reference: str
    happened_at: datetime


def lock(session: Session) -> None:
    """Lets nobody else write to the ledger until this transaction ends; SQLite writers wait anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("LOCK TABLE postings IN SHARE ROW EXCLUSIVE MODE"))


def open_promises(session: Session, promises: Sequence[Promise], *, by: str, at: datetime) -> int:
    """Opens promises; those that are there already stay as they are. Returns how many are new.

    Raises:
        ConflictError: an amount is not above 0, or lacks its currency.
    """
    lock(session)
    for promise in promises:
        some = promise.amount_minor
        if (some is None) != (promise.currency is None) or (some is not None and some <= 0):
            amount = f"{promise.amount_minor} {promise.currency}"
            raise ConflictError(f"a promise of {amount} makes no sense; nothing was promised")
    there = standings(session, (promise.promise_id for promise in promises))
    new = list({p.promise_id: p for p in promises if p.promise_id not in there}.values())
    _insert(session, PromiseRow, (_row(promise, by, at) for promise in new))
    return len(new)


def open_selected(session: Session, promised: Select[Any], *, by: str, at: datetime) -> int:
    """Opens the promises that a query gives, however many, in a handful of statements.

    One that was taken back is opened again; one that is there otherwise stays as it is.

    Args:
        session: the caller's transaction, which has locked the ledger.
        promised: `promise_id, customer_id, kind, currency, amount_minor, said, why, due_at, opportunity_id,
            notice_id`, each with an amount above 0 and its currency.
        by: who promises.
        at: when.

    Returns:
        how many were opened, or opened again.
    """
    mine = promised.subquery("promised")
    there = select(PromiseRow.promise_id).join(mine, mine.c.promise_id == PromiseRow.promise_id)
    again = _open_again(session, session.scalars(there).all(), by=by, at=at)
    new = select(*mine.c, literal(by), literal(at, Moment))
    known = exists().where(PromiseRow.promise_id == mine.c.promise_id)
    new = new.where(~known).order_by(mine.c.promise_id)
    statement = insert(table_of(PromiseRow)).from_select([*mine.c.keys(), "opened_by", "opened_at"], new)
    written = session.execute(statement.execution_options(preserve_rowcount=True))
    return cast("CursorResult[Any]", written).rowcount + again


def _open_again(session: Session, promise_ids: Sequence[str], *, by: str, at: datetime) -> int:
    """Promises what was taken back once more."""
    back = [s for s in standings(session, promise_ids).values() if s.state == "voided" and s.voided_minor]
    postings = [
        Posting(
            content_id("promised again", s.promise_id, str(s.number)),
            s.promise_id,
            "open",
            "voided",
            s.voided_minor or 0,
            "",
            at,
        )
        for s in back
    ]
    post(session, postings, by=by, at=at)
    _turn(session, [(s.promise_id, s.number + 1, s.why) for s in back], "reopened", by=by, at=at)
    return len(back)


def post(session: Session, postings: Iterable[Posting], *, by: str, at: datetime) -> None:
    """Writes postings; the callers in this area have locked the ledger and see to what may be posted."""
    _insert(session, PostingRow, (vars(posting) | {"by": by, "at": at} for posting in postings))


def settle(
    session: Session, promise_ids: Iterable[str], state: str, *, by: str, at: datetime, why: str
) -> None:
    """Takes those promises of which nothing is open any more to the state `kept` or `voided`."""
    done = [s for s in standings(session, promise_ids).values() if s.is_open and not s.open_minor]
    _turn(session, [(s.promise_id, s.number + 1, why) for s in done], state, by=by, at=at)


def void(session: Session, promise_ids: Iterable[str], *, by: str, at: datetime, why: str) -> int:
    """Takes back what is open of promises; returns how many promises that were."""
    lock(session)
    return _void(session, standings(session, promise_ids).values(), by=by, at=at, why=why)


def _void(session: Session, promises: Iterable[Standing], *, by: str, at: datetime, why: str) -> int:
    left = [standing for standing in promises if standing.is_open]
    voided = [
        Posting(content_id("void", s.promise_id, str(s.number)), s.promise_id, "voided", "open", some, "", at)
        for s in left
        if (some := s.open_minor)
    ]
    post(session, voided, by=by, at=at)
    _turn(session, [(s.promise_id, s.number + 1, why) for s in left], "voided", by=by, at=at)
    return len(left)


def void_parts(
    session: Session, parts: Sequence[tuple[Standing, int]], *, by: str, at: datetime, why: str
) -> None:
    """Takes back a part of what is open of each promise; the caller has locked the ledger and read them."""
    moved = [
        Posting(
            content_id("void", s.promise_id, str(s.number), str((s.voided_minor or 0) + some)),
            s.promise_id,
            "voided",
            "open",
            some,
            why,
            at,
        )
        for s, some in parts
    ]
    post(session, moved, by=by, at=at)
    settle(session, [s.promise_id for s, _ in parts], "voided", by=by, at=at, why=why)


def say_lapsed(session: Session, promises: Iterable[Standing], *, by: str, at: datetime, why: str) -> int:
    """Says of promises in hand that are still open that they lapsed; returns how many that were."""
    now = standings(session, [standing.promise_id for standing in promises]).values()
    mine = [standing for standing in now if standing.is_open]
    _turn(session, [(s.promise_id, s.number + 1, why) for s in mine], "open", by=by, at=at)
    return len(mine)


def void_notices(session: Session, notice_ids: Sequence[str], *, by: str, at: datetime, why: str) -> int:
    """Takes back what is open of these notices' promises; returns how many promises that were."""
    lock(session)
    return _void(session, of_notices(session, notice_ids), by=by, at=at, why=why)


def keep(session: Session, promise_id: str, *, by: str, at: datetime, why: str) -> bool:
    """Says that a promise without money was kept; returns whether that is new.

    Raises:
        NotFoundError: there is no such promise.
        ConflictError: it is one of money, or was voided.
    """
    lock(session)
    standing = one(session, promise_id)
    if standing.currency is not None:
        raise ConflictError(f"promise {promise_id} is of money; `advocate ledger pay {promise_id}` keeps it")
    if standing.state == "voided":
        raise ConflictError(f"promise {promise_id} was voided; `advocate ledger reopen` it first")
    if standing.is_open:
        settle(session, [promise_id], "kept", by=by, at=at, why=why)
    return standing.is_open


def reopen(
    session: Session, promise_id: str, *, by: str, at: datetime, why: str, reference: str = ""
) -> bool:
    """Opens a promise again: one without money, or what a payment that came back had paid.

    Args:
        session: the caller's transaction.
        promise_id: which one.
        by: who says so.
        at: when.
        why: why.
        reference: of the payment that came back; none for a promise without money.

    Returns:
        whether anything changed.

    Raises:
        NotFoundError: there is no such promise, or no such payment of it.
        ConflictError: it is of money, and no payment was named.
    """
    lock(session)
    standing = one(session, promise_id)
    if standing.currency is not None and not _take_back(session, promise_id, reference, by=by, at=at):
        return False
    if not standing.is_open:
        _turn(session, [(promise_id, standing.number + 1, why)], "reopened", by=by, at=at)
    return not standing.is_open or standing.currency is not None


def one(session: Session, promise_id: str) -> Standing:
    """The promise of an id.

    Raises:
        NotFoundError: there is none.
    """
    found = standings(session, [promise_id]).get(promise_id)
    if found is None:
        raise NotFoundError(
            f"there is no promise {promise_id!r}; `advocate ledger list` shows those there are"
        )
    return found


def is_there(session: Session, promise: Promise) -> bool:
    """Whether a promise was opened before."""
    return session.get(PromiseRow, promise.promise_id) is not None


def hand_out(session: Session, payouts: Iterable[dict[str, Any]], *, by: str, at: datetime) -> None:
    """Remembers which promises were handed to finance for payment."""
    _insert(session, PayoutRow, (payout | {"by": by, "at": at} for payout in payouts))


def payment_id(reference: str) -> str:
    """The id of the one posting that a payment reference may have."""
    return content_id("payment", reference)


def known_payments(session: Session, references: Iterable[str]) -> dict[str, PostingRow]:
    """Payments of these references that were written already."""
    ids = (payment_id(reference) for reference in references)
    queries = (select(PostingRow).where(PostingRow.posting_id.in_(some)) for some in chunks(ids))
    return {row.reference: row for query in queries for row in session.scalars(query)}


def _take_back(session: Session, promise_id: str, reference: str, *, by: str, at: datetime) -> bool:
    if not reference:
        raise ConflictError(
            f"promise {promise_id} is of money; name the payment that came back with --reference, "
            "or open a new promise"
        )
    paid = session.get(PostingRow, payment_id(reference))
    if paid is None or paid.promise_id != promise_id:
        raise NotFoundError(f"promise {promise_id} has no payment {reference!r}; nothing was changed")
    back = content_id("payment back", reference)
    if session.get(PostingRow, back) is not None:
        return False
    moved = Posting(back, promise_id, "open", "paid", paid.amount_minor, reference, at)
    post(session, [moved], by=by, at=at)
    return True


def _row(promise: Promise, by: str, at: datetime) -> dict[str, Any]:
    row = vars(promise) | {"promise_id": promise.promise_id, "opened_by": by, "opened_at": at}
    return {name: value for name, value in row.items() if name != "subject"}


def _turn(
    session: Session, changes: Iterable[tuple[str, int, str]], state: str, *, by: str, at: datetime
) -> None:
    """Writes the events that take promises (id, number of the event, why) to a state."""
    fixed = {"state": state, "by": by, "at": at}
    events = (
        {
            "event_id": content_id("promise event", promise, str(number)),
            "promise_id": promise,
            "number": number,
            "why": why,
        }
        | fixed
        for promise, number, why in changes
    )
    _insert(session, PromiseEventRow, events)


def _insert(session: Session, model: type[Base], rows: Iterable[dict[str, Any]]) -> None:
    """Inserts what is not there yet; both databases say it the same way."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    table = table_of(model)
    statement = dialect.insert(table).on_conflict_do_nothing(index_elements=list(table.primary_key.columns))
    for some in chunks(rows):
        session.execute(statement, some)
