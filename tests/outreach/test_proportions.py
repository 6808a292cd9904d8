"""Intervals of shares are those of the literature."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.proportions import difference, wilson


def test_the_interval_of_a_difference_is_newcombes() -> None:
    """Newcombe (1998), table II, method 10."""
    found = difference(56, 70, 48, 80)
    assert (found.mean, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)
    assert found.is_sure
    found = difference(9, 10, 3, 10)
    assert (found.low, found.high) == pytest.approx((0.1705, 0.8090), abs=5e-5)


def test_shares_of_none_and_all_have_intervals_too() -> None:
    assert wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=5e-5)
    assert not difference(0, 10, 0, 20).is_sure


@given(st.data())
def test_the_other_way_round_it_is_the_same_with_the_other_sign(data: st.DataObject) -> None:
    of, of_other = data.draw(st.integers(1, 500)), data.draw(st.integers(1, 500))
    some, other = data.draw(st.integers(0, of)), data.draw(st.integers(0, of_other))
    one, two = difference(some, of, other, of_other), difference(other, of_other, some, of)
    assert one.mean == pytest.approx(-two.mean)
    assert one.low == pytest.approx(-two.high, abs=1e-9)
    assert -1.000001 <= one.low <= one.mean + 1e-9
    assert one.mean - 1e-9 <= one.high <= 1.000001
