"""Item-item: products bought by the same customers, by cosine or BM25."""

import numpy as np
from implicit.nearest_neighbours import bm25_weight
from scipy.sparse import csr_matrix, diags_array

from recs.history import History
from recs.pairs import ordered
from recs.protocol import Ids
from recs.recommenders.base import trained_columns
from recs.recommenders.neighbours import NeighbourModel, nearest
from recs.threads import one_blas_thread


class ItemItem(NeighbourModel):
    """Ranks by how similar a product is to all that a customer bought, each bought product counting once.

    A product is not its own neighbour, so each score comes from other products the customer bought.

    Args:
        neighbours: how many similar products each product keeps.
    """

    name = "item_item"

    def __init__(self, *, neighbours: int = 50) -> None:
        self.neighbours = neighbours

    def _near(self, history: History) -> tuple[Ids, csr_matrix, csr_matrix]:
        columns = trained_columns(history)
        seen = ordered(history.interactions.seen[:, columns])
        with one_blas_thread():
            return columns, seen, nearest(self._weighed(seen), self.neighbours)

    def _weighed(self, seen: csr_matrix) -> csr_matrix:
        """What each customer says of each product, so that products of columns are similarities."""
        length = np.sqrt(np.bincount(seen.indices, minlength=seen.shape[1]))
        return csr_matrix(seen @ diags_array(1 / length))


class Bm25(ItemItem):
    """The same, where a customer who bought few products says more than one who bought many.

    Args:
        neighbours: how many similar products each product keeps.
        saturation: how slowly a word that is repeated counts less, `k1` of BM25.
        length: how much the number of a product's customers is held against it, `b` of BM25, 0 … 1.
    """

    name = "bm25"

    def __init__(self, *, neighbours: int = 50, saturation: float = 1.0, length: float = 0.1) -> None:
        super().__init__(neighbours=neighbours)
        self.saturation, self.length = saturation, length

    def _weighed(self, seen: csr_matrix) -> csr_matrix:
        if not seen.nnz:
            return seen
        return csr_matrix(bm25_weight(csr_matrix(seen.T), K1=self.saturation, B=self.length).T)
