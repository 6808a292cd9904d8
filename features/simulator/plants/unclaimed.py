"""Plants of `unclaimed_benefit`: paid for what a right in hand would have covered."""

from datetime import timedelta
from typing import Any

from features.simulator.ground import DAY, US, Line, Some, half_up, of_line
from features.simulator.stage import Amounts, Stage

KIND = "unclaimed_benefit"
BOUGHT = -10 * DAY
OPEN: Some = {"dispatched": None}


def plant(stage: Stage) -> None:
    """Puts them on the stage."""
    _offers(stage)
    _values(stage)
    _times(stage)
    _uses(stage)
    _promised(stage)
    _promised_and_unused(stage)
    _beside(stage)
    _lines(stage)


def unclaimed(
    stage: Stage,
    case: str,
    amounts: Amounts,
    misses: str | None = None,
    *,
    offer: Some | None = None,
    right: Some | None = None,
    starts: timedelta = -60 * DAY,
    ends: timedelta | None = None,
    line: Some | None = None,
    at: timedelta = BOUGHT,
    listed: bool = True,
    holder: int | None = None,
) -> tuple[Line, int]:
    """A customer with a right buys a product, or pays for shipping; gives the line and the entitlement."""
    customer, product = stage.customer(quiet=True), stage.product(None)
    number = stage.offer(**Some(kind="coupon", value=200, currency="EUR") | (offer or {}))
    if listed:
        stage.add("offer_products", offer_id=number, product_id=product)
    entitlement = stage.entitle(holder or customer, number, starts, ends, **right or {})
    bought = stage.buy(customer, product, at, **OPEN | (line or {}))
    stage.expect(KIND, amounts, case, misses, **of_line(bought), entitlement_id=entitlement)
    return bought, entitlement


def shipping(
    stage: Stage, case: str, amounts: Amounts, misses: str | None = None, **more: Any
) -> tuple[Line, int]:
    """The same, for a line of shipping and a benefit without a value."""
    line: Some = {"kind": "shipping", "paid": 490} | more.pop("line", {})
    offer: Some = {"kind": "benefit", "value": None, "covers": "shipping"} | more.pop("offer", {})
    return unclaimed(stage, case, amounts, misses, offer=offer, line=line, listed=False, **more)


def _offers(stage: Stage) -> None:
    unclaimed(stage, "a coupon for the product", 200)
    unclaimed(stage, "a coupon for any product", 200, listed=False)
    unclaimed(
        stage, "a benefit that says it covers products", 200, offer={"kind": "benefit", "covers": "product"}
    )
    other, coupon = stage.product(None), stage.next("offer")
    stage.add("offer_products", offer_id=coupon, product_id=other)
    unclaimed(stage, "a coupon for another product", None, "for the product", listed=False)
    for kind in ("subscription", "warranty", "credit", "gift_card"):
        kinds = "a coupon or a benefit"
        unclaimed(stage, f"a {kind} for the product", None, kinds, offer={"kind": kind}, ends=90 * DAY)
    for kind in ("coupon", "benefit", "subscription", "warranty"):
        shipping(stage, f"shipping that a {kind} covers", 490, offer={"kind": kind})
    for kind in ("credit", "gift_card"):
        shipping(
            stage, f"shipping that a {kind} covers", None, "not a credit or gift card", offer={"kind": kind}
        )
    shipping(
        stage,
        "shipping and an offer that covers no shipping",
        None,
        "covers shipping",
        offer={"covers": None, "value": 200},
    )
    shipping(
        stage,
        "shipping and an offer for products",
        None,
        "covers shipping",
        offer={"covers": "product", "value": 200},
    )
    unclaimed(
        stage, "a product and an offer for shipping", None, "covers products", offer={"covers": "shipping"}
    )


