"""Plants that `price_guarantee` and `price_drop` share: which prices count, and how much of a line."""

from decimal import Decimal
from functools import partial

from features.simulator.ground import DAY, HOUR, UNSAID, US, Some, half_up
from features.simulator.plants.falling import BOUGHT, FELL, SENT, fallen
from features.simulator.stage import Stage


def plant_prices(stage: Stage, kind: str) -> None:
    """Look-alikes of the price, and its edges."""
    of = partial(fallen, stage, kind)
    of("in another market", None, "same market", price={"market": "south"})
    of("in another currency", None, "same currency", price={"currency": "USD"})
    of("a promotion", None, "list price", price={"kind": "promotion", "ends_at": FELL + DAY})
    of("a missing price of 0", None, "a price above 0", to=0)
    of("the price stayed as it was", None, "below the price at the order", to=1000, line=_paid(kind, 1200))
    of("for an hour only", 200, price={"ends_at": FELL + HOUR})
    of("paid less than the lower price", None, "paid more than the lower price", line=_paid(kind, 790))
    of("paid the lower price", None, "paid more than the lower price", line=_paid(kind, 800))
    of("paid a little less than the list price", 100, line=_paid(kind, 900))
    gone: Some = {"base": {"until": BOUGHT}}
    of("no list price any more at the order", None, "a list price at the order", **gone)
    of("the list price ended a moment after the order", 200, base={"until": BOUGHT + US})
    of("no list price yet at the order", None, "a list price at the order", base={"since": BOUGHT + US})
    of("list price from the order's moment on", 200, base={"since": BOUGHT})
    of("listed elsewhere at the order", None, "a list price at the order", base={"market": "south"})
    _several(stage, kind)
    _mistakes(stage, kind)
    for case, where in (("market", Some(market="south")), ("currency", Some(currency="USD"))):
        line = of(f"fell deeper in another {case}", 200)
        for price, at in ((1000, -200 * DAY), (500, FELL)):
            stage.price(line.product_id, price, at, **where)
        line = of(f"a mistake here, and usual in another {case}", 501, to=499, held=True)
        stage.price(line.product_id, 490, -190 * DAY, **where)


def plant_lines(stage: Stage, kind: str) -> None:
    """Look-alikes of the line, and parts of one."""
    of = partial(fallen, stage, kind)
    of("returned", None, "something was kept", back=(1, -5 * DAY))
    of("returned in the last moment", None, "something was kept", back=(1, -US))
    of("returned at the end of the day", 200, back=(1, 0 * DAY))
    of("returned, without a date", None, "something was kept", line=_paid(kind, 1000) | {"returned": 1})
    of("a fee", None, "a line of a product", line=_paid(kind, 1000) | {"kind": "fee"})
    two = half_up((2001 - 2 * 800) * 1, 2)
    of("one of two returned", two, line=_paid(kind, 2001) | {"quantity": 2}, back=(1, -5 * DAY))
    three = half_up((3001 - 3 * 751) * 2, 3)
    some = _paid(kind, 3001) | {"quantity": 3, "returned": 1}
    of("one of three returned, without a date", three, to=751, line=some)
    weighed = half_up(2 * 1500 - 3 * 801, 2)
    of("by weight", weighed, to=801, line=_paid(kind, 1500) | {"quantity": Decimal("1.5")})
    of("a price finer than a minor unit", half_up(10_000 - 8335, 10), to=Decimal("833.5"))
    of("a currency without minor units", 200, currency="JPY")
    of("a currency with three places", 200, currency="KWD")


def _several(stage: Stage, kind: str) -> None:
    """More than one price after the order."""
    line = fallen(stage, kind, "the price went up again", 200)
    stage.price(line.product_id, 1100, FELL + DAY)
    line = fallen(stage, kind, "the lowest of several", 300, price={"ends_at": FELL + HOUR})
    stage.price(line.product_id, 700, FELL + DAY)
    stage.price(line.product_id, 900, FELL + 2 * DAY)
    line = fallen(
        stage, kind, "a missing price ended the one at the order", None, "a list price at the order"
    )
    stage.price(line.product_id, 0, BOUGHT - DAY)
    fallen(stage, kind, "fell before the order", None, "after the order", fell=BOUGHT - DAY)
    line = fallen(stage, kind, "cheaper still, but long before the order", 200)
    stage.price(line.product_id, 500, -300 * DAY)
    line = fallen(stage, kind, "bought dearer by others in bulk", None, "a price, not a purchase", fell=None)
    other = stage.customer()
    sent = SENT if kind == "price_guarantee" else UNSAID
    stage.buy(other, line.product_id, FELL, 5000, quantity=10, dispatched=sent)


def _mistakes(stage: Stage, kind: str) -> None:
    """Prices that look like mistakes: below half of the median of the year before."""
    fallen(stage, kind, "half of the usual price", 500, to=500)
    fallen(stage, kind, "less than half of the usual price", 501, to=499, held=True)
    line = fallen(stage, kind, "less than half of the median price", 520, first=1000, to=480, held=True)
    stage.price(line.product_id, 2000, -190 * DAY)
    stage.price(line.product_id, 1000, -180 * DAY)
    year = FELL - 365 * DAY
    for case, at, held in (("a year", year, True), ("more than a year", year - US, False)):
        line = fallen(
            stage, kind, f"half of what it was {case} before", 260, first=700, to=440, held=held,
            line=_paid(kind, 700),
        )  # fmt: skip
        for earlier in (at, at + US if held else at - US):
            stage.price(line.product_id, 1000, earlier)
    near: Some = {"first": 2000, "line": _paid(kind, 900)}
    line = fallen(stage, kind, "less than half of the median, near the last price", 100, held=True, **near)
    stage.price(line.product_id, 2000, -190 * DAY)
    stage.price(line.product_id, 900, -180 * DAY)
    line = fallen(stage, kind, "half of the median, less than half of the mean", 480, to=520)
    stage.price(line.product_id, 2000, -190 * DAY)
    stage.price(line.product_id, 1000, -180 * DAY)


def _paid(kind: str, paid: int) -> dict[str, object]:
    return {"dispatched": SENT if kind == "price_guarantee" else UNSAID, "paid": paid}
