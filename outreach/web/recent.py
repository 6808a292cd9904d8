"""What was decided, from the audit log."""

import json
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from warehouse.access.models import AuditRow

SHOWN = 20
ACTIONS = ("batch.decide", "batch.agree", "batch.submit")


def decisions(session: Session, batch_id: str) -> list[dict[str, Any]]:
    """The newest decisions about a batch: `entry, at, by, action, moved, reason`."""
    query = select(AuditRow).where(AuditRow.subject == batch_id, AuditRow.action.in_(ACTIONS))
    rows = session.scalars(query.order_by(AuditRow.number.desc()).limit(SHOWN))
    return [_told(row) for row in rows]


def _told(row: AuditRow) -> dict[str, Any]:
    details = json.loads(row.details)
    moved = details.get("moved", {})
    if row.action == "batch.agree":
        moved = {"agreed": details["notices"]}
    return {
        "entry": row.number,
        "at": row.at,
        "by": row.by,
        "action": row.action,
        "moved": moved,
        "reason": details.get("reason", ""),
        "undoable": row.action == "batch.decide" and "proposed" not in moved,
    }
