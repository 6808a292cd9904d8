"""The storefront gets a whole answer from one bundle, quickly, without the machinery of training."""

import shutil
import subprocess
import sys
import threading
from pathlib import Path

import polars as pl
import pytest

from recs import bundle, registry, scoring
from recs.export import recommendations
from recs.scoring import Scorer
from recs.steps import recommend
from tests.recs.worlds import DAY, fill, purchase
from warehouse.errors import NotFoundError, SettingsError
from warehouse.settings import Settings


def test_importing_the_scorer_loads_no_training_or_web_machinery() -> None:
    program = (
        "import sys, recs.scoring; print([m for m in"
        " ('airflow', 'fastapi', 'sklearn', 'implicit', 'scipy', 'dataframely') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout.strip() == "[]"


def test_nothing_published_says_what_to_run(settings: Settings) -> None:
    with pytest.raises(NotFoundError, match="nothing is published yet; run"):
        Scorer.open(settings)


def test_the_scorer_says_what_the_export_says(shop: Settings) -> None:
    recommend(shop, DAY)
    scorer = Scorer.open(shop)
    rows = recommendations(shop, DAY).collect()
    for customer in ("c00", "c17", "newcomer"):
        for slate in bundle.SLATES:
            mine = rows.filter(pl.col("customer_id") == customer, pl.col("slate") == slate)
            expected = mine.select("rank", "product_id", "score", "reason", "bundle_id").rows()
            found = scorer.recommend(customer, slate, 50)
            assert [(r.rank, r.product_id, r.score, r.reason, r.bundle_id) for r in found] == expected


def test_titles_are_told_and_a_product_without_one_is_called_by_its_id(shop: Settings) -> None:
    recommend(shop, DAY)
    found = {r.product_id: r.title for r in Scorer.open(shop).recommend("c00", n=3)}
    assert found["milk"] == "Whole milk"
    assert found["habit0"] == "habit0"


@pytest.mark.parametrize("stranger", ["nobody", "", "c", "c000", "c00\0", "ç00", "\ud800", "x" * 5000])
def test_a_customer_nobody_knows_gets_popular_products(shop: Settings, stranger: str) -> None:
    recommend(shop, DAY)
    scorer = Scorer.open(shop)
    found = scorer.recommend(stranger)
    assert [r.product_id for r in found][:1] == ["milk"]
    assert found[0].reason == "40 customers bought this"
    assert scorer.recommend(stranger, "buy_again") == []


def test_ids_of_any_script_are_found(settings: Settings) -> None:
    people = ["a", "Zoë", "雪", "🙂", "ab", "z" * 128]
    fill(settings, purchases=[purchase(c, f"for {c}", "2017-11-01") for c in people])
    recommend(settings, DAY)
    scorer = Scorer.open(settings)
    for customer in people:
        assert [r.product_id for r in scorer.recommend(customer, "buy_again")] == [f"for {customer}"]
    assert set(recommendations(settings, DAY).collect()["customer_id"]) == set(people)


def test_wrong_questions_are_explained(shop: Settings) -> None:
    recommend(shop, DAY)
    scorer = Scorer.open(shop)
    with pytest.raises(NotFoundError, match="for_you, buy_again, discover"):
        scorer.recommend("c00", "for_me")
    with pytest.raises(SettingsError, match="at least 1"):
        scorer.recommend("c00", n=0)


@pytest.fixture
def two_bundles(shop: Settings) -> tuple[str, str]:
    """The ids of the bundle that is current, and of one that is only registered."""
    one = recommend(shop, DAY).numbers["bundle_id"]
    fill(shop, purchases=[purchase("c00", "tea", "2017-11-30", order_id=f"n{n}") for n in range(60)])
    two = recommend(shop, DAY).numbers["bundle_id"]
    registry.roll_back(shop, by="test")
    return one, two


def test_a_new_bundle_is_noticed_without_opening_again(
    shop: Settings, two_bundles: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = two_bundles
    scorer = Scorer.open(shop)
    registry.roll_back(shop, two, by="test")
    assert scorer.bundle_id == one  # asked a moment ago
    monkeypatch.setattr(scoring, "CHECK_SECONDS", 0)
    assert scorer.bundle_id == two
    assert scorer.recommend("c00", n=1)[0].product_id == "tea"


def test_the_last_good_bundle_goes_on_when_the_new_one_cannot_be_opened(
    shop: Settings,
    two_bundles: tuple[str, str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    one, two = two_bundles
    scorer = Scorer.open(shop)
    registry.roll_back(shop, two, by="test")
    shutil.rmtree(bundle.folder_of(shop, two))
    monkeypatch.setattr(scoring, "CHECK_SECONDS", 0)
    assert scorer.recommend("c00", n=1)[0].bundle_id == one
    assert "still serving" in caplog.text


def test_an_open_bundle_survives_being_pruned(shop: Settings, two_bundles: tuple[str, str]) -> None:
    scorer = Scorer.open(shop)
    shutil.rmtree(bundle.folder_of(shop, two_bundles[0]))
    assert scorer.recommend("c00", n=3)


def test_no_answer_mixes_two_bundles(
    shop: Settings, two_bundles: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "CHECK_SECONDS", 0)
    scorer, answers, stop = Scorer.open(shop), [], threading.Event()

    def ask() -> None:
        while not stop.is_set():
            answers.append(scorer.recommend("c00", n=5))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(10):
        registry.roll_back(shop, by="test")
    stop.set()
    for thread in threads:
        thread.join()
    known = {}
    for answer in answers:
        assert len({r.bundle_id for r in answer}) == 1
        known.setdefault(answer[0].bundle_id, set()).add(tuple(answer))
    assert set(known) <= set(two_bundles)
    assert all(len(same) == 1 for same in known.values())
