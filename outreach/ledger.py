"""The ledger: money customers were told of, from promise to payment. It only grows.

Per customer and currency, promised = paid + open + voided, at every commit. Entries have ids that follow
from what they record, so writing one twice changes nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, case, cast, func, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from outreach.bulk import chunks, table_of
from outreach.ids import content_id
from outreach.models import LedgerRow
from warehouse.errors import ConflictError

KINDS = ("promised", "paid", "voided")


@dataclass(frozen=True)
class Entry:
    """One movement of money, in minor units above 0. `reference` tells several of one kind apart."""

    kind: str
    customer_id: str
    currency: str
    amount_minor: int
    opportunity_id: str
    notice_id: str
    reference: str = ""

    @property
    def entry_id(self) -> str:
        """The same for the same kind, notice, opportunity and reference."""
        return content_id("ledger", self.kind, self.notice_id, self.opportunity_id, self.reference)


@dataclass(frozen=True)
class Balance:
    """What one customer was promised in one currency, in minor units, and what became of it."""

    customer_id: str
    currency: str
    promised_minor: int
    paid_minor: int
    voided_minor: int

    @property
    def open_minor(self) -> int:
        """What is still owed."""
        return self.promised_minor - self.paid_minor - self.voided_minor


def lock(session: Session) -> None:
    """Lets nobody else write to the ledger until this transaction ends; SQLite writers wait anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("LOCK TABLE ledger IN SHARE ROW EXCLUSIVE MODE"))


def write(session: Session, entries: Sequence[Entry], *, by: str, at: datetime) -> None:
    """Adds entries; those that are there already stay as they are.

    Raises:
        ConflictError: more would be paid and voided of a promise than was promised.
    """
    for chunk in chunks(entries):
        session.execute(_insert_new(session), [_row(entry, by, at) for entry in chunk])
    touched = sorted({entry.notice_id for entry in entries if entry.kind != "promised"})
    for some in chunks(touched):
        overdrawn = select(LedgerRow.notice_id).where(LedgerRow.notice_id.in_(some))
        grouped = overdrawn.group_by(LedgerRow.notice_id, LedgerRow.opportunity_id)
        if first := session.scalar(grouped.having(_signed(paid=-1) < 0).limit(1)):
            raise ConflictError(f"more than was promised would be paid or voided for notice {first}")


def pay(
    session: Session, *, notice_id: str, opportunity_id: str, reference: str, by: str, at: datetime
) -> int:
    """Records that all that is open of one promise was paid; returns the amount in minor units, maybe 0."""
    lock(session)
    left = [entry for entry in open_of(session, [notice_id]) if entry.opportunity_id == opportunity_id]
    paid = [_as(entry, "paid", reference) for entry in left]
    write(session, paid, by=by, at=at)
    return sum(entry.amount_minor for entry in paid)


def void(session: Session, notice_ids: Sequence[str], *, by: str, at: datetime) -> int:
    """Takes back what is open of these notices' promises; returns how many promises that were."""
    lock(session)
    voided = [_as(entry, "voided", "") for entry in open_of(session, notice_ids)]
    write(session, voided, by=by, at=at)
    return len(voided)


def open_of(session: Session, notice_ids: Iterable[str]) -> list[Entry]:
    """Promises of these notices with something open, with the open amount."""
    found: list[Entry] = []
    columns = (
        LedgerRow.customer_id,
        LedgerRow.currency,
        LedgerRow.opportunity_id,
        LedgerRow.notice_id,
    )
    left = cast(_signed(paid=-1), BigInteger)
    for some in chunks(notice_ids):
        query = (
            select(left, *columns).where(LedgerRow.notice_id.in_(some)).group_by(*columns).having(left > 0)
        )
        found += [
            Entry("promised", customer, currency, amount, opportunity, notice)
            for amount, customer, currency, opportunity, notice in session.execute(query)
        ]
    return found


def balances(session: Session, customer_id: str | None = None) -> list[Balance]:
    """Sums per customer and currency, of one customer or of all, in their order."""
    query = select(LedgerRow.customer_id, LedgerRow.currency, *(_sum(kind) for kind in KINDS))
    if customer_id is not None:
        query = query.where(LedgerRow.customer_id == customer_id)
    keys = (LedgerRow.customer_id, LedgerRow.currency)
    return [Balance(*row) for row in session.execute(query.group_by(*keys).order_by(*keys))]


def _as(entry: Entry, kind: str, reference: str) -> Entry:
    return Entry(
        kind,
        entry.customer_id,
        entry.currency,
        entry.amount_minor,
        entry.opportunity_id,
        entry.notice_id,
        reference,
    )


def _row(entry: Entry, by: str, at: datetime) -> dict[str, Any]:
    if entry.kind not in KINDS or entry.amount_minor <= 0:
        raise ConflictError(
            f"a ledger entry {entry.kind} {entry.amount_minor} makes no sense; nothing is written"
        )
    fields = {name: getattr(entry, name) for name in ("kind", "customer_id", "currency", "amount_minor")}
    subject = {"opportunity_id": entry.opportunity_id, "notice_id": entry.notice_id}
    return {"entry_id": entry.entry_id, **fields, **subject, "by": by, "at": at}


def _insert_new(session: Session) -> Any:
    """INSERT that leaves known entries alone; both databases say it the same way."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    return dialect.insert(table_of(LedgerRow)).on_conflict_do_nothing(index_elements=["entry_id"])


def _signed(*, paid: int) -> Any:
    """The sum of promises less what was voided, and less what was paid where `paid` is -1."""
    amount = LedgerRow.amount_minor
    return func.sum(
        case(
            (LedgerRow.kind == "promised", amount), (LedgerRow.kind == "voided", -amount), else_=paid * amount
        )
    )


def promised_sum() -> Any:
    """SQL for what is promised and not voided, paid or not, in minor units."""
    return cast(_signed(paid=0), BigInteger)


def _sum(kind: str) -> Any:
    return cast(
        func.coalesce(func.sum(case((LedgerRow.kind == kind, LedgerRow.amount_minor))), 0), BigInteger
    )
