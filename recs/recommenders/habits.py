"""Models that know something only of what a customer bought: one number for each such pair."""

from abc import abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recs.history import History
from recs.pairs import Columns, Owner, ordered, owners, values
from recs.protocol import Scores
from recs.ranking import Candidates, Limits
from recs.recommenders.base import PopularBase, Rows, packed, unpacked


class HabitModel(PopularBase):
    """Ranks what a customer bought by a number, never below 0; a model says which (`_habits`)."""

    habits: csr_matrix

    @abstractmethod
    def _habits(self, history: History) -> csr_matrix:
        """The number of each pair that was bought, (U, I) float32."""

    def _learn(self, history: History) -> None:
        self.habits = ordered(self._habits(history))

    def evidence(self, rows: Rows, owner: Owner, columns: Columns) -> Scores:
        """The number of each pair, (P,)."""
        return values(self.habits[rows], owner, columns)

    def _candidates(self, rows: Rows, n: int, limits: Limits) -> Candidates:  # noqa: ARG002
        bought = self.habits[rows]
        return Candidates(owners(bought), bought.indices.astype(np.int32), bought.data)

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return packed(habits=self.habits)

    def _restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        self.habits = unpacked(arrays, "habits")
