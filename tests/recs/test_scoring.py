"""The storefront gets a whole answer from one bundle, quickly, without the machinery of training."""

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from recs import bundle, registry
from recs.context import Context
from recs.export import recommendations
from recs.rules import Rules
from recs.scoring import Scorer
from recs.shown import slates
from recs.steps import recommend
from tests.conftest import at, copy_of
from tests.recs.worlds import DAY, fill, purchase
from warehouse.errors import ModelError, NotFoundError, SettingsError
from warehouse.settings import Settings


def test_importing_the_scorer_loads_no_training_or_web_machinery() -> None:
    program = (
        "import sys, recs.scoring; print([m for m in"
        " ('airflow', 'fastapi', 'sklearn', 'implicit', 'lightgbm', 'scipy', 'dataframely')"
        " if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout.strip() == "[]"


def opened(settings: Settings) -> Scorer:
    return Scorer.open(settings, watch=False)


def test_nothing_published_says_what_to_run(settings: Settings) -> None:
    with pytest.raises(NotFoundError, match="nothing is published yet; run"):
        opened(settings)


def test_people_of_the_house_are_shown_what_the_storefront_is_told(served: Settings) -> None:
    scorer = opened(served)
    shown = slates(scorer, "c00", 3)
    for slate in bundle.SLATES:
        told = [(r.rank, r.product_id, r.title, r.reason) for r in scorer.recommend("c00", slate, 3)]
        names = ("rank", "product_id", "title", "reason")
        assert [tuple(one[name] for name in names) for one in shown if one["slate"] == slate] == told
    assert {one["slate"] for one in shown} == set(bundle.SLATES)
    assert {one["source"] for one in shown} == {"customer"}


def test_the_scorer_says_what_the_export_says(served: Settings) -> None:
    scorer = opened(served)
    rows = recommendations(served, DAY).collect()
    for customer in ("c00", "c17", "newcomer"):
        for slate in bundle.SLATES:
            mine = rows.filter(pl.col("customer_id") == customer, pl.col("slate") == slate)
            expected = mine.select("rank", "product_id", "score", "reason", "bundle_id").rows()
            found = scorer.recommend(customer, slate, 50)
            assert [(r.rank, r.product_id, r.score, r.reason, r.bundle_id) for r in found] == expected


def test_titles_are_told_and_a_product_without_one_is_called_by_its_id(served: Settings) -> None:
    found = {r.product_id: r.title for r in opened(served).recommend("c00", n=3)}
    assert found["milk"] == "Whole milk"
    assert found["habit0"] == "habit0"


@pytest.mark.parametrize("stranger", ["nobody", "", "c", "c000", "c00\0", "ç00", "\ud800", "x" * 5000])
def test_a_customer_nobody_knows_gets_popular_products(served: Settings, stranger: str) -> None:
    scorer = opened(served)
    found = scorer.recommend(stranger)
    assert [r.product_id for r in found][:1] == ["milk"]
    assert found[0].reason == "40 customers bought this"
    assert len(scorer.recommend(stranger, "buy_again")) == 0


def test_ids_of_any_script_are_found(settings: Settings) -> None:
    people = ["a", "Zoë", "雪", "🙂", "ab", "z" * 128]
    fill(settings, purchases=[purchase(c, f"for {c}", "2017-11-01") for c in people])
    recommend(settings, DAY)
    scorer = opened(settings)
    for customer in people:
        assert [r.product_id for r in scorer.recommend(customer, "buy_again")] == [f"for {customer}"]
    assert set(recommendations(settings, DAY).collect()["customer_id"]) == set(people)


def test_wrong_questions_are_explained(served: Settings) -> None:
    scorer = opened(served)
    with pytest.raises(NotFoundError, match="for_you, buy_again, discover"):
        scorer.recommend("c00", "for_me")
    with pytest.raises(SettingsError, match="at least 1"):
        scorer.recommend("c00", n=0)


def test_the_watcher_notices_by_itself_and_ends_with_the_scorer(
    shop: Settings, two_bundles: tuple[str, str]
) -> None:
    one, two = two_bundles
    with Scorer.open(shop) as scorer:
        registry.roll_back(shop, two, by="test")
        ends = time.monotonic() + 30
        while scorer.bundle_id == one and time.monotonic() < ends:
            time.sleep(0.05)
        assert scorer.bundle_id == two
    assert "advocate-watcher" not in [thread.name for thread in threading.enumerate()]


@pytest.fixture(scope="module")
def after_two_nights(
    after_a_night: Settings, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Settings, tuple[str, str]]:
    shop = copy_of(after_a_night, tmp_path_factory.mktemp("twice") / "home")
    one = registry.of_day(shop, DAY)
    new = [
        purchase(c, "tea", "2017-11-30", order_id=f"{c}{n}") for c in ("c00", "c01", "c02") for n in range(60)
    ]
    fill(shop, purchases=new)
    two = recommend(shop, DAY).numbers["bundle_id"]
    registry.roll_back(shop, by="test")
    return shop, (one, two)


@pytest.fixture
def two_bundles(after_two_nights: tuple[Settings, tuple[str, str]], shop: Settings) -> tuple[str, str]:
    """Gives the shop two bundles: the ids of the one that is current, and of one that is only registered."""
    home, bundles = after_two_nights
    shutil.rmtree(shop.home)
    copy_of(home, shop.home)
    return bundles


def test_a_new_bundle_is_noticed_without_opening_again(shop: Settings, two_bundles: tuple[str, str]) -> None:
    one, two = two_bundles
    scorer = opened(shop)
    registry.roll_back(shop, two, by="test")
    assert scorer.bundle_id == one  # asked a moment ago
    scorer.refresh()
    assert scorer.bundle_id == two
    assert "tea" in [item.product_id for item in scorer.recommend("c00", n=5)]


def gone(folder: Path) -> None:
    shutil.rmtree(folder)


def cut_short(folder: Path) -> None:
    catalogue = folder / "catalogue.parquet"
    catalogue.write_bytes(catalogue.read_bytes()[:-20])


@pytest.mark.parametrize("damage", [gone, cut_short])
def test_the_last_good_bundle_goes_on_when_the_new_one_cannot_be_opened(
    shop: Settings,
    two_bundles: tuple[str, str],
    caplog: pytest.LogCaptureFixture,
    damage: Callable[[Path], None],
) -> None:
    one, two = two_bundles
    scorer = opened(shop)
    registry.roll_back(shop, two, by="test")
    damage(bundle.folder_of(shop, two))
    scorer.refresh()
    scorer.refresh()
    assert scorer.recommend("c00", n=1)[0].bundle_id == one
    assert caplog.text.count("still serving") == 1


def test_an_open_bundle_survives_being_pruned(shop: Settings, two_bundles: tuple[str, str]) -> None:
    scorer = opened(shop)
    shutil.rmtree(bundle.folder_of(shop, two_bundles[0]))
    assert scorer.recommend("c00", n=3)


def test_no_answer_mixes_two_bundles(shop: Settings, two_bundles: tuple[str, str]) -> None:
    scorer, answers, stop = opened(shop), [], threading.Event()

    def ask() -> None:
        while not stop.is_set():
            answers.append(scorer.recommend("c00", n=5))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(10):
        registry.roll_back(shop, by="test")
        scorer.refresh()
    stop.set()
    for thread in threads:
        thread.join()
    known = {}
    for answer in answers:
        assert len({r.bundle_id for r in answer}) == 1
        known.setdefault(answer[0].bundle_id, set()).add(tuple(answer))
    assert set(known) <= set(two_bundles)
    assert all(len(same) == 1 for same in known.values())


# Requests with rules of their own -------------------------------------------------------------------

NOTHING = Context(exclude=("nothing like it",))
"""A rule that changes nothing; what passes it is taken from the published list."""

ANEW = Context(boosts={"nothing like it": 2.0})
"""One that asks for another order, so that the models are asked all the same."""


def test_a_list_made_on_the_spot_is_the_published_one(served: Settings) -> None:
    scorer = opened(served)
    for customer in ("c00", "c07", "c18", "newcomer", "stranger"):
        for slate in bundle.SLATES:
            published = scorer.recommend(customer, slate, 50)
            assert scorer.recommend(customer, slate, 50, context=NOTHING) == published
            live = scorer.recommend(customer, slate, 50, context=ANEW)
            assert [replace(r, score=0) for r in live] == [replace(r, score=0) for r in published]
            assert [r.score for r in live] == pytest.approx([r.score for r in published], rel=1e-5)


def test_no_rules_is_the_published_list_to_the_bit(served: Settings) -> None:
    scorer = opened(served)
    shutil.rmtree(bundle.folder_of(served, scorer.bundle_id) / "models")
    assert scorer.recommend("c00", context=Context()) == scorer.recommend("c00")


def test_a_damaged_model_is_not_read_and_the_next_night_of_that_day_mends_it(shop: Settings) -> None:
    bundle_id = recommend(shop, DAY).numbers["bundle_id"]
    folder = bundle.folder_of(shop, bundle_id)
    for file in sorted((folder / "models").iterdir()):
        file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(ModelError, match=r"models/.* is missing or damaged; run the night of its day again"):
        opened(shop).recommend("c00", context=ANEW)
    assert recommend(shop, DAY).numbers["bundle_id"] == bundle_id
    assert opened(shop).recommend("c00", context=ANEW)


def test_a_request_may_leave_out_products_and_the_next_ones_move_up(served: Settings) -> None:
    scorer = opened(served)
    before = [r.product_id for r in scorer.recommend("c00", n=5)]
    found = scorer.recommend("c00", n=5, context=Context(exclude=(before[1],)))
    assert [r.product_id for r in found][:4] == [before[0], *before[2:]]
    assert [r.rank for r in found] == [1, 2, 3, 4, 5]
    assert scorer.recommend("c00", context=Context(categories=("dairy",)))[0].title == "Whole milk"


def test_a_request_is_held_to_the_nights_own_rules(shop: Settings) -> None:
    recs = shop.recs.model_copy(update={"rules": Rules(deny=("dairy",), pins={"try03": 1})})
    night = shop.model_copy(update={"recs": recs})
    recommend(night, DAY)
    scorer = opened(night)
    for rules in (Context(), NOTHING, ANEW):
        found = scorer.recommend("c00", context=rules)
        assert (found[0].product_id, found[0].reason) == ("try03", "Picked by the shop")
        assert "milk" not in [r.product_id for r in found]
    assert len(scorer.recommend("c00", context=Context(categories=("dairy",)))) == 0


def test_prices_are_asked_in_minor_units_of_the_customers_currency(shop: Settings) -> None:
    offer = {"product_id": "milk", "market": "default", "currency": "EUR", "kind": "list", "price": "0.90"}
    fill(shop, prices=[offer | {"effective_at": at("2017-11-01")}])
    recommend(shop, DAY)
    scorer = opened(shop)
    cheap = scorer.recommend("c00", context=Context(max_price_minor={"default": 99}))
    assert [r.product_id for r in cheap] == ["milk"]
    assert "milk" not in [
        r.product_id for r in scorer.recommend("c00", context=Context(min_price_minor={"EUR": 91}))
    ]


def test_a_new_bundles_models_answer_after_it_is_published(
    shop: Settings, two_bundles: tuple[str, str]
) -> None:
    scorer = opened(shop)
    assert "tea" not in [item.product_id for item in scorer.recommend("c00", n=5, context=ANEW)]
    registry.roll_back(shop, two_bundles[1], by="test")
    scorer.refresh()
    assert "tea" in [item.product_id for item in scorer.recommend("c00", n=5, context=ANEW)]


def test_a_bundle_without_what_rules_need_says_so_and_serves_its_lists(served: Settings) -> None:
    scorer = opened(served)
    shutil.rmtree(bundle.folder_of(served, scorer.bundle_id) / "shop")
    with pytest.raises(NotFoundError, match="run the night again"):
        scorer.recommend("c00", context=NOTHING)
    assert scorer.recommend("c00")
