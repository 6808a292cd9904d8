"""Plants of `unused_entitlement` that are owed: balances of credits and gift cards about to lapse."""

from datetime import timedelta
from typing import Any

from features.simulator.ground import DAY, US, Some
from features.simulator.stage import Amounts, Stage

KIND = "unused_entitlement"
LAPSES = 10 * DAY
SPENT = -20 * DAY


def plant(stage: Stage) -> None:
    """Puts them on the stage."""
    _times(stage)
    _values(stage)
    _uses(stage)


def _balance(
    stage: Stage,
    case: str,
    amounts: Amounts,
    misses: str | None = None,
    *,
    kind: str = "credit",
    starts: timedelta = -100 * DAY,
    ends: timedelta | None = LAPSES,
    offered: int | None = None,
    **right: Any,
) -> int:
    """A balance of somebody who never bought anything."""
    customer = stage.customer(quiet=True)
    offer = stage.offer(kind=kind, value=offered, currency="EUR")
    entitlement = stage.entitle(customer, offer, starts, ends, **{"value": 2000} | right)
    whose: Some = {"customer_id": customer, "entitlement_id": entitlement}
    stage.expect(KIND, amounts, f"balance, {case}", misses, owed="right", **whose)
    return entitlement


def _times(stage: Stage) -> None:
    soon, valid = "lapses within 30 days", "valid at the end of the day"
    for kind in ("credit", "gift_card"):
        _balance(stage, f"of a {kind}", 2000, kind=kind)
    _balance(stage, "of a warranty", None, "a credit or gift card", kind="warranty")
    _balance(stage, "lapses a moment within 30 days", 2000, ends=30 * DAY - US)
    _balance(stage, "lapses in exactly 30 days", {2: 2000}, soon, ends=30 * DAY)
    _balance(stage, "lapses in 31 days", {3: 2000}, soon, ends=31 * DAY)
    _balance(stage, "never lapses", None, soon, ends=None)
    _balance(stage, "lapses at the end of the day", 2000, ends=0 * DAY)
    _balance(stage, "lapsed in the day's last moment", None, valid, ends=-US)
    _balance(stage, "begins in the day's last moment", 2000, starts=-US)
    _balance(stage, "begins at the end of the day", {2: 2000}, valid, starts=0 * DAY)


def _values(stage: Stage) -> None:
    _balance(stage, "the offer's value times the uses allowed", 1500, offered=500, value=None, uses=3)
    _balance(stage, "the right's value before the offer's", 2000, offered=500, uses=3)
    _balance(stage, "without a value", None, "a value", value=None, uses=3)
    _balance(stage, "the offer's value, and unlimited", None, "a value", offered=500, value=None)
    _balance(stage, "large: no cap on what is theirs", 40_000, value=40_000)


def _uses(stage: Stage) -> None:
    for case, at, value, amounts, misses in (
        ("spent in part", SPENT, 1999, 1, None),
        ("spent", SPENT, 2000, None, "a balance is left"),
        ("overspent", SPENT, 2500, None, "a balance is left"),
        ("spent in the day's last moment", -US, 2000, None, "a balance is left"),
        ("spent at the end of the day", 0 * DAY, 2000, 2000, None),
        ("a use without a value", SPENT, None, None, "the value of every use is known"),
    ):
        stage.use(_balance(stage, case, amounts, misses), at, value)
    several = _balance(stage, "spent in several parts", 500)
    for part in range(3):
        stage.use(several, SPENT + part * US, 500)
    stage.use(_balance(stage, "one of two uses without a value", None, "the value of every use"), SPENT, 500)
    stage.use(stage.rows["entitlements"][-1]["entitlement_id"], SPENT + US)
