"""Rows of numbers for some cells of a customers × something matrix, found again by customer and column."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recs.pairs import Columns, Owner, keys
from recs.protocol import Scores


@dataclass(frozen=True)
class Cells:
    """Numbers of stored cells, like a sparse matrix with several values per cell.

    Attributes:
        indptr: (U + 1,) where each row's cells begin.
        indices: (C,) the column of each cell, ascending within a row.
        values: (C, S) float32, the numbers of each cell.
    """

    indptr: NDArray[np.int64]
    indices: Columns
    values: Scores

    @classmethod
    def of(cls, rows: NDArray[np.int32], columns: Columns, values: dict[str, Scores], users: int) -> "Cells":
        """Cells from pairs that are sorted by row and column."""
        indptr = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=users))]).astype(np.int64)
        table = np.stack(list(values.values()), axis=1) if values else np.empty((len(rows), 0))
        return cls(indptr, columns.astype(np.int32), table.astype(np.float32))

    def part(self, rows: NDArray[np.int64]) -> tuple[Owner, NDArray[np.int64]]:
        """The cells of some rows, as positions in `rows` and places in `indices`, (C',) each."""
        start, length = self.indptr[rows], self.indptr[rows + 1] - self.indptr[rows]
        owner = np.repeat(np.arange(len(rows), dtype=np.int64), length)
        before = np.cumsum(length) - length
        return owner, np.arange(len(owner), dtype=np.int64) + (start - before)[owner]

    def look_up(self, rows: NDArray[np.int64], owner: Owner, columns: Columns) -> Scores:
        """The numbers of each asked pair, (P, S); NaN where its cell is not stored."""
        stored_owner, place = self.part(rows)
        width = int(max(self.indices[place].max(initial=0), columns.max(initial=0))) + 1
        stored, asked = keys(stored_owner, self.indices[place], width), keys(owner, columns, width)
        found = np.full((len(asked), self.values.shape[1]), np.nan, np.float32)
        if len(stored):
            at = np.minimum(np.searchsorted(stored, asked), len(stored) - 1)
            hit = stored[at] == asked
            found[hit] = self.values[place[at[hit]]]
        return found
