"""Judging is the definition in words, and looks only at the past."""

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from recs.evaluation import COUNTS, MODELS, best, fold, judge, measure, truths
from recs.fitting import Fits
from recs.history import History
from recs.metrics import Hits, paired
from recs.protocol import Recommender
from recs.recommenders import Frequency
from recs.world import load
from tests.recs.worlds import DAY, fill, history, purchase
from warehouse.settings import Settings


def test_lists_are_scored_by_how_early_and_how_much_of_the_truth_they_find() -> None:
    truth = csr_matrix(np.array([[1, 1, 0, 0], [0, 0, 0, 1]], np.float32))
    hits = Hits.of(np.array([[3, 0, 2], [3, -1, -1]], np.int32), truth)
    assert hits.ndcg().tolist() == pytest.approx([(1 / np.log2(3)) / (1 + 1 / np.log2(3)), 1])
    assert hits.recall().tolist() == [0.5, 1]


def test_truth_is_split_by_what_was_bought_before_and_leaves_rare_products_out() -> None:
    data = history({c: {"milk": 1} | ({"tea": 1} if c < "d" else {}) | ({"rare": 1} if c == "a" else {})
                         for c in "abcd"})  # fmt: skip
    customers, products = data.interactions.customers.to_list(), data.interactions.products.to_list()
    bought = [("a", "milk"), ("a", "rare"), ("d", "tea")]
    after = pl.DataFrame(
        [(customers.index(c), products.index(p)) for c, p in bought]
        + [(data.nobody, products.index("milk"))],
        schema={"row": pl.Int32, "column": pl.Int32},
        orient="row",
    )
    found = truths(data, after)
    names = {
        slate: {(customers[int(u)], products[int(i)]) for u, i in zip(*truth.nonzero(), strict=True)}
        for slate, truth in found.items()
    }
    assert names == {
        "for_you": {("a", "milk"), ("d", "tea")},
        "buy_again": {("a", "milk")},
        "discover": {("d", "tea")},
    }


def test_the_fold_learns_from_before_and_asks_about_after(shop: Settings) -> None:
    past = fold(load(shop, DAY).history, shop.recs.judge_days)
    # Twenty weeks of milk, the last four of them in the fold's future.
    assert past.history.interactions.counts.toarray().max() == 16
    assert past.truth["buy_again"].nnz + past.truth["discover"].nnz == past.truth["for_you"].nnz
    assert len(past.customers("buy_again")) == 40


def test_of_very_many_customers_always_the_same_ones_are_judged(shop: Settings) -> None:
    past = fold(load(shop, DAY).history, shop.recs.judge_days)
    everyone, some = past.customers("for_you"), replace(past, most=15).customers("for_you")
    assert (len(everyone), len(some)) == (40, 15)
    assert set(some) < set(everyone)
    assert some.tolist() == sorted(some) == replace(past, most=15).customers("for_you").tolist()
    few = replace(past, most=15)
    assert measure(Frequency().fit(few.history), few, "for_you")["customers"] == 15


def test_purchases_after_the_day_change_no_judgement(shop: Settings) -> None:
    before = judge(shop, load(shop, DAY))
    fill(
        shop,
        purchases=[purchase(f"c{n:02d}", "fad", "2017-12-01 00:00", order_id=f"x{n}") for n in range(40)],
    )
    assert judge(shop, load(shop, DAY)) == before


def test_each_model_is_asked_for_once_and_sees_only_what_was_before(shop: Settings) -> None:
    world, fits, asked = load(shop, DAY), Fits(shop), []

    def fit(name: str, history: History) -> Recommender:
        asked.append((name, history.end))
        return fits.get(name, history)

    assert judge(shop, world, fit) == judge(shop, world)
    assert sorted(asked) == sorted((name, world.history.end - shop.recs.judge_days) for name in MODELS)


def test_a_perfect_habit_is_found_by_frequency(shop: Settings) -> None:
    past = fold(load(shop, DAY).history, shop.recs.judge_days)
    result = measure(Frequency().fit(past.history), past, "buy_again")
    assert result["customers"] == 40
    assert 0.7 < result["ndcg@10"] <= 1
    assert result["map@10"] <= result["recall@10"] <= 1


def test_the_best_model_serves_and_of_equals_the_table_of_counts_or_the_simplest() -> None:
    metrics = {
        name: {"for_you": {"ndcg@10": value}}
        for name, value in (("popularity", 0.4), ("frequency", 0.4), ("als", 0.5), ("ease", 0.5))
    }
    assert best(metrics, "for_you") == "als"
    del metrics["als"], metrics["ease"]
    assert best(metrics, "for_you") == "frequency"


def test_too_few_customers_are_said_and_counts_serve(shop: Settings) -> None:
    strict = shop.model_copy(update={"recs": shop.recs.model_copy(update={"min_judged_customers": 41})})
    found = judge(strict, load(shop, DAY))
    assert found.serving == {"for_you": "frequency", "buy_again": "frequency", "discover": "popularity"}
    assert (found.verdict, len(found.notes), found.metrics) == ("counts", 3, {})
    assert "for_you could not be judged: 40 customers" in found.notes[0]
    assert "41 are needed" in found.notes[0]


def test_every_judged_model_has_figures_for_every_slate(shop: Settings) -> None:
    found = judge(shop, load(shop, DAY))
    assert found.verdict == "judged"
    assert found.window == (date(2017, 11, 3), DAY)
    assert set(found.metrics) == set(MODELS)
    for slates in found.metrics.values():
        assert set(slates) == {"for_you", "buy_again", "discover"}
        for figures in slates.values():
            low, high = figures["intervals"]["ndcg@10"]
            assert 0 <= low <= figures["ndcg@10"] <= high <= 1
            assert sum(part["customers"] for part in figures["segments"].values()) == figures["customers"]


def test_the_values_behind_the_figures_are_kept_for_who_compares(shop: Settings) -> None:
    found = judge(shop, load(shop, DAY))
    for name, slates in found.metrics.items():
        for slate, figures in slates.items():
            values = found.ndcg[name][slate]
            assert len(values) == figures["customers"]
            assert figures["ndcg@10"] == pytest.approx(values.mean(), abs=1e-6)
            against = found.ndcg[COUNTS[slate]][slate]
            gained = paired(values, against, shop.seed)
            assert figures["difference"]["ndcg@10"] == pytest.approx(gained.mean, abs=1e-6)
            assert figures["difference"]["interval"] == pytest.approx(gained[1:], abs=1e-6)


def test_what_diversity_would_cost_the_serving_models_is_told(shop: Settings) -> None:
    found = judge(shop, load(shop, DAY))
    assert set(found.mixed) == {"for_you", "buy_again", "discover"}
    for slate, serving in found.serving.items():
        as_ranked = found.mixed[slate]["as ranked"]
        assert as_ranked["ndcg@10"] == found.metrics[serving][slate]["ndcg@10"]


def test_a_judgement_does_not_depend_on_the_number_of_threads(shop: Settings) -> None:
    world = load(shop, DAY)
    with threadpool_limits(1):
        one = judge(shop, world)
    with threadpool_limits(2):
        assert judge(shop, world) == one
