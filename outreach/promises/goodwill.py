"""What representatives may promise: a credit within their limits, and a word without money."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import polars as pl
from sqlalchemy import select
from sqlalchemy.orm import Session

from features.contract import CONTRACTS
from features.money import as_decimal
from outreach.promises import ledger
from outreach.promises.accounts import Standing, promised_sum
from outreach.promises.ledger import Promise
from outreach.promises.models import PromiseRow
from outreach.standing import refuse_unknown
from warehouse import clock
from warehouse.access import accounts, audit
from warehouse.access.roles import Role
from warehouse.database import engine_for, writing
from warehouse.errors import ConflictError
from warehouse.lake import Lake
from warehouse.settings import Settings
from warehouse.tombstones import refuse_erased

GOODWILL, WORD = "goodwill", "word"
YEAR = timedelta(days=365)


def grant(
    settings: Settings, customer_id: str, amount_minor: int, currency: str, *, by: str, why: str
) -> Standing:
    """Promises a customer a goodwill credit.

    The same credit in the same words on one UTC day is one promise: a command given twice promises once.

    Raises:
        NotFoundError: there is no such customer.
        ConflictError: it is above a limit, or the currency has none, or is none of theirs.
    """
    refuse_erased(settings, customer_id)
    refuse_unknown(Lake.of(settings), customer_id)
    _refuse_foreign(settings, customer_id, currency)
    now = clock.now()
    promise = Promise(
        subject=(GOODWILL, customer_id, currency, str(amount_minor), why, now.date().isoformat()),
        customer_id=customer_id,
        kind=GOODWILL,
        said=f"a credit of {_money(amount_minor, currency)}",
        why=why,
        currency=currency,
        amount_minor=amount_minor,
    )
    with writing(engine_for(settings)) as session:
        accounts.acting(session, by, Role.REVIEWER, "grant a credit")
        ledger.lock(session)
        if not ledger.is_there(session, promise):
            _refuse_beyond(session, settings, promise, now)
        open_by_hand(session, promise, by, now)
        return ledger.one(session, promise.promise_id)


def give_word(
    settings: Settings, customer_id: str, said: str, due_at: datetime, *, by: str, why: str
) -> Standing:
    """Promises a customer something that is not money, until a moment.

    The same words to the same customer for the same moment are one promise.

    Raises:
        NotFoundError: there is no such customer.
    """
    refuse_erased(settings, customer_id)
    refuse_unknown(Lake.of(settings), customer_id)
    now, subject = clock.now(), (WORD, customer_id, said, due_at.isoformat())
    promise = Promise(subject, customer_id, WORD, said, why, due_at=due_at)
    with writing(engine_for(settings)) as session:
        accounts.acting(session, by, Role.REVIEWER, "give a customer one's word")
        open_by_hand(session, promise, by, now)
        return ledger.one(session, promise.promise_id)


def open_by_hand(session: Session, promise: Promise, by: str, now: datetime) -> None:
    """Opens a promise that a person gives, with an entry in the audit log; one that is there stays."""
    if not ledger.open_promises(session, [promise], by=by, at=now):
        return
    money = {"amount_minor": promise.amount_minor, "currency": promise.currency} if promise.currency else {}
    # Not whose it is: the log keeps that for ever, the promise does not.
    details = {"why": promise.why, **money}
    audit.record(session, f"{promise.kind}.open", by=by, at=now, subject=promise.promise_id, details=details)


def _refuse_beyond(session: Session, settings: Settings, promise: Promise, now: datetime) -> None:
    amount, currency = promise.amount_minor or 0, promise.currency or ""
    at_once = _limit("goodwill_limit_minor", settings.outreach.goodwill_limit_minor, currency)
    if amount > at_once:
        raise ConflictError(
            f"a credit of {_money(amount, currency)} is above the limit of {_money(at_once, currency)} for "
            "one; grant less, or ask whoever may raise outreach.goodwill_limit_minor"
        )
    a_year = _limit("goodwill_year_minor", settings.outreach.goodwill_year_minor, currency)
    granted = _granted(session, promise.customer_id, currency, now - YEAR)
    if granted + amount > a_year:
        raise ConflictError(
            f"customer {promise.customer_id!r} was granted {_money(granted, currency)} within 365 days; with "
            f"{_money(amount, currency)} more it would be above the limit of {_money(a_year, currency)}; "
            "grant less, or ask whoever may raise outreach.goodwill_year_minor"
        )


def _refuse_foreign(settings: Settings, customer_id: str, currency: str) -> None:
    """Refuses a currency that the customer, or where they bought nothing yet nobody, bought in.

    Limits are for each currency: without this, one in every currency there is could be granted to the limit.
    A currency that the limits name is always possible.
    """
    if currency in settings.outreach.goodwill_limit_minor:
        return
    bought = Lake.of(settings).scan(CONTRACTS["purchases"].table)
    for lines in (bought.filter(pl.col("customer_id") == customer_id), bought):
        theirs = sorted(lines.select("currency").unique().collect().to_series())
        if currency in theirs:
            return
        if theirs:
            raise ConflictError(
                f"nothing was bought in {currency} here, so nothing is granted in it: grant it in "
                f"{' or '.join(theirs)}, or ask whoever may name {currency} in outreach.goodwill_limit_minor"
            )


def _limit(name: str, limits: Mapping[str, int], currency: str) -> int:
    limit = limits.get(currency, limits.get("default"))
    if limit is None:
        raise ConflictError(f"outreach.{name} has no limit for {currency}; nothing can be granted in it")
    return limit


def _granted(session: Session, customer_id: str, currency: str, since: datetime) -> int:
    """What goodwill promised a customer since then, and did not take back."""
    mine = (PromiseRow.customer_id == customer_id, PromiseRow.currency == currency)
    since_then = (PromiseRow.kind == GOODWILL, PromiseRow.opened_at > since)
    return session.scalar(select(promised_sum()).where(*mine, *since_then)) or 0


def _money(minor: int, currency: str) -> str:
    return f"{as_decimal(minor, currency):,} {currency}"
