"""Popularity: what many customers bought lately, the same for everyone."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recs.history import History
from recs.pairs import Columns, Owner
from recs.protocol import Scores
from recs.ranking import Candidates, Limits
from recs.recommenders.base import PopularBase, Rows


class Popularity(PopularBase):
    """Ranks by popularity alone; it has no evidence about anyone."""

    name = "popularity"

    def _learn(self, history: History) -> None:
        pass  # the base knows popularity already

    def evidence(self, rows: Rows, owner: Owner, columns: Columns) -> Scores:  # noqa: ARG002
        """Nothing about single customers: zeros (P,)."""
        return np.zeros(len(columns), np.float32)

    def _candidates(self, rows: Rows, n: int, limits: Limits) -> Candidates:  # noqa: ARG002
        return Candidates.none()

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {}

    def _restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        pass
