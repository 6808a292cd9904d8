"""Signals are what can be counted by hand, and know nothing of what comes later."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recs.history import History
from recs.ranker.cells import Cells
from recs.ranker.signals import Signals
from tests.recs.ranker.shops import END, history

_pairs = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), max_size=12)


def signal(found: History, row: int, column: int) -> dict[str, float]:
    signals = Signals.of(found)
    values = signals.of_pairs(np.array([row]), np.array([0]), np.array([column], np.int32))
    return dict(zip(signals.names, values[0].tolist(), strict=True))


@given(st.sets(st.tuples(st.integers(0, 3), st.integers(0, 5))), st.permutations(range(4)), _pairs)
@settings(deadline=None)
def test_cells_are_found_again(stored: set[tuple[int, int]], rows: list[int], asked: list) -> None:
    ordered = sorted(stored)
    row, column = (np.array([cell[axis] for cell in ordered], np.int32) for axis in (0, 1))
    cells = Cells.of(row, column, {"sum": (row * 10 + column).astype(np.float32)}, 4)
    owner = np.array([pair[0] for pair in asked], np.int64)
    columns = np.array([pair[1] for pair in asked], np.int32)
    found = cells.look_up(np.array(rows), owner, columns)
    assert found.shape == (len(asked), 1)
    for (position, product), value in zip(asked, found[:, 0], strict=True):
        customer = rows[position]
        expected = customer * 10 + product if (customer, product) in stored else np.nan
        np.testing.assert_equal(value, expected)


def test_a_habit_is_told_in_days_gaps_and_trips() -> None:
    found = history([(0, 0, END - 20), (0, 0, END - 13), (0, 0, END - 6), (0, 1, END - 2)], 1, 2)
    milk = signal(found, 0, 0)
    assert (milk["baskets"], milk["days"], milk["recency"], milk["age"]) == (3, 3, 6, 20)
    assert (milk["gap"], milk["gap_median"], milk["gap_deviation"]) == (7, 7, 0)
    assert milk["due"] == pytest.approx(6 / 7)
    assert (milk["trips_since"], milk["trips_along"]) == (1, 4)
    assert milk["trip_share"] == pytest.approx(3 / 4)
    assert milk["w10"] == pytest.approx(0.5**1.95 + 0.5**1.25 + 0.5**0.55, rel=1e-5)


def test_what_was_bought_once_has_no_gap_and_what_was_not_bought_no_habit() -> None:
    found = history([(0, 0, END - 3), (1, 1, END - 3)], 2, 2)
    once, never = signal(found, 0, 0), signal(found, 0, 1)
    assert np.isnan([once["gap"], once["due"], once["gap_deviation"]]).all()
    assert np.isnan([never["baskets"], never["recency"], never["w60"]]).all()
    assert never["product_buyers"] == 1
    assert never["customer_trips"] == 1


def test_one_eager_customer_counts_once_in_a_products_weight() -> None:
    found = history([(0, 0, END - day) for day in (1, 2, 3)] + [(1, 1, END - 1), (2, 1, END - 1)], 3, 2)
    assert signal(found, 0, 0)["product_buyers"] == 1
    assert signal(found, 0, 0)["product_w180"] == pytest.approx(1)
    assert signal(found, 0, 1)["product_w180"] > 1.9


def test_a_category_is_known_from_its_other_products() -> None:
    found = history([(0, 0, END - 10), (0, 0, END - 4), (1, 2, END - 4)], 2, 4, categories=2)
    other = signal(found, 0, 2)
    assert other["category_recency"] == 4
    assert (other["category_gap"], other["category_distinct"]) == (6, 1)
    assert other["category_affinity"] > 0
    assert np.isnan(signal(found, 0, 1)["category_recency"])
    assert signal(found, 0, 1)["category_affinity"] == 0


def test_a_shop_that_says_nothing_of_its_products_has_no_groups() -> None:
    assert not Signals.of(history([(0, 0, END - 1)], 1, 4)).groups


def test_nobody_and_newcomers_have_signals_too() -> None:
    found = history([(0, 0, END - 1)], 2, 2)
    for row in (1, found.nobody):
        assert signal(found, row, 0)["customer_trips"] == 0


@given(st.sets(st.tuples(st.integers(0, 3), st.integers(0, 5), st.integers(END - 60, END - 1)), min_size=1))
@settings(deadline=None, max_examples=40)
def test_nothing_later_is_known(lines: set[tuple[int, int, int]]) -> None:
    then = END - 20
    cut = history(lines, 4, 6, categories=2).before(then)
    only = history([line for line in lines if line[2] < then], 4, 6, end=then, categories=2)
    for name, array in Signals.of(only).arrays().items():
        np.testing.assert_array_equal(Signals.of(cut).arrays()[name], array, err_msg=name)


def test_arrays_give_the_same_signals_back() -> None:
    signals = Signals.of(history([(0, 0, END - 10), (0, 2, END - 4), (1, 1, END - 2)], 2, 4, categories=2))
    again = Signals.restored(signals.arrays())
    asked = (np.array([0, 1]), np.array([0, 0, 1, 1]), np.array([0, 1, 2, 3], np.int32))
    assert again.names == signals.names
    assert again.of_pairs(*asked).tobytes() == signals.of_pairs(*asked).tobytes()