def _values(stage: Stage) -> None:
    unclaimed(stage, "a value above what was paid", 150, line={"paid": 150})
    unclaimed(stage, "a minor unit", 1, line={"paid": 1})
    shared: Some = {"value": 500, "uses": 3}
    unclaimed(stage, "a value shared among uses", half_up(500, 3), offer={"value": None}, right=shared)
    unclaimed(stage, "no value for a product", None, "a value", offer={"value": None})
    shipping(stage, "shipping with a value", 300, offer={"value": 300})
    shipping(stage, "shipping below the value", 490, offer={"value": 600})
    dollars: Some = {"value": 300, "currency": "USD"}
    shipping(
        stage, "shipping with a value in another currency", None, "in the line's currency", offer=dollars
    )
    shared = {"value": 500}
    shipping(
        stage, "shipping with a value for uses without limit", None, "the value of one use", right=shared
    )
    foreign: Some = {"currency": "USD"}
    unclaimed(stage, "a value in another currency", None, "in the line's currency", offer=foreign)
    unclaimed(stage, "above the cap", 25_000, offer={"value": 30_000}, line={"paid": 40_000})


def _times(stage: Stage) -> None:
    held = "held at the purchase"
    unclaimed(stage, "the window's first moment", 200, at=-30 * DAY)
    unclaimed(stage, "before the window", None, "bought in the last 30 days", at=-30 * DAY - US)
    unclaimed(stage, "bought at the end of the day", {2: 200}, "bought before the end", at=0 * DAY)
    unclaimed(stage, "held from the purchase on", 200, starts=BOUGHT)
    unclaimed(stage, "held a moment later", None, held, starts=BOUGHT + US)
    unclaimed(stage, "lapsed at the purchase", None, held, ends=BOUGHT)
    unclaimed(stage, "lapsed a moment after the purchase", 200, ends=BOUGHT + US)
    somebody = stage.customer(quiet=True)
    unclaimed(stage, "somebody else's coupon", None, "the customer's own", holder=somebody)


def _uses(stage: Stage) -> None:
    left = "a use is left"
    line, right = unclaimed(stage, "used for the order", None, "not used for the order")
    stage.use(right, BOUGHT + US, order=line.order_id)
    unclaimed(
        stage,
        "an offer named on the line",
        None,
        "not used for the order",
        line={"offer": stage.next("offer")},
    )
    for case, moment, amounts in (
        ("used up", -40 * DAY, None),
        ("used up in the day's last moment", -US, None),
        ("used up at the end of the day", 0 * DAY, 200),
    ):
        _, right = unclaimed(stage, case, amounts, left, right={"uses": 1})
        stage.use(right, moment)
    unclaimed(stage, "no use allowed", None, left, right={"uses": 0})
    _, right = unclaimed(stage, "one of two used before", 200, right={"uses": 2})
    stage.use(right, -40 * DAY, order=stage.next("order"))
    _, right = unclaimed(
        stage, "one of two used, for no order", None, "its use names an order", right={"uses": 2}
    )
    stage.use(right, -40 * DAY)
    one: Some = {"right": {"uses": 1}, "listed": False}
    for way in (1, -1):
        orders = stage.numbers("order", 2)[::way]
        line, right = unclaimed(stage, "one use left: the older order", 200, line={"order": orders[0]}, **one)
        second = stage.buy(line.customer_id, stage.product(None), BOUGHT + US, order=orders[1], **OPEN)
        stage.expect(
            KIND, None, "one use left: the newer order", left, **of_line(second), entitlement_id=right
        )
    line, right = unclaimed(stage, "once per order: the dearer line", 700, listed=False, offer={"value": 700})
    second = stage.buy(
        line.customer_id, stage.product(None), BOUGHT, 600, order=line.order_id, line="2", **OPEN
    )
    once = "once per order"
    stage.expect(
        KIND, None, "once per order: the cheaper line", once, **of_line(second), entitlement_id=right
    )
    small: Some = {"listed": False, "offer": {"value": 700}, "line": {"paid": 600}}
    line, right = unclaimed(stage, "once per order: the cheaper first line", None, "once per order", **small)
    second = stage.buy(line.customer_id, stage.product(None), BOUGHT, order=line.order_id, line="2", **OPEN)
    stage.expect(KIND, 700, "once per order: the dearer second line", **of_line(second), entitlement_id=right)
    line, right = unclaimed(stage, "once per order: the first of equals", 200, listed=False)
    second = stage.buy(
        line.customer_id, stage.product(None), BOUGHT, 1000, order=line.order_id, line="2", **OPEN
    )
    stage.expect(
        KIND, None, "once per order: the second of equals", once, **of_line(second), entitlement_id=right
    )


