"""What became of our messages: answers to them, money paid, how long that took; as far as it is known."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from statistics import median, quantiles
from typing import Any

import polars as pl
from sqlalchemy import BigInteger, cast, func, or_, select
from sqlalchemy.orm import Session

from features.contract import CONTRACTS
from features.events import seen
from outreach.bulk import chunks
from outreach.models import BatchRow, NoticeRow
from outreach.promises.accounts import account
from outreach.promises.models import PostingRow, PromiseRow
from outreach.recovery import KIND as QUESTION
from outreach.states import NO_CHANNEL, TRANSITIONS
from warehouse import clock
from warehouse.lake import Lake

RESPONSES = ("bounced", "complained", "unsubscribed", "answered", "redeemed", "bought")
"""The kinds of responses of the feed, the bad news first."""
NIGHTS = 28
"""The newest nights that are looked at."""


@dataclass
class Row:
    """What became of one night's notices of one kind; one that tells of several kinds counts in each.

    Attributes:
        day: of the night.
        kind: of the opportunities.
        notices: proposed messages.
        sent: those that were sent.
        responses: by kind, how many of those that were sent had at least one such response.
    """

    day: date
    kind: str
    notices: int = 0
    sent: int = 0
    responses: dict[str, int] = field(default_factory=lambda: dict.fromkeys(RESPONSES, 0))


@dataclass
class Answers:
    """What customers answered to the question whether a remedy solved it; the newest answer counts."""

    asked: int = 0
    solved: int = 0
    unsolved: int = 0


@dataclass(frozen=True)
class Outcomes:
    """What became of the newest nights' messages.

    Attributes:
        rows: by night, newest first, and kind.
        sent: how many messages were sent, each counted once.
        responses: by kind, how many of them had at least one such response.
        answers: to follow-up questions.
        unmatched: responses that name a message of ours which these nights do not have.
        any_responses: whether the feed has ever told of one.
    """

    rows: list[Row]
    sent: int
    responses: dict[str, int]
    answers: Answers
    unmatched: int
    any_responses: bool


@dataclass(frozen=True)
class Payouts:
    """Payments of what these nights promised.

    Attributes:
        paid: by day of the night, minor units by currency that were paid and did not come back.
        promises: how many were paid in full.
        half_within: hours from approval until half of these were paid; `None` without any.
        most_within: the same for nine in ten; `None` below ten.
    """

    paid: dict[date, dict[str, int]]
    promises: int
    half_within: float | None
    most_within: float | None


def outcomes(session: Session, lake: Lake, now: datetime) -> Outcomes:
    """Reads what became of the newest nights."""
    days = newest_days(session)
    found = _counted(session, days)
    has_any = lake.knows(CONTRACTS["responses"].table.name)
    answered = _answered(lake, days, now) if days and has_any else pl.DataFrame()
    answers, totals = Answers(_asked(session, days)), dict.fromkeys(RESPONSES, 0)
    names = answered["notice_id"].unique().to_list() if answered.height else []
    known = {row.notice_id: row for row in _sent(session, days, names)}
    for notice_id, customer_id, kind, value in answered.iter_rows():
        row = known.get(notice_id)
        if row is None or row.customer_id != customer_id:
            continue
        totals[kind] += 1
        kinds = row.kinds.split()
        for one in kinds:
            found[row.day, one].responses[kind] += 1
        if kind == "answered" and QUESTION in kinds and value is not None:
            answers.unsolved += value == 0
            answers.solved += value != 0
    rows = sorted(found.values(), key=lambda one: (-one.day.toordinal(), one.kind))
    unmatched = answered.height - sum(totals.values())
    return Outcomes(rows, _all_sent(session, days), totals, answers, unmatched, has_any)


def newest_days(session: Session) -> list[date]:
    """The days of the newest nights, the newest first."""
    return list(session.scalars(select(BatchRow.day).order_by(BatchRow.day.desc()).limit(NIGHTS)))


def days_with_messages(session: Session) -> list[date]:
    """The days of all nights of which a message was sent."""
    sent = (NoticeRow.batch_id == BatchRow.batch_id, NoticeRow.state == "sent")
    some = select(NoticeRow.notice_id).where(*sent, NoticeRow.channel != NO_CHANNEL)
    return list(session.scalars(select(BatchRow.day).where(some.exists())))


def payouts(session: Session) -> Payouts:
    """What was paid of the newest nights' promises, and how long that took from their approval."""
    days = newest_days(session)
    money = or_(PostingRow.debit == "paid", PostingRow.credit == "paid")
    keys = (BatchRow.day, PromiseRow.currency)
    sums: Any = select(*keys, cast(account("paid"), BigInteger)).where(money).group_by(*keys)
    paid: dict[date, dict[str, int]] = {}
    for day, currency, minor in session.execute(_of_nights(sums, days).order_by(*keys)):
        paid.setdefault(day, {})[currency] = minor
    whole = select(PromiseRow.opened_at, func.max(PostingRow.happened_at, type_=PostingRow.at.type))
    whole = whole.where(money).group_by(PromiseRow.promise_id, PromiseRow.opened_at, PromiseRow.amount_minor)
    full = _of_nights(whole, days).having(account("paid") == PromiseRow.amount_minor)
    hours = [max((last - opened) / timedelta(hours=1), 0.0) for opened, last in session.execute(full)]
    return Payouts(
        paid,
        len(hours),
        median(hours) if hours else None,
        quantiles(hours, n=10)[-1] if len(hours) >= 10 else None,
    )


