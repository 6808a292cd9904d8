"""Tables of the warehouse: receipts, switches, what people changed of settings, tombstones of the erased."""

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, String, Text, TypeDecorator
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import Mapped, mapped_column

from warehouse.database import Base


class Moment(TypeDecorator[datetime]):
    """A moment in UTC. SQLite keeps no zone, so it is put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class ReceiptRow(Base):
    __tablename__ = "receipts"

    receipt_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    step: Mapped[str] = mapped_column(String(64), index=True)
    day: Mapped[date | None] = mapped_column(index=True)
    at: Mapped[datetime] = mapped_column(Moment)
    body: Mapped[dict[str, Any]] = mapped_column(JSON)


class SwitchRow(Base):
    __tablename__ = "switches"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    on: Mapped[bool]
    by: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime] = mapped_column(Moment)


class SettingChangeRow(Base):
    """A setting that somebody changed at the desk: append-only.

    `value` is null where they went back to what the file says; `before` is what was in force before.
    """

    __tablename__ = "setting_changes"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(200), index=True)
    value: Mapped[Any] = mapped_column(JSON(none_as_null=True), nullable=True)
    before: Mapped[Any] = mapped_column(JSON(none_as_null=True), nullable=False)
    by: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime] = mapped_column(Moment)
    reason: Mapped[str] = mapped_column(Text)
    audit: Mapped[int]


class ErasedRow(Base):
    """The tombstone of an erased customer: who that was says only `digest`, to whoever knows id and key.

    `key` tells which key it was made with, `audit` the entry that tells of it. Without `finished_at` the
    erasure has begun, and has to be run again.
    """

    __tablename__ = "erased"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    key: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime] = mapped_column(Moment)
    by: Mapped[str] = mapped_column(String(200))
    audit: Mapped[int]
    finished_at: Mapped[datetime | None] = mapped_column(Moment)


class ErasedKeyRow(Base):
    """The key of a row that was an erased customer's, like an order line; what refers to it is theirs."""

    __tablename__ = "erased_keys"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
