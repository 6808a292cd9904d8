"""Ageing: promises that have been open for too long."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from sqlalchemy import ColumnElement, and_, case

from features.money import as_decimal
from outreach.promises.accounts import OPEN, SINCE, STATE, Standing, listed
from outreach.promises.models import IN_HAND, PromiseRow
from warehouse import clock
from warehouse.database import engine_for, reading
from warehouse.receipts import Receipt, recording
from warehouse.settings import OutreachSettings, Settings

Age = Literal["fresh", "warning", "breach"]


@dataclass(frozen=True)
class Aged:
    """An open promise, how long it has been open, and whether that is too long."""

    standing: Standing
    hours: int
    age: Age


def aged(standings: Iterable[Standing], settings: OutreachSettings, now: datetime) -> list[Aged]:
    """The open ones among promises with their ages, the most urgent first.

    A promise is due `outreach.ageing_breach_hours` after it was opened, or reopened, unless it has a moment
    of its own that lies later than its opening. What the customer holds is due so long after it lapses.
    """
    grace = timedelta(hours=settings.ageing_breach_hours - settings.ageing_warning_hours)
    allowed = timedelta(hours=settings.ageing_breach_hours)
    due = [(_due(standing, allowed), standing) for standing in standings if standing.is_open]
    rows = []
    for deadline, standing in sorted(due, key=lambda pair: (pair[0], pair[1].promise_id)):
        age: Age = "breach" if now > deadline else "warning" if now > deadline - grace else "fresh"
        rows.append(Aged(standing, int((now - standing.since) / timedelta(hours=1)), age))
    return rows


def _due(standing: Standing, allowed: timedelta) -> datetime:
    own = standing.due_at
    if own is not None and standing.in_hand:
        return own + allowed  # it can be paid once a night has seen that it lapsed
    return own if own is not None and own > standing.since else standing.since + allowed


def age_of(settings: OutreachSettings, now: datetime) -> ColumnElement[str]:
    """SQL for the age of a promise, over `with_last_event`; empty for one that is not open.

    It says what `aged` says, without reading the promises.
    """
    allowed = timedelta(hours=settings.ageing_breach_hours)
    grace = allowed - timedelta(hours=settings.ageing_warning_hours)
    own, since = PromiseRow.due_at, SINCE
    in_hand = and_(own > since, PromiseRow.kind.in_(IN_HAND))

    def due_before(moment: datetime) -> ColumnElement[bool]:
        # Moments are taken back by what is allowed: the databases do not add hours alike.
        back = moment - allowed
        return case((in_hand, own < back), (own > since, own < moment), else_=since < back)

    return case(
        (STATE.not_in(OPEN), ""),
        (due_before(now), "breach"),
        (due_before(now + grace), "warning"),
        else_="fresh",
    )


def ageing(settings: Settings, day: date) -> Receipt:
    """Counts the open promises by their age at this moment; the receipt warns of those open for too long."""
    with recording(settings, "outreach.ageing", day) as receipt:
        with reading(engine_for(settings)) as session:
            rows = aged(listed(session, states=OPEN), settings.outreach, clock.now())
        receipt.rows_in["promises: open"] = len(rows)
        by_age = {age: [row for row in rows if row.age == age] for age in ("fresh", "warning", "breach")}
        receipt.numbers["promises"] = {age: _numbers(some) for age, some in by_age.items()}
        for age, hours in (
            ("breach", settings.outreach.ageing_breach_hours),
            ("warning", settings.outreach.ageing_warning_hours),
        ):
            if some := by_age[age]:
                receipt.warnings.append(_sentence(age, some, hours))
    return receipt


def _numbers(rows: list[Aged]) -> dict[str, object]:
    return {
        "promises": len(rows),
        "open_minor": sums(row.standing for row in rows),
        "oldest_hours": max((row.hours for row in rows), default=None),
    }


def _sentence(age: str, rows: list[Aged], hours: int) -> str:
    money = ", ".join(
        f"{as_decimal(minor, code):,} {code}" for code, minor in sums(r.standing for r in rows).items()
    )
    oldest = min(row.standing.since for row in rows)
    return (
        f"{age}: {len(rows):,} promises are open for more than {hours} hours or past their own date"
        f"{f' ({money})' if money else ''}, the oldest since {oldest:%Y-%m-%d %H:%M} UTC; `advocate "
        "ledger list` shows them, the most urgent first"
    )


def sums(standings: Iterable[Standing]) -> dict[str, int]:
    """What is open per currency, in minor units."""
    found: dict[str, int] = {}
    for standing in standings:
        if standing.currency is not None:
            found[standing.currency] = found.get(standing.currency, 0) + (standing.open_minor or 0)
    return dict(sorted(found.items()))
