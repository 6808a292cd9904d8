"""Tables of the outreach: batches, notices, their history; those of promises: `outreach.promises.models`.

`notice_events` is append-only; `outreach.append_only` holds the triggers that say so.
"""

from datetime import date, datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from warehouse.database import Base
from warehouse.models import Moment

ID = String(36)
NAME = String(200)


class BatchRow(Base):
    """The notices of one night, reviewed together."""

    __tablename__ = "batches"

    batch_id: Mapped[str] = mapped_column(ID, primary_key=True)
    day: Mapped[date] = mapped_column(unique=True)
    state: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(Moment)
    backfill: Mapped[bool]
    notices: Mapped[int]
    held: Mapped[int]


class NoticeRow(Base):
    """One message proposed to one customer; on the channel `none`, money that is owed without a message."""

    __tablename__ = "notices"
    __table_args__ = (Index("ix_notices_batch_state", "batch_id", "state"),)

    notice_id: Mapped[str] = mapped_column(ID, primary_key=True)
    batch_id: Mapped[str] = mapped_column(ForeignKey("batches.batch_id"))
    customer_id: Mapped[str] = mapped_column(NAME, index=True)
    person: Mapped[str] = mapped_column(NAME, index=True)
    channel: Mapped[str] = mapped_column(String(16))
    purpose: Mapped[str] = mapped_column(String(16))
    recipient: Mapped[str] = mapped_column(String(320))
    timezone: Mapped[str] = mapped_column(String(64))
    amount_minor: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str | None] = mapped_column(String(3))
    subject: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    html: Mapped[str] = mapped_column(Text)
    template: Mapped[str] = mapped_column(String(200))
    content_hash: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16), index=True)
    version: Mapped[int] = mapped_column(default=1)
    send_after: Mapped[datetime | None] = mapped_column(Moment)
    send_by: Mapped[datetime | None] = mapped_column(Moment)
    approved_at: Mapped[datetime | None] = mapped_column(Moment)
    approved_hash: Mapped[str | None] = mapped_column(String(64))
    handed_at: Mapped[datetime | None] = mapped_column(Moment)
    sent_at: Mapped[datetime | None] = mapped_column(Moment)


class NoticeOpportunityRow(Base):
    """An opportunity a notice tells of, with its evidence as it was frozen."""

    __tablename__ = "notice_opportunities"

    notice_id: Mapped[str] = mapped_column(ForeignKey("notices.notice_id"), primary_key=True)
    opportunity_id: Mapped[str] = mapped_column(ID, primary_key=True, index=True)
    kind: Mapped[str] = mapped_column(String(64))
    owed: Mapped[str] = mapped_column(String(16))
    amount_minor: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str | None] = mapped_column(String(3))
    promised_before_minor: Mapped[int] = mapped_column(BigInteger)
    evidence: Mapped[str] = mapped_column(Text)
    product_id: Mapped[str | None] = mapped_column(NAME)
    order_id: Mapped[str | None] = mapped_column(NAME)
    line_id: Mapped[str | None] = mapped_column(NAME)
    entitlement_id: Mapped[str | None] = mapped_column(NAME)
    incident_id: Mapped[str | None] = mapped_column(NAME)


class NoticeEventRow(Base):
    """A change of a notice's state: append-only. `audit` is the entry of the decision, if people made it."""

    __tablename__ = "notice_events"

    event_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    notice_id: Mapped[str] = mapped_column(ForeignKey("notices.notice_id"), index=True)
    from_state: Mapped[str] = mapped_column(String(16))
    to_state: Mapped[str] = mapped_column(String(16))
    by: Mapped[str] = mapped_column(NAME)
    at: Mapped[datetime] = mapped_column(Moment)
    reason: Mapped[str] = mapped_column(Text)
    audit: Mapped[int | None] = mapped_column(index=True)
