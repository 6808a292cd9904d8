"""Attempts to sign in: who fails too often has to wait, on all processes together and after a restart.

Names and addresses are kept as keyed hashes, and no longer than they count.
"""

import hashlib
import hmac
import math
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select

from warehouse.access.models import AttemptRow
from warehouse.access.secret import key_for
from warehouse.database import engine_for, reading, writing
from warehouse.settings import Settings

WINDOW = timedelta(minutes=15)
MOST_PER_NAME = 10
MOST_PER_ADDRESS = 50
"""Failures within the window: of a name, from one address, whoever they pretend to be."""


def wait(settings: Settings, name: str, address: str, now: datetime) -> int:
    """For how many minutes this name, or this address, has to wait; 0 for not at all."""
    limits = {_digest(settings, "name", name): MOST_PER_NAME}
    limits[_digest(settings, "address", address)] = MOST_PER_ADDRESS
    recent = (
        select(AttemptRow.digest, func.count(), func.min(AttemptRow.at, type_=AttemptRow.at.type))
        .where(AttemptRow.digest.in_(limits), AttemptRow.at > now - WINDOW)
        .group_by(AttemptRow.digest)
    )
    with reading(engine_for(settings)) as session:
        ends = [first + WINDOW for digest, count, first in session.execute(recent) if count >= limits[digest]]
    return max((math.ceil((end - now).total_seconds() / 60) for end in ends), default=0)


def note(settings: Settings, name: str, address: str, now: datetime, *, succeeded: bool) -> None:
    """Notes a failure, or forgets those of a name that got in; old ones are forgotten anyway."""
    mine = _digest(settings, "name", name)
    with writing(engine_for(settings)) as session:
        session.execute(delete(AttemptRow).where(AttemptRow.at <= now - WINDOW))
        if succeeded:
            session.execute(delete(AttemptRow).where(AttemptRow.digest == mine))
        else:
            for digest in (mine, _digest(settings, "address", address)):
                session.add(AttemptRow(digest=digest, at=now))


def _digest(settings: Settings, what: str, value: str) -> str:
    return hmac.new(key_for(settings, f"attempts by {what}"), value.encode(), hashlib.sha256).hexdigest()
