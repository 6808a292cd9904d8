"""The ledger in numbers: how many promises of what age, and what became of their money; read as sums only."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from outreach.promises.accounts import STATE, movements, sums_of, with_last_event
from outreach.promises.ageing import age_of
from outreach.promises.models import PostingRow, PromiseEventRow, PromiseRow
from warehouse.settings import OutreachSettings


@dataclass(frozen=True)
class Group:
    """Promises of one kind, currency, state and age.

    Attributes:
        kind: of all of them, like the next three.
        currency: null without money.
        state: `open`, `reopened`, `kept` or `voided`.
        age: `fresh`, `warning` or `breach`; empty where they are not open.
        promises: how many there are.
        promised_minor: their money in minor units, like the next three; 0 without money.
        open_minor: what is still owed.
        paid_minor: what was paid and did not come back.
        voided_minor: what was taken back.
    """

    kind: str
    currency: str | None
    state: str
    age: str
    promises: int
    promised_minor: int
    open_minor: int
    paid_minor: int
    voided_minor: int


@dataclass(frozen=True)
class Sums:
    """The accounts of one currency, each summed on its own, in minor units.

    Attributes:
        currency: of all of them.
        promised_minor: what customers were told of.
        paid_minor: what was paid and did not come back.
        open_minor: what is still owed.
        voided_minor: what was taken back.
    """

    currency: str
    promised_minor: int
    paid_minor: int
    open_minor: int
    voided_minor: int

    @property
    def holds(self) -> bool:
        """Whether promised = paid + open + voided."""
        return self.promised_minor == self.paid_minor + self.open_minor + self.voided_minor


def groups(
    session: Session,
    settings: OutreachSettings,
    now: datetime,
    conditions: Sequence[ColumnElement[bool]] = (),
) -> list[Group]:
    """The promises in groups, in one statement however many there are.

    Args:
        session: the caller's transaction.
        settings: from when on a promise is open for too long.
        now: at which moment.
        conditions: which promises, over `promises`; by default all.
    """
    keys = (PromiseRow.kind, PromiseRow.currency, STATE.label("state"), age_of(settings, now).label("age"))
    moved = movements(conditions)
    columns: Any = select(*keys, func.count(), *sums_of(moved))
    query = with_last_event(columns).outerjoin(moved, moved.c.promise_id == PromiseRow.promise_id)
    rows = session.execute(query.where(*conditions).group_by(*keys))
    return sorted((Group(*row) for row in rows), key=lambda one: (one.kind, one.currency or "", one.state))


class Remembered:
    """The groups of all promises, counted anew once something was written or a minute has passed.

    The tables only grow, so while there are as many rows as before they are the same ones.
    """

    def __init__(self) -> None:
        self._known: tuple[Any, list[Group]] | None = None

    def groups(self, session: Session, settings: OutreachSettings, now: datetime) -> list[Group]:
        """The groups of all promises; arguments as of `groups`, `now` being a whole minute."""
        tables = (PromiseRow, PromiseEventRow, PostingRow)
        rows = [session.scalar(select(func.count()).select_from(table)) for table in tables]
        key = (*rows, now, settings.ageing_warning_hours, settings.ageing_breach_hours)
        known = self._known
        if known is None or known[0] != key:
            known = self._known = (key, groups(session, settings, now))
        return known[1]


def balances_of(found: Iterable[Group]) -> list[Sums]:
    """The accounts of each currency, in their order."""
    names = ("promised_minor", "paid_minor", "open_minor", "voided_minor")
    sums: dict[str, list[int]] = {}
    for group in found:
        if group.currency is not None:
            mine = sums.setdefault(group.currency, [0] * len(names))
            for place, name in enumerate(names):
                mine[place] += getattr(group, name)
    return [Sums(currency, *parts) for currency, parts in sorted(sums.items())]
