"""Service recovery: after a remedy for what went wrong was paid, one question whether that solved it.

The question goes the way of every message: policy, batch, review, sending. It is proposed once per promise,
ever. A "no" opens a promise without money: a person will call.
"""

import json
from datetime import date, datetime
from typing import Any

import polars as pl
from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from features.columns import polars_schema
from features.events import seen
from outreach.bulk import chunks
from outreach.models import BatchRow, NoticeOpportunityRow, NoticeRow
from outreach.opportunities import QUESTION, Opportunities
from outreach.promises import ledger
from outreach.promises.ledger import Promise
from outreach.promises.models import PromiseEventRow, PromiseRow
from warehouse import clock
from warehouse.database import engine_for, reading, writing
from warehouse.ids import content_id
from warehouse.lake import Lake
from warehouse.lease import hold
from warehouse.receipts import Receipt, recording
from warehouse.settings import Settings

KIND = "follow_up"
CALL = "call"
KEPT_AS = "outreach_follow_ups"
NIGHTLY = "advocate nightly"


def follow_up(settings: Settings, day: date) -> Receipt:
    """Freezes whom the night asks, and opens a promise for each "no" that came back by the day's end."""
    with hold(settings, "outreach"), recording(settings, "outreach.follow_up", day) as receipt:
        lake = Lake.of(settings)
        if not lake.has(KEPT_AS, day):
            with reading(engine_for(settings)) as session:
                lake.put(KEPT_AS, day, _questions(session, day))
        receipt.rows_out["questions"] = questions(lake, day).select(pl.len()).collect().item()
        answers = seen(lake, "responses", day).filter(
            pl.col("kind") == "answered", pl.col("notice_id").is_not_null(), pl.col("value") == 0
        )
        unsolved = answers.select("notice_id", "customer_id").unique().sort("notice_id").collect()
        with writing(engine_for(settings)) as session:
            calls = _calls(session, dict(unsolved.iter_rows()))
            opened = ledger.open_promises(session, calls, by=NIGHTLY, at=clock.now())
        receipt.rows_in["answers: not solved"] = len(calls)
        receipt.rows_out["promises to call"] = opened
    return receipt


def questions(lake: Lake, day: date) -> pl.LazyFrame:
    """What the night asks, with the columns of opportunities; nothing where the step did not run."""
    if lake.has(KEPT_AS, day):
        return lake.get(KEPT_AS, day)
    return pl.LazyFrame(schema=polars_schema(Opportunities))


def _questions(session: Session, day: date) -> pl.DataFrame:
    rows = list(session.execute(_remedied(clock.end_of(day))))
    ids = {content_id(KIND, row.promise_id): row for row in rows}
    before = (
        select(NoticeOpportunityRow.opportunity_id)
        .join(NoticeRow, NoticeRow.notice_id == NoticeOpportunityRow.notice_id)
        .join(BatchRow, BatchRow.batch_id == NoticeRow.batch_id)
        .where(BatchRow.day < day)
    )
    asked = {
        one
        for some in chunks(ids)
        for one in session.scalars(before.where(NoticeOpportunityRow.opportunity_id.in_(some)))
    }
    found = [_question(one, row) for one, row in ids.items() if one not in asked]
    frame = pl.DataFrame(found, schema=polars_schema(Opportunities), orient="row")
    return frame.sort("opportunity_id")


def _remedied(end: datetime) -> Any:
    """Promises about incidents that were kept before the day's end."""
    told = NoticeOpportunityRow
    same = and_(told.notice_id == PromiseRow.notice_id, told.opportunity_id == PromiseRow.opportunity_id)
    kept = and_(PromiseEventRow.promise_id == PromiseRow.promise_id, PromiseEventRow.state == "kept")
    columns = (PromiseRow.promise_id, PromiseRow.customer_id, PromiseRow.amount_minor, PromiseRow.currency)
    subject = (told.kind, told.product_id, told.order_id, told.line_id, told.incident_id)
    query: Any = (
        select(*columns, *subject, PromiseEventRow.at)
        .join(told, same)
        .join(PromiseEventRow, kept)
        .where(told.incident_id.is_not(None), PromiseEventRow.at < end)
        .order_by(PromiseRow.promise_id, PromiseEventRow.number.desc())
    )
    return query


def _question(opportunity_id: str, row: Any) -> dict[str, Any]:
    subject = {name: getattr(row, name) for name in ("product_id", "order_id", "line_id", "incident_id")}
    evidence = {
        "promise_id": row.promise_id,
        "remedy": row.kind,
        "incident_id": row.incident_id,
        "amount_minor": row.amount_minor,
        "currency": row.currency,
        "paid_at": row.at.isoformat().replace("+00:00", "Z"),
    }
    return {
        "opportunity_id": opportunity_id,
        "customer_id": row.customer_id,
        "kind": KIND,
        "owed": QUESTION,
        "held": False,
        "evidence": json.dumps(evidence, ensure_ascii=False),
    } | subject


def _calls(session: Session, unsolved: dict[str, str]) -> list[Promise]:
    """A promise to call for each of our questions that its customer answered with no."""
    asked = (
        select(NoticeRow.notice_id, NoticeRow.customer_id)
        .join(NoticeOpportunityRow, NoticeOpportunityRow.notice_id == NoticeRow.notice_id)
        .where(NoticeOpportunityRow.kind == KIND, NoticeRow.state.in_(("handed", "sent")))
        .distinct()
    )
    return [
        Promise(
            subject=(CALL, row.notice_id),
            customer_id=row.customer_id,
            kind=CALL,
            said="a person will call",
            why="the customer answered that it did not solve the problem",
            notice_id=row.notice_id,
        )
        for ids in chunks(unsolved)
        for row in session.execute(asked.where(NoticeRow.notice_id.in_(ids)).order_by(NoticeRow.notice_id))
        if unsolved[row.notice_id] == row.customer_id
    ]
