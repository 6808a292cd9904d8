"""Sending: hands approved notices over, each exactly once, whatever happens in between.

A notice is claimed (`approved` to `handed`, committed), delivered under its id as idempotency key, then
marked `sent`. A run that dies in between leaves it `handed`; the next run delivers it again under the same
key, which the channel turns into nothing new. Only one run sends at a time.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import polars as pl
from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.bulk import chunks
from outreach.changes import move
from outreach.channels import Delivery, channel_for
from outreach.clearance import Current, look, refusal, told_by, too_old
from outreach.inputs import SCHEMAS
from outreach.models import BatchRow, NoticeRow
from outreach.review import find_batch
from outreach.slots import Told
from warehouse import clock
from warehouse.database import engine_for, reading, writing
from warehouse.errors import ConflictError, PausedError
from warehouse.lease import hold
from warehouse.receipts import Receipt, recording
from warehouse.settings import Settings
from warehouse.switches import refuse_if_paused

SENDER = "advocate send"
AT_ONCE = 500
"""How many notices are cleared together; the pause switch is asked before each one."""


def send(settings: Settings, *, batch: str | None = None, allow_old: bool = False) -> Receipt:
    """Hands over what is approved and may go now; the receipt counts the rest by reason.

    Args:
        settings: the home's settings.
        batch: only this batch: an id, a day, or `latest`.
        allow_old: also send backfills and nights older than `outreach.valid_days`.

    Raises:
        PausedError: the pause switch is on. Turned on during the run, it ends it, and the receipt says so.
        LeaseHeldError: another run is sending.
        NotFoundError: there is no such batch.
    """
    with hold(settings, "send"), recording(settings, "send") as receipt:
        handed, approved = _waiting(settings, batch)
        receipt.rows_in["notices"] = len(handed) + len(approved)
        receipt.rows_out["notices"] = 0
        try:
            for ids in chunks(handed, AT_ONCE):
                _deliver_again(settings, ids, receipt)
            for ids in chunks(approved, AT_ONCE):
                _send_some(settings, ids, allow_old, receipt)
        except PausedError as paused:
            if not receipt.rows_out["notices"]:
                raise
            receipt.warnings.append(f"{paused}; the rest was not sent")
        receipt.artifacts["outbox"] = str(settings.outbox_folder)
    return receipt


def _waiting(settings: Settings, batch: str | None) -> tuple[list[str], list[str]]:
    """Ids of notices that a run left `handed`, and of those `approved`, in the order of their turn."""
    with reading(engine_for(settings)) as session:
        refuse_if_paused(session)
        query = select(NoticeRow.notice_id, NoticeRow.state).where(
            NoticeRow.state.in_(("handed", "approved"))
        )
        if batch is not None:
            query = query.where(NoticeRow.batch_id == find_batch(session, batch).batch_id)
        rows = session.execute(query.order_by(NoticeRow.send_after, NoticeRow.notice_id)).all()
    return [one for one, s in rows if s == "handed"], [one for one, s in rows if s == "approved"]


def _deliver_again(settings: Settings, ids: Sequence[str], receipt: Receipt) -> None:
    with reading(engine_for(settings)) as session:
        notices = session.scalars(select(NoticeRow).where(NoticeRow.notice_id.in_(ids))).all()
    for notice in sorted(notices, key=lambda one: ids.index(one.notice_id)):
        with reading(engine_for(settings)) as session:
            refuse_if_paused(session)
        _deliver(settings, notice, receipt)


def _send_some(settings: Settings, ids: Sequence[str], allow_old: bool, receipt: Receipt) -> None:
    now = clock.now()
    with reading(engine_for(settings)) as session:
        query = select(NoticeRow, BatchRow).join(BatchRow, BatchRow.batch_id == NoticeRow.batch_id)
        query = query.where(NoticeRow.notice_id.in_(ids)).order_by(NoticeRow.send_after, NoticeRow.notice_id)
        rows = session.execute(query).all()
        told = told_by(session, ids)
        ours = _sent_since(session, now - timedelta(days=settings.outreach.cap_days))
    current = look(settings, [notice for notice, _ in rows], ours, now)
    for notice, batch in rows:
        old = not allow_old and too_old(batch, settings.outreach, now)
        reason = "old_night" if old else _refused(settings, notice, told[notice.notice_id], current)
        if reason is None:
            reason = _claim(settings, notice)
        if reason is None:
            current.contacts[notice.person] = current.contacts.get(notice.person, 0) + 1
            _deliver(settings, notice, receipt)
            continue
        if reason == "expired":
            _expire(settings, notice)
        _count(receipt, reason)


def _refused(settings: Settings, notice: NoticeRow, told: Sequence[Told], current: Current) -> str | None:
    now = clock.now()
    approved_at = notice.approved_at or now
    if approved_at + timedelta(minutes=settings.send.delay_minutes) > now:
        return "delay"
    return refusal(notice, told, current, settings.outreach, now)


def _sent_since(session: Session, since: datetime) -> pl.LazyFrame:
    columns = (NoticeRow.customer_id, NoticeRow.channel, NoticeRow.handed_at)
    rows: list[Any] = [
        tuple(row) for row in session.execute(select(*columns).where(NoticeRow.handed_at >= since))
    ]
    return pl.DataFrame(rows, schema=SCHEMAS["contacts"], orient="row").lazy()


def _claim(settings: Settings, notice: NoticeRow) -> str | None:
    """Takes a notice for delivery, or says why not: somebody changed it since it was read."""
    now = clock.now()
    try:
        with writing(engine_for(settings)) as session:
            refuse_if_paused(session)
            _move(session, notice, "approved", "handed", handed_at=now)
    except ConflictError:
        return "changed_meanwhile"
    return None


def _deliver(settings: Settings, notice: NoticeRow, receipt: Receipt) -> None:
    """Delivers a claimed notice; one that cannot be delivered stays `handed` and is tried again next time."""
    delivery = Delivery(
        notice.notice_id,
        notice.batch_id,
        notice.recipient,
        notice.channel,
        notice.purpose,
        notice.subject,
        notice.text,
        notice.html,
    )
    try:
        channel_for(settings, notice.channel).deliver(delivery)
    except OSError as error:
        receipt.warnings.append(
            f"notice {notice.notice_id} could not be handed over and is tried again: {error}"
        )
        _count(receipt, "delivery_failed")
        return
    with writing(engine_for(settings)) as session:
        _move(session, notice, "handed", "sent", sent_at=clock.now())
    receipt.rows_out["notices"] += 1


def _expire(settings: Settings, notice: NoticeRow) -> None:
    with writing(engine_for(settings)) as session:
        _move(session, notice, "approved", "expired")


def _move(session: Session, notice: NoticeRow, state: str, target: str, **values: datetime) -> None:
    change = [(notice.notice_id, state)]
    move(session, change, target, by=SENDER, at=clock.now(), reason="", values=values)


def _count(receipt: Receipt, reason: str) -> None:
    name = f"notices: {reason}"
    receipt.rejected[name] = receipt.rejected.get(name, 0) + 1
