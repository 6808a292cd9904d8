"""Charts as numbers: where bars, steps and marks stand; the templates only draw them, as SVG.

Each comes with a description that says the same in words.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from babel.numbers import format_currency

WIDTH = 640
LABELS, NUMBERS, ROW = 210, 70, 26
"""Of bars, in the chart's own units: room for labels, for numbers, and the height of a row."""
HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 240, 78, 16, 16, 34
"""Of prices."""


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
    """A price over time as a line of steps, with moments marked on it.

    Attributes:
        name: unlike that of any other chart of the page.
        title: what it shows.
        description: the same in words.
        line: points of the line, as SVG has them.
        marks: `x, y, label` of each moment.
        xs: `x, text` of the scale of days.
        ys: `y, text` of the scale of prices.
    """

    name: str
    title: str
    description: str
    line: str
    marks: list[dict[str, Any]]
    xs: list[dict[str, Any]]
    ys: list[dict[str, Any]]
    shape: str = "prices"


def prices(
    name: str,
    title: str,
    steps: Sequence[tuple[datetime, float]],
    marks: Sequence[tuple[datetime, float, str]],
    end: datetime,
    currency: str,
) -> Prices | None:
    """A price that holds from each moment to the next; `None` where none is known.

    Args:
        name: see `Prices`.
        title: see `Prices`.
        steps: from when on a price held, oldest first.
        marks: moments, the amounts they are about, and what happened.
        end: until when the last one is drawn.
        currency: of all of them.
    """
    if not steps:
        return None
    moments = [moment for moment, _ in steps] + [moment for moment, _, _ in marks]
    first, last = min(moments), max(end, *moments)
    values = [value for _, value in steps] + [value for _, value, _ in marks]
    low, high = min(0.0, *values), max(values) * 1.1 or 1.0
    seconds = (last - first).total_seconds() or 1.0

    def x(moment: datetime) -> float:
        share = (moment - first).total_seconds() / seconds
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def y(value: float) -> float:
        return round(TOP + (high - value) / (high - low) * (HEIGHT - TOP - BOTTOM), 1)

    points: list[tuple[float, float]] = []
    for moment, value in steps:
        if points:
            points.append((x(moment), points[-1][1]))
        points.append((x(moment), y(value)))
    points.append((x(last), y(steps[-1][1])))
    said = [f"{value:g} {currency} from {moment:%-d %B %Y}" for moment, value in steps]
    said += [f"{label} at {value:g} on {moment:%-d %B %Y}" for moment, value, label in marks]
    return Prices(
        name,
        title,
        "; ".join(said),
        " ".join(f"{px},{py}" for px, py in points),
        [{"x": x(moment), "y": y(value), "label": label} for moment, value, label in marks],
        [{"x": x(moment), "text": f"{moment:%-d %b}"} for moment in (first, last)],
        [{"y": y(value), "text": _amount(value, currency)} for value in (low, (low + high) / 2, high)],
    )


def _amount(value: float, currency: str) -> str:
    return format_currency(value, currency, locale="en_US")
