"""Tables of access: API keys, accounts, and the audit log."""

from datetime import datetime

from sqlalchemy import JSON, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from warehouse.database import Base
from warehouse.models import Moment

_LIVING = text("revoked_at IS NULL")


class ApiKeyRow(Base):
    """One API key; it is never deleted, so that the table says who could ask for what, and when.

    `key_id` is public. `digest` is the SHA-256 of the secret, which is kept nowhere. A name belongs to one
    living key: it is free again once its key is revoked. When a key was last used is not kept, because that
    would be a write for every question.
    """

    __tablename__ = "api_keys"
    __table_args__ = (
        Index("ix_api_keys_living_name", "name", unique=True, sqlite_where=_LIVING, postgresql_where=_LIVING),
    )

    key_id: Mapped[str] = mapped_column(String(16), primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(64))
    scopes: Mapped[list[str]] = mapped_column(JSON)
    requests_per_second: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(Moment)
    created_by: Mapped[str] = mapped_column(String(200))
    expires_at: Mapped[datetime | None] = mapped_column(Moment)
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)
    revoked_by: Mapped[str | None] = mapped_column(String(200))


class UserRow(Base):
    """A person's account; it is never deleted, so that the log's names stay somebody's.

    `generation` is in every session's cookie: raising it ends them all. Without `password_hash` the account
    signs in elsewhere (`external_id`), or not yet.
    """

    __tablename__ = "users"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    role: Mapped[str] = mapped_column(String(16))
    email: Mapped[str | None] = mapped_column(String(320))
    password_hash: Mapped[str | None] = mapped_column(String(200))
    external_id: Mapped[str | None] = mapped_column(String(500), unique=True)
    generation: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(Moment)
    created_by: Mapped[str] = mapped_column(String(200))
    disabled_at: Mapped[datetime | None] = mapped_column(Moment)


class AttemptRow(Base):
    """A failed attempt to sign in, by a keyed hash of the name or of the address."""

    __tablename__ = "sign_in_attempts"

    attempt_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    digest: Mapped[str] = mapped_column(String(64), index=True)
    at: Mapped[datetime] = mapped_column(Moment)


class AuditRow(Base):
    """An entry of the audit log: append-only."""

    __tablename__ = "audit"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(Moment)
    by: Mapped[str] = mapped_column(String(200))
    action: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(200))
    details: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(String(64))


class AuditHeadRow(Base):
    """The newest entry of the audit log: one row."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int]
    digest: Mapped[str] = mapped_column(String(64))
