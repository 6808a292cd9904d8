"""Plants of `watched_price_drop`: looked at, and cheaper now."""

from decimal import Decimal
from functools import partial

from features.simulator.ground import DAY, US, Some
from features.simulator.plants.looking import BACK, FELL, GONE, LOOKED, looked, stock
from features.simulator.stage import Stage

KIND = "watched_price_drop"


def plant(stage: Stage) -> None:
    """Puts them on the stage."""
    _looks(stage)
    _prices(stage)
    _promotions(stage)
    _places(stage)
    _stock(stage)
    _bought(stage)
    _disorder(stage)


def _looks(stage: Stage) -> None:
    of = partial(looked, stage, KIND)
    for how in ("view", "cart", "wishlist"):
        of(f"a {how}", 200, how=how)
    window = "looked at in the last 30 days"
    of("looked at in the window's first moment", {1: 200}, window, at=-30 * DAY)
    of("looked at before the window", None, window, at=-30 * DAY - US)
    who, what = of("looked again after the price fell", None, "the newest look")
    stage.add("views", customer_id=who, product_id=what, viewed_at=FELL + US, kind="view")
    who, what = of("looked again at the end of the day", {1: 200}, "the newest look")
    stage.add("views", customer_id=who, product_id=what, viewed_at=0 * DAY, kind="view")


def _prices(stage: Stage) -> None:
    of = partial(looked, stage, KIND)
    lower = "cheaper now than then"
    of("a minor unit cheaper", 1, to=999)
    of("as dear as then", None, lower, to=1000)
    of("dearer", None, lower, to=1001)
    of("cheaper from the look's moment on", None, lower, fell=LOOKED)
    of("cheaper a moment after the look", 200, fell=LOOKED + US)
    of("cheaper in the day's last moment", 200, fell=-US)
    of("cheaper at the end of the day", {2: 200, 3: 200}, lower, fell=0 * DAY)
    of("cheaper until the end of the day", {1: 200}, "a price in force", price={"ends_at": 0 * DAY})
    of(
        "cheaper from the window's first day on",
        {1: 200},
        "in the last 30 days",
        at=-30 * DAY,
        fell=-29.5 * DAY,
    )
    of("a price below one", 40, product={"price": 90}, to=50)
    of("cheaper for a while", None, "a price in force", price={"ends_at": -US})
    of("a missing price of 0", None, "a price in force", to=0)
    of("no price yet at the look", None, "a price at the look", product={"since": LOOKED + US})
    of("prices finer than a minor unit", 167, to=Decimal("833.5"))
    of("half of the usual price", 500, to=500)
    of("less than half of the usual price", 501, to=499, held=True)


def _promotions(stage: Stage) -> None:
    of = partial(looked, stage, KIND)
    week: Some = {"kind": "promotion", "ends_at": 5 * DAY}
    of("a promotion", 200, price=week)
    of("a promotion that is over", None, "in force", price=week | {"ends_at": -US})
    of("a promotion above the list price", None, "the lower of both", to=1100, price=week)
    _, what = of("a promotion at the look, as low as the list price now", None, "the lower of both")
    stage.price(what, 800, LOOKED - DAY, kind="promotion", ends_at=LOOKED + US)
    _, what = of("a promotion that ended at the look", 200)
    stage.price(what, 800, LOOKED - DAY, kind="promotion", ends_at=LOOKED)
    _, what = of("promotions only", 200, product={"price": None}, price={"kind": "promotion"})
    stage.price(what, 1000, -200 * DAY, kind="promotion")
    _, what = of("the promotion below the lower list price", 300)
    stage.price(what, 700, FELL, kind="promotion", ends_at=5 * DAY)


def _places(stage: Stage) -> None:
    of = partial(looked, stage, KIND)
    of("cheaper in another market", None, "the customer's market", price={"market": "south"})
    who, _ = of("cheaper in another currency", None, "the customer's currency", price={"currency": "USD"})
    stage.buy(who, stage.product(None), -60 * DAY)
    nowhere: Some = {"customer": {"market": None}}
    default: Some = {"product": {"market": "default"}, "price": {"market": "default"}}
    of("nobody's market is the default one", 200, **nowhere, **default)
    of("nobody's market is not another one", None, "the customer's market", **nowhere)
    who, _ = of("the market of the newest line", 200, **nowhere)
    stage.buy(who, stage.product(None), -60 * DAY, market="north")
    stage.buy(who, stage.product(None), -70 * DAY, market="south")
    who, what = of("the first market of two lines at once", 200, **nowhere)
    for price, at in ((1000, -200 * DAY), (700, FELL)):
        stage.price(what, price, at, market="south")
    for market in ("south", "north"):
        stage.buy(who, stage.product(None), -60 * DAY, market=market)
    south: Some = {"product": {"market": "south"}, "price": {"market": "south"}}
    who, _ = of("the newest line's market, not the first", 200, **nowhere, **south)
    for market, at in (("south", -60 * DAY), ("north", -70 * DAY)):
        stage.buy(who, stage.product(None), at, market=market)
    stage.buy(stage.customer(quiet=True), stage.product(None), -70 * DAY)
    who, _ = of("the own market before that of a line", 200)
    stage.buy(who, stage.product(None), -60 * DAY, market="south")
    there: Some = {"customer": {"market": "south"}, **south}
    _, what = of("cheaper in the customer's market and in another", 200, **there)
    for price, at in ((1000, -200 * DAY), (900, FELL)):
        stage.price(what, price, at)
    _currencies(stage)


