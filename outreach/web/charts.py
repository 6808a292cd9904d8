"""Charts as numbers: where bars, steps and marks stand; the templates only draw them, as SVG.

Each comes with a description that says the same in words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from babel.numbers import format_currency

WIDTH = 640
LABELS, NUMBERS, ROW = 210, 70, 26
"""Of bars, in the chart's own units: room for labels, for numbers, and the height of a row."""
HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 240, 78, 16, 16, 34
"""Of prices."""
AFTER = timedelta(days=2)
"""How long what still holds is drawn beyond what is known to have happened."""


@dataclass(frozen=True)
class Bars:
    """Bars under one another.

    Attributes:
        name: unlike that of any other chart of the page.
        title: what it shows.
        description: the same in words.
        rows: `label, y, width, text` of each.
        height: in the chart's units.
    """

    name: str
    title: str
    description: str
    rows: list[dict[str, Any]]
    height: int
    shape: str = "bars"


def bars(name: str, title: str, values: Sequence[tuple[str, int]]) -> Bars:
    """Bars on a common scale from 0."""
    most = max((value for _, value in values), default=0) or 1
    room = WIDTH - LABELS - NUMBERS
    rows = [
        {"label": label, "y": place * ROW, "width": round(room * value / most, 1), "text": f"{value:,}"}
        for place, (label, value) in enumerate(values)
    ]
    said = ", ".join(f"{label} {value:,}" for label, value in values) or "nothing"
    return Bars(name, title, said, rows, max(len(rows), 1) * ROW)


@dataclass(frozen=True)
class Prices:
    """Prices over time as lines of steps, with moments marked on them.

    Attributes:
        name: unlike that of any other chart of the page.
        title: what it shows.
        description: the same in words.
        lines: `kind` of the price and `points` as SVG has them, of each stretch without a gap.
        marks: `x, y, label` of each moment.
        xs: `x, text` of the scale of days.
        ys: `y, text` of the scale of prices.
    """

    name: str
    title: str
    description: str
    lines: list[dict[str, str]]
    marks: list[dict[str, Any]]
    xs: list[dict[str, Any]]
    ys: list[dict[str, Any]]
    shape: str = "prices"


Spell = tuple[datetime, datetime | None, float]
"""From when until when a price held, and how much it was; without an end it still holds."""


def prices(
    name: str,
    title: str,
    spells: Mapping[str, Sequence[Spell]],
    marks: Sequence[tuple[datetime, float, str]],
    currency: str,
) -> Prices | None:
    """Prices of several kinds; `None` where none is known.

    Args:
        name: see `Prices`.
        title: see `Prices`.
        spells: for each kind when which price held, oldest first.
        marks: moments, the amounts they are about, and what happened.
        currency: of all of them.
    """
    every = [spell for mine in spells.values() for spell in mine]
    if not every:
        return None
    begins, ends = [spell[0] for spell in every], [spell[1] for spell in every if spell[1] is not None]
    moments = [*begins, *(moment for moment, _, _ in marks)]
    first, last = min(moments), max([*moments, *ends]) + AFTER
    values = [spell[2] for spell in every] + [value for _, value, _ in marks]
    low, high = min(0.0, *values), max(values) * 1.1 or 1.0
    seconds = (last - first).total_seconds()

    def x(moment: datetime) -> float:
        share = (moment - first).total_seconds() / seconds
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def y(value: float) -> float:
        return round(TOP + (high - value) / (high - low) * (HEIGHT - TOP - BOTTOM), 1)

    lines = [
        {"kind": kind, "points": " ".join(f"{x(moment)},{y(value)}" for moment, value in points)}
        for kind, mine in spells.items()
        for points in _stretches(mine, last)
    ]
    said = [
        f"{kind} {value:g} {currency} from {begin:%-d %B %Y}" + (f" to {end:%-d %B %Y}" if end else "")
        for kind, mine in spells.items()
        for begin, end, value in mine
    ]
    said += [f"{label} at {value:g} on {moment:%-d %B %Y}" for moment, value, label in marks]
    return Prices(
        name,
        title,
        "; ".join(said),
        lines,
        [{"x": x(moment), "y": y(value), "label": label} for moment, value, label in marks],
        [{"x": x(moment), "text": f"{moment:%-d %b}"} for moment in (first, last)],
        [{"y": y(value), "text": _amount(value, currency)} for value in (low, (low + high) / 2, high)],
    )


def _stretches(spells: Sequence[Spell], last: datetime) -> list[list[tuple[datetime, float]]]:
    """The corners of each stretch in which one price follows the other without a gap."""
    found: list[list[tuple[datetime, float]]] = []
    for begin, end, value in spells:
        if not found or found[-1][-1][0] != begin:
            found.append([])
        found[-1] += [(begin, value), (end or last, value)]
    return found


def _amount(value: float, currency: str) -> str:
    return format_currency(value, currency, locale="en_US")
