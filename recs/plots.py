"""Dot plots as numbers: where each dot, its interval and the scale stand; the template only draws them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, LABELS, TEXTS, MARGIN, ROW, SCALE = 600, 132, 76, 14, 26, 26
"""The parts of a plot in its own units, about one pixel each: all of it, names at the left, numbers at the
right, the room beside the dots, the height of a row and of the scale below."""


@dataclass(frozen=True)
class Dot:
    """One row: a mean between the ends of its interval.

    Attributes:
        label: who it is, at the left; a row without a mean is a heading.
        mean: where the dot stands.
        low: where the interval begins.
        high: where it ends.
        text: the mean in digits, at the right.
        marked: the one to look at.
        square: the one the others are compared with.
        filled: an empty dot is one that is not sure to differ from 0.
    """

    label: str
    mean: float | None = None
    low: float = 0.0
    high: float = 0.0
    text: str = ""
    marked: bool = False
    square: bool = False
    filled: bool = True


@dataclass(frozen=True)
class Placed:
    """A row in the plot's units: its middle `y`, and where `mean`, `low` and `high` stand."""

    dot: Dot
    y: float
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Plot:
    """All that is to be drawn.

    Attributes:
        name: unlike that of any other plot of the page.
        title: what it shows.
        description: the same as the plot, in words.
        rows: from top to bottom.
        ticks: where a number of the scale stands, and its text.
        zero: where 0 stands, if it is to be told apart.
        height: in the plot's units.
    """

    name: str
    title: str
    description: str
    rows: list[Placed]
    ticks: list[tuple[float, str]]
    zero: float | None
    height: int


def plot(name: str, title: str, dots: Sequence[Dot], *, around_zero: bool = False) -> Plot:
    """Places dots under one another on a common scale that has a 0.

    Args:
        name: see `Plot`.
        title: see `Plot`.
        dots: from top to bottom.
        around_zero: 0 is the comparison, and drawn as such.
    """
    shown = [dot for dot in dots if dot.mean is not None]
    low = min([0.0, *(dot.low for dot in shown)])
    high = max([0.0, *(dot.high for dot in shown)])
    scale = _Scale(low, high if high > low else low + 1)
    rows = [
        Placed(dot, ROW * (place + 0.5), *(scale.at(x) for x in (dot.mean or 0.0, dot.low, dot.high)))
        for place, dot in enumerate(dots)
    ]
    words = "; ".join(_words(dot) for dot in dots)
    zero = scale.at(0) if around_zero else None
    return Plot(name, title, words, rows, scale.ticks(), zero, ROW * len(dots) + SCALE)


@dataclass(frozen=True)
class _Scale:
    """From numbers to places between the names and the texts."""

    low: float
    high: float

    def at(self, number: float) -> float:
        left, right = LABELS + MARGIN, WIDTH - TEXTS - MARGIN
        return round(left + (number - self.low) / (self.high - self.low) * (right - left), 1)

    def ticks(self) -> list[tuple[float, str]]:
        """Three to seven round numbers."""
        step = _round_step((self.high - self.low) / 6)
        digits = max(0, -math.floor(math.log10(step)))
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        return [(self.at(n * step), number(n * step, digits)) for n in range(first, last + 1)]


def number(value: float, digits: int = 3, *, signed: bool = False) -> str:
    """A number as people write it: a true minus sign, and a plus where it says a difference."""
    rounded = round(value, digits) + 0.0
    text = f"{rounded:+.{digits}f}" if signed and rounded else f"{rounded:.{digits}f}"
    return text.replace("-", "−")


def _round_step(about: float) -> float:
    """1, 2 or 5 times a power of ten, the first that is not below `about`."""
    power: float = 10.0 ** math.floor(math.log10(about))
    return next(power * times for times in (1, 2, 5, 10) if power * times >= about * (1 - 1e-9))


def _words(dot: Dot) -> str:
    if dot.mean is None:
        return dot.label
    signed = dot.text.startswith(("+", "−"))
    ends = (number(end, signed=signed) for end in (dot.low, dot.high))
    return f"{dot.label} {dot.text} ({' to '.join(ends)})"
