"""The interactions matrix: customers × products, from lines bought before a day.

Row i is `customers[i]`, and the last row nobody's: any customer who is not known. Column j is `products[j]`.
Both are sorted, and weights are sums of whole multiples of 2⁻³², so the same lines give the same matrix
whatever their order. Counts and weights go from Polars to SciPy without a copy.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix

_WEIGHT_UNIT = float(2**32)


@dataclass(frozen=True)
class Interactions:
    """Who bought what.

    Attributes:
        customers: ids as text, sorted; row i of the matrices, which have one more row for nobody.
        products: ids as text, sorted; column j of the matrices.
        counts: (customers + 1, products) float32, lines bought.
        weights: (customers + 1, products) float32, the same lines decayed by age.
    """

    customers: pl.Series
    products: pl.Series
    counts: csr_matrix
    weights: csr_matrix

    @property
    def seen(self) -> csr_matrix:
        """(customers + 1, products) float32, 1 where a customer ever bought a product."""
        ones = np.ones_like(self.counts.data)
        return csr_matrix((ones, self.counts.indices, self.counts.indptr), shape=self.counts.shape)


def from_lines(
    lines: pl.DataFrame, customers: pl.Series, products: pl.Series, end: int, half_life_days: int
) -> Interactions:
    """Builds the matrix.

    Args:
        lines: `row`, `column` and `day` (since 1970-01-01) of each line, all days before `end`.
        customers: ids of the rows, sorted.
        products: ids of the columns, sorted.
        end: the first day that is not seen.
        half_life_days: the age at which a line counts half.
    """
    age = (end - 1 - pl.col("day")).cast(pl.Float64)
    weight = (0.5 ** (age / half_life_days) * _WEIGHT_UNIT).round().cast(pl.Int64)
    cells = (
        lines.lazy()
        .group_by("row", "column")
        .agg(lines=pl.len(), weight=weight.sum())
        .sort("row", "column")
        .with_columns(pl.col("lines").cast(pl.Float32), (pl.col("weight") / _WEIGHT_UNIT).cast(pl.Float32))
        .collect()
        .rechunk()
    )
    shape = (len(customers) + 1, len(products))
    lengths = np.bincount(cells["row"].to_numpy(), minlength=shape[0])
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    indices = cells["column"].to_numpy(allow_copy=False)
    counts, weights = (
        csr_matrix((cells[name].to_numpy(allow_copy=False), indices, indptr), shape=shape)
        for name in ("lines", "weight")
    )
    return Interactions(customers, products, counts, weights)
