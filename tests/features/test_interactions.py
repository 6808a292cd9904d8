"""The interactions matrix: the same numbers as a dense construction, without copying them."""

from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as checked
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from features.interactions import from_features, load
from tests.conftest import at
from warehouse.errors import NotFoundError
from warehouse.lake import Lake
from warehouse.settings import Settings

_worlds = st.dictionaries(
    st.tuples(st.sampled_from(["9", "10", "ä", "b c"]), st.sampled_from(["p2", "p10", "p1", "🧦"])),
    st.tuples(st.integers(1, 50), st.floats(0, 50)),
)


def pairs(world: dict[tuple[str, str], tuple[int, float]]) -> pl.DataFrame:
    rows = [(customer, product, *numbers) for (customer, product), numbers in sorted(world.items())]
    schema = {"customer_id": pl.String, "product_id": pl.String, "lines": pl.Int64, "weight": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row").sort("customer_id", "product_id")


def dense(world: dict[Any, tuple[int, float]], customers: list[str], products: list[str], number: int) -> Any:
    made = np.zeros((len(customers), len(products)), dtype=np.float32)
    for (customer, product), numbers in world.items():
        made[customers.index(customer), products.index(product)] = numbers[number]
    return made


@checked(deadline=None)
@given(_worlds)
def test_it_holds_what_a_dense_construction_holds(world: dict[tuple[str, str], tuple[int, float]]) -> None:
    made = from_features(pairs(world))
    customers, products = made.customers.to_list(), made.products.to_list()
    assert customers == sorted({customer for customer, _ in world})
    assert products == sorted({product for _, product in world})
    for number, matrix in enumerate((made.counts, made.weights)):
        np.testing.assert_array_equal(matrix.toarray(), dense(world, customers, products, number))
    np.testing.assert_array_equal(made.seen.toarray(), made.counts.toarray() > 0)


def test_it_is_a_csr_matrix_of_float32_with_sorted_columns() -> None:
    made = from_features(pairs({("a", "y"): (2, 0.5), ("a", "x"): (1, 1.5), ("b", "y"): (3, 2.5)}))
    for matrix in (made.counts, made.weights, made.seen):
        assert type(matrix) is csr_matrix
        assert (matrix.dtype, matrix.indices.dtype, matrix.shape) == (np.float32, np.int32, (2, 2))
        assert matrix.has_canonical_format


def test_the_values_and_their_places_are_shared_and_not_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    handed: list[np.ndarray[Any, Any]] = []
    to_numpy = pl.Series.to_numpy

    def watched(series: pl.Series, *arguments: Any, **options: Any) -> Any:
        array = to_numpy(series, *arguments, **options)
        handed.append(array)
        return array

    monkeypatch.setattr(pl.Series, "to_numpy", watched)
    made = from_features(pairs({("a", "y"): (2, 0.5), ("a", "x"): (1, 1.5), ("b", "y"): (3, 2.5)}))
    for array in (made.counts.data, made.weights.data, made.counts.indices):
        assert any(np.shares_memory(array, other) for other in handed)
    assert np.shares_memory(made.counts.indices, made.weights.indices)


def test_products_may_be_given_also_those_nobody_bought() -> None:
    made = from_features(pairs({("a", "y"): (2, 0.5)}), pl.Series(["x", "y", "z"]))
    assert made.counts.toarray().tolist() == [[0.0, 2.0, 0.0]]


def test_it_is_loaded_from_the_features_of_a_day(settings: Settings) -> None:
    lake, day = Lake.of(settings), date(2017, 11, 30)
    with pytest.raises(NotFoundError, match="customer_product_features"):
        load(lake, day)
    world = {("a", "x"): (2, 0.5)}
    lake.put("customer_product_features", day, pairs(world).with_columns(last_at=at("2017-11-30")))
    assert load(lake, day).weights.toarray().tolist() == [[0.5]]
