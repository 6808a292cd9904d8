"""The check: proves over all postings that promised = paid + open + voided, and looks for what cannot be."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, and_, cast, exists, func, select, text
from sqlalchemy.orm import Session

from outreach.models import NoticeOpportunityRow, NoticeRow
from outreach.opportunities import MONEY
from outreach.promises.accounts import Balance, Standing, balances, listed
from outreach.promises.ageing import aged
from outreach.promises.models import PostingRow, PromiseEventRow, PromiseRow
from outreach.states import TOLD
from warehouse import clock
from warehouse.database import engine_for, reading
from warehouse.settings import Settings


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
    """Promises whose first posting is missing, or of another amount than was said."""
    credited = func.sum(PostingRow.amount_minor).filter(PostingRow.credit == "promised")
    posted = func.coalesce(cast(credited, BigInteger), 0)
    query = (
        select(PromiseRow.promise_id, PromiseRow.amount_minor, posted)
        .outerjoin(PostingRow, PostingRow.promise_id == PromiseRow.promise_id)
        .group_by(PromiseRow.promise_id, PromiseRow.amount_minor)
        .having(func.coalesce(PromiseRow.amount_minor, 0) != posted)
    )
    for promise, said, there in session.execute(query.order_by(PromiseRow.promise_id)):
        yield Finding("amount", promise, f"{said} was promised, {there} was posted")


def _orphans(session: Session) -> Iterator[Finding]:
    """Promises without a beginning, postings without a promise, notices whose money was not promised."""
    started = exists().where(PromiseEventRow.promise_id == PromiseRow.promise_id)
    known = exists().where(PromiseRow.promise_id == PostingRow.promise_id)
    for what, query in (
        ("promise without events", select(PromiseRow.promise_id).where(~started)),
        ("posting without promise", select(PostingRow.posting_id).where(~known)),
        ("told, never promised", _unpromised()),
    ):
        for one in session.scalars(query):
            yield Finding(what, one, "it was changed past the ledger")


def _unpromised() -> Any:
    told = NoticeOpportunityRow
    same = and_(PromiseRow.notice_id == told.notice_id, PromiseRow.opportunity_id == told.opportunity_id)
    query = select(told.notice_id).join(NoticeRow, NoticeRow.notice_id == told.notice_id).distinct()
    return query.where(told.owed.in_(MONEY), NoticeRow.state.in_(TOLD), ~exists().where(same))


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
