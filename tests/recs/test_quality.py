"""What the page about quality says of a home is what its bundle keeps."""

import json

import pytest

from recs import bundle, registry
from recs.quality import overview
from recs.steps import recommend
from tests.recs.worlds import DAY
from warehouse.settings import Settings


def test_before_the_first_bundle_there_is_nothing_to_say(settings: Settings) -> None:
    assert overview(settings) is None


def test_the_figures_are_those_of_the_judgement(shop: Settings) -> None:
    receipt = recommend(shop, DAY)
    found = overview(shop)
    assert found is not None
    assert found["bundle_id"] == receipt.numbers["bundle_id"]
    assert "<h1>How good the recommendations are</h1>" in found["html"]
    data = found["data"]
    assert (data["verdict"], data["day"]) == ("judged", DAY)
    again = next(one for one in data["slates"] if one["slate"] == "buy_again")
    assert (again["serving"], again["against"]) == ("frequency", "frequency")
    (counts,) = [model for model in again["models"] if model["counts"]]
    assert counts["serves"]
    assert counts["difference"] is None
    judged = receipt.numbers["metrics"]["frequency"]["buy_again"]
    assert counts["ndcg"] == judged["ndcg@10"]
    ranked = [model["ndcg"] for model in again["models"]]
    assert ranked == sorted(ranked, reverse=True)
    (past,) = data["history"]
    assert past["is_current"]
    assert past["ndcg"]["buy_again"] == judged["ndcg@10"]
    json.dumps(data, default=str)


def test_a_bundle_whose_folder_is_gone_still_has_its_place_in_the_history(shop: Settings) -> None:
    recommend(shop, DAY)
    now = registry.current(shop)
    assert now is not None
    (bundle.folder_of(shop, now.bundle_id) / "quality.html").unlink()
    (bundle.folder_of(shop, now.bundle_id) / "manifest.json").unlink()
    found = overview(shop)
    assert found is not None
    assert found["html"] is None
    assert [(one["bundle_id"], one["ndcg"]) for one in found["data"]["history"]] == [(now.bundle_id, {})]


@pytest.mark.parametrize("name", ["window", "notes"])
def test_without_its_judgement_the_rest_is_shown(shop: Settings, name: str) -> None:
    recommend(shop, DAY)
    now = registry.current(shop)
    assert now is not None
    (bundle.folder_of(shop, now.bundle_id) / "quality.json").unlink()
    found = overview(shop)
    assert found is not None
    assert not found["data"][name]
    assert found["data"]["slates"][0]["models"]
