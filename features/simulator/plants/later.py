"""Plants over several nights: deeper and unchanged drops, returns after a promise, a corrected feed."""

from datetime import timedelta

from features.simulator.ground import DAY, HOUR, Line, Some, half_up, of_line
from features.simulator.plants.failed import bought
from features.simulator.stage import Stage

BOUGHT = -10 * DAY
FELL = -5 * DAY
SECOND = 12 * HOUR
THIRD = DAY + 12 * HOUR
"""Moments of the second and the third night's day."""


def plant(stage: Stage) -> None:
    """Puts them on the stage."""
    _deeper(stage)
    _returns(stage)
    _guarantee(stage)
    _worse(stage)
    _purse(stage)
    _corrected(stage)
    _beside(stage)


def _drop(stage: Stage, paid: int = 1000, quantity: int = 1) -> Line:
    product = stage.product()
    stage.price(product, 800, FELL)
    return stage.buy(stage.customer(), product, BOUGHT, paid, quantity=quantity)


def _deeper(stage: Stage) -> None:
    line = _drop(stage)
    stage.price(line.product_id, 700, SECOND)
    stage.price(line.product_id, 650, THIRD)
    stage.expect("price_drop", {1: 200, 2: 100, 3: 50}, "nights: deeper every night", **of_line(line))
    line = _drop(stage)
    stage.price(line.product_id, 800, SECOND)
    stage.price(line.product_id, 790, THIRD)
    stage.expect("price_drop", {1: 200, 3: 10}, "nights: unchanged, then deeper", "deeper", **of_line(line))
    line = _drop(stage)
    stage.price(line.product_id, 900, SECOND)
    stage.price(line.product_id, 791, THIRD)
    misses = "deeper by the minimum"
    stage.expect("price_drop", {1: 200}, "nights: dearer, then little deeper", misses, **of_line(line))
    line = _drop(stage)
    stage.price(line.product_id, 795, SECOND)
    stage.price(line.product_id, 785, THIRD)
    case = "nights: deeper in small steps"
    stage.expect("price_drop", {1: 200, 3: 15}, case, misses, **of_line(line))


def _returns(stage: Stage) -> None:
    line = _drop(stage, 2000, 2)
    stage.back(line, 1, SECOND)
    stage.price(line.product_id, 500, THIRD)
    third = half_up((2000 - 2 * 500) * 1, 2) - 400
    case, misses = "nights: one of two returned after the promise", "more than was promised"
    stage.expect("price_drop", {1: 400, 3: third}, case, misses, **of_line(line))
    line = _drop(stage)
    stage.back(line, 1, SECOND)
    stage.price(line.product_id, 500, SECOND)
    stage.expect("price_drop", {1: 200}, "nights: returned after the promise", "kept", **of_line(line))


def _guarantee(stage: Stage) -> None:
    """Promised while it was under way; dispatched the next day; deeper the day after."""
    product = stage.product()
    stage.price(product, 800, FELL)
    stage.price(product, 700, THIRD)
    line = stage.buy(stage.customer(), product, BOUGHT, dispatched=SECOND)
    case = "nights: a guarantee, then a drop"
    stage.expect("price_guarantee", 200, case, **of_line(line))
    stage.expect("price_drop", {3: 100}, case, "deeper than the guarantee", **of_line(line))
    product = stage.product()
    stage.price(product, 800, FELL)
    stage.price(product, 700, SECOND)
    line = stage.buy(stage.customer(), product, BOUGHT, dispatched=None)
    stage.expect("price_guarantee", {1: 200, 2: 100}, "nights: a deeper guarantee", **of_line(line))


def _worse(stage: Stage) -> None:
    """An incident that turns out to be worse, and one that is resolved."""
    line = bought(stage)
    subject: Some = {"order_id": line.order_id, "line_id": line.line_id}
    number = stage.number("incident")
    for night, severity in ((1, 3), (2, 4)):
        stage.incident(number, line.customer_id, severity, -5 * DAY, night=night, **subject)
    whose: Some = {"customer_id": line.customer_id, "incident_id": number}
    stage.expect("failed_experience", {1: 500, 2: 500}, "nights: an incident that got worse", **whose)


def _purse(stage: Stage) -> None:
    """All that was paid is promised for an incident; later the price falls."""
    product = stage.product()
    line = stage.buy(stage.customer(), product, BOUGHT)
    stage.price(product, 700, SECOND)
    number = stage.number("incident")
    stage.incident(number, line.customer_id, 5, FELL, order_id=line.order_id, line_id=line.line_id)
    case = "nights: all was promised, then the price fell"
    stage.expect("failed_experience", 1000, case, customer_id=line.customer_id, incident_id=number)
    stage.expect("price_drop", None, case, "something is left of the line", **of_line(line))


def _corrected(stage: Stage) -> None:
    """The second night's feed says that the line was paid in another currency: a person has to look."""
    product, order, customer = stage.product(), stage.number("order"), stage.customer()
    stage.price(product, 1000, -200 * DAY, currency="USD")
    for currency in ("EUR", "USD"):
        stage.price(product, 800, FELL, currency=currency)
    for night, currency in ((1, "EUR"), (2, "USD")):
        line = stage.buy(customer, product, BOUGHT, order=order, currency=currency, night=night)
    case, found = "nights: the currency of the line was corrected", {1: 200, 2: 200, 3: 200}
    waits: Some = {"held": (2, 3), "currency": {1: "EUR", 2: "USD", 3: "USD"}}
    stage.expect("price_drop", found, case, **waits, **of_line(line))


def _beside(stage: Stage) -> None:
    """What one kind promised the night before, when another finds something of the same line."""
    product = stage.product()
    sent: Some = {"promised": -14 * DAY, "dispatched": -16 * DAY, "delivered": -9 * DAY}
    line = stage.buy(stage.customer(), product, -20 * DAY, **sent)
    stage.price(product, 800, SECOND)
    case = "nights: late, then cheaper"
    stage.expect("late_delivery", 500, case, **of_line(line))
    stage.expect("price_drop", {2: 200}, case, "fell before the end", **of_line(line))
    line = _drop(stage, 2000, 2)
    stage.back(line, 1, SECOND)
    number = stage.number("incident")
    subject: Some = {"order_id": line.order_id, "line_id": line.line_id}
    stage.incident(number, line.customer_id, 5, SECOND, **subject)
    case = "nights: half of it returned after a promise, then an incident"
    stage.expect("price_drop", {1: 400}, case, "more than was promised", **of_line(line))
    whose: Some = {"customer_id": line.customer_id, "incident_id": number}
    stage.expect("failed_experience", {2: 600}, case, "occurred before the end", **whose)
    case = "nights: an order paid twice was promised, then an incident"
    for at, more in ((BOUGHT, ""), (-30 * DAY, " and it has left the window")):
        _twice_then_trouble(stage, f"{case}{more}", at)


def _twice_then_trouble(stage: Stage, case: str, at: timedelta) -> None:
    product, customer, orders = stage.product(), stage.customer(), stage.numbers("order", 2)
    for order, moment in zip(orders, (at, at + HOUR / 60), strict=True):
        line = stage.buy(customer, product, moment, order=order, dispatched=at + HOUR)
    number = stage.number("incident")
    stage.incident(number, customer, 5, SECOND, order_id=line.order_id, line_id=line.line_id)
    stage.expect("double_payment", 1000, case, customer_id=customer, order_id=line.order_id)
    whose: Some = {"customer_id": customer, "incident_id": number}
    stage.expect("failed_experience", None, case, "something is left of the line", **whose)
