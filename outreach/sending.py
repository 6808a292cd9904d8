"""Sending: hands approved notices over, each exactly once, whatever happens in between.

A notice is cleared, claimed (`approved` to `handed`, committed), delivered under its id as idempotency key,
then marked `sent`. A run that dies in between leaves it `handed`. The next run asks the channel: what it
delivered is `sent`; anything else is cleared again before it is delivered under the same key. Only one run
sends at a time.
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
from outreach.choices.links import Links
from outreach.clearance import WITHDRAWN, Current, look, refusal, told_by, too_old
from outreach.inputs import SCHEMAS
from outreach.models import BatchRow, NoticeRow, WordsRow
from outreach.review import find_batch
from outreach.slots import Told
from outreach.states import NO_CHANNEL
from warehouse import clock
from warehouse.database import engine_for, reading, writing
from warehouse.errors import ConflictError, PausedError
from warehouse.lease import hold
from warehouse.receipts import Receipt, recording
from warehouse.settings import Settings
from warehouse.switches import refuse_if_paused

SENDER = "advocate send"
TURN = (NoticeRow.state.desc(), NoticeRow.send_after, NoticeRow.notice_id)
"""What a run left `handed` comes before what is `approved`."""
LEFT = ("handed", "approved")
"""States of what is still to go; the first may have gone, and is asked about however old it is."""
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
        waiting = _waiting(settings, batch, allow_old)
        receipt.rows_in["notices"] = len(waiting)
        receipt.rows_out["notices"] = 0
        try:
            for ids in chunks(waiting, AT_ONCE):
                _send_some(settings, ids, allow_old, receipt)
        except PausedError as paused:
            if not receipt.rows_out["notices"]:
                raise
            receipt.warnings.append(f"{paused}; the rest was not sent")
        _tell_batches(settings, allow_old)
        receipt.artifacts["outbox"] = str(settings.outbox_folder)
    return receipt


def _waiting(settings: Settings, batch: str | None, allow_old: bool) -> list[str]:
    """Ids of notices that a run left `handed`, then of those `approved`, in the order of their turn.

    Only batches of which something may go by itself are looked at, unless a person asks for more.
    """
    with reading(engine_for(settings)) as session:
        refuse_if_paused(session)
        query = select(NoticeRow.notice_id).where(NoticeRow.state.in_(LEFT), NoticeRow.channel != NO_CHANNEL)
        if batch is not None:
            query = query.where(NoticeRow.batch_id == find_batch(session, batch).batch_id)
        elif not allow_old:
            query = query.where(NoticeRow.batch_id.in_(select(BatchRow.batch_id).where(BatchRow.unsent)))
        return list(session.scalars(query.order_by(*TURN)))


def _tell_batches(settings: Settings, allow_old: bool) -> None:
    """Marks the batches of which nothing is left that goes by itself.

    Each in a transaction of its own, so that an approval meanwhile waits for one batch at most, and is seen.
    """
    with reading(engine_for(settings)) as session:
        unsent = session.scalars(select(BatchRow.batch_id).where(BatchRow.unsent)).all()
    for batch_id in unsent:
        with writing(engine_for(settings)) as session:
            batch = find_batch(session, batch_id, lock=True)
            old = not allow_old and too_old(batch, settings.outreach, clock.now())
            left = select(NoticeRow.notice_id).where(
                NoticeRow.batch_id == batch_id,
                NoticeRow.state.in_(LEFT[:1] if old else LEFT),
                NoticeRow.channel != NO_CHANNEL,
            )
            batch.unsent = session.scalar(left.limit(1)) is not None


def _send_some(settings: Settings, ids: Sequence[str], allow_old: bool, receipt: Receipt) -> None:
    now = clock.now()
    with reading(engine_for(settings)) as session:
        query = select(NoticeRow, WordsRow, BatchRow).join(
            WordsRow, WordsRow.notice_id == NoticeRow.notice_id
        )
        query = query.join(BatchRow, BatchRow.batch_id == NoticeRow.batch_id)
        rows = session.execute(query.where(NoticeRow.notice_id.in_(ids)).order_by(*TURN)).all()
        told = told_by(session, ids)
        ours = _sent_since(session, now - timedelta(days=settings.outreach.cap_days), but=ids)
    current = look(settings, [notice for notice, _, _ in rows], ours, now)
    links = Links.for_messages(settings)
    for notice, words, batch in rows:
        old = not allow_old and too_old(batch, settings.outreach, now)
        refused = "old_night" if old else _refused(settings, notice, words, told[notice.notice_id], current)
        delivery = _delivery_of(notice, words, batch, links)
        if (reason := _send_one(settings, notice, delivery, refused, receipt)) is not None:
            _count(receipt, reason)
            continue
        current.contacts[notice.person] = current.contacts.get(notice.person, 0) + 1
        receipt.rows_out["notices"] += 1


def _send_one(
    settings: Settings, notice: NoticeRow, delivery: Delivery, refused: str | None, receipt: Receipt
) -> str | None:
    """Sees to it that a cleared notice is delivered; returns why it was not, or `None` when it was."""
    left = notice.state == "handed"
    if left and channel_for(settings, notice.channel).delivered(delivery):
        _move(settings, notice, "handed", "sent", sent_at=clock.now())
        return None
    if refused is None:
        return _claim(settings, notice) or _deliver(settings, notice, delivery, receipt)
    if refused == "expired" or (left and refused in WITHDRAWN):
        _move(settings, notice, notice.state, "expired", reason=refused, handed_at=None)
    elif left:
        _move(settings, notice, "handed", "approved", reason=refused, handed_at=None)
    return refused


def _refused(
    settings: Settings, notice: NoticeRow, words: WordsRow, told: Sequence[Told], current: Current
) -> str | None:
    now = clock.now()
    approved_at = notice.approved_at or now
    if approved_at + timedelta(minutes=settings.send.delay_minutes) > now:
        return "delay"
    return refusal(notice, words, told, current, settings.outreach, now)


def _sent_since(session: Session, since: datetime, *, but: Sequence[str]) -> pl.LazyFrame:
    """What we handed over, for the cap; a notice in `but` does not count against itself."""
    columns = (NoticeRow.customer_id, NoticeRow.channel, NoticeRow.handed_at)
    query = select(*columns).where(NoticeRow.handed_at >= since, NoticeRow.notice_id.not_in(but))
    rows: list[Any] = [tuple(row) for row in session.execute(query)]
    return pl.DataFrame(rows, schema=SCHEMAS["contacts"], orient="row").lazy()


def _claim(settings: Settings, notice: NoticeRow) -> str | None:
    """Takes a notice for delivery, or says why not: somebody changed it since it was read."""
    now = clock.now()
    try:
        with writing(engine_for(settings)) as session:
            refuse_if_paused(session)
            if notice.state == "approved":
                change, values = [(notice.notice_id, "approved")], {"handed_at": now}
                move(session, change, "handed", by=SENDER, at=now, reason="", values=values)
    except ConflictError:
        return "changed_meanwhile"
    return None


def _deliver(settings: Settings, notice: NoticeRow, delivery: Delivery, receipt: Receipt) -> str | None:
    """Delivers a claimed notice; one that cannot be delivered is `approved` again, and cleared next time."""
    try:
        channel_for(settings, notice.channel).deliver(delivery)
    except OSError as error:
        _move(settings, notice, "handed", "approved", reason=f"delivery_failed: {error}", handed_at=None)
        receipt.warnings.append(
            f"notice {notice.notice_id} could not be handed over and is tried again: {error}"
        )
        return "delivery_failed"
    _move(settings, notice, "handed", "sent", sent_at=clock.now())
    return None


def _delivery_of(notice: NoticeRow, words: WordsRow, batch: BatchRow, links: Links | None) -> Delivery:
    one_click = notice.purpose == "marketing" and notice.channel == "email"
    return Delivery(
        notice.notice_id,
        notice.batch_id,
        notice.recipient,
        notice.channel,
        notice.purpose,
        notice.subject,
        words.text,
        words.html,
        links.of(notice.customer_id, batch.day).one_click if links and one_click else "",
    )


def _move(
    settings: Settings,
    notice: NoticeRow,
    state: str,
    target: str,
    *,
    reason: str = "",
    **values: datetime | None,
) -> None:
    change = [(notice.notice_id, state)]
    with writing(engine_for(settings)) as session:
        move(session, change, target, by=SENDER, at=clock.now(), reason=reason, values=values)


def _count(receipt: Receipt, reason: str) -> None:
    name = f"notices: {reason}"
    receipt.rejected[name] = receipt.rejected.get(name, 0) + 1