def _promised(stage: Stage) -> None:
    """The one use is promised for an order that the window leaves the next night; it is not had again."""
    first: Some = {"at": -30 * DAY, "right": {"uses": 1}, "listed": False}
    line, right = unclaimed(stage, "promised, and out of the window the next night", {1: 200}, **first)
    second = stage.buy(line.customer_id, stage.product(None), BOUGHT, **OPEN)
    left: Some = {**of_line(second), "entitlement_id": right}
    stage.expect(KIND, None, "a use that was promised the night before", "a use is left", **left)
    two: Some = {"right": {"uses": 2}, "listed": False, "offer": {"value": 950}}
    line, right = unclaimed(stage, "nights: promised for a line that came back", {1: 950}, "kept", **two)
    stage.back(line, 1, DAY / 2)
    second = stage.buy(
        line.customer_id, stage.product(None), BOUGHT, 900, order=line.order_id, line="2", **OPEN
    )
    once: Some = {**of_line(second), "entitlement_id": right}
    stage.expect(KIND, None, "nights: another line of the order", "promised for no other line", **once)
    _another(stage, line.customer_id, right, 950)
    two = {"right": {"uses": 2}, "listed": False, "at": -30 * DAY}
    line, right = unclaimed(stage, "nights: a use that was recorded after its promise", {1: 200}, **two)
    stage.use(right, DAY / 2, order=line.order_id)
    _another(stage, line.customer_id, right, 200)
    unclaimed(stage, "nights: its value rose", {1: 200, 2: 100})
    offer: Some = {"kind": "coupon", "value": 300, "currency": "EUR"}
    stage.offer(number=stage.rows["offers"][-1]["offer_id"], night=2, **offer)


def _another(stage: Stage, customer: int, right: int, amount: int) -> None:
    """An order of the second night's day, for the second of two uses."""
    line = stage.buy(customer, stage.product(None), DAY / 2, line="2", **OPEN)
    case = "nights: the second of two uses, the first of which was promised"
    stage.expect(KIND, {2: amount}, case, "bought before the end", **of_line(line), entitlement_id=right)


def _beside(stage: Stage) -> None:
    """Several rights, several lines of an order: what is known of one says nothing of another."""
    line, right = unclaimed(stage, "beside a right that was used for the order", 200)
    _use_of_another(stage, line, BOUGHT + US)
    first, _ = unclaimed(stage, "each of two lines has its right", 200)
    _second_line(stage, first, "each of two lines has its right, the second", 200)
    first, _ = unclaimed(stage, "nights: beside a line whose right comes later", 950, offer={"value": 950})
    _second_line(stage, first, "nights: a line whose right comes later", {2: 200}, night=2)
    two: Some = {"right": {"uses": 2}, "listed": False}
    line, right = unclaimed(stage, "two uses, the first order", 200, **two)
    second = stage.buy(line.customer_id, stage.product(None), BOUGHT, **OPEN)
    stage.expect(KIND, 200, "two uses, the second order", **of_line(second), entitlement_id=right)
    old: Some = {"at": -30 * DAY, "listed": False}
    gone, why = "nights: no use left, for one was promised", "a use is left"
    for uses in (1, 2):
        line, right = unclaimed(
            stage, f"nights: promised, {uses} allowed", {1: 200}, right={"uses": uses}, **old
        )
        if uses == 1:
            _use_of_another(stage, line, DAY / 2)
        else:
            recorded = stage.buy(line.customer_id, stage.product(None), -40 * DAY, **OPEN)
            stage.use(right, DAY / 2, order=recorded.order_id)
        late = stage.buy(line.customer_id, stage.product(None), DAY / 2, **OPEN)
        stage.expect(KIND, None, gone, why, **of_line(late), entitlement_id=right)


