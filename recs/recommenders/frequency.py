"""Personal frequency: what a customer bought most and last, the strongest simple model of retail."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recs.history import History
from recs.pairs import Columns, Owner, ordered, owners, values
from recs.protocol import Scores
from recs.ranking import Candidates, Limits
from recs.recommenders.base import PopularBase, Rows


class Frequency(PopularBase):
    """Ranks by the decayed number of lines a customer bought; `features.half_life_days` sets the decay."""

    name = "frequency"
    weights: csr_matrix

    def _learn(self, history: History) -> None:
        self.weights = ordered(history.interactions.weights)

    def evidence(self, rows: Rows, owner: Owner, columns: Columns) -> Scores:
        """The decayed number of lines of each pair, (P,)."""
        return values(self.weights[rows], owner, columns)

    def _candidates(self, rows: Rows, n: int, limits: Limits) -> Candidates:  # noqa: ARG002
        bought = self.weights[rows]
        return Candidates(owners(bought), bought.indices.astype(np.int32), bought.data)

    def _arrays(self) -> dict[str, NDArray[Any]]:
        w = self.weights
        return {"data": w.data, "indices": w.indices, "indptr": w.indptr, "shape": np.array(w.shape)}

    def _restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        parts = (arrays["data"], arrays["indices"], arrays["indptr"])
        self.weights = csr_matrix(parts, shape=tuple(arrays["shape"]))
