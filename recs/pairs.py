"""Sparse rows as flat pairs (owner, column): the form in which lists are filtered and merged."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

Owner = NDArray[np.int64]
Columns = NDArray[np.int32]


def owners(matrix: csr_matrix) -> Owner:
    """For every stored value the row it is in, (nnz,)."""
    return np.repeat(np.arange(matrix.shape[0], dtype=np.int64), np.diff(matrix.indptr))


def keys(owner: NDArray[Any], columns: NDArray[Any], width: int) -> NDArray[np.int64]:
    """One number per pair; pairs sorted by owner and column have ascending numbers."""
    numbers: NDArray[np.int64] = owner.astype(np.int64) * width + columns
    return numbers


def positions(pattern: csr_matrix, owner: Owner, columns: Columns) -> NDArray[np.int64]:
    """Where each pair is stored in a matrix with sorted indices; -1 where it is not."""
    stored = keys(owners(pattern), pattern.indices, pattern.shape[1])
    asked = keys(owner, columns, pattern.shape[1])
    if not len(stored):
        return np.full(len(asked), -1, np.int64)
    found = np.minimum(np.searchsorted(stored, asked), len(stored) - 1)
    return np.where(stored[found] == asked, found, -1)


def contained(pattern: csr_matrix, owner: Owner, columns: Columns) -> NDArray[np.bool_]:
    """Whether each pair is stored in the pattern."""
    return positions(pattern, owner, columns) >= 0


def values(matrix: csr_matrix, owner: Owner, columns: Columns) -> NDArray[Any]:
    """The value of each pair, 0 where none is stored, (P,) of the matrix's type."""
    at = positions(matrix, owner, columns)
    if not matrix.nnz:
        return np.zeros(len(at), matrix.dtype)
    return np.where(at >= 0, matrix.data[at], matrix.dtype.type(0))


def ordered(matrix: csr_matrix) -> csr_matrix:
    """The same matrix with each row's columns ascending and once."""
    if matrix.has_canonical_format:
        return matrix
    copy = matrix.copy()
    copy.sum_duplicates()
    return copy
