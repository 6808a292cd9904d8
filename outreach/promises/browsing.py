"""Lists of promises: filtered, in an order, a page at a time; the promises of other pages are not read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session

from outreach.promises.accounts import OPEN, SINCE, STATE, Standing, standings, with_last_event
from outreach.promises.ageing import age_of
from outreach.promises.models import PromiseRow
from outreach.promises.overview import Group
from warehouse.errors import SettingsError
from warehouse.settings import OutreachSettings

PAGE = 50
"""Promises on a page."""
OWED, ALL = "owed", "all"
STATES: dict[str, tuple[str, ...]] = {
    OWED: OPEN,
    **{state: (state,) for state in (*OPEN, "kept", "voided")},
    ALL: (*OPEN, "kept", "voided"),
}
"""What can be asked for as a state, with the states that are meant: what is still owed by default."""
AGES = ("breach", "warning", "fresh")
"""The ages of open promises, the most urgent first."""
SORTS: dict[str, tuple[Any, ...]] = {
    "urgent": (),
    "newest": (PromiseRow.opened_at.desc(),),
    "largest": (func.coalesce(PromiseRow.amount_minor, -1).desc(),),
    "customer": (PromiseRow.customer_id,),
}
"""In what order a list can be. The most urgent first is by age, and of one age the longest open first."""


@dataclass(frozen=True)
class Wanted:
    """Which promises are meant.

    Attributes:
        state: see `STATES`.
        kind: of the promise; empty for any, like the others.
        age: see `AGES`.
        customer_id: whom it was given to.
        beginning: what its id begins with.
    """

    state: str = OWED
    kind: str = ""
    age: str = ""
    customer_id: str = ""
    beginning: str = ""

    def __post_init__(self) -> None:
        for name, value, known in (("state", self.state, STATES), ("age", self.age, ("", *AGES))):
            if value not in known:
                raise SettingsError(f"there is no {name} {value!r}; there are {', '.join(known)}")

    def conditions(self) -> list[ColumnElement[bool]]:
        """What narrows the promises down to a few, over `promises`."""
        found: list[ColumnElement[bool]] = []
        if self.customer_id:
            found.append(PromiseRow.customer_id == self.customer_id)
        if self.beginning:
            found.append(PromiseRow.promise_id.startswith(self.beginning, autoescape=True))
        return found

    def meets(self, group: Group) -> bool:
        """Whether the promises of a group are meant, as far as groups differ."""
        return (
            group.state in STATES[self.state]
            and self.kind in ("", group.kind)
            and self.age in ("", group.age)
        )


def page(
    session: Session,
    settings: OutreachSettings,
    now: datetime,
    wanted: Wanted,
    *,
    sort: str = "urgent",
    first: int = 0,
    limit: int = PAGE,
) -> list[Standing]:
    """A page of the promises that are meant.

    Args:
        session: the caller's transaction.
        settings: from when on a promise is open for too long.
        now: at which moment.
        wanted: which ones.
        sort: see `SORTS`.
        first: the place of the first one, from 0.
        limit: how many at most.

    Raises:
        SettingsError: there is no such order.
    """
    if sort not in SORTS:
        raise SettingsError(f"there is no order {sort!r}; there are {', '.join(SORTS)}")
    age = age_of(settings, now)
    conditions = [*wanted.conditions(), STATE.in_(STATES[wanted.state])]
    if wanted.kind:
        conditions.append(PromiseRow.kind == wanted.kind)
    if wanted.age:
        conditions.append(age == wanted.age)
    order = SORTS[sort] or _urgency(age)
    ids = with_last_event(select(PromiseRow.promise_id)).where(*conditions)
    some = session.scalars(ids.order_by(*order, PromiseRow.promise_id).offset(first).limit(limit)).all()
    return _in_order(some, standings(session, some))


def total_of(found: Iterable[Group], wanted: Wanted) -> tuple[int, dict[str, int]]:
    """How many promises are meant, and what is open of them by currency, in minor units.

    Args:
        found: the groups under `wanted.conditions()`.
        wanted: which ones.
    """
    mine = [group for group in found if wanted.meets(group)]
    sums: dict[str, int] = {}
    for group in mine:
        if group.currency is not None:
            sums[group.currency] = sums.get(group.currency, 0) + group.open_minor
    return sum(group.promises for group in mine), dict(sorted(sums.items()))


def _urgency(age: ColumnElement[str]) -> tuple[Any, ...]:
    places = {name: place for place, name in enumerate(AGES)}
    return (case(places, value=age, else_=len(AGES)), SINCE)


def _in_order(ids: Sequence[str], found: dict[str, Standing]) -> list[Standing]:
    return [found[promise_id] for promise_id in ids]
