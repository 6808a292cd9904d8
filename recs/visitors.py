"""What goes with a basket: for visitors of whom nothing is known but this visit, without training anew.

There are two kinds. `ease` adds up the weights of what the visitor has, over the most bought products. `ials`
solves for the visitor's factors as training would, with the products' as they are, and ranks every product
that several customers bought. Which one serves is a setting; docs/benchmarks.md compares how often each finds
the rest of a basket.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from recs.history import History
from recs.protocol import Ids, Mask, Recommender, Scores
from recs.recommenders.base import places
from recs.topk import ItemIndex, top_k
from warehouse.errors import ModelError

BAG = np.float32(0.5 + np.log(2))
"""What one purchase counts in training; see `recs.recommenders.base.bags`."""


class Visitors(Protocol):
    """Knows what goes with some products.

    In all calls `have` (H,) are columns of the catalogue, each once, and `worth` (H,) says how much each
    counts, 1 for one purchase. A product that the kind knows nothing of adds nothing.
    """

    kind: ClassVar[str]

    def best(self, have: Ids, worth: Scores, n: int, allowed: Mask) -> tuple[Ids, Scores]:
        """The products that go best with them, (at most n,) columns and scores, best first.

        Args:
            have: what the visitor has.
            worth: how much each counts.
            n: how many, at least 1.
            allowed: (I,) what may be returned.
        """
        ...

    def said(self, have: Ids, worth: Scores, asked: Ids) -> Scores:
        """How well each asked product goes with them, (A,); 0 for one that nothing is known of."""
        ...

    def behind(self, have: Ids, worth: Scores, asked: Ids) -> Ids:
        """For each asked product the one of `have` that adds most to it, (A,); -1 where none does."""
        ...

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All that it knows, for `restored`."""
        ...


class EaseVisitors:
    """Adds up weights, where above 0.

    Args:
        columns: (T,) the products that have weights, ascending.
        weights: (T, T); row: what they have, column: what goes with it.
        width: how many products there are.
    """

    kind: ClassVar[str] = "ease"

    def __init__(self, columns: Ids, weights: NDArray[np.floating[Any]], width: int) -> None:
        self.columns, self.weights, self._place = columns, weights, places(columns, width)

    def best(self, have: Ids, worth: Scores, n: int, allowed: Mask) -> tuple[Ids, Scores]:
        """See `Visitors.best`."""
        rows, counts = self._known(have, worth)
        said = counts @ self.weights[rows].astype(np.float32)
        said[~allowed[self.columns]] = 0
        some = np.flatnonzero(said > 0)
        if len(some) > n:
            some = some[np.argpartition(-said[some], n - 1)[:n]]
        some = some[np.lexsort((some, -said[some]))]
        return self.columns[some], said[some]

    def said(self, have: Ids, worth: Scores, asked: Ids) -> Scores:
        """See `Visitors.said`."""
        rows, counts = self._known(have, worth)
        at = self._place[asked]
        near = self.weights[np.ix_(rows, np.maximum(at, 0))].astype(np.float32)
        sums: Scores = np.where(at >= 0, np.maximum(counts @ near, 0), np.float32(0))
        return sums

    def behind(self, have: Ids, worth: Scores, asked: Ids) -> Ids:
        """See `Visitors.behind`."""
        rows, counts = self._known(have, worth)
        if not len(rows) or not len(asked):
            return np.full(len(asked), -1, np.int32)
        at = self._place[asked]
        adds = counts[:, None] * self.weights[np.ix_(rows, np.maximum(at, 0))]
        most = adds.argmax(axis=0)
        real = (at >= 0) & (adds[most, np.arange(len(asked))] > 0)
        return np.where(real, self.columns[rows[most]], -1).astype(np.int32)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """See `Visitors.arrays`; half precision is plenty for weights that are added up."""
        return {"columns": self.columns, "weights": self.weights.astype(np.float16)}

    def _known(self, have: Ids, worth: Scores) -> tuple[NDArray[np.int64], Scores]:
        at = self._place[have]
        return at[at >= 0], worth[at >= 0] * BAG


