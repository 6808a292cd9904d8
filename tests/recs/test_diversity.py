"""Caps and MMR put a list into another order, and never add, lose or repeat a product."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recs.diversity import capped, mmr

DAIRY, BAKERY = 0, 1
CATEGORY = np.array([DAIRY, DAIRY, DAIRY, BAKERY, BAKERY, -1, -1], np.int32)
KINDS = np.stack([CATEGORY, np.where(CATEGORY < 0, -1, 0)], axis=1).astype(np.int32)


def ordered(order: np.ndarray, ids: list[int]) -> list[int]:
    return np.take_along_axis(np.array([ids], np.int32), order, 1)[0].tolist()


@pytest.mark.parametrize(
    ("cap", "first", "expected"),
    [
        (1, 2, [0, 3, 1, 2, 4, 5, 6]),
        (2, 4, [0, 1, 3, 4, 2, 5, 6]),
        (1, 4, [0, 3, 5, 6, 1, 2, 4]),
        (3, 5, [0, 1, 2, 3, 4, 5, 6]),
        (1, 6, [0, 3, 5, 6, 1, 2, 4]),  # there are only four products to lead with: the cap gives way
    ],
)
def test_no_category_has_more_than_its_share_of_the_first_places(cap, first, expected) -> None:
    ids = np.arange(7, dtype=np.int32)[None]
    assert ordered(capped(ids, CATEGORY, cap, first), list(range(7))) == expected


def test_each_customers_list_is_capped_by_itself() -> None:
    ids = np.array([[0, 1, 3], [3, 4, 0], [5, 6, -1]], np.int32)
    order = capped(ids, CATEGORY, 1, 2)
    assert np.take_along_axis(ids, order, 1).tolist() == [[0, 3, 1], [3, 0, 4], [5, 6, -1]]


def test_mmr_of_weight_nothing_is_the_order_of_scores() -> None:
    ids, scores = np.array([[0, 1, 3, -1]], np.int32), np.array([[3, 2, 1, -np.inf]], np.float32)
    assert mmr(ids, scores, KINDS, 0, 4).tolist() == [[0, 1, 2, 3]]


def test_mmr_lets_an_unlike_product_pass_one_that_is_like_the_first() -> None:
    ids, scores = np.array([[0, 1, 3, 5]], np.int32), np.array([[1, 0.9, 0.7, 0.1]], np.float32)
    # Second place: .5 × .9 - .5 × 1 for the other dairy product, .5 × .7 - .5 × .5 for the bread of the same
    # department, .5 × .1 - 0 for the product that is like none.
    assert ordered(mmr(ids, scores, KINDS, 0.5, 2), [0, 1, 3, 5]) == [0, 3, 1, 5]


def test_mmr_changes_the_places_it_is_asked_for_only() -> None:
    ids, scores = np.array([[0, 1, 2, 3]], np.int32), np.array([[1, 0.9, 0.8, 0.7]], np.float32)
    assert ordered(mmr(ids, scores, KINDS, 1, 2), [0, 1, 2, 3]) == [0, 3, 1, 2]


@given(
    lists=st.lists(st.permutations(range(7)).map(lambda p: p[:5]), min_size=1, max_size=4),
    length=st.integers(0, 5),
    cap=st.integers(1, 3),
    first=st.integers(1, 5),
    weight=st.floats(0, 1),
)
def test_every_order_holds_each_product_once_and_ends_with_none(lists, length, cap, first, weight) -> None:
    ids = np.array(lists, np.int32)
    ids[:, length:] = -1
    scores = np.where(ids >= 0, np.linspace(1, 0.2, 5), -np.inf).astype(np.float32)
    for order in (capped(ids, CATEGORY, cap, first), mmr(ids, scores, KINDS, weight, first)):
        moved = np.take_along_axis(ids, order, 1)
        assert np.sort(moved, axis=1).tolist() == np.sort(ids, axis=1).tolist()
        assert (moved[:, length:] == -1).all()
    moved = np.take_along_axis(ids, capped(ids, CATEGORY, cap, first), 1)
    for before, after in zip(ids.tolist(), moved.tolist(), strict=True):
        kept = [CATEGORY[i] for i in after[:first] if i >= 0]
        most = max([kept.count(kind) for kind in (DAIRY, BAKERY)])
        others = sum(min(cap, [CATEGORY[i] for i in before if i >= 0].count(k)) for k in (DAIRY, BAKERY))
        others += sum(CATEGORY[i] < 0 for i in before if i >= 0)
        assert most <= cap or others < min(first, length)
