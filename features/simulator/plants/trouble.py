"""Plants of `recurring_trouble`: three incidents in 30 days, and more than before."""

from datetime import timedelta

from features.simulator.ground import DAY, US, Line, Some
from features.simulator.stage import Stage

KIND = "recurring_trouble"
NOW = (-25 * DAY, -18 * DAY, -16 * DAY)
BEFORE = (-80 * DAY, -60 * DAY, -40 * DAY)


def plant(stage: Stage) -> None:
    """Puts them on the stage."""
    _customers(stage)
    _products(stage)


def _incidents(stage: Stage, customer: int, at: tuple[timedelta, ...], line: Line | None = None) -> None:
    about: Some = {"order_id": line.order_id, "line_id": line.line_id} if line else {}
    for moment in at:
        stage.incident(stage.number("incident"), customer, 1, moment, resolved_at=moment + DAY, **about)


def _customers(stage: Stage) -> None:
    every = dict.fromkeys(range(1, stage.nights + 1))
    few, more = "three incidents in 30 days", "more than in the 60 days before"
    for case, now, before, found, misses in (
        ("exactly three", NOW, (), every, None),
        ("two", NOW[:2], (), None, few),
        ("as many before", NOW, BEFORE, None, more),
        ("fewer before", NOW, BEFORE[:2], every, None),
        ("one in the window's first moment", (-30 * DAY, *NOW[1:]), (), {1: None}, few),
        ("one before the window", (-30 * DAY - US, *NOW[1:]), (), None, few),
        ("one in the day's last moment", (*NOW[:2], -US), (), every, None),
        ("one at the end of the day", (*NOW[:2], 0 * DAY), (), {2: None, 3: None}, few),
        ("one in the first moment of the 60 days", NOW, (-90 * DAY, *BEFORE[1:]), {2: None, 3: None}, more),
        ("one before the 60 days", NOW, (-90 * DAY - US, *BEFORE[1:]), every, None),
    ):
        customer = stage.customer(quiet=True)
        _incidents(stage, customer, now + before)
        stage.expect(KIND, found, f"by customer, {case}", misses, customer_id=customer)


def _products(stage: Stage) -> None:
    every = dict.fromkeys(range(1, stage.nights + 1))
    few, more = "three incidents in 30 days", "more than in the 60 days before"
    for case, now, before, found, misses in (
        ("three", NOW, (), every, None),
        ("two", NOW[:2], (), None, few),
        ("as many before", NOW, BEFORE, None, more),
    ):
        product = stage.product(None)
        for moment in now:
            customer = _about(stage, product, moment)
            stage.expect(KIND, found, f"by product, {case}", misses, customer_id=customer, product_id=product)
        for moment in before:
            customer = _about(stage, product, moment)
            stage.expect(
                KIND, None, f"by product, {case}", "an incident in the last 30 days", customer_id=customer
            )
    _old(stage, every)
    _own(stage, every)
    _beside(stage, every)
    for moment in NOW:
        customer = stage.customer(quiet=True)
        _incidents(stage, customer, (moment,))
        stage.expect(KIND, None, "without a line", "an incident of a product", customer_id=customer)


def _about(stage: Stage, product: int, *at: timedelta) -> int:
    """A customer with incidents about a line of a product."""
    customer = stage.customer(quiet=True)
    line = stage.buy(customer, product, -85 * DAY, dispatched=-85 * DAY)
    _incidents(stage, customer, at, line)
    return customer


def _old(stage: Stage, every: dict[int, None]) -> None:
    """Somebody whose incident with the product is older hears nothing."""
    product = stage.product(None)
    for moment in NOW:
        customer = _about(stage, product, moment)
        stage.expect(KIND, every, "by product, beside an older one", customer_id=customer, product_id=product)
    customer = _about(stage, product, BEFORE[0])
    misses = "an incident in the last 30 days"
    stage.expect(
        KIND, None, "by product, an older incident", misses, customer_id=customer, product_id=product
    )


def _own(stage: Stage, every: dict[int, None]) -> None:
    """Somebody with trouble of their own is counted once."""
    product = stage.product(None)
    customer = _about(stage, product, *NOW)
    stage.expect(KIND, every, "by customer, all of one product", customer_id=customer)
    other = _about(stage, product, NOW[0])
    stage.expect(KIND, every, "by product, beside somebody's own", customer_id=other, product_id=product)


def _beside(stage: Stage, every: dict[int, None]) -> None:
    """What was in the same orders is not what the incidents are about."""
    product, other = stage.product(None), stage.product(None)
    for moment in NOW:
        customer = stage.customer(quiet=True)
        line = stage.buy(customer, product, -85 * DAY, dispatched=-85 * DAY)
        stage.buy(customer, other, -85 * DAY, order=line.order_id, line="2", dispatched=-85 * DAY)
        _incidents(stage, customer, (moment,), line)
        case, whose = "by product, beside another line", Some(customer_id=customer, product_id=product)
        stage.expect(KIND, every, case, **whose)
