"""Models that place customers and products as points: who stands in a product's direction wants it."""

from abc import abstractmethod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recs.arrays import require_finite
from recs.history import History
from recs.pairs import Columns, Owner
from recs.protocol import Ids, Scores
from recs.ranking import similar
from recs.recommenders.base import Rows, grouped, places, trained_columns
from recs.recommenders.blocks import BlockModel
from recs.threads import one_blas_thread


class FactorModel(BlockModel):
    """Ranks by the product of a customer's and a product's factors, where it is above 0.

    Only products that several customers bought have factors, and only customers who bought one of them;
    the others are left to popularity. A model of this kind says how it is `_solved`.
    """

    customer_factors: Scores
    product_factors: Scores

    @abstractmethod
    def _solved(self, history: History, columns: Ids) -> tuple[Scores, Scores]:
        """The factors of customers (U, F) and of the products of `columns` (T, F), float32."""

    def _learn(self, history: History) -> None:
        self.columns = trained_columns(history)
        known = np.diff(history.interactions.counts[:, self.columns].indptr) > 0
        if not known.any():
            self.customer_factors = np.zeros((len(known), 1), np.float32)
            self.product_factors = np.zeros((len(self.columns), 1), np.float32)
            return
        with one_blas_thread():
            customers, products = self._solved(history, self.columns)
        require_finite(f"the factors of {self.name}", customers, products)
        customers[~known] = 0
        self.customer_factors, self.product_factors = customers, products

    def _evident(self, products: Scores, customers: Scores) -> Scores:  # noqa: ARG002
        """Evidence from products of factors, (U, T) or (U,), of customers' factors (U, F), in place."""
        return np.maximum(products, 0, out=products)

    def evidence(self, rows: Rows, owner: Owner, columns: Columns) -> Scores:
        """Evidence of each pair, without whole rows, (P,)."""
        at = places(self.columns, len(self._fitted().order))[columns]
        said = np.zeros(len(columns), np.float32)
        for block, pairs in grouped(owner, len(rows)):
            known = pairs[at[pairs] >= 0]
            customers = self.customer_factors[rows[block]][owner[known] - block.start]
            products = np.einsum("pf,pf->p", customers, self.product_factors[at[known]])
            said[known] = self._evident(products, customers)
        return said

    def similar_items(self, columns: ArrayLike, n: int) -> tuple[Ids, Scores]:
        """The products whose factors point the same way, by cosine; none for one too rare to have factors."""
        asked = np.atleast_1d(np.asarray(columns, np.int64))
        length = np.linalg.norm(self.product_factors, axis=1, keepdims=True)
        unit = self.product_factors / np.maximum(length, np.finfo(np.float32).tiny)
        full = np.zeros((len(self._fitted().order), unit.shape[1]), np.float32)
        full[self.columns] = unit
        block = np.zeros((len(asked), len(full)), np.float32)
        with one_blas_thread():
            block[:, self.columns] = full[asked] @ unit.T
        return similar(block, asked, n)

    def _said(self, rows: Rows) -> Scores:
        customers = self.customer_factors[rows]
        return self._evident(customers @ self.product_factors.T, customers)

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {
            "columns": self.columns,
            "customer_factors": self.customer_factors,
            "product_factors": self.product_factors,
        }

    def _restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        self.columns = arrays["columns"]
        self.customer_factors = arrays["customer_factors"]
        self.product_factors = arrays["product_factors"]
