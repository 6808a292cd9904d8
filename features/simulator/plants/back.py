"""Plants of `back_in_stock_cheaper`: looked at while it could not be had, and not dearer now."""

from functools import partial

from features.simulator.ground import DAY, US, Some
from features.simulator.plants.looking import BACK, GONE, LOOKED, looked, stock
from features.simulator.stage import Stage

KIND = "back_in_stock_cheaper"


def plant(stage: Stage) -> None:
    """Puts them on the stage."""
    _prices(stage)
    _looks(stage)
    _stock(stage)
    _bought(stage)


def _prices(stage: Stage) -> None:
    of = partial(looked, stage, KIND, gone=GONE, back=BACK)
    who, what = of("cheaper", 200)
    misses = "could be had at the look"
    stage.expect("watched_price_drop", None, "back in stock", misses, customer_id=who, product_id=what)
    of("as dear as then", 0, to=1000)
    of("no other price since", 0, to=None)
    of("a minor unit dearer", None, "not dearer than then", to=1001)
    of("dearer in the day's last moment", None, "not dearer than then", to=1001, fell=-US)
    of("dearer at the end of the day", {1: 0}, "not dearer than then", to=1001, fell=0 * DAY)
    of("a promotion", 200, price={"kind": "promotion", "ends_at": 5 * DAY})
    of("cheaper in another market", 0, price={"market": "south"})
    of("no price at the look", None, "a price at the look", product={"since": LOOKED + US})
    of("no price now", None, "a price in force", product={"until": -US}, to=None)
    of("half of the usual price", 500, to=500)
    of("less than half of the usual price", 501, to=499, held=True)


def _looks(stage: Stage) -> None:
    of = partial(looked, stage, KIND, back=BACK)
    for how in ("cart", "wishlist"):
        of(f"a {how}", 200, how=how, gone=GONE)
    window = "looked at in the last 30 days"
    of("looked at in the window's first moment", {1: 200}, window, at=-30 * DAY, gone=-35 * DAY)
    of("looked at before the window", None, window, at=-30 * DAY - US, gone=-35 * DAY)
    newest = "the newest look, while it could not be had"
    who, what = of("looked again when it was back", None, newest, gone=GONE, to=1000)
    stage.add("views", customer_id=who, product_id=what, viewed_at=BACK, kind="view")
    who, what = of("looked again a moment before it was back", 0, gone=GONE)
    stage.add("views", customer_id=who, product_id=what, viewed_at=BACK - US, kind="view")


def _stock(stage: Stage) -> None:
    of = partial(looked, stage, KIND)
    now, then = "can be had now", "could not be had at the look"
    of("out of stock from the look's moment on", 200, gone=LOOKED, back=BACK)
    of("out of stock a moment after the look", None, then, gone=LOOKED + US, back=BACK, to=1000)
    of("still out of stock", None, now, gone=GONE)
    of("back in the day's last moment", 200, gone=GONE, back=-US)
    of("back at the end of the day", {2: 200, 3: 200}, now, gone=GONE, back=0 * DAY)
    _, what = of("back in another market", None, now, gone=GONE)
    stock(stage, what, BACK, available=True, market="south")
    _, what = of("out of stock again", None, now, gone=GONE, back=BACK)
    stock(stage, what, -US, available=False)
    of("not available by the list of products until it came", 200, back=BACK, product={"available": False})
    of("sold from a day on that has come", 200, product={"available_from": LOOKED + US})
    of("sold from the day's last moment on", 200, product={"available_from": -US})
    soon: Some = {"available_from": 3 * DAY + US}
    of("sold from a later day on", None, now, product=soon)


def _bought(stage: Stage) -> None:
    of = partial(looked, stage, KIND, gone=GONE, back=BACK)
    for case, at, amounts in (
        ("bought before the look", LOOKED - US, 200),
        ("bought at the look", LOOKED, None),
        ("bought since", -US, None),
        ("bought at the end of the day", 0 * DAY, {1: 200}),
    ):
        who, what = of(case, amounts, "not bought since")
        stage.buy(who, what, at, 800, dispatched=at)
