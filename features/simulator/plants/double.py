"""Plants of `double_payment`: the same order twice, or one subscription twice."""

from datetime import timedelta

from features.simulator.ground import DAY, MINUTE, US, Line, Some
from features.simulator.stage import Amounts, Stage

KIND = "double_payment"
FIRST = -10 * DAY
OPEN: Some = {"dispatched": None}


def plant(stage: Stage) -> None:
    """Puts them on the stage."""
    _moments(stage)
    _lines(stage)
    _customers(stage)
    _chains(stage)
    _tills(stage)
    _between(stage)


def _pair(
    stage: Stage,
    case: str,
    amounts: Amounts,
    misses: str | None = None,
    *,
    first: timedelta = FIRST,
    gap: timedelta = 5 * MINUTE,
    another: Some | None = None,
    customers: tuple[int, int] | None = None,
    ways: tuple[Some, Some] = (OPEN, OPEN),
    held: bool = False,
) -> tuple[Line, Line]:
    """Two orders of two lines each.

    `another` says what is different about the second line of the second, `ways` what is known of the way of
    the first order and of the first line of the second.
    """
    one, two = customers or (stage.customer(),) * 2
    products = stage.product(1000), stage.product(500)
    orders = stage.numbers("order", 2)
    made = []
    for customer, order, at, way, more in zip(
        (one, two), orders, (first, first + gap), ways, (ways[0], OPEN | (another or {})), strict=True
    ):
        made.append(stage.buy(customer, products[0], at, 1000, order=order, **way))
        second = Some(product=products[1], at=at, paid=500, order=order, line="2")
        stage.buy(customer, **second | more)
    stage.expect(KIND, amounts, case, misses, held=held, customer_id=two, order_id=orders[1])
    return made[0], made[1]


def _moments(stage: Stage) -> None:
    _pair(stage, "five minutes apart", 1500)
    _pair(stage, "exactly ten minutes apart", 1500, gap=10 * MINUTE)
    _pair(stage, "a moment more than ten minutes apart", None, "at most 10 minutes", gap=10 * MINUTE + US)
    _pair(stage, "eleven minutes apart", None, "at most 10 minutes", gap=11 * MINUTE)
    _pair(stage, "at the same moment: the larger id is the later", 1500, gap=0 * DAY)
    _pair(stage, "the window's first moment", 1500, first=-30 * DAY - MINUTE, gap=MINUTE)
    first = -30 * DAY - 10 * MINUTE
    _pair(stage, "the window's first moment, ten minutes later", 1500, first=first, gap=10 * MINUTE)
    early: Some = {"first": -30 * DAY - MINUTE, "gap": MINUTE - US}
    _pair(stage, "before the window", None, "an order of the last 30 days", **early)
    over: Some = {"first": -MINUTE, "gap": MINUTE}
    _pair(stage, "across the end of the day", {2: 1500}, "ordered before the end", **over)
    slow, _ = _pair(
        stage, "an order's moment is that of its first line", None, "at most 10 minutes", gap=12 * MINUTE
    )
    third: Some = {"order": slow.order_id, "line": "3", **OPEN}
    stage.buy(slow.customer_id, stage.product(700), FIRST + 6 * MINUTE, 700, kind="fee", **third)


def _lines(stage: Stage) -> None:
    same = "the same lines"
    _pair(stage, "another quantity", None, same, another={"quantity": 2})
    _pair(stage, "another total", None, same, another={"paid": 501})
    _pair(stage, "another product", None, same, another={"product": stage.product(500)})
    _pair(stage, "another market", None, "one market", another={"market": "south"})
    _pair(stage, "another currency", None, "one currency", another={"currency": "USD"})
    _, later = _pair(stage, "one product more", None, same)
    stage.buy(
        later.customer_id, stage.product(300), FIRST + 5 * MINUTE, 300, order=later.order_id, line="3", **OPEN
    )
    sooner, _ = _pair(stage, "one product less", None, same)
    stage.buy(sooner.customer_id, stage.product(300), FIRST, 300, order=sooner.order_id, line="3", **OPEN)
    _, later = _pair(stage, "with shipping and a fee", 1500 + 490 + 99)
    extra: Some = {"order": later.order_id, **OPEN}
    stage.buy(
        later.customer_id, stage.product(None), FIRST + 5 * MINUTE, 490, line="3", kind="shipping", **extra
    )
    stage.buy(later.customer_id, stage.product(None), FIRST + 5 * MINUTE, 99, line="4", kind="fee", **extra)
    for which, case in enumerate(("the first one was returned", "the second one was returned")):
        pair = _pair(stage, case, None, "no unit came back")
        stage.back(pair[which], 1, -US)
    _, later = _pair(stage, "returned at the end of the day", 1500)
    stage.back(later, 1, 0 * DAY)


