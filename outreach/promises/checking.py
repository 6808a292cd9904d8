"""The check: proves over all postings that promised = paid + open + voided, and looks for what cannot be."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, exists, func, or_, select, text
from sqlalchemy.orm import Session

from outreach.models import NoticeOpportunityRow, NoticeRow
from outreach.opportunities import MONEY
from outreach.promises.accounts import Balance, Standing, balances, listed
from outreach.promises.ageing import aged
from outreach.promises.goodwill import GOODWILL, WORD
from outreach.promises.ledger import promise_id_of
from outreach.promises.models import PostingRow, PromiseEventRow, PromiseRow
from outreach.recovery import CALL
from outreach.states import TOLD
from warehouse import clock
from warehouse.access.models import AuditRow
from warehouse.database import engine_for, reading
from warehouse.settings import Settings

BY_HAND = (GOODWILL, WORD)
"""Kinds of promises that people give; the audit log tells of each."""


@dataclass(frozen=True)
class Finding:
    """Something that must not be: what it is, of which promise, notice or customer, and how it shows."""

    what: str
    of: str
    detail: str


@dataclass(frozen=True)
class Check:
    """What a check looked at, and what it found."""

    promises: int
    postings: int
    balances: list[Balance]
    findings: list[Finding]


def check(settings: Settings) -> Check:
    """Looks at every promise and posting in one consistent view; an empty list of findings is a proof."""
    with reading(engine_for(settings)) as session:
        if session.get_bind().dialect.name == "postgresql":
            session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        promises = listed(session)
        accounts = balances(session)
        findings = [
            *_identity(accounts),
            *(finding for standing in promises for finding in _promise(standing)),
            *_promised_otherwise(session),
            *_orphans(session),
            *_rejected(session, promises),
            *_late(settings, promises),
        ]
        postings = session.scalar(select(func.count()).select_from(PostingRow)) or 0
        return Check(len(promises), postings, accounts, findings)


def _identity(accounts: list[Balance]) -> Iterator[Finding]:
    for one in accounts:
        of = f"{one.customer_id} {one.currency}"
        parts = one.paid_minor + one.open_minor + one.voided_minor
        if one.promised_minor != parts:
            yield Finding(
                "identity", of, f"promised {one.promised_minor}, but paid + open + voided is {parts}"
            )
        if min(one.promised_minor, one.paid_minor, one.open_minor, one.voided_minor) < 0:
            yield Finding("negative account", of, str(one))


def _promise(standing: Standing) -> Iterator[Finding]:
    """Whether a promise's state is what its postings say."""
    if standing.currency is None:
        return
    left = standing.open_minor
    if left is None or left < 0:
        yield Finding("overdrawn", standing.promise_id, f"open is {left}")
    elif standing.is_open != (left > 0):
        yield Finding("state", standing.promise_id, f"it is {standing.state}, and {left} of it is open")


def _promised_otherwise(session: Session) -> Iterator[Finding]:
    """Promises of other money than their notices told of, or than the audit log says was granted."""
    told = NoticeOpportunityRow
    other = or_(
        PromiseRow.amount_minor.is_distinct_from(told.amount_minor),
        PromiseRow.currency.is_distinct_from(told.currency),
    )
    columns = (PromiseRow.promise_id, PromiseRow.amount_minor, PromiseRow.currency)
    query = select(*columns, told.amount_minor, told.currency)
    query = query.join(told, told.promise_id == PromiseRow.promise_id).where(other)
    for promise, amount, currency, said, said_in in session.execute(query.order_by(PromiseRow.promise_id)):
        yield _other_money(promise, (amount, currency), (said, said_in))
    mine = session.execute(select(*columns).where(PromiseRow.kind.in_(BY_HAND)))
    given = {promise: (amount, currency) for promise, amount, currency in mine}
    for promise, details in session.execute(_given(AuditRow.subject, AuditRow.details)):
        logged = json.loads(details)
        money = logged.get("amount_minor"), logged.get("currency")
        if (there := given.get(promise, (None, None))) != money:
            yield _other_money(promise, there, money)


def _given(*columns: Any) -> Select[Any]:
    """Entries of the audit log about promises that people gave."""
    actions = [f"{kind}.open" for kind in BY_HAND]
    return select(*columns).where(AuditRow.action.in_(actions)).order_by(AuditRow.number)


def _other_money(
    promise: str, there: tuple[int | None, str | None], told: tuple[int | None, str | None]
) -> Finding:
    return Finding("amount", promise, f"{told[0]} {told[1]} was told, {there[0]} {there[1]} was promised")


def _orphans(session: Session) -> Iterator[Finding]:
    """Promises that nobody gave, what happened to none, and notices whose money was not promised."""
    for what, query in (
        ("event without promise", _beyond(PromiseEventRow)),
        ("posting without promise", _beyond(PostingRow)),
        ("told, never promised", _unpromised()),
    ):
        for one in session.scalars(query):
            yield Finding(what, one, "it was changed past the ledger")
    given = set(session.scalars(_given(AuditRow.subject)))
    for promise, kind, notice in session.execute(_untold()):
        is_call = kind == CALL and promise == promise_id_of((CALL, notice or ""))
        if not is_call and (kind not in BY_HAND or promise not in given):
            yield Finding(
                "promise that nobody gave", promise, "no notice and no entry of the log tells of it"
            )


def _untold() -> Any:
    told = NoticeOpportunityRow
    same = (told.notice_id == PromiseRow.notice_id, told.opportunity_id == PromiseRow.opportunity_id)
    mine = exists().where(*same, told.promise_id == PromiseRow.promise_id)
    columns = (PromiseRow.promise_id, PromiseRow.kind, PromiseRow.notice_id)
    return select(*columns).where(~mine).order_by(PromiseRow.promise_id)


def _beyond(model: type[PromiseEventRow | PostingRow]) -> Any:
    known = exists().where(PromiseRow.promise_id == model.promise_id)
    return select(model.promise_id).where(~known).distinct()


def _unpromised() -> Any:
    told, promise = (
        NoticeOpportunityRow,
        exists().where(PromiseRow.promise_id == NoticeOpportunityRow.promise_id),
    )
    query = select(told.notice_id).join(NoticeRow, NoticeRow.notice_id == told.notice_id).distinct()
    return query.where(told.owed.in_(MONEY), NoticeRow.state.in_(TOLD), ~promise)


def _rejected(session: Session, promises: list[Standing]) -> Iterator[Finding]:
    query = select(PromiseRow.notice_id).join(NoticeRow, NoticeRow.notice_id == PromiseRow.notice_id)
    rejected = set(session.scalars(query.where(NoticeRow.state == "rejected")))
    for one in promises:
        if one.is_open and one.notice_id in rejected:
            yield Finding("rejected, still promised", one.promise_id, f"notice {one.notice_id} was rejected")


def _late(settings: Settings, promises: list[Standing]) -> Iterator[Finding]:
    for row in aged(promises, settings.outreach, clock.now()):
        if row.age == "breach":
            yield Finding(
                "breach", row.standing.promise_id, f"open for {row.hours:,} hours: {row.standing.said}"
            )
