"""What every recommender can do, in one verb set.

A recommender is fitted on a history and then spoken to in numbers only: `rows` of customers and
`columns` of products, as the history has them. Ids are the bundle's business.
"""

from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix

from recs.history import History

Ids = NDArray[np.int32]
Scores = NDArray[np.float32]
Mask = NDArray[np.bool_]


class Recommender(Protocol):
    """A model that ranks products for customers.

    Every model keeps these promises, which `tests/recs/contract.py` holds it to:

    - a customer without history gets popular products;
    - where fewer than `n` products are eligible, the list ends in -1 at -inf, never in ineligible ones;
    - equal scores are ordered by popularity, then by column;
    - the same history and settings give the same lists, with any number of threads.
    """

    name: ClassVar[str]

    @property
    def parameters(self) -> dict[str, Any]:
        """What the model was made with, by keyword; JSON values only."""
        ...

    def fit(self, history: History) -> Self:
        """Learns from a history and forgets everything learned before.

        Raises:
            ModelError: the history, or what was learned from them, hold NaN or infinity.
        """
        ...

    def recommend(
        self,
        rows: ArrayLike,
        n: int,
        *,
        exclude: csr_matrix | None = None,
        only: csr_matrix | None = None,
        allowed: Mask | None = None,
    ) -> tuple[Ids, Scores]:
        """The `n` best products for each asked customer.

        Args:
            rows: one row number or several, (U,).
            n: how many, at least 1.
            exclude: (U, I) pattern over the asked rows: products not to return.
            only: (U, I) pattern over the asked rows: the only products eligible.
            allowed: (I,) products eligible for anyone.

        Returns:
            ids int32 (U, n) and scores float32 (U, n), best first, -1 and -inf where fewer are eligible.

        Raises:
            ModelError: not fitted, a row or shape does not fit, or a score is NaN.
        """
        ...

    def evidence(self, rows: NDArray[np.int64], owner: NDArray[np.int64], columns: Ids) -> Scores:
        """What the model itself says for single pairs, popularity aside; 0 where it knows nothing.

        Args:
            rows: row numbers, (U,).
            owner: positions in `rows`, (P,).
            columns: products, (P,).
        """
        ...

    def save(self, folder: Path) -> Path:
        """Writes `<name>.npz`, the same bytes for the same model; returns its path."""
        ...

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Reads what `save` wrote.

        Raises:
            ModelError: the file is missing or not what `save` writes.
        """
        ...


class FindsSimilar(Protocol):
    """A model that also knows which products go together."""

    def similar_items(self, columns: ArrayLike, n: int) -> tuple[Ids, Scores]:
        """The `n` products most like each asked one, itself left out; shapes as in `recommend`."""
        ...
