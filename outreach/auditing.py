"""Decisions of people in the audit log: one entry for each, however many notices it moved.

The entry holds a digest of what it moved, and the history of each notice names the entry: neither can be
changed, added or removed without the other showing it.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.choosing import moves
from outreach.models import NoticeEventRow
from warehouse.access import audit
from warehouse.access.models import AuditRow
from warehouse.errors import TamperedError

_DECISION = "batch.decide"
_EDIT = "notice.edit"
_MOVING = (_DECISION, _EDIT)
"""Actions that can move notices; those that did have a digest of it."""


def decided(session: Session, batch_id: str, by: str, at: datetime, reason: str) -> int | None:
    """Writes the entry of a decision about what is chosen, inside its transaction; `None` for nothing."""
    lines, counted = [], Counter[str]()
    for notice_id, state, target in moves(session):
        lines.append(f"{notice_id} {state} {target}")
        counted[target] += 1
    if not lines:
        return None
    details = {"moved": dict(counted), "digest": _digest(lines), "reason": reason}
    return audit.record(session, _DECISION, by=by, at=at, subject=batch_id, details=details)


def edited(
    session: Session,
    notice_id: str,
    by: str,
    at: datetime,
    details: Mapping[str, Any],
    move: tuple[str, str] | None,
) -> int:
    """Writes the entry of an edit inside its transaction; `move` is from which state to which it took it."""
    told = dict(details)
    if move is not None:
        told["digest"] = _digest([f"{notice_id} {move[0]} {move[1]}"])
    return audit.record(session, _EDIT, by=by, at=at, subject=notice_id, details=told)


def check_decisions(session: Session) -> int:
    """Compares each decision of the log with the history of the notices it moved; returns how many there are.

    Raises:
        TamperedError: somebody changed the history, or it names an entry that is no decision.
    """
    event, moved = NoticeEventRow, defaultdict[int | None, list[str]](list)
    columns = (event.audit, event.notice_id, event.from_state, event.to_state)
    for number, one, state, target in session.execute(select(*columns).where(event.audit.is_not(None))):
        moved[number].append(f"{one} {state} {target}")
    decisions = select(AuditRow.number, AuditRow.details).where(AuditRow.action.in_(_MOVING))
    told = {
        number: digest
        for number, details in session.execute(decisions)
        if (digest := json.loads(details).get("digest"))
    }
    for number in sorted(number for number in moved.keys() | told.keys() if number is not None):
        if _digest(moved[number]) != told.get(number):
            raise TamperedError(
                f"the notices that entry {number} of the audit log decided about are others now"
            )
    return len(told)


def _digest(lines: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()
