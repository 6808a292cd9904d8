"""Plants of `price_guarantee`: the price fell between order and dispatch."""

from functools import partial

from features.simulator.ground import DAY, HOUR, UNSAID, US, Some, of_line
from features.simulator.plants.fallen_prices import plant_lines, plant_prices
from features.simulator.plants.falling import BOUGHT, SENT, fallen
from features.simulator.stage import Stage

KIND = "price_guarantee"
NEVER: Some = {"dispatched": None}


def plant(stage: Stage) -> None:
    """Puts them on the stage."""
    plant_prices(stage, KIND)
    plant_lines(stage, KIND)
    _dispatch(stage)
    _fall(stage)
    of = partial(fallen, stage, KIND)
    of("a minor unit: no minimum", 1, to=999)
    large: Some = {"first": 100_000, "line": {"dispatched": SENT, "paid": 100_000}}
    of("no cap on what is theirs", 40_000, to=60_000, **large)


def _dispatch(stage: Stage) -> None:
    of = partial(fallen, stage, KIND)
    early: Some = {"bought": -40 * DAY, "fell": -35 * DAY}
    of("dispatched in the window's first moment", 200, line={"dispatched": -30 * DAY}, **early)
    before: Some = {"dispatched": -30 * DAY - US}
    of("dispatched before the window", None, "dispatched in the last 30 days", line=before, **early)
    of("not dispatched yet", 200, line=NEVER, also={"price_drop": None})
    of(
        "ordered long ago, not dispatched yet",
        200,
        bought=-300 * DAY,
        base={"since": -320 * DAY},
        line=NEVER,
    )
    of("dispatched at the end of the day", 200, line={"dispatched": 0 * DAY}, also={"price_drop": None})
    of("dispatched in the last moment", 200, line={"dispatched": -US})
    till: Some = {"line": {"dispatched": UNSAID}, "also": {"price_drop": 200}}
    of("sold by a till, which knows no dispatch", None, "the dispatch is known", **till)


def _fall(stage: Stage) -> None:
    of = partial(fallen, stage, KIND)
    of("fell in the day's last moment", 200, line=NEVER, fell=-US)
    of("fell at the end of the day", {2: 200}, "fell before the end", line=NEVER, fell=0 * DAY)
    of("fell and dispatched a day later", {2: 200}, line={"dispatched": 5 * HOUR}, fell=4 * HOUR)
    of("fell a moment before the dispatch", 200, fell=SENT - US, also={"price_drop": None})
    late: Some = {"fell": SENT, "also": {"price_drop": 200}}
    of("fell at the dispatch", None, "fell before the dispatch", **late)
    for case, to in (("dearer", 1100), ("as dear", 1000)):
        dear: Some = {"line": {"dispatched": SENT, "paid": 1200}, "also": {"price_drop": 400}}
        line = of(f"{case} on its way, cheaper later", None, "fell before the dispatch", to=to, **dear)
        stage.price(line.product_id, 800, SENT + DAY)
    line = of("fell again after the dispatch", 200, fell=SENT - DAY, also={"price_drop": 100})
    stage.price(line.product_id, 700, SENT + DAY)
    later = stage.buy(stage.customer(), line.product_id, BOUGHT, **NEVER)
    stage.expect(KIND, 300, "fell twice on its way, beside one that was dispatched", **of_line(later))
    line = of("fell again at the dispatch", 100, to=900, also={"price_drop": 100})
    stage.price(line.product_id, 800, SENT)
    of("fell a moment after the order", 200, fell=BOUGHT + US)
    of("fell at the order's moment", None, "fell after the order", fell=BOUGHT)
