"""Plants of `failed_experience`: plays that failed, and none that worked afterwards."""

from datetime import timedelta

from features.simulator.ground import DAY, HOUR, MINUTE, US, Line, Some, of_line
from features.simulator.plants.failed import KIND, bought
from features.simulator.stage import Amounts, Stage

MORNING = -5 * DAY + 8 * HOUR
TWICE = (MORNING, MORNING + MINUTE)
NEXT = (MORNING + DAY, MORNING + DAY + MINUTE)
FEW = "two failures of one product in one day"


def plant(stage: Stage) -> None:
    """Puts them on the stage."""
    _counts(stage)
    _successes(stage)
    _lines(stage)
    _two_days(stage)
    _others(stage)
    _incidents(stage)


def _plays(
    stage: Stage,
    case: str,
    amounts: Amounts,
    misses: str | None = None,
    *,
    line: Line | None = None,
    at: tuple[timedelta, ...] = TWICE,
    then: Some | None = None,
) -> Line:
    """A customer's plays of what they bought fail; `then` is what else they did."""
    about = line or bought(stage)
    who: Some = {"customer_id": about.customer_id, "product_id": about.product_id}
    for moment in at:
        stage.add("usage", **who, kind="failure", at=moment)
    if then:
        stage.add("usage", **who | {"kind": "play"} | then)
    stage.expect(KIND, amounts, f"plays, {case}", misses, **of_line(about))
    return about


def _counts(stage: Stage) -> None:
    _plays(stage, "exactly two", 1000)
    _plays(stage, "five", 1000, at=tuple(MORNING + place * MINUTE for place in range(5)))
    _plays(stage, "one", None, FEW, at=TWICE[:1])
    midnight = -5 * DAY
    _plays(stage, "one before and one after midnight", None, FEW, at=(midnight - US, midnight))
    _plays(stage, "in a day's first and last moment", 1000, at=(midnight, midnight + DAY - US))
    _plays(stage, "on two days", 1000, at=(*TWICE, *NEXT))
    _plays(stage, "in the window's first moments", 1000, at=(-14 * DAY, -14 * DAY + US))
    _plays(
        stage,
        "on the day before the window",
        None,
        "in the last 14 days",
        at=(-14 * DAY - 2 * US, -14 * DAY - US),
    )
    _plays(stage, "in the day's last moments", 1000, at=(-2 * US, -US))
    _plays(stage, "the second at the end of the day", None, FEW, at=(-US, 0 * DAY))
    first = bought(stage)
    second = stage.buy(first.customer_id, stage.product(900), -40 * DAY, 900, dispatched=None)
    for line, at in ((first, TWICE[:1]), (second, TWICE[1:])):
        _plays(stage, "one each of two products", None, FEW, line=line, at=at)
    shared = bought(stage)
    other = stage.buy(stage.customer(), shared.product_id, -40 * DAY, dispatched=None)
    for line, at in ((shared, TWICE[:1]), (other, TWICE[1:])):
        _plays(stage, "one each of two customers", None, FEW, line=line, at=at)


def _successes(stage: Stage) -> None:
    after = "no play or use after the last failure"
    for kind in ("play", "use"):
        _plays(stage, f"a {kind} a moment later", None, after, then={"at": TWICE[1] + US, "kind": kind})
    _plays(stage, "a play days later", None, after, then={"at": -US})
    _plays(stage, "a play at the end of the day", 1000, then={"at": 0 * DAY})
    _plays(stage, "a play in between", 1000, then={"at": TWICE[0] + US})
    _plays(stage, "a play at the last failure's moment", 1000, then={"at": TWICE[1]})
    line = _plays(stage, "plays in between and afterwards", None, after, then={"at": TWICE[1] + US})
    stage.add(
        "usage", customer_id=line.customer_id, product_id=line.product_id, kind="play", at=TWICE[0] + US
    )
    _plays(stage, "something else afterwards", 1000, then={"at": TWICE[1] + US, "kind": "pause"})
    other = stage.product(None)
    _plays(stage, "another product played afterwards", 1000, then={"at": TWICE[1] + US, "product_id": other})
    somebody = stage.customer()
    _plays(
        stage, "somebody else's play afterwards", 1000, then={"at": TWICE[1] + US, "customer_id": somebody}
    )


