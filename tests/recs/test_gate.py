"""A bundle that is worse than what is served, or than counting, is not served."""

from datetime import date

import numpy as np
import pytest

from recs.evaluation import Judgement
from recs.fitting import Fits
from recs.gate import Recipe, Served, decide, now
from tests.recs.worlds import town
from warehouse.errors import ModelError
from warehouse.settings import Settings

WINDOW = (date(2017, 11, 3), date(2017, 11, 30))
HABIT = np.tile([0.2, 0.4], 50)
"""NDCG@10 of a hundred customers under personal frequency."""


def judgement(serving: str, **ndcg: np.ndarray) -> Judgement:
    """One in which `buy_again` alone was judged."""
    named = {name: {"buy_again": values} for name, values in ndcg.items()}
    everything = {"for_you": "frequency", "buy_again": serving, "discover": "popularity"}
    return Judgement({}, everything, "judged", [], WINDOW, ndcg=named)


def test_a_bundle_better_than_counting_is_served() -> None:
    decision = decide(judgement("als", frequency=HABIT, als=HABIT + 0.1), None, 0)
    assert decision.passed
    assert (decision.verdict, decision.reasons) == ("judged", [])
    assert [(one.against, one.other, one.mean) for one in decision.compared] == [
        ("counts", "frequency", pytest.approx(0.1))
    ]


def test_a_bundle_worse_than_counting_is_refused_and_says_by_how_much() -> None:
    decision = decide(judgement("als", frequency=HABIT, als=HABIT - 0.1), None, 0)
    assert (decision.verdict, decision.passed) == ("refused", False)
    assert decision.reasons == [
        "buy_again by als is worse on average than by frequency (counts): NDCG@10 differs by "
        "-0.1000 (-0.1000 to -0.1000)"
    ]


def test_a_bundle_as_good_as_counting_is_served() -> None:
    assert decide(judgement("als", frequency=HABIT, als=HABIT.copy()), None, 0).passed


def test_a_recipe_of_what_no_longer_exists_says_so(settings: Settings) -> None:
    for model in ("als", "ranker"):
        with pytest.raises(ModelError, match=f"the model {model} cannot be made from .*forgotten"):
            Fits(settings, {model: {"forgotten": 1}}).get(model, town())


def test_tables_of_counts_always_pass() -> None:
    assert decide(judgement("frequency", frequency=HABIT), None, 0).compared == []
    nothing = Judgement({}, {}, "counts", ["too few customers"], WINDOW)
    served = Served({"buy_again": "als"}, {"buy_again": HABIT})
    decision = decide(nothing, served, 0)
    assert (decision.verdict, decision.passed, decision.compared) == ("counts", True, [])


def test_a_bundle_significantly_worse_than_what_is_served_is_refused() -> None:
    served = Served({"buy_again": "ease"}, {"buy_again": HABIT + 0.2})
    decision = decide(judgement("als", frequency=HABIT, als=HABIT + 0.1), served, 0)
    assert not decision.passed
    assert len(decision.reasons) == 1
    assert decision.reasons[0].startswith("buy_again by als is worse than by ease (served now)")


def test_a_bundle_that_may_as_well_be_equal_to_what_is_served_passes() -> None:
    chance = np.random.default_rng(3).normal(-0.001, 0.2, 100)
    served = Served({"buy_again": "ease"}, {"buy_again": HABIT + 0.3 - chance})
    decision = decide(judgement("als", frequency=HABIT, als=HABIT + 0.3), served, 0)
    compared = decision.compared[-1]
    assert compared.low < 0 < compared.high
    assert decision.passed


def test_a_decision_is_told_in_plain_rounded_values() -> None:
    told = decide(judgement("als", frequency=HABIT, als=HABIT + 1 / 3), None, 0).as_json()
    assert told["verdict"] == "judged"
    assert told["compared"] == [
        {
            "slate": "buy_again",
            "model": "als",
            "against": "counts",
            "other": "frequency",
            "mean": 0.333333,
            "low": 0.333333,
            "high": 0.333333,
        }
    ]


def test_a_recipe_is_what_makes_lists_differ() -> None:
    manifest = {
        "serving": {"discover": "als"},
        "models": {"als": {"reg": 3.0}},
        "parameters": {"half_life_days": 60, "seed": 0, "depth": 50},
    }
    recipe = Recipe.of(manifest)
    assert recipe == Recipe.of(manifest | {"day": "2017-11-30", "data_hash": "another"})
    for other in (
        manifest | {"models": {"als": {"reg": 10.0}}},
        manifest | {"parameters": {"half_life_days": 30, "seed": 0}},
    ):
        assert not recipe.same_models(Recipe.of(other))
    assert recipe.same_models(Recipe.of(manifest | {"serving": {"discover": "ease"}}))
    assert recipe != Recipe.of(manifest | {"serving": {"discover": "ease"}})


def test_a_setting_that_makes_a_model_another_one_makes_another_recipe(settings: Settings) -> None:
    changed = settings.model_copy(update={"recs": settings.recs.model_copy(update={"als_reg": 7.0})})
    one, other = (now(some, {"discover": "als"}, Fits(some).made_with) for some in (settings, changed))
    assert not one.same_models(other)
    assert Fits(settings, other.models).made_with == other.models
