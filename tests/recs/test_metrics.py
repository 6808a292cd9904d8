"""Every metric is its definition in words, and an interval says how sure its mean is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from recs.metrics import (
    RESAMPLES,
    Hits,
    apart,
    coverage,
    diversity,
    gini,
    interval,
    intervals,
    novelty,
    paired,
)


def hits(ids: list[list[int]], truth: list[list[int]]) -> Hits:
    return Hits.of(np.array(ids, np.int32), csr_matrix(np.array(truth, np.float32)))


def test_a_perfect_list_scores_one_even_when_the_truth_is_short() -> None:
    found = hits([[2, 0, 1], [3, -1, -1]], [[1, 0, 1, 0], [0, 0, 0, 1]])
    for values in (found.ndcg(), found.recall(), found.average_precision()):
        assert values.tolist() == [1, 1]


def test_a_hit_further_down_is_worth_less() -> None:
    found = hits([[3, 0, 2]], [[1, 1, 0, 0]])
    assert found.ndcg().item() == pytest.approx((1 / np.log2(3)) / (1 + 1 / np.log2(3)))
    assert found.average_precision().item() == pytest.approx((1 / 2) / 2)
    assert found.recall().item() == 0.5


def test_average_precision_counts_the_hits_so_far_at_each_hit() -> None:
    found = hits([[0, 3, 1, 2]], [[1, 1, 1, 0]])
    assert found.average_precision().item() == pytest.approx((1 / 1 + 2 / 3 + 3 / 4) / 3)


def test_more_truth_than_places_can_still_be_perfect() -> None:
    found = hits([[0, 1, 2]], [[1, 1, 1, 1, 1]])
    assert found.ndcg().item() == pytest.approx(1)
    assert (found.recall().item(), found.average_precision().item()) == (1, 1)


@given(st.permutations(range(8)), st.sets(st.integers(0, 7), min_size=1), st.integers(1, 8))
def test_every_metric_lies_between_none_and_all(order: list[int], bought: set[int], k: int) -> None:
    found = hits([order[:k]], [[int(i in bought) for i in range(8)]])
    ndcg, recall, precise = (v.item() for v in (found.ndcg(), found.recall(), found.average_precision()))
    assert 0 <= precise <= recall <= 1
    assert 0 <= ndcg <= 1 + 1e-12
    assert (ndcg > 0) == (recall > 0) == bool(bought & set(order[:k]))


def test_what_half_the_customers_buy_is_worth_one_bit_of_surprise() -> None:
    ids = np.array([[0, 1], [1, -1], [2, -1], [-1, -1]], np.int32)
    found = novelty(ids, buyers=np.array([4, 2, 1]), customers=4)
    assert found.tolist() == pytest.approx([0.5, 1, 2, np.nan], nan_ok=True)


def test_a_product_nobody_bought_surprises_like_one_that_one_customer_bought() -> None:
    assert novelty(np.array([[0]], np.int32), np.array([0]), 8).tolist() == [3]


def test_diversity_is_the_share_of_pairs_of_different_categories() -> None:
    categories = np.array([0, 0, 1, -1], np.int32)
    ids = np.array([[0, 1, 2], [0, 1, -1], [0, 2, 3], [0, 3, -1]], np.int32)
    assert diversity(ids, categories).tolist() == pytest.approx([2 / 3, 0, 1, np.nan], nan_ok=True)


def test_where_no_category_is_known_nothing_is_said_of_diversity() -> None:
    assert np.isnan(diversity(np.array([[0, 1]], np.int32), np.array([-1, -1]))).all()


def test_coverage_is_the_share_of_eligible_products_that_anybody_sees() -> None:
    eligible = np.array([True, True, True, True, False])
    ids = np.array([[0, 1], [0, 4], [0, -1]], np.int32)
    assert coverage(ids, eligible) == 0.5
    assert np.isnan(coverage(ids, np.zeros(5, bool)))


def test_products_shown_alike_have_a_gini_of_zero_and_one_shown_alone_nearly_one() -> None:
    everything = np.ones(4, bool)
    assert gini(np.array([[0, 1], [2, 3]], np.int32), everything) == pytest.approx(0)
    assert gini(np.array([[0], [0]], np.int32), everything) == pytest.approx(3 / 4)
    assert np.isnan(gini(np.array([[-1]], np.int32), everything))


def test_an_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    chance = np.random.default_rng(8)
    found = [interval(chance.normal(0.3, 0.2, 100), seed) for seed in range(150)]
    assert 0.90 <= np.mean([one.low <= 0.3 <= one.high for one in found]) <= 0.99


def test_an_interval_is_as_wide_as_the_formula_for_many_customers() -> None:
    values = np.random.default_rng(1).normal(0.3, 0.2, 9000)  # more than are drawn at once
    mean, low, high = interval(values, 0)
    half = 1.96 * values.std() / np.sqrt(len(values))
    assert mean == values.mean()
    assert (mean - low, high - mean) == (pytest.approx(half, rel=0.15), pytest.approx(half, rel=0.15))


def test_the_same_seed_gives_the_same_interval_and_another_seed_another() -> None:
    values = np.random.default_rng(1).random(50)
    assert interval(values, 3) == interval(values, 3) != interval(values, 4)


def test_many_columns_are_answered_like_one() -> None:
    values = np.random.default_rng(1).random((50, 3))
    values[:20, 1] = np.nan
    together = intervals(values, 5)
    for column, found in enumerate(together):
        assert found == pytest.approx(interval(values[:, column], 5))


def test_customers_without_a_value_do_not_count() -> None:
    values = np.array([1.0, np.nan, 1.0, np.nan])
    assert interval(values, 0) == (1, 1, 1)
    assert np.isnan(interval(np.array([np.nan]), 0)).all()
    assert np.isnan(interval(np.array([]), 0)).all()


def test_one_customer_is_their_own_interval() -> None:
    assert RESAMPLES == 500
    assert interval(np.array([0.4]), 0) == pytest.approx((0.4, 0.4, 0.4))


def test_pairs_see_a_small_difference_that_two_intervals_would_not() -> None:
    chance = np.random.default_rng(2)
    base = chance.random(400)
    better = base + chance.normal(0.01, 0.02, 400)
    assert interval(better, 0).low < interval(base, 0).high
    mean, low, high = paired(better, base, 0)
    assert 0 < low < mean < high
    assert paired(base, base, 0) == (0, 0, 0)


def test_the_difference_of_two_groups_is_as_uncertain_as_both_together() -> None:
    chance = np.random.default_rng(3)
    one, other = chance.normal(0.5, 0.2, 900), chance.normal(0.3, 0.4, 400)
    mean, low, high = apart(one, other, 0)
    half = 1.96 * np.sqrt(one.var() / len(one) + other.var() / len(other))
    assert mean == pytest.approx(one.mean() - other.mean())
    assert (mean - low, high - mean) == (pytest.approx(half, rel=0.15), pytest.approx(half, rel=0.15))
    assert apart(one, other, 0) == apart(one, other, 0) != apart(one, other, 1)


def test_the_difference_of_two_groups_holds_the_truth_about_as_often_as_it_says() -> None:
    chance = np.random.default_rng(9)
    pairs = [(chance.random(200) < 0.3, chance.random(100) < 0.2) for _ in range(150)]
    found = [apart(*(group.astype(float) for group in pair), seed) for seed, pair in enumerate(pairs)]
    assert 0.90 <= np.mean([one.low <= 0.1 <= one.high for one in found]) <= 0.99
