"""The global pause switch: while it is on, nothing is sent."""

from datetime import datetime

from sqlalchemy.orm import Session

from warehouse.access import audit
from warehouse.errors import PausedError
from warehouse.models import SwitchRow

PAUSE = "pause"


def turn(session: Session, name: str, *, on: bool, by: str, at: datetime) -> None:
    """Turns a switch and remembers who did it and when."""
    session.merge(SwitchRow(name=name, on=on, by=by, at=at))
    audit.record(session, "switch.turn", by=by, at=at, subject=name, details={"on": on})


def is_on(session: Session, name: str) -> bool:
    """Whether a switch is on; one that was never turned is off."""
    row = session.get(SwitchRow, name)
    return row is not None and row.on


def refuse_if_paused(session: Session) -> None:
    """Raises `PausedError`, naming who paused and when, while the pause switch is on."""
    row = session.get(SwitchRow, PAUSE)
    if row is not None and row.on:
        raise PausedError(
            f"sending is paused by {row.by} since {row.at:%Y-%m-%d %H:%M} UTC; "
            "`advocate resume` ends the pause"
        )
