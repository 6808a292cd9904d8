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


LISTED = (
    *("state", "batch_id", "notice_id", "customer_id", "currency", "amount_minor", "channel", "purpose"),
    *("market", "risk", "kinds", "risks", "send_after", "haystack"),
)


class BatchRow(Base):
    """The notices of one night, reviewed together.

    `digest` is over what its notices say; `version` counts decisions and edits; `author` is who edited or
    submitted it last, and may not approve it; `facets` is JSON of what it can be filtered by. `unsent` is
    true from an approval until sending has seen that no message is left that goes by itself.
    """

    __tablename__ = "batches"

    batch_id: Mapped[str] = mapped_column(ID, primary_key=True)
    day: Mapped[date] = mapped_column(unique=True)
    state: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(Moment)
    backfill: Mapped[bool]
    notices: Mapped[int]
    held: Mapped[int]
    digest: Mapped[str] = mapped_column(String(64))
    version: Mapped[int] = mapped_column(default=1)
    author: Mapped[str | None] = mapped_column(NAME)
    facets: Mapped[str] = mapped_column(Text)
    unsent: Mapped[bool] = mapped_column(default=False)


class NoticeRow(Base):
    """One message proposed to one customer; on the channel `none`, money that is owed without a message.

    What lists and filters ask for is here, so that a hundred thousand rows are read in a moment; the words
    are in `WordsRow`. `kinds` and `risks` are words with a space around each, `haystack` is what is searched,
    case-folded. `fit_for` says for which settings its words were found fit. `agreed_by` is the first of two
    who have to approve it, and `agreed_hash` what they agreed to.
    """

    __tablename__ = "notices"
    __table_args__ = (
        # All that lists filter and sort by: SQLite answers from this alone. PostgreSQL reads rows as fast;
        # its indexes have nothing in them that a decision changes, so that it writes the rows alone.
        Index("ix_notices_listed", *LISTED, info={"only": "sqlite"}).ddl_if(dialect="sqlite"),
        Index("ix_notices_batch_id", "batch_id", info={"only": "postgresql"}).ddl_if(dialect="postgresql"),
    )

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
    kinds: Mapped[str] = mapped_column(String(500))
    market: Mapped[str | None] = mapped_column(NAME)
    risk: Mapped[int]
    risks: Mapped[str] = mapped_column(String(100))
    haystack: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    template: Mapped[str] = mapped_column(String(200))
    content_hash: Mapped[str] = mapped_column(String(64))
    fit_for: Mapped[str | None] = mapped_column(String(64))
    agreed_by: Mapped[str | None] = mapped_column(NAME)
    agreed_hash: Mapped[str | None] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16))
    version: Mapped[int] = mapped_column(default=1)
    send_after: Mapped[datetime | None] = mapped_column(Moment)
    send_by: Mapped[datetime | None] = mapped_column(Moment)
    approved_at: Mapped[datetime | None] = mapped_column(Moment)
    approved_hash: Mapped[str | None] = mapped_column(String(64))
    handed_at: Mapped[datetime | None] = mapped_column(Moment)
    sent_at: Mapped[datetime | None] = mapped_column(Moment)


class WordsRow(Base):
    """The words of a notice; `edits` is JSON of what people changed in them (`outreach.editing`)."""

    __tablename__ = "notice_words"

    notice_id: Mapped[str] = mapped_column(ForeignKey("notices.notice_id"), primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    html: Mapped[str] = mapped_column(Text)
    locale: Mapped[str] = mapped_column(String(64))
    edits: Mapped[str] = mapped_column(Text, default="{}")


class NoticeOpportunityRow(Base):
    """An opportunity a notice tells of, with its evidence as it was frozen.

    `promise_id` is the promise that approving opens, where money is owed; `due_at` is when it lapses.
    """

    __tablename__ = "notice_opportunities"

    notice_id: Mapped[str] = mapped_column(ForeignKey("notices.notice_id"), primary_key=True)
    opportunity_id: Mapped[str] = mapped_column(ID, primary_key=True, index=True)
    kind: Mapped[str] = mapped_column(String(64))
    owed: Mapped[str] = mapped_column(String(16))
    amount_minor: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str | None] = mapped_column(String(3))
    promised_before_minor: Mapped[int] = mapped_column(BigInteger)
    evidence: Mapped[str] = mapped_column(Text)
    promise_id: Mapped[str | None] = mapped_column(ID)
    due_at: Mapped[datetime | None] = mapped_column(Moment)
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
