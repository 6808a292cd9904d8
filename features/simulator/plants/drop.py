"""Plants of `price_drop`: the price fell after the purchase, or after the dispatch where it is known."""

from functools import partial

from features.simulator.ground import DAY, HOUR, UNSAID, US, Some
from features.simulator.plants.fallen_prices import plant_lines, plant_prices
from features.simulator.plants.falling import BOUGHT, FELL, SENT, fallen
from features.simulator.stage import Stage

KIND = "price_drop"


def plant(stage: Stage) -> None:
    """Puts them on the stage."""
    plant_prices(stage, KIND)
    plant_lines(stage, KIND)
    _times(stage)
    _dispatch(stage)
    _least(stage)
    _most(stage)
    _lows(stage)


def _times(stage: Stage) -> None:
    of = partial(fallen, stage, KIND)
    of("first moment of the window", 200, bought=-30 * DAY)
    of("bought before the window", None, "bought in the last 30 days", bought=-30 * DAY - US)
    of("bought and fell in the day's last moments", 200, bought=-2 * US, fell=-US)
    of("fell at the end of the day", {2: 200}, "fell before the end", fell=0 * DAY)
    of("bought at the end of the day", {2: 200}, "bought before the end", bought=0 * DAY, fell=HOUR)
    of("fell at the order's moment", None, "fell after the order", fell=BOUGHT)
    of("fell a moment after the order", 200, fell=BOUGHT + US)


def _dispatch(stage: Stage) -> None:
    of = partial(fallen, stage, KIND)
    none: Some = {"price_guarantee": None}
    sent: Some = {"dispatched": SENT}
    of("fell after the dispatch", 200, line=sent, fell=SENT + DAY, also=none)
    of("fell at the dispatch", 200, line=sent, fell=SENT, also=none)
    whole: Some = {"price_guarantee": 200}
    before = "fell at or after the dispatch"
    of("fell a moment before the dispatch", None, before, line=sent, fell=SENT - US, also=whole)
    of("not dispatched: the guarantee's", None, "dispatched", line={"dispatched": None}, also=whole)
    ahead: Some = {"dispatched": 3 * HOUR}
    of("dispatched after the day: the guarantee's", None, "dispatched before the end", line=ahead, also=whole)
    open_again = {2: 200}
    line: Some = {"dispatched": -HOUR, "night": 0}
    of("fell a day after the dispatch", open_again, "fell before the end", line=line, fell=3 * HOUR)


def _least(stage: Stage) -> None:
    """Ten minor units, and one in a hundred of what was paid for the whole line."""
    of = partial(fallen, stage, KIND)
    small: Some = {"first": 500, "line": {"dispatched": UNSAID, "paid": 500}}
    of("ten minor units", 10, to=490, **small)
    of("nine minor units", None, "at least 10 minor units", to=491, **small)
    large: Some = {"first": 2050, "line": {"dispatched": UNSAID, "paid": 2050}}
    of("a little more than a hundredth", 21, to=2029, **large)
    of("a little less than a hundredth", None, "at least 1 % of the line", to=2030, **large)
    exact: Some = {"first": 2000, "line": {"dispatched": UNSAID, "paid": 2000}}
    of("exactly a hundredth", 20, to=1980, **exact)
    of("a minor unit less than a hundredth", None, "at least 1 % of the line", to=1981, **exact)
    odd: Some = {"first": 1001, "line": {"dispatched": UNSAID, "paid": 1001}}
    of("a hundredth is ten and a little", None, "at least 1 % of the line", to=991, **odd)
    two: Some = {
        "first": 1000,
        "line": {"dispatched": UNSAID, "paid": 4000, "quantity": 4},
        "back": (3, FELL),
    }
    of("a hundredth of the line, of which little was kept", 40, to=960, **two)
    of("less than a hundredth of the whole line", None, "at least 1 % of the line", to=961, **two)


def _most(stage: Stage) -> None:
    of = partial(fallen, stage, KIND)
    large: Some = {"first": 100_000, "line": {"dispatched": UNSAID, "paid": 100_000}}
    of("up to the cap", 25_000, to=75_000, **large)
    of("above the cap", 25_000, to=74_999, **large)
    of("far above the cap", 25_000, to=60_000, **large)


def _lows(stage: Stage) -> None:
    """Several prices began since: the lowest counts, from its first beginning, against the usual one then."""
    of, line = partial(fallen, stage, KIND), Some(dispatched=UNSAID)
    whose = of("the lowest of several, dearer than half of the one before", 700, to=300, line=line)
    stage.price(whose.product_id, 600, FELL - DAY)
    whose = of("as low again, when it was dear no more", 600, to=400, line=line, held=True)
    for price, at in ((420, FELL + DAY), (400, FELL + 2 * DAY)):
        stage.price(whose.product_id, price, at)
