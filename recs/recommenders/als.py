"""Alternating least squares: customers and products as points, from `implicit`.

A customer without history has the point 0, for which `implicit` lists arbitrary products at score 0; here
that is no evidence, and such a customer gets popular products. Every fit makes a new `implicit` object, for
an old one would go on from stale factors.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recs.arrays import require_finite
from recs.history import History
from recs.pairs import Columns, Owner
from recs.protocol import Ids, Scores
from recs.ranking import Candidates, Limits, best_of_block, similar
from recs.recommenders.base import PopularBase, Rows, trained_columns
from recs.threads import one_blas_thread


class Als(PopularBase):
    """Ranks by the product of a customer's and a product's factors.

    Only products that several customers bought have factors; the others are left to popularity. A
    product below 0 is no evidence.

    Args:
        factors: length of the vectors.
        reg: regularisation, not scaled by frequency.
        epochs: how often both sides are solved.
        seed: of the start.
    """

    name = "als"

    def __init__(self, *, factors: int = 128, reg: float = 30.0, epochs: int = 10, seed: int = 0) -> None:
        self.factors, self.reg, self.epochs, self.seed = factors, reg, epochs, seed
        self.columns: Ids
        self.customer_factors: Scores
        self.product_factors: Scores

    def _learn(self, history: History) -> None:
        self.columns = trained_columns(history)
        counts = history.interactions.counts[:, self.columns]
        users, items = counts.shape
        self.customer_factors = np.zeros((users, self.factors), np.float32)
        self.product_factors = np.zeros((items, self.factors), np.float32)
        if not counts.nnz:
            return
        from implicit.cpu.als import AlternatingLeastSquares

        with one_blas_thread():
            solver = AlternatingLeastSquares(
                factors=self.factors,
                regularization=self.reg,
                alpha=1.0,
                iterations=self.epochs,
                random_state=self.seed,
            )
            solver.fit(counts, show_progress=False)
        require_finite("the factors of als", solver.user_factors, solver.item_factors)
        self.customer_factors, self.product_factors = solver.user_factors, solver.item_factors

    def evidence(self, rows: Rows, owner: Owner, columns: Columns) -> Scores:
        """The product of factors where above 0, (P,)."""
        place = np.full(len(self._fitted().order), -1, np.int64)
        place[self.columns] = np.arange(len(self.columns))
        at = place[columns]
        said = np.zeros(len(columns), np.float32)
        known = at >= 0
        customers = self.customer_factors[rows][owner[known]]
        said[known] = np.einsum("pf,pf->p", customers, self.product_factors[at[known]])
        return np.maximum(said, 0)

    def similar_items(self, columns: ArrayLike, n: int) -> tuple[Ids, Scores]:
        """The products whose factors point the same way, by cosine; none for one too rare to have factors."""
        asked = np.atleast_1d(np.asarray(columns, np.int64))
        length = np.linalg.norm(self.product_factors, axis=1, keepdims=True)
        unit = self.product_factors / np.maximum(length, np.finfo(np.float32).tiny)
        full = np.zeros((len(self._fitted().order), self.factors), np.float32)
        full[self.columns] = unit
        block = np.zeros((len(asked), len(full)), np.float32)
        with one_blas_thread():
            block[:, self.columns] = full[asked] @ unit.T
        return similar(block, asked, n)

    def _candidates(self, rows: Rows, n: int, limits: Limits) -> Candidates:
        block = self.customer_factors[rows] @ self.product_factors.T
        np.maximum(block, 0, out=block)
        limits.bar(block, self.columns)
        return best_of_block(block, self.columns, self._fitted(), n)

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {
            "columns": self.columns,
            "customer_factors": self.customer_factors,
            "product_factors": self.product_factors,
            "settings": np.array([self.factors, self.reg, self.epochs, self.seed], np.float64),
        }

    def _restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        factors, reg, epochs, seed = arrays["settings"].tolist()
        self.factors, self.reg, self.epochs, self.seed = int(factors), reg, int(epochs), int(seed)
        self.columns = arrays["columns"]
        self.customer_factors = arrays["customer_factors"]
        self.product_factors = arrays["product_factors"]
