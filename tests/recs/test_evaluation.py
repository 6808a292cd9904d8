"""Judging is the definition in words, and looks only at the past."""

import numpy as np
import polars as pl
import pytest
from scipy.sparse import csr_matrix

from recs.evaluation import best, fold, judge, measure, ndcg_and_recall, truths
from recs.recommenders import Frequency
from recs.world import load
from tests.recs.worlds import DAY, fill, history, purchase
from warehouse.settings import Settings


def test_a_perfect_list_scores_one_even_when_the_truth_is_short() -> None:
    truth = csr_matrix(np.array([[1, 0, 1, 0], [0, 0, 0, 1]], np.float32))
    ids = np.array([[2, 0, 1], [3, -1, -1]], np.int32)
    ndcg, recall = ndcg_and_recall(ids, truth)
    assert (ndcg.tolist(), recall.tolist()) == ([1, 1], [1, 1])


def test_a_hit_further_down_is_worth_less() -> None:
    truth = csr_matrix(np.array([[1, 1, 0, 0]], np.float32))
    ndcg, recall = ndcg_and_recall(np.array([[3, 0, 2]], np.int32), truth)
    assert ndcg.item() == pytest.approx((1 / np.log2(3)) / (1 + 1 / np.log2(3)))
    assert recall.item() == 0.5


def test_more_truth_than_places_can_still_be_perfect() -> None:
    truth = csr_matrix(np.ones((1, 5), np.float32))
    ndcg, recall = ndcg_and_recall(np.array([[0, 1, 2]], np.int32), truth)
    assert (ndcg.item(), recall.item()) == (pytest.approx(1), 1)


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


def test_purchases_after_the_day_change_no_judgement(shop: Settings) -> None:
    before = judge(shop, load(shop, DAY))
    fill(
        shop,
        purchases=[purchase(f"c{n:02d}", "fad", "2017-12-01 00:00", order_id=f"x{n}") for n in range(40)],
    )
    assert judge(shop, load(shop, DAY)) == before


def test_a_perfect_habit_is_found_by_frequency(shop: Settings) -> None:
    past = fold(load(shop, DAY).history, shop.recs.judge_days)
    result = measure(Frequency().fit(past.history), past, "buy_again")
    assert result["customers"] == 40
    assert 0.7 < result["ndcg@10"] <= 1


def test_the_best_model_serves_and_of_equals_the_simplest() -> None:
    metrics = {
        name: {"for_you": {"ndcg@10": value}}
        for name, value in (("popularity", 0.2), ("frequency", 0.4), ("als", 0.4))
    }
    assert best(metrics, "for_you") == "frequency"


def test_too_few_customers_are_said_and_counts_serve(shop: Settings) -> None:
    strict = shop.model_copy(update={"recs": shop.recs.model_copy(update={"min_judged_customers": 41})})
    found = judge(strict, load(shop, DAY))
    assert found.serving == {"for_you": "frequency", "buy_again": "frequency", "discover": "popularity"}
    assert (found.verdict, len(found.notes), found.metrics) == ("counts", 3, {})
    assert "for_you could not be judged: 40 customers" in found.notes[0]
    assert "41 are needed" in found.notes[0]


def test_every_judged_model_has_a_figure_for_every_slate(shop: Settings) -> None:
    found = judge(shop, load(shop, DAY))
    assert found.verdict == "judged"
    assert set(found.metrics) == {"popularity", "frequency", "item_item", "als"}
    for slates in found.metrics.values():
        assert set(slates) == {"for_you", "buy_again", "discover"}
        assert all(0 <= slate[m] <= 1 for slate in slates.values() for m in ("ndcg@10", "recall@10"))