def _currencies(stage: Stage) -> None:
    """Of a product with prices in two currencies."""
    who, what = looked(stage, KIND, "cheaper in the customer's currency and in another", 200, currency="USD")
    stage.buy(who, stage.product(None), -60 * DAY, currency="USD")
    for price, at in ((1000, -200 * DAY), (900, FELL)):
        stage.price(what, price, at)
    for case, bought, amounts in (
        ("two currencies, a line in one of them", "EUR", 200),
        ("two currencies, a line in the other", "USD", None),
        ("two currencies, and no line", None, None),
    ):
        who, what = looked(stage, KIND, case, amounts, "the customer's currency")
        stage.price(what, 1000, -200 * DAY, currency="USD")
        if bought:
            stage.buy(who, stage.product(None), -60 * DAY, currency=bought)

    _, what = looked(stage, KIND, "a price of 0 in another currency", 200)
    stage.price(what, 0, -200 * DAY, currency="USD")
    who, _ = looked(stage, KIND, "the first currency of two lines at once", 200)
    for currency in ("USD", "EUR"):
        stage.buy(who, stage.product(None), -60 * DAY, currency=currency)


def _stock(stage: Stage) -> None:
    of = partial(looked, stage, KIND)
    now, then = "can be had now", "could be had at the look"
    of("out of stock in the day's last moment", None, now, gone=-US)
    of("out of stock at the end of the day", {1: 200}, now, gone=0 * DAY)
    of("out of stock elsewhere", 200, gone=-DAY, where="south")
    of("back before the look's moment", 200, gone=GONE, back=LOOKED)
    who, what = of("sold out at the look", None, then, gone=LOOKED, back=BACK)
    stage.expect("back_in_stock_cheaper", 200, "sold out at the look", customer_id=who, product_id=what)
    of("never available", None, now, product={"available": False})
    of("available from tomorrow", None, now, product={"available_from": DAY / 2 + 3 * DAY})
    of("available from the look's moment", 200, product={"available_from": LOOKED})
    _, what = of(
        "not available by the list of products, but in the market", 200, product={"available": False}
    )
    stock(stage, what, GONE, available=True)


def _bought(stage: Stage) -> None:
    of = partial(looked, stage, KIND)
    since = "not bought since"
    for case, at, amounts in (
        ("bought a moment before the look", LOOKED - US, 200),
        ("bought at the look", LOOKED, None),
        ("bought in the day's last moment", -US, None),
        ("bought at the end of the day", 0 * DAY, {1: 200}),
    ):
        who, what = of(case, amounts, since)
        stage.buy(who, what, at, 800, dispatched=at)
    who, what = of("looked at and bought in the window's first moment", None, since, at=-30 * DAY)
    stage.buy(who, what, -30 * DAY, 800, dispatched=-30 * DAY)
    who, what = of("bought before and after the look", None, since)
    for at in (LOOKED - DAY, LOOKED + DAY):
        stage.buy(who, what, at, 800, dispatched=at)
    who, _ = of("bought something else since", 200)
    stage.buy(who, stage.product(None), -DAY, 800, dispatched=-DAY)
    _, what = of("bought by somebody else", 200)
    stage.buy(stage.customer(quiet=True), what, -DAY, 800, dispatched=-DAY)


def _disorder(stage: Stage) -> None:
    """The second night tells of a price and a lack of days ago; eight customers looked at the product."""
    product = stage.product(700)
    stage.price(product, 800, FELL)
    stage.price(product, 1000, LOOKED - DAY, night=2)
    stock(stage, product, GONE, available=True)
    stock(stage, product, BACK, available=True)
    stock(stage, product, FELL - DAY, available=False, night=2)
    for case, at, amount, kind in 4 * (
        ("in the lack", BACK - DAY, 0, "back_in_stock_cheaper"),
        ("before the lack", LOOKED, 200, KIND),
    ):
        who = stage.customer(quiet=True)
        stage.add("views", customer_id=who, product_id=product, viewed_at=at, kind="view")
        for which in (KIND, "back_in_stock_cheaper"):
            found = dict.fromkeys((2, 3), amount) if which == kind else None
            case_, misses = f"told of late, looked at {case}", "known"
            stage.expect(which, found, case_, misses, customer_id=who, product_id=product)