def _of_nights(query: Any, days: Sequence[date]) -> Any:
    """The query over postings and promises, for the promises that approving these nights' notices opened."""
    return (
        query.select_from(PostingRow)
        .join(PromiseRow, PromiseRow.promise_id == PostingRow.promise_id)
        .join(NoticeRow, NoticeRow.notice_id == PromiseRow.notice_id)
        .join(BatchRow, BatchRow.batch_id == NoticeRow.batch_id)
        .where(BatchRow.day.in_(days))
    )


def _counted(session: Session, days: Sequence[date]) -> dict[tuple[date, str], Row]:
    keys = (BatchRow.day, NoticeRow.kinds, NoticeRow.state)
    query = _messages(select(*keys, func.count()), days).group_by(*keys)
    found: dict[tuple[date, str], Row] = {}
    for day, kinds, state, count in session.execute(query):
        for kind in kinds.split():
            row = found.setdefault((day, kind), Row(day, kind))
            row.notices += count
            row.sent += count if state == "sent" else 0
    return found


def _messages(query: Any, days: Sequence[date]) -> Any:
    """The query for these nights' notices that are messages."""
    return query.join(BatchRow, BatchRow.batch_id == NoticeRow.batch_id).where(
        NoticeRow.state.in_(list(TRANSITIONS)), NoticeRow.channel != NO_CHANNEL, BatchRow.day.in_(days)
    )


def _all_sent(session: Session, days: Sequence[date]) -> int:
    query = _messages(select(func.count()).select_from(NoticeRow), days)
    return session.scalar(query.where(NoticeRow.state == "sent")) or 0


def _asked(session: Session, days: Sequence[date]) -> int:
    query = _messages(select(func.count()).select_from(NoticeRow), days).where(NoticeRow.state == "sent")
    return session.scalar(query.where(NoticeRow.kinds.contains(f" {QUESTION} "))) or 0


def _answered(lake: Lake, days: Sequence[date], now: datetime) -> pl.DataFrame:
    """`notice_id, customer_id, kind, value` of responses to messages of ours, one of a kind for each."""
    since = clock.end_of(min(days))
    return (
        seen(lake, "responses", now.date())
        .filter(pl.col("notice_id").is_not_null(), pl.col("at") >= since)
        .sort("at", "response_id")
        .unique(["notice_id", "customer_id", "kind"], keep="last", maintain_order=True)
        .select("notice_id", "customer_id", "kind", "value")
        .collect()
    )


def _sent(session: Session, days: Sequence[date], notice_ids: Sequence[str]) -> list[Any]:
    columns = (NoticeRow.notice_id, NoticeRow.customer_id, NoticeRow.kinds, BatchRow.day)
    query = _messages(select(*columns), days).where(NoticeRow.state == "sent")
    return [
        row
        for some in chunks(notice_ids)
        for row in session.execute(query.where(NoticeRow.notice_id.in_(some)))
    ]