class FactorVisitors:
    """Solves for a visitor's factors; the loss is that of `recs.recommenders.ials`.

    Args:
        columns: (T,) the products that have factors, ascending.
        factors: (T, F).
        loss: `unobserved`, `alpha`, `reg` and `scaling` that the factors were trained with.
        width: how many products there are.
    """

    kind: ClassVar[str] = "ials"

    def __init__(self, columns: Ids, factors: Scores, loss: Mapping[str, float], width: int) -> None:
        self.columns, self.loss, self._place = columns, dict(loss), places(columns, width)
        self._index = ItemIndex.of(factors)
        wide = self._index.factors.astype(np.float64)
        self._gram = self.loss["unobserved"] * (wide.T @ wide)

    def best(self, have: Ids, worth: Scores, n: int, allowed: Mask) -> tuple[Ids, Scores]:
        """See `Visitors.best`."""
        visitor = self._solved(have, worth)
        ids, scores = top_k(visitor[None], self._index, n, allowed=allowed[self.columns], threads=1)
        real = scores[0] > 0
        return self.columns[ids[0][real]], scores[0][real]

    def said(self, have: Ids, worth: Scores, asked: Ids) -> Scores:
        """See `Visitors.said`."""
        at = self._place[asked]
        scores = self._index.factors[np.maximum(at, 0)] @ self._solved(have, worth)
        said: Scores = np.where(at >= 0, np.maximum(scores, 0), np.float32(0))
        return said

    def behind(self, have: Ids, worth: Scores, asked: Ids) -> Ids:  # noqa: ARG002 factors name no source
        """See `Visitors.behind`; factors mix all that a visitor has, so none is named."""
        return np.full(len(asked), -1, np.int32)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """See `Visitors.arrays`."""
        loss = {name: np.array(value, np.float64) for name, value in self.loss.items()}
        return {"columns": self.columns, "factors": self._index.factors} | loss

    def _solved(self, have: Ids, worth: Scores) -> Scores:
        at = self._place[have]
        near = self._index.factors[at[at >= 0]].astype(np.float64)
        weight = self.loss["alpha"] * BAG * worth[at >= 0].astype(np.float64)
        entries = len(near) + self.loss["unobserved"] * len(self.columns)
        system = self._gram + (near.T * weight) @ near
        system[np.diag_indices(len(system))] += self.loss["reg"] * entries ** self.loss["scaling"]
        return np.linalg.solve(system, near.T @ weight).astype(np.float32)


LOSS = ("unobserved", "alpha", "reg", "scaling")


def learn(kind: str, model: Recommender, history: History) -> Visitors:
    """Visitors of a kind from the model of that name, fitted on a history.

    Raises:
        ModelError: there is no such kind.
    """
    width = history.catalogue.height
    if kind == EaseVisitors.kind:
        columns, weights = model.among_products(history)  # type: ignore[attr-defined]
        return EaseVisitors(columns, weights, width)
    if kind == FactorVisitors.kind:
        loss = {name: float(model.parameters[name]) for name in LOSS}
        return FactorVisitors(model.columns, model.product_factors, loss, width)  # type: ignore[attr-defined]
    raise ModelError(f"there are no visitors of the kind {kind!r}; there are ease and ials")


def restored(kind: str, arrays: Mapping[str, NDArray[Any]], width: int) -> Visitors:
    """What `arrays` gave, of a shop of `width` products."""
    if kind == EaseVisitors.kind:
        return EaseVisitors(np.asarray(arrays["columns"]), arrays["weights"], width)
    loss = {name: float(arrays[name]) for name in LOSS}
    return FactorVisitors(np.asarray(arrays["columns"]), np.asarray(arrays["factors"]), loss, width)