def _customers(stage: Stage) -> None:
    person = stage.number("person")
    accounts = stage.customer(person_id=person), stage.customer(person_id=person)
    _pair(stage, "two accounts of one person", None, "the same customer", customers=accounts)
    _everywhere(stage, "everything in another market", ("north", "EUR"), ("south", "EUR"), "one market")
    _everywhere(stage, "everything in another currency", ("north", "EUR"), ("north", "USD"), "one currency")
    _across(stage)


def _everywhere(
    stage: Stage, case: str, first: tuple[str, str], second: tuple[str, str], misses: str
) -> None:
    customer, product = stage.customer(), stage.product(1000)
    orders = stage.numbers("order", 2)
    for order, (market, currency), at in zip(orders, (first, second), (FIRST, FIRST + MINUTE), strict=True):
        stage.buy(customer, product, at, order=order, market=market, currency=currency, **OPEN)
    stage.expect(KIND, None, case, misses, customer_id=customer, order_id=orders[1])


def _across(stage: Stage) -> None:
    """Both orders lie in two markets each."""
    customer, product = stage.customer(), stage.product(1000)
    orders = stage.numbers("order", 2)
    for order, at in zip(orders, (FIRST, FIRST + MINUTE), strict=True):
        for line, market in (("1", "north"), ("2", "south")):
            stage.buy(customer, product, at, order=order, line=line, market=market, **OPEN)
    case = "orders across two markets"
    stage.expect(KIND, None, case, "an order of one market", customer_id=customer, order_id=orders[1])


def _chains(stage: Stage) -> None:
    """Three orders: each is compared with the ones before it."""
    customer, product = stage.customer(), stage.product(1000)
    orders = stage.numbers("order", 3)
    for place, order in enumerate(orders):
        stage.buy(customer, product, FIRST + place * 8 * MINUTE, order=order, **OPEN)
    for order, which in zip(orders[1:], ("second", "third"), strict=True):
        case = f"the {which} of three, eight minutes apart"
        stage.expect(KIND, 1000, case, customer_id=customer, order_id=order)


def _tills(stage: Stage) -> None:
    """Of what is bought at a till nothing is known of a dispatch."""
    _pair(stage, "a line of the later order at a till", 1500, ways=(OPEN, {}), held=True)
    _pair(stage, "the earlier order at a till", 1500, ways=({}, OPEN))
    _, later = _pair(stage, "a fee of the later order at a till", 1500 + 99)
    fee: Some = {"order": later.order_id, "line": "3", "kind": "fee"}
    stage.buy(later.customer_id, stage.product(None), FIRST + 5 * MINUTE, 99, **fee)


def _between(stage: Stage) -> None:
    """Orders that are alike at first sight, or begin before they seem to."""
    product = stage.product(1000)
    for place in range(2):  # two strangers at once: each repeats only what they themselves bought
        customer, orders = stage.customer(), stage.numbers("order", 2)
        for order, at in zip(orders, (FIRST, FIRST + 2 * MINUTE), strict=True):
            stage.buy(customer, product, at + place * MINUTE, order=order, **OPEN)
        case = f"two of the same at once, customer {place + 1}"
        stage.expect(KIND, 1000, case, customer_id=customer, order_id=orders[1])
    customer, orders = stage.customer(), stage.numbers("order", 2)
    for order, at in zip(orders, (FIRST, FIRST + MINUTE), strict=True):
        stage.buy(customer, product, at, 1, order=order, **OPEN)
    stage.expect(KIND, 1, "a minor unit twice", customer_id=customer, order_id=orders[1])
    customer, orders = stage.customer(), stage.numbers("order", 3)
    for place, (order, what) in enumerate(zip(orders, (product, stage.product(1000), product), strict=True)):
        stage.buy(customer, what, FIRST + 8 * place * MINUTE, order=order, **OPEN)
        case = "another product at the same price in between"
        stage.expect(KIND, None, case, "at most 10 minutes", customer_id=customer, order_id=order)
    customer, orders = stage.customer(), stage.numbers("order", 2)
    for order, at in zip(orders, (FIRST, FIRST + MINUTE), strict=True):
        stage.buy(customer, stage.product(None), at, 490, order=order, kind="shipping", **OPEN)
        case = "only shipping, twice"
        stage.expect(KIND, None, case, "a line of a product", customer_id=customer, order_id=order)
    window = -30 * DAY
    customer, orders = stage.customer(), stage.numbers("order", 2)
    for order, at in zip(orders, (window - 5 * MINUTE, window + MINUTE), strict=True):
        stage.buy(customer, product, at, order=order, **OPEN)
        case = "an order that began before the window"
        stage.expect(KIND, None, case, "an order of the last 30 days", customer_id=customer, order_id=order)
    early: Some = {"order": orders[1], "line": "2", "kind": "fee", **OPEN}
    stage.buy(customer, stage.product(None), window - 20 * MINUTE, 99, **early)
