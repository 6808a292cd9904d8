"""Implicit alternating least squares with a weight for what was not bought, solved exactly.

The loss and the regularisation scaled by frequency are those of Rendle, Krichene, Zhang and Koren,
"Revisiting the performance of iALS on item recommendation benchmarks" (2021):

    Σ bought  w (x·y − 1)²  +  unobserved Σ all (x·y)²
      +  reg Σ customers (n + unobserved × products)^scaling |x|²  +  the same over products

with n the number of a row's products (or a product's customers).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recs.history import History
from recs.protocol import Ids, Scores
from recs.recommenders.base import bags
from recs.recommenders.factors import FactorModel

_POWER = 3
"""Power iterations before the first epoch: after three, two epochs do what six do from chance."""

_AT_ONCE = 4_000_000
"""Numbers in one block of gathered factors: 16 MiB."""


class IAls(FactorModel):
    """Ranks by factors; what was bought weighs `alpha` times what it counts in `base.bags`.

    Args:
        factors: length of the vectors, at most as many as there are customers or products.
        unobserved: weight of a pair that was not bought; of one that was, beside `alpha`.
        alpha: weight of a pair that was bought, beside what it counts.
        reg: regularisation.
        scaling: how regularisation grows with frequency: 0 not at all, 1 in proportion.
        epochs: how often both sides are solved.
        seed: of the start.
    """

    name = "ials"

    def __init__(
        self,
        *,
        factors: int = 128,
        unobserved: float = 1.0,
        alpha: float = 0.1,
        reg: float = 0.02,
        scaling: float = 0.5,
        epochs: int = 2,
        seed: int = 0,
    ) -> None:
        self.factors, self.unobserved, self.alpha, self.reg = factors, unobserved, alpha, reg
        self.scaling, self.epochs, self.seed = scaling, epochs, seed

    def _solved(self, history: History, columns: Ids) -> tuple[Scores, Scores]:
        weights = bags(history, columns)
        weights.data *= np.float32(self.alpha)
        return self.solve(weights)

    def solve(self, weights: csr_matrix) -> tuple[Scores, Scores]:
        """Factors of the rows (U, F) and columns (T, F) of weights (U, T); the rows' are the last solved."""
        across = csr_matrix(weights.T)
        customers = products = self._start(weights, across)
        for _ in range(self.epochs):
            products, _ = self.side(across, customers)
            customers, products = self.side(weights, products)
        return customers, products

    def _start(self, weights: csr_matrix, across: csr_matrix) -> Scores:
        """Factors of rows (U, F) along the directions that hold most of the weights, so that few epochs do.

        The range of the weights is found by power iteration from chance (Halko, Martinsson and Tropp,
        "Finding structure with randomness", 2011); each direction is as long as the root of what it holds.
        """
        chance = np.random.default_rng(self.seed)
        basis = chance.standard_normal((weights.shape[0], min(self.factors, *weights.shape))).astype(
            np.float32
        )
        for _ in range(_POWER):
            basis, _ = np.linalg.qr(weights @ (across @ basis))
        held = across @ basis
        squares, turn = np.linalg.eigh((held.T @ held).astype(np.float64))
        start: Scores = basis @ (turn * np.maximum(squares, 0) ** 0.25).astype(np.float32)
        return start

    def side(self, weights: csr_matrix, others: Scores) -> tuple[Scores, Scores]:
        """The exact factors of one side, given the other's.

        Both are turned so that the unobserved part of every row's system is diagonal. A row with fewer
        entries than factors is then solved in as many unknowns as it has entries.

        Args:
            weights: (R, C) weights of what was bought.
            others: (C, F) factors of the columns.

        Returns:
            (R, F) factors of the rows, and those of the columns in the same turn.
        """
        spread, turn = np.linalg.eigh((others.T @ others).astype(np.float64))
        others = others @ turn.astype(np.float32)
        base = self.unobserved * np.maximum(spread, 0)
        entries = np.diff(weights.indptr)
        decay = self.reg * (entries + self.unobserved * weights.shape[1]) ** self.scaling
        factors = others.shape[1]
        solved = np.zeros((weights.shape[0], factors), np.float32)
        for rows in _blocks(entries, factors):
            diagonal = (base + decay[rows, None]).astype(np.float32)
            near, root = _gathered(weights, rows, others)
            solve = _few if near.shape[1] < factors else _many
            solved[rows] = solve(near, root, diagonal)
        return solved, others


def _blocks(entries: NDArray[Any], factors: int) -> list[NDArray[np.int64]]:
    """Rows with entries, by how many they have, in blocks that fit into memory."""
    rows = np.argsort(entries, kind="stable")
    rows = rows[entries[rows] > 0]
    blocks, start = [], 0
    while start < len(rows):
        room = _AT_ONCE // factors
        size = np.maximum(entries[rows[start : start + room]], factors)
        stop = start + max(int(np.searchsorted(size * np.arange(1, len(size) + 1), room, "right")), 1)
        blocks.append(rows[start:stop])
        start = stop
    return blocks


def _gathered(weights: csr_matrix, rows: NDArray[np.int64], others: Scores) -> tuple[Scores, Scores]:
    """The other side's factors (R, N, F) of what each row has, times the root of its weight, and the roots.

    Shorter rows are filled up with zeros, which change no solution.
    """
    starts, lengths = weights.indptr[rows], np.diff(weights.indptr)[rows]
    at = np.arange(lengths.max())
    real = at < lengths[:, None]
    place = np.where(real, starts[:, None] + at, 0)
    root = np.where(real, np.sqrt(weights.data[place]), 0).astype(np.float32)
    return others[weights.indices[place]] * root[:, :, None], root


def _many(near: Scores, root: Scores, diagonal: Scores) -> Scores:
    """Solves (D + N'N) x = N'r for each row, in as many unknowns as there are factors."""
    across = near.transpose(0, 2, 1)
    system = across @ near
    at = np.arange(system.shape[1])
    system[:, at, at] += diagonal
    solved: Scores = np.linalg.solve(system, across @ root[:, :, None])[:, :, 0]
    return solved


def _few(near: Scores, root: Scores, diagonal: Scores) -> Scores:
    """The same x = D⁻¹N'(I + ND⁻¹N')⁻¹ r, in as many unknowns as there are entries."""
    scaled = near / diagonal[:, None, :]
    system = scaled @ near.transpose(0, 2, 1)
    at = np.arange(system.shape[1])
    system[:, at, at] += 1
    part = np.linalg.solve(system, root[:, :, None])
    solved: Scores = (scaled.transpose(0, 2, 1) @ part)[:, :, 0]
    return solved