def _lines(stage: Stage) -> None:
    newest = "a line bought before the first failure, with something kept"
    for case, at, amounts in (("a moment before", TWICE[0] - US, 1000), ("at", TWICE[0], None)):
        line = stage.buy(stage.customer(), stage.product(), at, dispatched=None)
        _plays(stage, f"bought {case} the first failure", amounts, newest, line=line)
    returned = bought(stage)
    stage.back(returned, 1, -8 * DAY)
    _plays(stage, "of what was returned", None, newest, line=returned)
    old = bought(stage, 900)
    new = stage.buy(old.customer_id, old.product_id, -20 * DAY, 700, dispatched=None)
    _plays(stage, "of the newest of two lines", 700, line=new)
    first = bought(stage, 900)
    same: Some = {"order": first.order_id, "dispatched": None}
    stage.buy(first.customer_id, first.product_id, -40 * DAY, 700, line="2", **same)
    _plays(stage, "of the first of two lines at once", 900, line=first)
    orders = stage.numbers("order", 2)
    early = bought(stage, 900, order=orders[0], line="2")
    stage.buy(early.customer_id, early.product_id, -40 * DAY, 700, order=orders[1], dispatched=None)
    _plays(stage, "of the first of two orders at once", 900, line=early)
    old = bought(stage, 900)
    new = stage.buy(old.customer_id, old.product_id, -20 * DAY, 700, dispatched=None)
    stage.back(new, 1, -10 * DAY)
    _plays(stage, "the newest of two lines was returned", 900, line=old)


def _others(stage: Stage) -> None:
    """Two products of one order, and the same product of two customers."""
    first = bought(stage)
    same: Some = {"order": first.order_id, "line": "2", "dispatched": None}
    second = stage.buy(first.customer_id, stage.product(900), -40 * DAY, 900, **same)
    for line, paid in ((first, 1000), (second, 900)):
        _plays(stage, "both products of an order", paid, line=line)
    other = stage.buy(stage.customer(), first.product_id, -40 * DAY, dispatched=None)
    stage.expect(KIND, None, "plays, only somebody else's failed", FEW, **of_line(other))


def _two_days(stage: Stage) -> None:
    """What was bought first failed, and days later what was bought since; ids come in either order."""
    for way in (1, -1):
        orders = stage.numbers("order", 2)[::way]
        old = bought(stage, 900, order=orders[0])
        _plays(
            stage, "of the older of two lines, on the first day", 900, line=old, at=(-9 * DAY, US - 9 * DAY)
        )
        new = stage.buy(old.customer_id, old.product_id, -7 * DAY, 700, order=orders[1], dispatched=None)
        _plays(stage, "of the newer of two lines, on the second day", 700, line=new)


def _incidents(stage: Stage) -> None:
    named = "no incident that names the line, of that day or later"
    start = -5 * DAY
    for case, at, amounts in (
        ("on that day", start, None),
        ("later", -US, None),
        ("a moment before that day", start - US, 1000),
        ("at the end of the day", 0 * DAY, 1000),
    ):
        line = _plays(stage, f"a resolved incident {case}", amounts, named)
        _resolved(stage, line, at, line.line_id)
    line = _plays(stage, "resolved incidents before that day and on it", None, named)
    for at in (start - US, start):
        _resolved(stage, line, at, line.line_id)
    for _ in range(3):
        line = _plays(stage, "on a resolved incident's day, and on the next", 1000, at=(*TWICE, *NEXT))
        _resolved(stage, line, start, line.line_id)
    line = _plays(stage, "an incident of another line", 1000)
    _resolved(stage, line, start, "9")


def _resolved(stage: Stage, line: Line, at: timedelta, line_id: str) -> None:
    subject: Some = {"order_id": line.order_id, "line_id": line_id}
    stage.incident(stage.number("incident"), line.customer_id, 1, at, resolved_at=at + US, **subject)
