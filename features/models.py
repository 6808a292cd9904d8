"""Tables of the features: live events, until the lake has them and nobody needs them live, and choices."""

from datetime import datetime

from sqlalchemy import BigInteger, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from features.limits import ID_LENGTH
from warehouse.database import Base
from warehouse.models import Moment

KEY_LENGTH = 300


class LiveEventRow(Base):
    """One thing a customer did, in the order in which it was told.

    `key` is the shop's own name for it, so that telling it again changes nothing; `at` is when it happened,
    `received_at` when it was told.
    """

    __tablename__ = "live_events"
    # Without it SQLite would give numbers of forgotten events out again, and who reads on would miss them.
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012  SQLAlchemy's way to say it

    event_id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    key: Mapped[str | None] = mapped_column(String(KEY_LENGTH), unique=True)
    customer_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    product_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    kind: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime] = mapped_column(Moment)
    received_at: Mapped[datetime] = mapped_column(Moment)


class ChoiceRow(Base):
    """Something a customer chose: append-only, in the order in which it was chosen.

    `link_id` says at which link, without what it takes to make one; null where the house wrote it down.
    `audit` is the entry of the audit log that tells of it.
    """

    __tablename__ = "choices"

    choice_id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    customer_id: Mapped[str] = mapped_column(String(200), index=True)
    what: Mapped[str] = mapped_column(String(64))
    value: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime] = mapped_column(Moment)
    link_id: Mapped[str | None] = mapped_column(String(36))
    audit: Mapped[int] = mapped_column(index=True)
