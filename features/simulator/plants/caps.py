"""Plants of the caps: at most ten claims by policy of one person in a year, the largest first."""

from features.simulator.ground import DAY, HOUR, Line, Some, of_line
from features.simulator.plants.falling import BOUGHT, FELL
from features.simulator.stage import Stage

MISSES = "the ten largest claims of the person"
MOST = 10


def plant(stage: Stage) -> None:
    """Puts them on the stage."""
    _eleven(stage)
    _ten_and_a_right(stage)
    _kinds(stage)
    _accounts(stage)
    _before(stage)
    _rights_before(stage)


def _drops(
    stage: Stage, customer: int, many: int, *, fell_day: int = 0, least: int = 100
) -> list[tuple[Line, int]]:
    """Lines of one order whose prices fall by `least`, and ten minor units more each."""
    order, made = stage.number("order"), []
    for place in range(many):
        product = stage.product()
        amount = least + 10 * place
        stage.price(product, 1000 - amount, FELL if not fell_day else (fell_day - 1) * DAY - HOUR)
        made.append((stage.buy(customer, product, BOUGHT, order=order, line=str(place + 1)), amount))
    return made


def _eleven(stage: Stage) -> None:
    case = "eleven claims of one person"
    for place, (line, amount) in enumerate(_drops(stage, stage.customer(), MOST + 1)):
        stage.expect("price_drop", amount if place else None, case, MISSES, **of_line(line))


def _ten_and_a_right(stage: Stage) -> None:
    customer, case = stage.customer(), "ten claims by policy and one by right"
    for line, amount in _drops(stage, customer, MOST):
        stage.expect("price_drop", amount, case, **of_line(line))
    product = stage.product()
    stage.price(product, 950, FELL)
    line = stage.buy(customer, product, BOUGHT, dispatched=None)
    stage.expect("price_guarantee", 50, case, **of_line(line))


def _kinds(stage: Stage) -> None:
    """Ten late deliveries and a small drop: the drop comes first, the smallest lateness is left out."""
    customer, order = stage.customer(), stage.number("order")
    case = "ten late deliveries and a drop"
    for place in range(MOST):
        paid = 1000 + 100 * place
        sent: Some = {"promised": -14 * DAY, "dispatched": -16 * DAY, "delivered": -9 * DAY}
        late = stage.buy(
            customer, stage.product(None), BOUGHT, paid, order=order, line=str(place + 1), **sent
        )
        stage.expect("late_delivery", paid // 2 if place else None, case, MISSES, **of_line(late))
    ((line, amount),) = _drops(stage, customer, 1, least=20)
    stage.expect("price_drop", amount, case, **of_line(line))


def _accounts(stage: Stage) -> None:
    """Two accounts of one person, on the last night: one message a night goes to a person."""
    person = stage.number("person")
    case, last = "eleven claims of a person with two accounts", stage.nights
    for many, least in ((5, 100), (6, 105)):
        account = stage.customer(person_id=person)
        for line, amount in _drops(stage, account, many, fell_day=last, least=least):
            found = {last: amount} if amount > 100 else None
            stage.expect("price_drop", found, case, MISSES, **of_line(line))


def _before(stage: Stage) -> None:
    """Ten promised on the first night; on the second a larger one is new, and one of the ten is deeper."""
    customer, case = stage.customer(), "ten claims promised the night before"
    drops = _drops(stage, customer, MOST)
    deeper = drops[0][0]
    for line, amount in drops[1:]:
        stage.expect("price_drop", amount, case, **of_line(line))
    stage.price(deeper.product_id, 800, HOUR)
    stage.expect("price_drop", {1: 100, 2: 100}, f"{case}, one deeper", **of_line(deeper))
    ((line, _),) = _drops(stage, customer, 1, fell_day=2, least=500)
    stage.expect("price_drop", None, f"{case}, a new one", MISSES, **of_line(line))


def _rights_before(stage: Stage) -> None:
    """Ten rights promised on the first night are no claims by policy: one of these is still there."""
    customer, case = stage.customer(), "ten rights promised the night before"
    for _ in range(MOST):
        number = stage.number("incident")
        stage.incident(number, customer, 5, -5 * DAY, amount=100, currency="EUR")
        whose: Some = {"customer_id": customer, "incident_id": number}
        stage.expect("failed_experience", 100, case, **whose)
    every = dict.fromkeys(range(1, stage.nights + 1))
    stage.expect("recurring_trouble", every, case, customer_id=customer)
    ((line, amount),) = _drops(stage, customer, 1, fell_day=2)
    stage.expect("price_drop", {2: amount}, f"{case}, a drop", MISSES, **of_line(line))