def _use_of_another(stage: Stage, line: Line, at: timedelta) -> None:
    """A right for something else, with a use that names the order of a line."""
    offer = stage.offer(kind="coupon", value=300, currency="EUR")
    stage.add("offer_products", offer_id=offer, product_id=stage.product(None))
    stage.use(stage.entitle(line.customer_id, offer, -60 * DAY), at, order=line.order_id)


def _second_line(stage: Stage, first: Line, case: str, amounts: Amounts, night: int = 0) -> None:
    """A second line of an order, with a right of its own that perhaps only a later night knows."""
    product, offer = stage.product(None), stage.offer(kind="coupon", value=200, currency="EUR")
    stage.add("offer_products", offer_id=offer, product_id=product)
    right = stage.entitle(first.customer_id, offer, -60 * DAY, night=night)
    line = stage.buy(first.customer_id, product, BOUGHT, order=first.order_id, line="2", **OPEN)
    stage.expect(KIND, amounts, case, "the right is known", **of_line(line), entitlement_id=right)


def _promised_and_unused(stage: Stage) -> None:
    """A use that was promised is used up for advice, too, when its order has left the window."""
    customer, product = stage.customer(quiet=True), stage.product(None)
    offer = stage.offer(kind="coupon", value=200, currency="EUR")
    stage.add("offer_products", offer_id=offer, product_id=product)
    right = stage.entitle(customer, offer, -40 * DAY, uses=1)
    stage.buy(customer, product, -50 * DAY, **OPEN)
    line = stage.buy(customer, product, -30 * DAY, **OPEN)
    case = "a use that was promised the night before, and a habit"
    stage.expect(KIND, {1: 200}, case, "bought in the last 30 days", **of_line(line), entitlement_id=right)
    whose: Some = {"customer_id": customer, "entitlement_id": right, "product_id": product}
    stage.expect("unused_entitlement", None, case, "a use is left", **whose)


def _lines(stage: Stage) -> None:
    unclaimed(stage, "nothing paid", None, "something was paid", line={"paid": 0})
    unclaimed(stage, "a fee", None, "a line of a product", line={"kind": "fee"})
    kept = "something was kept"
    line, _ = unclaimed(stage, "returned", None, kept)
    stage.back(line, 1, -US)
    line, _ = unclaimed(stage, "half of it kept", 150, line={"paid": 300, "quantity": 2})
    stage.back(line, 1, -US)
    _better(stage)


def _better(stage: Stage) -> None:
    """Two rights for one line: the one that covers most."""
    for values in ((200, 300, 250), (300, 200, 300)):
        customer, product = stage.customer(quiet=True), stage.product(None)
        rights = stage.numbers("entitlement", len(values))
        for number, value in zip(rights, values, strict=True):
            offer = stage.offer(kind="coupon", value=value, currency="EUR")
            stage.add("offer_products", offer_id=offer, product_id=product)
            stage.entitle(customer, offer, -60 * DAY, number=number)
        line = stage.buy(customer, product, BOUGHT, **OPEN)
        whose: Some = {**of_line(line), "entitlement_id": rights[values.index(300)]}
        stage.expect(KIND, 300, "the best of three coupons, of equals the first", **whose)
    line, _ = unclaimed(stage, "beside a better coupon for another product", 200)
    offer = stage.offer(kind="coupon", value=300, currency="EUR")
    stage.add("offer_products", offer_id=offer, product_id=stage.product(None))
    stage.entitle(line.customer_id, offer, -60 * DAY)
