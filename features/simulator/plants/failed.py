"""Plants of `failed_experience`: incidents that nobody remedied."""

from datetime import timedelta
from typing import Any

from features.simulator.ground import DAY, US, Line, Some, half_up
from features.simulator.stage import Amounts, Stage

KIND = "failed_experience"
OPEN: Some = {"dispatched": None}


def plant(stage: Stage) -> None:
    """Puts them on the stage."""
    _severities(stage)
    _times(stage)
    _amounts(stage)
    _several(stage)


def bought(stage: Stage, paid: int = 1000, **line: Any) -> Line:
    """A line somebody could be unhappy with."""
    return stage.buy(stage.customer(), stage.product(paid), -40 * DAY, paid, **OPEN | line)


def incident(
    stage: Stage,
    case: str,
    amounts: Amounts,
    misses: str | None = None,
    *,
    line: Line | None = None,
    severity: int = 4,
    at: timedelta = -5 * DAY,
    **columns: Any,
) -> int:
    """An incident about a line, which is bought for it where none is given."""
    about = line or bought(stage)
    number = stage.number("incident")
    subject: Some = {"order_id": about.order_id, "line_id": about.line_id} | columns
    stage.incident(number, about.customer_id, severity, at, **subject)
    currency = columns.get("currency") or "EUR"
    whose: Some = {"customer_id": about.customer_id, "incident_id": number, "currency": currency}
    stage.expect(KIND, amounts, case, misses, **whose)
    return number


def _severities(stage: Stage) -> None:
    half = half_up(1001, 2)
    incident(stage, "severity 5: all that was paid", 1000, severity=5)
    incident(stage, "severity 4: all that was paid", 1000, severity=4)
    incident(stage, "severity 3: half, rounded up", half, severity=3, line=bought(stage, 1001))
    incident(stage, "a minor unit", 1, line=bought(stage, 1))
    incident(stage, "severity 2", None, "severity 3 or more", severity=2)


def _times(stage: Stage) -> None:
    incident(stage, "in the window's first moment", 1000, at=-14 * DAY)
    incident(stage, "before the window", None, "in the last 14 days", at=-14 * DAY - US)
    incident(stage, "in the day's last moment", 1000, at=-US)
    incident(stage, "at the end of the day", {2: 1000}, "before the end", at=0 * DAY)
    incident(stage, "resolved", None, "not resolved", resolved_at=-4 * DAY)
    incident(stage, "resolved in the day's last moment", None, "not resolved", resolved_at=-US)
    incident(stage, "resolved at the end of the day", 1000, resolved_at=0 * DAY)


def _amounts(stage: Stage) -> None:
    own: Some = {"amount": 700, "currency": "EUR"}
    nothing: Some = {"order_id": None, "line_id": None}
    incident(stage, "with an amount and no line", 700, **own, **nothing)
    incident(
        stage,
        "severity 3 with an amount and no line",
        half_up(701, 2),
        severity=3,
        **own | {"amount": 701},
        **nothing,
    )
    incident(stage, "with an amount below what was paid for its line", 700, **own)
    incident(stage, "with an amount above what was paid for its line", 1000, **own | {"amount": 1800})
    incident(stage, "in a currency of its own", 700, **own | nothing | {"currency": "USD"})
    incident(stage, "without amount and line", None, "an amount, or a line", **nothing)
    incident(stage, "with the order and no line", None, "an amount, or a line", line_id=None)
    incident(stage, "about a line nobody bought", None, "an amount, or a line", line_id="9")
    strange = bought(stage)
    theirs: Some = {"order_id": strange.order_id, "line_id": strange.line_id}
    incident(stage, "about somebody else's line", None, "the customer's own line", **theirs)
    incident(stage, "a currency without an amount", 1000, line=bought(stage), currency="EUR")
    returned = bought(stage)
    stage.back(returned, 1, -8 * DAY)
    incident(stage, "about a line that was returned", None, "something was kept", line=returned)
    part = bought(stage, 1001, quantity=2)
    stage.back(part, 1, -8 * DAY)
    incident(stage, "about a line of which half was kept", half_up(1001, 2), line=part)
    incident(stage, "above the cap, which is for policy", 40_000, line=bought(stage, 40_000))


def _several(stage: Stage) -> None:
    """Incidents about several lines, and several people's about one."""
    for case in ("orders", "lines"):
        first, another = bought(stage), stage.product(700)
        there: Some = {"order": first.order_id, "line": "2"} if case == "lines" else {}
        second = stage.buy(first.customer_id, another, -40 * DAY, 700, **OPEN | there)
        for line, paid in ((first, 1000), (second, 700)):
            incident(stage, f"one of two {case}, each with an incident", paid, line=line)
    theirs = bought(stage)
    incident(stage, "about one's own line, and somebody else tells of it", 500, line=theirs, severity=3)
    somebody = Line(theirs.order_id, theirs.line_id, theirs.product_id, stage.customer())
    incident(stage, "about a line whose owner tells of it", None, "the customer's own line", line=somebody)
