"""The interactions matrix: customers × products, from the purchase features of a day.

Row i is `customers[i]` and column j is `products[j]`, both sorted, so the same features give the same
matrix. The features are sorted by customer and product and hold each pair once, so they already are a
compressed sparse row matrix: counts and weights go from Polars to SciPy without a copy of the values.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix

from warehouse.lake import Lake


@dataclass(frozen=True)
class Interactions:
    """Who bought what, as of the end of a day.

    Attributes:
        customers: ids as text, sorted; row i of the matrices.
        products: ids as text, sorted; column j of the matrices.
        counts: (customers, products) float32, lines bought.
        weights: (customers, products) float32, the same lines decayed by age.
    """

    customers: pl.Series
    products: pl.Series
    counts: csr_matrix
    weights: csr_matrix

    @property
    def seen(self) -> csr_matrix:
        """(customers, products) float32, 1 where a customer ever bought a product."""
        ones = np.ones_like(self.counts.data)
        return csr_matrix((ones, self.counts.indices, self.counts.indptr), shape=self.counts.shape)


def from_features(pairs: pl.DataFrame, products: pl.Series | None = None) -> Interactions:
    """Builds the matrix from `CustomerProductFeatures`, which are sorted by customer and product.

    Args:
        pairs: columns `customer_id`, `product_id`, `lines`, `weight`, sorted by the ids.
        products: the columns to have, sorted; by default the products that were bought.
    """
    if products is None:
        products = pairs["product_id"].unique().sort()
    customers = pairs["customer_id"].unique(maintain_order=True)
    lengths = pairs["customer_id"].rle().struct.field("len").to_numpy()
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    codes = pairs["product_id"].cast(pl.Enum(products)).to_physical().cast(pl.Int32)
    values = pairs.select(pl.col("lines", "weight").cast(pl.Float32)).rechunk()
    shape = (len(customers), len(products))
    indices = codes.rechunk().to_numpy(allow_copy=False)
    counts, weights = (
        csr_matrix((values[name].to_numpy(allow_copy=False), indices, indptr), shape=shape)
        for name in ("lines", "weight")
    )
    return Interactions(customers, products, counts, weights)


def load(lake: Lake, day: date) -> Interactions:
    """The interactions of a day whose features were built.

    Raises:
        NotFoundError: the features of that day are not there.
    """
    pairs = lake.get("customer_product_features", day)
    columns = ["customer_id", "product_id", "lines", "weight"]
    return from_features(pairs.select(columns).collect())
