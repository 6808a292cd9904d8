"""Item-item: products bought by the same customers, by cosine, from `implicit`.

Only the similarities are `implicit`'s; lists are made here, because its own return more or fewer products
than asked for and pad with what was to be left out.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix, diags_array

from recs.arrays import require_finite
from recs.history import History
from recs.pairs import Columns, Owner, ordered, owners
from recs.protocol import Ids, Scores
from recs.ranking import Candidates, Limits, best_of_block, similar
from recs.recommenders.base import PopularBase, Rows, trained_columns
from recs.threads import one_blas_thread


class ItemItem(PopularBase):
    """Ranks by how similar a product is to all that a customer bought, each bought product counting once.

    A product is not its own neighbour, so each score comes from other products the customer bought.

    Args:
        neighbours: how many similar products each product keeps.
    """

    name = "item_item"

    def __init__(self, *, neighbours: int = 50) -> None:
        self.neighbours = neighbours
        self.columns: Ids
        self.seen: csr_matrix
        self.similarity: csr_matrix

    def _learn(self, history: History) -> None:
        self.columns = trained_columns(history)
        seen = ordered(history.interactions.seen[:, self.columns])
        self.seen = _spread(seen, self.columns, history.interactions.counts.shape)
        if not seen.nnz:
            self.similarity = csr_matrix(np.zeros((seen.shape[1], seen.shape[1]), np.float32))
            return
        from implicit.nearest_neighbours import ItemItemRecommender

        length = np.sqrt(np.bincount(seen.indices, minlength=seen.shape[1]))
        unit = csr_matrix(seen @ diags_array(1 / length)).astype(np.float64)
        with one_blas_thread():
            nearest = ItemItemRecommender(K=self.neighbours + 1)  # the nearest product is the product itself
            nearest.fit(unit, show_progress=False)
        found = csr_matrix(nearest.similarity, dtype=np.float32)
        found.setdiag(0)
        found.eliminate_zeros()
        self.similarity = ordered(found)
        require_finite("the similarities of item_item", self.similarity.data)

    def evidence(self, rows: Rows, owner: Owner, columns: Columns) -> Scores:
        """The sum of similarities to what the customer bought, (P,)."""
        place = np.full(self.seen.shape[1], -1, np.int64)
        place[self.columns] = np.arange(len(self.columns))
        at = place[columns]
        said = np.zeros(len(columns), np.float32)
        known = at >= 0
        said[known] = self._sums(rows)[owner[known], at[known]]
        return said

    def similar_items(self, columns: ArrayLike, n: int) -> tuple[Ids, Scores]:
        """The nearest products, by cosine; none for a product too rare to have neighbours."""
        asked = np.atleast_1d(np.asarray(columns, np.int64))
        wide = _spread(self.similarity, self.columns, (len(self.columns), self.seen.shape[1]))
        place = np.searchsorted(self.columns, asked).clip(max=max(len(self.columns) - 1, 0))
        block = np.zeros((len(asked), self.seen.shape[1]), np.float32)
        if len(self.columns):
            known = self.columns[place] == asked
            block[known] = wide[place[known]].toarray()
        return similar(block, asked, n)

    def largest_reason(self, rows: Rows, ids: Ids) -> Ids:
        """The bought product that adds most to each score, (U, n) columns; -1 where nothing does.

        Args:
            rows: row numbers, (U,).
            ids: products of each row, (U, n), -1 for none.
        """
        place = np.full(self.seen.shape[1] + 1, -1, np.int64)  # the last place is that of -1
        place[self.columns] = np.arange(len(self.columns))
        slots = np.full((len(rows), len(self.columns)), -1, np.int32)
        owner, slot = np.nonzero(place[ids] >= 0)
        slots[owner, place[ids[owner, slot]]] = slot
        bought = self.seen[rows][:, self.columns]
        near = self.similarity[bought.indices]  # for each thing bought its neighbours
        line = owners(near)
        owner, source, target = owners(bought)[line], bought.indices[line], near.indices
        counts = slots[owner, target] >= 0
        owner, source, target = owner[counts], source[counts], target[counts]
        pair = owner * ids.shape[1] + slots[owner, target]
        order = np.lexsort((source, -near.data[counts], pair))
        pair, first = np.unique(pair[order], return_index=True)
        best = np.full(ids.shape, -1, np.int32)
        best.flat[pair] = self.columns[source[order][first]]
        return best

    def _sums(self, rows: Rows) -> Scores:
        return csr_matrix(self.seen[rows][:, self.columns] @ self.similarity).toarray()

    def _candidates(self, rows: Rows, n: int, limits: Limits) -> Candidates:
        block = self._sums(rows)
        limits.bar(block, self.columns)
        return best_of_block(block, self.columns, self._fitted(), n)

    def _arrays(self) -> dict[str, NDArray[Any]]:
        arrays: dict[str, NDArray[Any]] = {"columns": self.columns, "neighbours": np.array(self.neighbours)}
        for name, matrix in (("seen", self.seen), ("similarity", self.similarity)):
            arrays |= {
                f"{name}_data": matrix.data,
                f"{name}_indices": matrix.indices,
                f"{name}_indptr": matrix.indptr,
                f"{name}_shape": np.array(matrix.shape),
            }
        return arrays

    def _restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        self.neighbours, self.columns = int(arrays["neighbours"]), arrays["columns"]
        self.seen, self.similarity = (
            csr_matrix(
                (arrays[f"{name}_data"], arrays[f"{name}_indices"], arrays[f"{name}_indptr"]),
                shape=tuple(arrays[f"{name}_shape"]),
            )
            for name in ("seen", "similarity")
        )


def _spread(matrix: csr_matrix, columns: Ids, shape: tuple[int, int]) -> csr_matrix:
    """The same values over all products instead of the chosen columns."""
    return csr_matrix((matrix.data, columns[matrix.indices], matrix.indptr), shape=shape)
