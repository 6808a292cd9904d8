"""Plants of `late_delivery`: more than 24 h after the promise."""

from datetime import timedelta
from typing import Any

from features.simulator.ground import DAY, HOUR, UNSAID, US, Line, Some, half_up, of_line
from features.simulator.stage import Amounts, Stage

KIND = "late_delivery"
PROMISED = -10 * DAY


def plant(stage: Stage) -> None:
    """Puts them on the stage."""
    _hours(stage)
    _open(stage)
    _window(stage)
    _lines(stage)


def late(
    stage: Stage,
    case: str,
    amounts: Amounts,
    misses: str | None = None,
    *,
    promised: timedelta | None = PROMISED,
    after: timedelta | None = 30 * HOUR,
    paid: int = 1000,
    back: int = 0,
    **more: Any,
) -> Line:
    """A line delivered some time after its promise, or not yet (`after` is None)."""
    start = -40 * DAY if promised is None else promised - 3 * DAY
    arrived = None if after is None else (promised or PROMISED) + after
    sent: Some = {"promised": promised, "dispatched": start + HOUR, "delivered": arrived}
    line = stage.buy(stage.customer(), stage.product(None), start, paid, **{**sent, **more})
    if back:
        stage.back(line, back, -US)
    stage.expect(KIND, amounts, case, misses, **of_line(line))
    return line


def _hours(stage: Stage) -> None:
    late(stage, "24 hours", None, "more than 24 hours", after=24 * HOUR)
    late(stage, "a moment more than 24 hours", 200, after=24 * HOUR + US)
    late(stage, "exactly 48 hours", 200, after=48 * HOUR)
    late(stage, "a moment more than 48 hours", 300, after=48 * HOUR + US)
    late(stage, "four days", 400, after=4 * DAY)
    late(stage, "five days", 500, after=5 * DAY)
    late(stage, "more than five days: half at most", 500, after=5 * DAY + US)
    late(stage, "half a minor unit", half_up(1025 * 3, 10), after=60 * HOUR, paid=1025)
    late(stage, "a minor unit", 1, paid=5)
    late(stage, "less than half a minor unit", None, "something is owed", paid=2)
    late(stage, "in time", None, "more than 24 hours", after=-HOUR)


def _open(stage: Stage) -> None:
    growing = {1: 200, 2: 100, 3: 100}
    late(stage, "not delivered yet, growing every night", growing, promised=-30 * HOUR, after=None)
    later = {2: 200, 3: 100}
    late(
        stage,
        "not delivered 24 hours after the promise",
        later,
        "more than 24 hours",
        promised=-DAY,
        after=None,
    )
    growing = {1: 200, 2: 100, 3: 100}
    late(stage, "not delivered a moment more than that", growing, promised=-DAY - US, after=None)
    late(stage, "not delivered for long", 500, promised=-20 * DAY, after=None)
    end: Some = {"promised": -36 * HOUR}
    late(stage, "delivered at the end of the day", 200, after=36 * HOUR, **end)
    late(stage, "promised for tomorrow", None, "more than 24 hours", promised=3 * DAY, after=None)


def _window(stage: Stage) -> None:
    late(stage, "promised for the window's first moment", 200, promised=-30 * DAY)
    late(
        stage, "promised for before the window", None, "promised in the last 30 days", promised=-30 * DAY - US
    )
    late(stage, "nothing was promised", None, "a promise", promised=None)
    unsaid: Some = {"dispatched": UNSAID, "delivered": UNSAID, "after": None}
    late(stage, "the delivery is not known", None, "the delivery is known", **unsaid)


def _lines(stage: Stage) -> None:
    late(stage, "shipping", None, "a line of a product", kind="shipping")
    late(stage, "returned", None, "something was kept", back=1)
    part = half_up(1000 * 1 * 2, 3 * 10)
    late(stage, "one of three kept", part, quantity=3, back=2)
    late(stage, "up to the cap", 25_000, paid=125_000)
    late(stage, "above the cap", 25_000, paid=125_010)
