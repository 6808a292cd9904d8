"""The pause switch as people turn it: anybody who reviews may stop all sending, approvers let it go on."""

from warehouse import clock, switches
from warehouse.access import accounts
from warehouse.access.roles import Role
from warehouse.database import engine_for, writing
from warehouse.settings import Settings

TO_PAUSE, TO_RESUME = Role.REVIEWER, Role.APPROVER
"""To stop is always safe."""


def turn(settings: Settings, *, on: bool, by: str) -> None:
    """Pauses all sending, or ends the pause.

    Raises:
        ForbiddenError: there are accounts, and that of `by` may not.
    """
    with writing(engine_for(settings)) as session:
        accounts.acting(session, by, TO_PAUSE if on else TO_RESUME, "pause" if on else "end a pause")
        switches.turn(session, switches.PAUSE, on=on, by=by, at=clock.now())
