"""Models that say something of many products at once: evidence as dense blocks of customers by products."""

from abc import abstractmethod

import numpy as np

from recs.pairs import Columns, Owner
from recs.protocol import Ids, Scores
from recs.ranking import Candidates, Limits, best_of_block
from recs.recommenders.base import PopularBase, Rows, grouped, places
from recs.threads import one_blas_thread


class BlockModel(PopularBase):
    """Ranks the products of its `columns`, which ascend, by what it says of whole rows (`_said`)."""

    columns: Ids

    @abstractmethod
    def _said(self, rows: Rows) -> Scores:
        """Evidence of a block of rows over `columns`, (U, T), never below 0, in memory of its own."""

    def _block(self, rows: Rows) -> Scores:
        """What `_said` says, (U, T); not to be changed, for it is kept until other rows are asked about."""
        found: Scores = self.last.of(rows, lambda: self._said(rows))
        return found

    def evidence(self, rows: Rows, owner: Owner, columns: Columns) -> Scores:
        """What is said of each pair, 0 for a product that is not among the columns, (P,)."""
        at = places(self.columns, len(self._fitted().order))[columns]
        said = np.zeros(len(columns), np.float32)
        with one_blas_thread():
            for block, pairs in grouped(owner, len(rows)):
                known = pairs[at[pairs] >= 0]
                said[known] = self._block(rows[block])[owner[known] - block.start, at[known]]
        return said

    def _candidates(self, rows: Rows, n: int, limits: Limits) -> Candidates:
        block = self._block(rows).copy()
        limits.bar(block, self.columns)
        return best_of_block(block, self.columns, self._fitted(), n)
