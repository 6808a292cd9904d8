"""What a night does with the chances of coupons."""

import polars as pl

from outreach import export
from outreach.steps import decide
from tests.outreach.coupons.test_chances import SHOPPERS, shop
from tests.outreach.worlds import DAY, EVERYTHING, consenting, fill, night
from warehouse.lake import Lake
from warehouse.settings import Settings

NEVER = "advice about coupons goes by its amounts alone"


def test_a_night_keeps_the_chances_of_what_it_tells(home: Settings) -> None:
    learning = home.model_copy(
        update={"outreach": EVERYTHING.model_copy(update={"min_coupon_uses": 5, "min_uses": 1})}
    )
    fill(learning, shop() | {"consents": consenting(*SHOPPERS)})
    night(learning)
    found = export.opportunities(learning, DAY).collect()
    kept = Lake.of(learning).get("coupon_chances", DAY).collect()
    assert kept["entitlement_id"].to_list() == found["entitlement_id"].sort().to_list()
    assert kept["probability"].is_between(0, 1).all()
    assert not any(note.startswith(NEVER) for note in decide(learning, DAY).notes)


def test_too_little_history_is_said_and_changes_nothing_else(home: Settings) -> None:
    few = home.model_copy(update={"outreach": EVERYTHING})
    fill(few, shop() | {"consents": consenting(*SHOPPERS)})
    night(few)
    receipt = decide(few, DAY)
    assert Lake.of(few).get("coupon_chances", DAY).collect().schema["probability"] == pl.Float64
    assert receipt.rows_out["coupons whose chance of a use is known"] == 0
    assert any(note.startswith(NEVER) for note in receipt.notes)
    assert export.decisions(few, DAY).collect().filter(outcome="proposed").height > 0
