"""Models that know which products go together: what is near to what a customer has, they may want."""

from abc import abstractmethod
from typing import Any

import numpy as np
from implicit.nearest_neighbours import all_pairs_knn
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix

from recs.arrays import require_finite
from recs.history import History
from recs.pairs import ordered, owners
from recs.protocol import Ids, Scores
from recs.ranking import similar
from recs.recommenders.base import Rows, blank, packed, places, unpacked
from recs.recommenders.blocks import BlockModel


class NeighbourModel(BlockModel):
    """Ranks by the sum of similarities to what a customer has, where it is above 0.

    A model of this kind says what its `columns`, `bags` and `similarity` are (`_near`).

    Attributes:
        columns: (T,) the products that have neighbours, ascending.
        bags: (U, T) float32, how much each customer has of each.
        similarity: (T, T) float32, row: what they have, column: what is near to it.
    """

    bags: csr_matrix
    similarity: csr_matrix

    @abstractmethod
    def _near(self, history: History) -> tuple[Ids, csr_matrix, csr_matrix]:
        """Columns, bags and similarity of a history."""

    def _learn(self, history: History) -> None:
        columns, bags, similarity = self._near(history)
        require_finite(f"the similarities of {self.name}", similarity.data)
        self.columns = columns
        self.bags, self.similarity = (ordered(m.astype(np.float32)) for m in (bags, similarity))

    def similar_items(self, columns: ArrayLike, n: int) -> tuple[Ids, Scores]:
        """The nearest products; none for a product that has no neighbours."""
        asked = np.atleast_1d(np.asarray(columns, np.int64))
        width = len(self._fitted().order)
        at = places(self.columns, width)[asked]
        block = np.zeros((len(asked), width), np.float32)
        block[np.ix_(at >= 0, self.columns)] = self.similarity[at[at >= 0]].toarray()
        return similar(block, asked, n)

    def largest_reason(self, rows: Rows, ids: Ids) -> Ids:
        """The product they have that adds most to each score, (U, n) columns; -1 where nothing does.

        Args:
            rows: row numbers, (U,).
            ids: products of each row, (U, n), -1 for none.
        """
        place = places(self.columns, len(self._fitted().order) + 1)  # the last place is that of -1
        slots = np.full((len(rows), len(self.columns)), -1, np.int32)
        owner, slot = np.nonzero(place[ids] >= 0)
        slots[owner, place[ids[owner, slot]]] = slot
        bags = self.bags[rows]
        near = self.similarity[bags.indices]  # for each thing they have its neighbours
        line = owners(near)
        owner, source, target = owners(bags)[line], bags.indices[line], near.indices
        adds = near.data * bags.data[line]
        counts = (slots[owner, target] >= 0) & (adds > 0)
        owner, source, target = owner[counts], source[counts], target[counts]
        pair = owner * ids.shape[1] + slots[owner, target]
        order = np.lexsort((source, -adds[counts], pair))
        pair, first = np.unique(pair[order], return_index=True)
        best = np.full(ids.shape, -1, np.int32)
        best.flat[pair] = self.columns[source[order][first]]
        return best

    def _said(self, rows: Rows) -> Scores:
        sums: Scores = csr_matrix(self.bags[rows] @ self.similarity).toarray()
        return np.maximum(sums, 0, out=sums)

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {"columns": self.columns} | packed(bags=self.bags, similarity=self.similarity)

    def _restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        self.columns = arrays["columns"]
        self.bags, self.similarity = unpacked(arrays, "bags"), unpacked(arrays, "similarity")


def nearest(vectors: csr_matrix, neighbours: int) -> csr_matrix:
    """The largest products of columns, each column's own left out, by `implicit`.

    Only the numbers are `implicit`'s: its own lists hold more or fewer products than asked for and are
    padded with what was to be left out.

    Args:
        vectors: (U, T).
        neighbours: how many each column keeps.

    Returns:
        (T, T) float32.
    """
    if not vectors.nnz:
        return blank(vectors.shape[1])
    found = csr_matrix(
        all_pairs_knn(csr_matrix(vectors, dtype=np.float64), neighbours + 1, show_progress=False),
        dtype=np.float32,
    )
    found.setdiag(0)
    found.eliminate_zeros()
    return found
