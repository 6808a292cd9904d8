"""Plants of several kinds on one line: who comes first, and that no line gives more than was paid for it."""

from typing import Any

from features.simulator.ground import DAY, HOUR, MINUTE, Line, Some, of_line
from features.simulator.plants.failed import incident
from features.simulator.stage import Stage

BOUGHT = -20 * DAY
SENT = -12 * DAY
LATE: Some = {"promised": -14 * DAY, "dispatched": -16 * DAY}
"""Delivered five days after the promise it is half of the line."""


def plant(stage: Stage) -> None:
    """Puts them on the stage."""
    _guarantee_and_drop(stage)
    _guarantee_alone(stage)
    _double_and_guarantee(stage)
    _double_and_drop(stage)
    _double_and_incident(stage)
    _incident_and_late(stage)
    _half_and_late(stage)
    _four(stage)
    _coupon_and_drop(stage)
    _coupon_twice(stage)
    _subscription(stage)
    _two_lines(stage)


def _guarantee_and_drop(stage: Stage) -> None:
    product = stage.product()
    stage.price(product, 900, -15 * DAY)
    stage.price(product, 700, -5 * DAY)
    line = stage.buy(stage.customer(), product, BOUGHT, dispatched=SENT)
    case = "together: fell before the dispatch, and deeper after it"
    stage.expect("price_guarantee", 100, case, **of_line(line))
    stage.expect("price_drop", 200, case, **of_line(line))


def _guarantee_alone(stage: Stage) -> None:
    product = stage.product()
    stage.price(product, 700, -15 * DAY)
    stage.price(product, 900, -5 * DAY)
    line = stage.buy(stage.customer(), product, BOUGHT, dispatched=SENT)
    case = "together: fell before the dispatch, and less deep after it"
    stage.expect("price_guarantee", 300, case, **of_line(line))
    stage.expect("price_drop", None, case, "more than the guarantee gives", **of_line(line))


def _twice(stage: Stage, **line: Any) -> tuple[Line, Line, int]:
    """The same order twice, and its product gets cheaper."""
    product, customer, orders = stage.product(), stage.customer(), stage.numbers("order", 2)
    stage.price(product, 900, -5 * DAY)
    first, second = (
        stage.buy(customer, product, at, order=order, **line)
        for at, order in zip((BOUGHT, BOUGHT + MINUTE), orders, strict=True)
    )
    stage.buy(
        customer,
        stage.product(None),
        BOUGHT + MINUTE,
        490,
        order=orders[1],
        line="2",
        kind="shipping",
        **line,
    )
    return first, second, customer


def _double_and_guarantee(stage: Stage) -> None:
    first, second, customer = _twice(stage, dispatched=None)
    case = "together: an order paid twice, and cheaper before the dispatch"
    for line in (first, second):
        stage.expect("price_guarantee", 100, case, **of_line(line))
    stage.expect("double_payment", 900 + 490, case, customer_id=customer, order_id=second.order_id)


def _double_and_drop(stage: Stage) -> None:
    first, second, customer = _twice(stage, dispatched=BOUGHT + HOUR)
    case = "together: an order paid twice, and cheaper since"
    for line in (first, second):
        stage.expect("price_drop", 100, case, **of_line(line))
    stage.expect("double_payment", 900 + 490, case, customer_id=customer, order_id=second.order_id)


def _double_and_incident(stage: Stage) -> None:
    """What is paid back with the order is not paid again for what went wrong with it."""
    first, second, customer = _twice(stage, dispatched=None)
    case = "together: an order paid twice, and an incident"
    number = stage.number("incident")
    line: Some = {"order_id": second.order_id, "line_id": second.line_id}
    stage.incident(number, customer, 4, -2 * DAY, **line)
    for each in (first, second):
        stage.expect("price_guarantee", 100, case, **of_line(each))
    stage.expect("double_payment", 900 + 490, case, customer_id=customer, order_id=second.order_id)
    whose: Some = {"customer_id": customer, "incident_id": number}
    stage.expect("failed_experience", None, case, "something is left of the line", **whose)


def _incident_and_late(stage: Stage) -> None:
    line = stage.buy(stage.customer(), stage.product(None), BOUGHT, **LATE, delivered=-9 * DAY)
    case = "together: an incident repays all, and it was late"
    incident(stage, case, 1000, line=line)
    stage.expect("late_delivery", None, case, "something is left of the line", **of_line(line))


