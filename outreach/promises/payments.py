"""Payments: what finance paid, each once per reference, never more than is open."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from outreach.promises import ledger
from outreach.promises.accounts import Standing, standings
from outreach.promises.ledger import Posting, known_payments, payment_id
from outreach.promises.models import PostingRow
from warehouse.errors import ConflictError


@dataclass(frozen=True)
class Payment:
    """One payment of one promise; `reference` is the payer's own and is never used twice."""

    reference: str
    promise_id: str
    amount_minor: int
    currency: str
    paid_at: datetime


@dataclass(frozen=True)
class Screened:
    """Payments before they are written.

    Attributes:
        fresh: those that can be written.
        known: how many were written before, with the same content.
        refused: the others, each with the reason.
    """

    fresh: list[Payment]
    known: int
    refused: list[tuple[Payment, str]]


def pay(session: Session, payments: Sequence[Payment], *, by: str, at: datetime) -> Screened:
    """Writes payments, all of them or none; those that are known already change nothing.

    Raises:
        ConflictError: one of them cannot be written; says why.
    """
    ledger.lock(session)
    screened = screen(session, payments)
    if screened.refused:
        payment, why = screened.refused[0]
        raise ConflictError(f"payment {payment.reference!r} was not recorded: {why}")
    write(session, screened.fresh, by=by, at=at)
    return screened


def screen(session: Session, payments: Sequence[Payment]) -> Screened:
    """Sorts payments into those that can be written, those known already, and the others with their reasons.

    Earlier ones come first, so that of two that together exceed what is open the later is refused. The
    caller has locked the ledger.
    """
    here = standings(session, {payment.promise_id for payment in payments})
    written = known_payments(session, {payment.reference for payment in payments})
    left = {standing.promise_id: standing.open_minor or 0 for standing in here.values()}
    screened = Screened([], 0, [])
    known = 0
    for payment in sorted(payments, key=lambda one: (one.paid_at, one.reference)):
        present = written.get(payment.reference)
        if present is not None and _is_same(payment, present, here.get(payment.promise_id)):
            known += 1
            continue
        promise = here.get(payment.promise_id)
        why = "same reference, other content" if present else _refusal(payment, promise, left)
        if why:
            screened.refused.append((payment, why))
            continue
        left[payment.promise_id] -= payment.amount_minor
        screened.fresh.append(payment)
    return Screened(screened.fresh, known, screened.refused)


def write(session: Session, fresh: Sequence[Payment], *, by: str, at: datetime) -> None:
    """Writes payments that were screened under the same lock, and closes the promises they complete."""
    ledger.post(session, (_posting(payment) for payment in fresh), by=by, at=at)
    paid = sorted({payment.promise_id for payment in fresh})
    ledger.settle(session, paid, "kept", by=by, at=at, why="paid")


def _posting(payment: Payment) -> Posting:
    return Posting(
        payment_id(payment.reference),
        payment.promise_id,
        "paid",
        "open",
        payment.amount_minor,
        payment.reference,
        payment.paid_at,
    )


def _is_same(payment: Payment, present: PostingRow, promise: Standing | None) -> bool:
    return promise is not None and (
        payment.promise_id,
        payment.amount_minor,
        payment.currency,
        payment.paid_at,
    ) == (present.promise_id, present.amount_minor, promise.currency, present.happened_at)


def _refusal(payment: Payment, promise: Standing | None, left: dict[str, int]) -> str | None:
    if promise is None or promise.currency is None:
        return "unknown promise" if promise is None else "promise without money"
    if promise.currency != payment.currency:
        return f"other currency than the promise ({promise.currency})"
    if promise.in_hand:
        return f"the customer can use it until {promise.due_at:%Y-%m-%d %H:%M} UTC; what is left then is paid"
    if payment.amount_minor <= 0:
        return "amount not above 0"
    if payment.amount_minor > left[promise.promise_id]:
        return "more than is open"
    return None
