"""The audit log: who said or did what, in a chain in which no byte changes unnoticed.

Each entry is hashed with the hash of the one before it, and the newest hash stands beside the log. An entry
is written in the transaction of what it tells of: both are there, or neither is. Whoever could rewrite the
whole database could forge a whole chain; so `advocate audit head` prints the newest, to be kept elsewhere.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from warehouse.access.models import AuditHeadRow, AuditRow
from warehouse.errors import TamperedError

START = "0" * 64
"""What the first entry is chained to."""
_HEAD = 1
_PAGE = 1000


@dataclass(frozen=True)
class Head:
    """The newest entry: its number (0 where there is none) and its hash."""

    number: int
    digest: str


def record(
    session: Session, action: str, *, by: str, at: datetime, subject: str = "", details: Mapping[str, Any]
) -> int:
    """Writes an entry inside the caller's transaction; nobody else writes one until that ends.

    Args:
        session: of the caller's transaction.
        action: what was done, like `batch.approve`.
        by: who did it.
        at: when.
        subject: the id of what it was done to.
        details: JSON of numbers, texts, lists and objects; no personal data but ids.

    Returns:
        the number of the entry.
    """
    head = lock(session)
    number = head.number + 1
    told = json.dumps(details, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    digest = _digest(number, at, by, action, subject, told, head.digest)
    session.add(
        AuditRow(number=number, at=at, by=by, action=action, subject=subject, details=told, digest=digest)
    )
    head.number, head.digest = number, digest
    session.flush()
    return number


def lock(session: Session) -> AuditHeadRow:
    """The head, which nobody else changes until this transaction ends; a migration made it.

    `record` does this by itself; whoever writes down what was there before locks it first, then looks.
    """
    return session.scalars(select(AuditHeadRow).where(AuditHeadRow.id == _HEAD).with_for_update()).one()


def head_of(session: Session) -> Head:
    """The newest entry."""
    row = session.get(AuditHeadRow, _HEAD)
    return Head(row.number, row.digest) if row else Head(0, START)


def verify(session: Session, kept: Head | None = None) -> Head:
    """Recomputes the whole chain.

    Args:
        session: one consistent view.
        kept: a head that was written down once; it must be in the chain.

    Returns:
        the newest entry.

    Raises:
        TamperedError: an entry was changed, added or removed; it names the first that does not fit.
    """
    last, seen = Head(0, START), kept is None or kept == Head(0, START)
    for row in _entries(session):
        if row.number != last.number + 1:
            raise TamperedError(f"the audit log has no entry {last.number + 1}: somebody removed it")
        digest = _digest(row.number, row.at, row.by, row.action, row.subject, row.details, last.digest)
        if digest != row.digest:
            raise TamperedError(
                f"entry {row.number} of the audit log is not what was written: compare it with a copy of "
                "the database"
            )
        last = Head(row.number, digest)
        seen = seen or last == kept
    if last != head_of(session):
        raise TamperedError(f"the audit log ends at entry {last.number}, and not where it was last written")
    if not seen:
        raise TamperedError("the head that was kept is not in the audit log: it was written anew since")
    return last


def _entries(session: Session) -> Iterator[AuditRow]:
    query = page = select(AuditRow).order_by(AuditRow.number).limit(_PAGE)
    while rows := session.scalars(page).all():
        yield from rows
        page = query.where(AuditRow.number > rows[-1].number)
        session.expunge_all()


def _digest(number: int, at: datetime, by: str, action: str, subject: str, details: str, before: str) -> str:
    parts = [number, at.astimezone(UTC).isoformat(), by, action, subject, details, before]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()
