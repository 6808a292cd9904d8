"""The interactions matrix: the same numbers as a dense construction, without copying them."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as checked
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from features.interactions import Interactions, from_lines

CUSTOMERS = pl.Series(["10", "9", "b c", "ä"])
PRODUCTS = pl.Series(["p1", "p10", "p2", "🧦"])
END = 1000

_lines = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(END - 200, END - 1)))


def made(lines: list[tuple[int, int, int]]) -> Interactions:
    schema = {"row": pl.Int32, "column": pl.Int32, "day": pl.Int32}
    return from_lines(pl.DataFrame(lines, schema=schema, orient="row"), CUSTOMERS, PRODUCTS, END, 60)


@checked(deadline=None)
@given(_lines)
def test_it_holds_what_a_dense_construction_holds(lines: list[tuple[int, int, int]]) -> None:
    counts, weights = np.zeros((5, 4)), np.zeros((5, 4))
    for row, column, day in lines:
        counts[row, column] += 1
        weights[row, column] += 0.5 ** ((END - 1 - day) / 60)
    found = made(lines)
    np.testing.assert_array_equal(found.counts.toarray(), counts)
    np.testing.assert_allclose(found.weights.toarray(), weights, rtol=1e-6)
    np.testing.assert_array_equal(found.seen.toarray(), counts > 0)


@checked(deadline=None)
@given(_lines, st.randoms())
def test_the_order_of_lines_does_not_matter(lines: list[tuple[int, int, int]], random: Any) -> None:
    shuffled = random.sample(lines, len(lines))
    assert made(lines).weights.data.tobytes() == made(shuffled).weights.data.tobytes()


def test_it_is_a_csr_matrix_of_float32_with_sorted_columns_and_a_row_for_nobody() -> None:
    found = made([(0, 1, 990), (0, 0, 990), (2, 1, 991)])
    for matrix in (found.counts, found.weights, found.seen):
        assert type(matrix) is csr_matrix
        assert (matrix.dtype, matrix.indices.dtype, matrix.shape) == (np.float32, np.int32, (5, 4))
        assert matrix.has_canonical_format
        assert not matrix[4].nnz


def test_the_values_and_their_places_are_shared_and_not_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    handed: list[np.ndarray[Any, Any]] = []
    to_numpy = pl.Series.to_numpy

    def watched(series: pl.Series, *arguments: Any, **options: Any) -> Any:
        array = to_numpy(series, *arguments, **options)
        handed.append(array)
        return array

    monkeypatch.setattr(pl.Series, "to_numpy", watched)
    found = made([(0, 1, 990), (0, 0, 990), (2, 1, 991)])
    for array in (found.counts.data, found.weights.data, found.counts.indices):
        assert any(np.shares_memory(array, other) for other in handed)
    assert np.shares_memory(found.counts.indices, found.weights.indices)
