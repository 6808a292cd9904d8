"""Tables of the recommendations: bundles and which one is current."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from warehouse.database import Base
from warehouse.models import Moment

BUNDLE_ID = String(64)
REFUSED = "refused"
"""The gate's verdict on a bundle that is not served by itself."""


class BundleRow(Base):
    """One bundle on disk.

    `path` is relative to the home, `published_at` the last time it became current, `verdict` what became of
    it and `gate` why; see `recs.gate.Decision`.
    """

    __tablename__ = "bundles"

    bundle_id: Mapped[str] = mapped_column(BUNDLE_ID, primary_key=True)
    day: Mapped[date] = mapped_column(index=True)
    path: Mapped[str] = mapped_column(String(200))
    data_hash: Mapped[str] = mapped_column(String(64))
    metrics: Mapped[dict[str, Any]] = mapped_column(JSON)
    verdict: Mapped[str] = mapped_column(String(16))
    gate: Mapped[dict[str, Any]] = mapped_column(JSON)
    registered_at: Mapped[datetime] = mapped_column(Moment)
    published_at: Mapped[datetime | None] = mapped_column(Moment)


class CurrentBundleRow(Base):
    """Which bundle is served: one row, so publishing and rolling back are one update."""

    __tablename__ = "current_bundle"

    slot: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    bundle_id: Mapped[str] = mapped_column(ForeignKey("bundles.bundle_id"))
    previous_id: Mapped[str | None] = mapped_column(ForeignKey("bundles.bundle_id"))
    at: Mapped[datetime] = mapped_column(Moment)
    by: Mapped[str] = mapped_column(String(200))
