"""What people do with single promises: pay, keep, take back, open again; each in one transaction."""

from datetime import datetime

from sqlalchemy.orm import Session

from features.money import as_decimal
from outreach.models import NoticeRow
from outreach.promises import ledger, payments
from outreach.promises.accounts import Standing
from outreach.promises.payments import Payment
from outreach.states import NO_CHANNEL
from warehouse import clock
from warehouse.access import accounts, audit
from warehouse.access.roles import Role
from warehouse.database import engine_for, writing
from warehouse.errors import ConflictError
from warehouse.settings import Settings


def pay(
    settings: Settings,
    promise_id: str,
    *,
    reference: str,
    by: str,
    amount_minor: int | None = None,
    paid_at: datetime | None = None,
) -> tuple[Standing, bool]:
    """Records that a promise was paid, in part or whole.

    Args:
        settings: the home's settings.
        promise_id: which one.
        reference: the payer's own; the same reference again changes nothing.
        by: who says so.
        amount_minor: how much, in minor units; by default all that is open.
        paid_at: when; by default now.

    Returns:
        the promise as it stands then, and whether anything changed.

    Raises:
        NotFoundError: there is no such promise.
        ConflictError: it is not of money, less is open, or the reference belongs to another payment.
    """
    with writing(engine_for(settings)) as session:
        accounts.acting(session, by, Role.APPROVER, "record payments")
        ledger.lock(session)
        standing, now = ledger.one(session, promise_id), clock.now()
        known = ledger.known_payments(session, [reference]).get(reference)
        mine = known if known is not None and known.promise_id == promise_id else None
        if standing.currency is None:
            raise ConflictError(f"promise {promise_id} is not of money; `advocate ledger keep` closes it")
        if mine is None and not standing.open_minor:
            raise ConflictError(f"promise {promise_id} is {standing.state}; nothing of it is open")
        default = mine.amount_minor if mine else standing.open_minor or 0
        amount = default if amount_minor is None else amount_minor
        moment = paid_at or (mine.happened_at if mine else now)
        payment = Payment(reference, promise_id, amount, standing.currency, moment)
        fresh = payments.pay(session, [payment], by=by, at=now).fresh
        if fresh:
            posting = ledger.payment_id(reference)
            _told(session, "promise.pay", promise_id, by, now, posting=posting, amount_minor=amount)
        return ledger.one(session, promise_id), bool(fresh)


def void(settings: Settings, promise_id: str, *, by: str, why: str) -> tuple[Standing, bool]:
    """Takes back what is open of a promise; returns how it stands then, and whether anything changed.

    Raises:
        NotFoundError: there is no such promise.
        ConflictError: the message that tells of it is still to go.
    """
    with writing(engine_for(settings)) as session:
        accounts.acting(session, by, Role.APPROVER, "take promises back")
        ledger.lock(session)
        _refuse_if_yet_to_be_told(session, ledger.one(session, promise_id))
        now = clock.now()
        changed = ledger.void(session, [promise_id], by=by, at=now, why=why)
        if changed:
            _told(session, "promise.void", promise_id, by, now, why=why)
        return ledger.one(session, promise_id), bool(changed)


def keep(settings: Settings, promise_id: str, *, by: str, why: str) -> tuple[Standing, bool]:
    """Says that a promise without money was kept; arguments, result and errors as `ledger.keep`."""
    with writing(engine_for(settings)) as session:
        accounts.acting(session, by, Role.REVIEWER, "say that a promise was kept")
        now = clock.now()
        changed = ledger.keep(session, promise_id, by=by, at=now, why=why)
        if changed:
            _told(session, "promise.keep", promise_id, by, now, why=why)
        return ledger.one(session, promise_id), changed


def reopen(
    settings: Settings, promise_id: str, *, by: str, why: str, reference: str = ""
) -> tuple[Standing, bool]:
    """Opens a promise again; arguments, result and errors as `ledger.reopen`."""
    with writing(engine_for(settings)) as session:
        accounts.acting(session, by, Role.REVIEWER, "open a promise again")
        now = clock.now()
        changed = ledger.reopen(session, promise_id, by=by, at=now, why=why, reference=reference)
        if changed:
            posting = ledger.payment_id(reference) if reference else ""
            _told(session, "promise.reopen", promise_id, by, now, why=why, posting=posting)
        return ledger.one(session, promise_id), changed


def _told(
    session: Session, action: str, promise_id: str, by: str, at: datetime, **details: str | int
) -> None:
    """Names postings, not finance's references: these may name a customer, and the log is kept for ever."""
    audit.record(session, action, by=by, at=at, subject=promise_id, details=details)


def _refuse_if_yet_to_be_told(session: Session, standing: Standing) -> None:
    notice = session.get(NoticeRow, standing.notice_id) if standing.notice_id else None
    if notice is not None and notice.channel != NO_CHANNEL and notice.state in ("approved", "handed"):
        amount = as_decimal(standing.open_minor or 0, standing.currency or "")
        raise ConflictError(
            f"notice {notice.notice_id} is about to tell the customer of these {amount} {standing.currency}; "
            f"reject it instead, which takes the promise back: `advocate batch reject {notice.batch_id} "
            f"--notice {notice.notice_id} --reason …`"
        )
