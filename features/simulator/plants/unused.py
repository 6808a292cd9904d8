"""Plants of `unused_entitlement`: a coupon for something bought all the time, and balances about to lapse."""

from datetime import timedelta

from features.simulator.ground import DAY, US, Some, half_up
from features.simulator.stage import Amounts, Stage

KIND = "unused_entitlement"
HABIT = (-80 * DAY, -40 * DAY)
STARTS = -2 * DAY


def plant(stage: Stage) -> None:
    """Puts them on the stage."""
    _times(stage)
    _uses(stage)
    _habits(stage)
    _offers(stage)


def unused(
    stage: Stage,
    case: str,
    amounts: Amounts,
    misses: str | None = None,
    *,
    offer: Some | None = None,
    right: Some | None = None,
    starts: timedelta = STARTS,
    ends: timedelta | None = None,
    bought: tuple[timedelta, ...] = HABIT,
    listed: bool = True,
    holder: int | None = None,
) -> tuple[int, int, int]:
    """A right that began after the purchases of a habit; gives customer, product and entitlement."""
    customer, product = stage.customer(quiet=True), stage.product(None)
    number = stage.offer(**Some(kind="coupon", value=200, currency="EUR") | (offer or {}))
    if listed:
        stage.add("offer_products", offer_id=number, product_id=product)
    entitlement = stage.entitle(holder or customer, number, starts, ends, **right or {})
    for at in bought:
        stage.buy(customer, product, at)
    subject: Some = {"customer_id": holder or customer, "entitlement_id": entitlement, "product_id": product}
    stage.expect(KIND, amounts, case, misses, **subject)
    return customer, product, entitlement


def _times(stage: Stage) -> None:
    valid = "valid at the end of the day"
    unused(stage, "a coupon for a habit", 200)
    unused(stage, "lapses at the end of the day", {1: 200}, valid, ends=0 * DAY)
    unused(stage, "lapses in the day's last moment", None, valid, ends=-US)
    unused(stage, "begins in the day's last moment", 200, starts=-US)
    unused(stage, "begins at the end of the day", {2: 200, 3: 200}, valid, starts=0 * DAY)


def _uses(stage: Stage) -> None:
    left = "a use is left"
    for case, at, amounts in (
        ("used up", -DAY, None),
        ("used up in the day's last moment", -US, None),
        ("used up at the end of the day", 0 * DAY, {1: 200}),
    ):
        *_, right = unused(stage, case, amounts, left, right={"uses": 1})
        stage.use(right, at)
    *_, right = unused(stage, "one of two used", 200, right={"uses": 2})
    stage.use(right, -DAY)
    *_, right = unused(stage, "used often, and unlimited", 200)
    for hour in range(3):
        stage.use(right, -DAY + hour * US)


def _habits(stage: Stage) -> None:
    few = "bought in two orders of the last 90 days"
    unused(stage, "bought in the window's first moment", {1: 200}, few, bought=(-90 * DAY, -40 * DAY))
    unused(stage, "bought before the window", None, few, bought=(-90 * DAY - US, -40 * DAY))
    coupon, later = stage.next("offer"), {2: 200, 3: 200}
    customer, product, _ = unused(stage, "bought at the end of the day", later, few, bought=(-40 * DAY,))
    stage.buy(customer, product, 0 * DAY, offer=coupon)
    unused(stage, "bought once", None, few, bought=(-40 * DAY,))
    customer, product, _ = unused(stage, "bought twice in one order", None, few, bought=())
    order = stage.number("order")
    for line in ("1", "2"):
        stage.buy(customer, product, -40 * DAY, order=order, line=line)
    customer, _, _ = unused(stage, "another product is the habit", None, "the offer's product", bought=())
    other = stage.product(None)
    for at in HABIT:
        stage.buy(customer, other, at)
    for case, listed in 5 * (("of the offer", True), ("of any", False)):  # rows come in no order
        customer, product, _ = unused(
            stage, f"the product in most orders {case}", 200, listed=listed, bought=(*HABIT, -50 * DAY)
        )
        other = stage.product(None)
        if listed:
            stage.add("offer_products", offer_id=stage.rows["offers"][-1]["offer_id"], product_id=other)
        for at in HABIT:
            stage.buy(customer, other, at)
    customer, _, _ = unused(stage, "beside a coupon for something else", 200)
    offer, other = stage.offer(kind="coupon", value=300, currency="EUR"), stage.product(None)
    stage.add("offer_products", offer_id=offer, product_id=other)
    right = stage.entitle(customer, offer, STARTS)
    whose: Some = {"customer_id": customer, "entitlement_id": right, "product_id": other}
    stage.expect(KIND, None, "for something else than the habit", few, **whose)
    somebody = stage.customer(quiet=True)
    unused(stage, "somebody else's coupon", None, "the customer's own habit", holder=somebody)
    customer, _, _ = unused(
        stage, "for any product: the one in most orders", 200, listed=False, bought=(*HABIT, -30 * DAY)
    )
    for at in HABIT:
        stage.buy(customer, other, at + US)


def _offers(stage: Stage) -> None:
    unused(
        stage, "a benefit that says it covers products", 200, offer={"kind": "benefit", "covers": "product"}
    )
    unused(stage, "an offer for shipping", None, "covers products", offer={"covers": "shipping"})
    for kind in ("subscription", "warranty"):
        unused(stage, f"a {kind}", None, "a coupon or a benefit", offer={"kind": kind})
    share: Some = {"value": 500, "uses": 3}
    unused(stage, "a value shared among uses", half_up(500, 3), offer={"value": None}, right=share)
    unknown = dict.fromkeys(range(1, stage.nights + 1))
    unused(stage, "of unknown value", unknown, offer={"value": None})