def _half_and_late(stage: Stage) -> None:
    line = stage.buy(stage.customer(), stage.product(None), BOUGHT, **LATE, delivered=-9 * DAY)
    case = "together: an incident repays half, and it was late"
    incident(stage, case, 500, line=line, severity=3)
    stage.expect("late_delivery", 500, case, **of_line(line))


def _four(stage: Stage) -> None:
    """300 for the guarantee, 500 for the incident: 200 of 500 for lateness are left, none of the coupon."""
    product, customer = stage.product(), stage.customer(quiet=True)
    stage.price(product, 700, -18 * DAY)
    line = stage.buy(customer, product, BOUGHT, **LATE, delivered=-9 * DAY)
    offer = stage.offer(kind="coupon", value=250, currency="EUR")
    stage.add("offer_products", offer_id=offer, product_id=product)
    right = stage.entitle(customer, offer, -60 * DAY)
    case = "together: four kinds on one line"
    stage.expect("price_guarantee", 300, case, **of_line(line))
    incident(stage, case, 500, line=line, severity=3)
    stage.expect("late_delivery", 200, case, **of_line(line))
    left = "something is left of the line"
    stage.expect("unclaimed_benefit", None, case, left, **of_line(line), entitlement_id=right)


def _coupon_and_drop(stage: Stage) -> None:
    product, customer = stage.product(300), stage.customer(quiet=True)
    stage.price(product, 150, -5 * DAY)
    line = stage.buy(customer, product, BOUGHT, 300)
    offer = stage.offer(kind="coupon", value=200, currency="EUR")
    stage.add("offer_products", offer_id=offer, product_id=product)
    right = stage.entitle(customer, offer, -60 * DAY)
    case = "together: cheaper since, and a coupon in hand"
    stage.expect("price_drop", 150, case, **of_line(line))
    stage.expect("unclaimed_benefit", 150, case, **of_line(line), entitlement_id=right)


def _coupon_twice(stage: Stage) -> None:
    """What `unclaimed_benefit` claims, tonight or before, counts as a use of the coupon."""
    every = dict.fromkeys(range(1, stage.nights + 1), 200)
    for uses, found in ((1, None), (2, every)):
        product, customer = stage.product(None), stage.customer(quiet=True)
        offer = stage.offer(kind="coupon", value=200, currency="EUR")
        stage.add("offer_products", offer_id=offer, product_id=product)
        right = stage.entitle(customer, offer, -30 * DAY, uses=uses)
        stage.buy(customer, product, -50 * DAY)
        line = stage.buy(customer, product, BOUGHT)
        case = f"together: a coupon with {uses} uses that was not used for an order"
        stage.expect("unclaimed_benefit", 200, case, **of_line(line), entitlement_id=right)
        whose: Some = {"customer_id": customer, "entitlement_id": right, "product_id": product}
        stage.expect("unused_entitlement", found, case, "a use is left", **whose)


def _subscription(stage: Stage) -> None:
    """Two subscriptions to one offer, both idle: what was paid twice is not counted as idle again."""
    customer = stage.customer(quiet=True)
    offer = stage.offer(kind="subscription", fee=999, fee_days=30, currency="EUR")
    rights = stage.numbers("entitlement", 2)
    stage.entitle(customer, offer, -100 * DAY, number=rights[0])
    stage.entitle(customer, offer, -70 * DAY - HOUR, number=rights[1])
    case = "together: a subscription paid twice and never used"
    for right, amount in zip(rights, (3 * 999, 2 * 999 - 999), strict=True):
        stage.expect("idle_subscription", amount, case, customer_id=customer, entitlement_id=right)
    stage.expect("double_payment", 999, case, customer_id=customer, entitlement_id=rights[1])


def _two_lines(stage: Stage) -> None:
    """A guarantee for one line of an order takes nothing of what is given for another one."""
    order, customer = stage.number("order"), stage.customer()
    for line, price, dispatched in (("1", 700, None), ("2", 800, SENT)):
        product = stage.product()
        stage.price(product, price, -5 * DAY)
        there: Some = {"order": order, "line": line, "dispatched": dispatched}
        bought = stage.buy(customer, product, BOUGHT, **there)
        kind = "price_guarantee" if dispatched is None else "price_drop"
        stage.expect(kind, 1000 - price, "together: two lines of an order", **of_line(bought))
