"""EASE: every product as a weighted sum of the others, in closed form.

The weights B minimise |X − XB|² + reg |B|² with zeros on the diagonal (Steck, "Embarrassingly shallow
autoencoders for sparse data", 2019): with P = (X'X + reg I)⁻¹ they are B = I − P diag(P)⁻¹. The same P is
(I − X'KX) / reg with K = (XX' + reg I)⁻¹, so that few customers make a small system, however many products
there are, and then XP = KX.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, lapack
from scipy.sparse import csr_matrix

from recs.arrays import require_finite
from recs.history import History
from recs.protocol import Ids, Scores
from recs.recommenders.base import Rows, bags, packed, places, trained_columns, unpacked
from recs.recommenders.blocks import BlockModel
from recs.threads import one_blas_thread

_PRODUCTS_AT_ONCE = 1024


class Ease(BlockModel):
    """Ranks by the sum of weights of what a customer bought, where above 0.

    A product that was bought counts as in `base.bags`.

    Args:
        items: the largest system that is solved. Where there are more products and more customers than
            that, only the `items` most bought products have weights.
        reg: regularisation.
    """

    name = "ease"

    def __init__(self, *, items: int = 4000, reg: float = 200.0) -> None:
        self.items, self.reg = items, reg
        self.buyers: Ids
        self.bags: csr_matrix
        self.across: csr_matrix
        self.weights: Scores
        self.scale: Scores

    def _learn(self, history: History) -> None:
        columns = trained_columns(history)
        buyers = np.flatnonzero(np.diff(history.interactions.counts[:, columns].indptr))
        if len(columns) <= self.items or len(buyers) > self.items:
            self._learn_products(history)
            return
        self.columns, self.buyers = columns, buyers.astype(np.int32)
        self.bags = bags(history, columns)
        self.across = csr_matrix(self.bags[self.buyers].T)
        with one_blas_thread():
            self.weights, self.scale = self._of_customers()
        require_finite("the weights of ease", self.weights, self.scale)

    def among_products(self, history: History) -> tuple[Ids, Scores]:
        """Products (T,), the `items` most bought ones, and their weights B, (T, T), however few customers."""
        asked = Ease(items=self.items, reg=self.reg)
        asked._learn_products(history)
        return asked.columns, asked.weights

    def _learn_products(self, history: History) -> None:
        columns = trained_columns(history)
        most = np.argsort(-history.buyers[columns], kind="stable")[: self.items]
        self.columns, self.buyers = np.sort(columns[most]), np.empty(0, np.int32)
        self.bags, self.scale = bags(history, self.columns), np.empty(0, np.float32)
        self.across = csr_matrix(self.bags[self.buyers].T)
        with one_blas_thread():
            inverse = _inverse((self.bags.T @ self.bags).toarray(), self.reg)
        weights = -inverse / np.diag(inverse)
        np.fill_diagonal(weights, 0)
        self.weights = weights.astype(np.float32)
        require_finite("the weights of ease", self.weights)

    def _of_customers(self) -> tuple[Scores, Scores]:
        """K of few customers, (C, C), and the diagonal of P, (T,)."""
        across = self.across
        inverse = _inverse((across.T @ across).toarray(), self.reg)
        own = np.empty(across.shape[0])
        for start in range(0, len(own), _PRODUCTS_AT_ONCE):
            part = across[start : start + _PRODUCTS_AT_ONCE]
            own[start : start + _PRODUCTS_AT_ONCE] = part.multiply(part @ inverse).sum(axis=1).ravel()
        return inverse.astype(np.float32), ((1 - own) / self.reg).astype(np.float32)

    def _said(self, rows: Rows) -> Scores:
        mine = self.bags[rows]
        if not len(self.buyers):
            said = np.asarray(mine @ self.weights)
        else:
            said = mine.toarray()
            at = places(self.buyers, self.bags.shape[0])[rows]
            known = at >= 0
            said[known] -= (self.across @ self.weights[at[known]].T).T / self.scale
        evidence: Scores = np.maximum(said, 0, out=said)
        return evidence

    def _arrays(self) -> dict[str, NDArray[Any]]:
        arrays = {
            "columns": self.columns,
            "buyers": self.buyers,
            "weights": self.weights,
            "scale": self.scale,
        }
        return arrays | packed(bags=self.bags)

    def _restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        self.columns, self.buyers = arrays["columns"], arrays["buyers"]
        self.weights, self.scale = arrays["weights"], arrays["scale"]
        self.bags = unpacked(arrays, "bags")
        self.across = csr_matrix(self.bags[self.buyers].T)


def _inverse(gram: NDArray[Any], reg: float) -> NDArray[np.float64]:
    """The inverse of a symmetric matrix with `reg` added on its diagonal."""
    system = gram.astype(np.float64)
    if not len(system):
        return system
    system[np.diag_indices(len(system))] += reg
    lower, _ = cho_factor(system, lower=True, overwrite_a=True)
    inverse, _ = lapack.dpotri(lower, lower=True, overwrite_c=True)
    inverse = np.tril(inverse)
    whole: NDArray[np.float64] = inverse + np.tril(inverse, -1).T
    return whole
