"""Tables of access: API keys."""

from datetime import datetime

from sqlalchemy import JSON, Index, String, text
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
