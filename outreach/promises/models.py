"""Tables of promises. All of them only grow; `outreach.append_only` holds the triggers that say so.

A promise is opened by its own row: it is open from then on, and all its money with it. Events and postings
say what came after that.
"""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from outreach.models import ID, NAME
from warehouse.database import Base
from warehouse.models import Moment

ACCOUNTS = ("open", "paid", "voided")
"""Between which the money of a promise moves; all of it is in the first at its beginning, and what is in all
of them together is what was promised, always."""

IN_HAND = ("unused_entitlement",)
"""Kinds of promises about money that the customer holds and may use until it lapses."""


class PromiseRow(Base):
    """What a customer was told of, as it was said. Without money, amount and currency are null.

    Promises of an opportunity are found by `notice_opportunities.promise_id`.
    """

    __tablename__ = "promises"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="above_zero"),
        CheckConstraint("(amount_minor IS NULL) = (currency IS NULL)", name="whole_money"),
    )

    promise_id: Mapped[str] = mapped_column(ID, primary_key=True)
    customer_id: Mapped[str] = mapped_column(NAME, index=True)
    kind: Mapped[str] = mapped_column(String(64))
    currency: Mapped[str | None] = mapped_column(String(3))
    amount_minor: Mapped[int | None] = mapped_column(BigInteger)
    said: Mapped[str] = mapped_column(Text)
    why: Mapped[str] = mapped_column(Text)
    opened_by: Mapped[str] = mapped_column(NAME)
    opened_at: Mapped[datetime] = mapped_column(Moment)
    due_at: Mapped[datetime | None] = mapped_column(Moment)
    opportunity_id: Mapped[str | None] = mapped_column(ID)
    notice_id: Mapped[str | None] = mapped_column(ForeignKey("notices.notice_id"), index=True)


class PromiseEventRow(Base):
    """A change of a promise's state. Its opening counts as the first, so they are numbered from 2."""

    __tablename__ = "promise_events"
    __table_args__ = (Index("ix_promise_events_promise_number", "promise_id", "number", unique=True),)

    event_id: Mapped[str] = mapped_column(ID, primary_key=True)
    promise_id: Mapped[str] = mapped_column(ForeignKey("promises.promise_id"))
    number: Mapped[int]
    state: Mapped[str] = mapped_column(String(16))
    by: Mapped[str] = mapped_column(NAME)
    at: Mapped[datetime] = mapped_column(Moment)
    why: Mapped[str] = mapped_column(Text)


class PostingRow(Base):
    """Money of one promise that moves from the credit to the debit account; `amount_minor` is above 0.

    Customer and currency are those of the promise, so no posting can differ from it in them.
    `reference` is finance's own for a payment; `happened_at` is when it was made, `at` when it was written.
    """

    __tablename__ = "postings"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="above_zero"),
        CheckConstraint("debit <> credit", name="two_accounts"),
        CheckConstraint(f"debit IN {ACCOUNTS} AND credit IN {ACCOUNTS}", name="known_accounts"),
    )

    posting_id: Mapped[str] = mapped_column(ID, primary_key=True)
    promise_id: Mapped[str] = mapped_column(ForeignKey("promises.promise_id"), index=True)
    debit: Mapped[str] = mapped_column(String(16))
    credit: Mapped[str] = mapped_column(String(16))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    reference: Mapped[str] = mapped_column(NAME)
    happened_at: Mapped[datetime] = mapped_column(Moment)
    by: Mapped[str] = mapped_column(NAME)
    at: Mapped[datetime] = mapped_column(Moment)


class PayoutRow(Base):
    """A promise that was handed to finance for payment: once each time it was opened (`number`)."""

    __tablename__ = "payouts"

    payout_id: Mapped[str] = mapped_column(ID, primary_key=True)
    export_id: Mapped[str] = mapped_column(ID, index=True)
    promise_id: Mapped[str] = mapped_column(ForeignKey("promises.promise_id"), index=True)
    number: Mapped[int]
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    by: Mapped[str] = mapped_column(NAME)
    at: Mapped[datetime] = mapped_column(Moment)
