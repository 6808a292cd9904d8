"""Plants of `cheaper_same`: the dear size or brand of the same thing, bought regularly."""

from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from features.simulator.ground import DAY, US, Line, Some, half_up
from features.simulator.stage import Amounts, Stage

KIND = "cheaper_same"
ORDERS = (-80 * DAY, -60 * DAY, -40 * DAY)
FEW = "kept in 3 orders of one market and currency in the last 90 days"
ALIKE = (
    *(("1 kg", "1000 g"), ("1000 g", "1 kg"), ("1 l", "1000 ml")),
    *(("10 cl", "100 ml"), ("1 gal", "8 pt"), ("1 qt", "2 pt"), ("2 pt", "1 qt"), ("1 dz", "12 ct")),
    *(
        ("12 ct", "1 dz"),
        ("1/2 gal", "4 pt"),
        ("1/4 gal", "2 pt"),
        ("6 x 330 ml", "1980 ml"),
    ),
    *(("0,75 l", "750 ml"), ("1.5 kg", "1500 g"), ("0.001 ml", "0.001 ml"), ("12 oz", "12 oz")),
    *(("1/2 gal", "1/2 gal"), ("10 fl oz", "10 fl oz")),
)
"""Sizes that are the same, written differently."""
SAVED = 3 * (1000 - 500 * 16 // 10)
"""Three packs of 500 g at 10.00, where a kilogram costs 16.00."""


def plant(stage: Stage) -> None:
    """Puts them on the stage."""
    _orders(stage)
    _things(stage)
    _prices(stage)
    _amounts(stage)
    _units(stage)


def cheaper(
    stage: Stage,
    case: str,
    amounts: Amounts,
    misses: str | None = None,
    *,
    orders: tuple[timedelta, ...] = ORDERS,
    size: str = "500 g",
    price: int | Decimal = 1600,
    dear_price: int | Decimal = 1000,
    product: Some | None = None,
    held: bool = False,
    **other: Any,
) -> tuple[list[Line], int]:
    """Somebody buys 500 g at 10.00 in some orders, and there is a kilogram; gives the lines and the other."""
    dear: Some = {"title_number": stage.next("product") // 10, "category": "PANTRY", "department": "GROCERY"}
    one = stage.product(dear_price, package_size=size, **dear | (product or {}))
    same: Some = {**dear, "brand": "Meadowlark", "package_size": "1 kg"}
    two = stage.product(price, **same | other)
    who = stage.customer(quiet=True)
    lines = [stage.buy(who, one, at) for at in orders]
    stage.expect(KIND, amounts, case, misses, held=held, customer_id=who, product_id=one)
    return lines, two


def _orders(stage: Stage) -> None:
    of = partial(cheaper, stage)
    of("three orders", SAVED)
    of("two orders", None, FEW, orders=ORDERS[:2])
    of("from the window's first moment on", {1: SAVED}, FEW, orders=(-90 * DAY, *ORDERS[1:]))
    of("one order before the window", None, FEW, orders=(-90 * DAY - US, *ORDERS[1:]))
    of("one order in the day's last moment", SAVED, orders=(*ORDERS[:2], -US))
    last = {2: SAVED, 3: SAVED}
    of("one order at the end of the day", last, FEW, orders=(*ORDERS[:2], 0 * DAY))
    lines, _ = of("one order returned", None, FEW)
    stage.back(lines[0], 1, -US)
    lines, _ = of("one order returned at the end of the day", {1: SAVED}, FEW)
    stage.back(lines[0], 1, 0 * DAY)
    first, _ = of("three lines in two orders", None, FEW, orders=ORDERS[:2])
    again: Some = {"order": first[0].order_id, "line": "2"}
    stage.buy(first[0].customer_id, first[0].product_id, ORDERS[0], **again)
    for case, where in (("market", Some(market="south")), ("currency", Some(currency="USD"))):
        lines, _ = of(f"one order in another {case}", None, FEW, orders=ORDERS[:2])
        stage.price(lines[0].product_id, 1000, -200 * DAY, **where)
        stage.buy(lines[0].customer_id, lines[0].product_id, ORDERS[2], **where)
    lines, _ = of("one order of somebody else", None, FEW, orders=ORDERS[:2])
    stage.buy(stage.customer(quiet=True), lines[0].product_id, ORDERS[2])


def _things(stage: Stage) -> None:
    of = partial(cheaper, stage)
    of("another department", None, "the same department", department="DELI")
    of("another category", None, "the same category", category="FROZEN")
    of("another title", None, "the same title", title_number=stage.next("product") // 10 + 1)
    of("a volume", None, "the same measure", package_size="1 l")
    of("a count", None, "the same measure", package_size="12 ct")
    of("a weight beside a volume", None, "the same measure", size="500 ml")
    of("without a package size", None, "a package size", package_size=None)
    of("of the same brand", SAVED, brand="Brightwater")
    volume = 3 * (1000 - 500 * 16 // 10)
    of("by volume", volume, size="500 ml", package_size="1 l")
    count = 3 * (1000 - 10 * 1600 // 20)
    of("by count", count, size="10 ct", package_size="20 ct")
    now = "can be had"
    of("not available", None, now, available=False)
    of("available from a later day on", None, now, available_from=5 * DAY)
    _, two = of("out of stock", None, now)
    stage.add("availability", product_id=two, market="north", effective_at=-US, available=False)
    _, two = of("out of stock elsewhere", SAVED)
    stage.add("availability", product_id=two, market="south", effective_at=-US, available=False)
    _, two = of("out of stock at the end of the day", {1: SAVED}, now)
    stage.add("availability", product_id=two, market="north", effective_at=0 * DAY, available=False)


def _prices(stage: Stage) -> None:
    of = partial(cheaper, stage)
    of("as dear per unit of measure", None, "costs less per unit of measure", price=2000)
    of("dearer per unit of measure", None, "costs less per unit of measure", price=2001)
    of("a minor unit saved in all", 1, price=Decimal("1999.4"))
    of("a minor unit less for the kilogram", half_up(3, 2), price=1999)
    of("listed in another market", None, "a list price there", market="south")
    of("listed in another currency", None, "a list price there", currency="USD")
    of("no list price any more", None, "a list price in force", until=-US)
    of("no list price yet", {2: SAVED, 3: SAVED}, "a list price in force", since=0 * DAY)
    gone: Some = {"until": -US}
    of("the bought one has no list price any more", None, "a list price in force", product=gone)
    of("both prices end, the other one first", SAVED, product={"until": 20 * DAY}, until=10 * DAY)
    of("dearer than can be compared", None, "a price that can be compared", dear_price=900_000_000)
    for case, where in (("market", Some(market="south")), ("currency", Some(currency="USD"))):
        lines, two = of(f"cheaper still in another {case}", SAVED)
        for product, price in ((lines[0].product_id, 1000), (two, 1200)):
            stage.price(product, price, -200 * DAY, **where)
    _, two = of("a promotion only", None, "a list price", price=2001)
    stage.price(two, 1600, -DAY, kind="promotion", ends_at=5 * DAY)


def _amounts(stage: Stage) -> None:
    of = partial(cheaper, stage)
    best = 3 * (1000 - 500 * 14 // 10)
    lines, two = of("the one of several that costs least", best)
    row = dict(next(row for row in stage.rows["products"] if row["product_id"] == two))
    keep = ("title_number", "category", "department", "brand", "package_size")
    stage.product(1400, **{name: row[name] for name in keep})
    _, two = of("half of what the other used to cost", 3 * (1000 - 400))
    stage.price(two, 800, -5 * DAY)
    _, two = of("less than half of what the other used to cost", 3 * (1000 - 399), held=True)
    stage.price(two, 798, -5 * DAY)
    lines, _ = of("one of two packs of an order returned", SAVED)
    stage.rows["tills"][-1]["quantity"] = 2 * stage.rows["tills"][-1]["quantity"]
    stage.back(lines[-1], 1, -US)
    small = half_up(3 * (1000 * 350 - 500 * 333), 350)
    of("a size that does not divide", small, price=333, package_size="350 g")


def _units(stage: Stage) -> None:
    """Three packs at 10.005 instead of 9.00 save 3.015: whoever takes one size for the larger rounds down."""
    of, half = partial(cheaper, stage), Decimal("1000.5")
    for size, other in ALIKE:
        more: Some = {"size": size, "package_size": other, "dear_price": half, "price": 900}
        of(f"{size} and {other}", half_up(3 * 1005, 10), **more)
    pound: Some = {"size": "1 lb", "package_size": "454 g", "dear_price": Decimal("999.3586"), "price": 900}
    of("a pound is 453.59237 g", 301, **pound)  # 300.50003; 10 µg more, and it would be 300.49997
    unread = "a package size that can be read"
    for size, other in (("50 kg", "43 kg"), ("60 kg", "80 kg"), ("0 g", "1 g")):
        of(f"{size} and {other}", None, unread, size=size, package_size=other, price=1)
