"""What goes with a basket: for visitors of whom nothing is known but this visit, without training anew.

Both kinds learn from baskets, not from customers: what was bought together tells what will be. `ease` adds up
the weights of what the visitor has, over the most bought products. `ials` solves for the visitor's factors as
training would, with the products' as they are, and ranks every product that several customers bought. Which
one serves is a setting; docs/benchmarks.md compares how often each finds the rest of a basket.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recs.arrays import require_finite
from recs.history import History
from recs.protocol import Ids, Mask, Scores
from recs.ranked import among
from recs.recommenders import IAls
from recs.recommenders.base import places, trained_columns
from recs.recommenders.ease import product_weights
from recs.threads import one_blas_thread
from recs.topk import ItemIndex, top_k
from warehouse.errors import ModelError

ITEMS, REG = 4000, 500.0
"""How many products `ease` weighs, the most bought ones, and its regularisation."""

MASKS = 300
"""How many masks are remembered; one over 100,000 products is 100 kB."""

FACTORS = 64
LOSS = {"unobserved": 1.0, "alpha": 0.1, "reg": 0.02, "scaling": 0.5}
"""How `ials` is trained; chosen, like `REG`, on baskets of October 2017."""


@dataclass(frozen=True, slots=True)
class Visit:
    """What one visitor has, and wants.

    Attributes:
        have: (H,) see `Visitors`.
        worth: (H,) how much each counts.
        n: how many products are wanted, at least 1.
        barred: (B,) what may not be returned, few.
    """

    have: Ids
    worth: Scores
    n: int
    barred: Ids


class Visitors(Protocol):
    """Knows what goes with some products.

    In all calls `have` (H,) are columns of the catalogue, each once, and `worth` (H,) says how much each
    counts, 1 for a product in the basket. A product that the kind knows nothing of adds nothing.
    """

    kind: ClassVar[str]

    def best(self, visits: Sequence[Visit], allowed: Mask) -> list[tuple[Ids, Scores]]:
        """For each visit the products that go best with it, (at most n,) columns and scores, best first.

        Args:
            visits: who asks; what one gets does not depend on the others.
            allowed: (I,) what may be returned; not to be changed, for one of many calls is looked at once.
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
        self._among = _Among(columns)

    def best(self, visits: Sequence[Visit], allowed: Mask) -> list[tuple[Ids, Scores]]:
        """See `Visitors.best`."""
        hidden = ~self._among.of(allowed)
        return [self._best(visit, hidden) for visit in visits]

    def _best(self, visit: Visit, hidden: Mask) -> tuple[Ids, Scores]:
        rows, counts = self._known(visit.have, visit.worth)
        # Too little for BLAS: its threads would take longer to meet than to add.
        said = np.einsum("h,ht->t", counts, self.weights[rows], dtype=np.float32)
        said[hidden] = 0
        out = self._place[visit.barred]
        said[out[out >= 0]] = 0
        some = np.flatnonzero(said > 0)
        if len(some) > visit.n:
            some = some[np.argpartition(-said[some], visit.n - 1)[: visit.n]]
        some = some[np.lexsort((some, -said[some]))]
        return self.columns[some], said[some]

    def said(self, have: Ids, worth: Scores, asked: Ids) -> Scores:
        """See `Visitors.said`."""
        rows, counts = self._known(have, worth)
        at = self._place[asked]
        near = self.weights[np.ix_(rows, np.maximum(at, 0))].astype(np.float32)
        sums: Scores = np.where(at >= 0, np.maximum(np.einsum("h,ha->a", counts, near), 0), np.float32(0))
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
        """See `Visitors.arrays`."""
        return {"columns": self.columns, "weights": self.weights}

    def _known(self, have: Ids, worth: Scores) -> tuple[NDArray[np.int64], Scores]:
        at = self._place[have]
        return at[at >= 0], worth[at >= 0]


class FactorVisitors:
    """Solves for a visitor's factors; the loss is that of `recs.recommenders.ials`.

    Args:
        columns: (T,) the products that have factors, ascending.
        index: of their factors, in a turn in which (T, F) factors have no products with each other.
        spread: (F,) what was not bought weighs on each factor.
        loss: `unobserved`, `alpha`, `reg` and `scaling` that the factors were trained with.
        width: how many products there are.
    """

    kind: ClassVar[str] = "ials"

    def __init__(
        self,
        columns: Ids,
        index: ItemIndex,
        spread: NDArray[np.float64],
        loss: Mapping[str, float],
        width: int,
    ) -> None:
        self.columns, self.loss, self._place = columns, dict(loss), places(columns, width)
        self._index, self._spread, self._among = index, spread, _Among(columns)

    @classmethod
    def of(cls, columns: Ids, factors: Scores, loss: Mapping[str, float], width: int) -> "FactorVisitors":
        """Visitors of the (T, F) factors of `columns`."""
        wide = np.asarray(factors, np.float64)
        spread, turn = np.linalg.eigh(loss["unobserved"] * (wide.T @ wide))
        index = ItemIndex.of((wide @ turn).astype(np.float32))
        return cls(columns, index, np.maximum(spread, 0), loss, width)

    def best(self, visits: Sequence[Visit], allowed: Mask) -> list[tuple[Ids, Scores]]:
        """See `Visitors.best`: those who ask together share one pass over all products."""
        visitors = np.array([self._solved(visit.have, visit.worth) for visit in visits], np.float32)
        most = max(visit.n + len(visit.barred) for visit in visits)
        mask = self._among.of(allowed)
        lists = zip(visits, *top_k(visitors, self._index, most, allowed=mask, threads=1), strict=True)
        return [self._kept(visit, ids, scores) for visit, ids, scores in lists]

    def _kept(self, visit: Visit, ids: Ids, scores: Scores) -> tuple[Ids, Scores]:
        """The products of a list that are there and may be returned."""
        there = scores > 0  # what is not there stands at -inf
        found, scores = self.columns[ids[there]], scores[there]
        kept = ~among(found, visit.barred)
        return found[kept][: visit.n], scores[kept][: visit.n]

    def said(self, have: Ids, worth: Scores, asked: Ids) -> Scores:
        """See `Visitors.said`."""
        at = self._place[asked]
        if not len(self.columns):
            return np.zeros(len(asked), np.float32)
        scores = self._index.factors[np.maximum(at, 0)] @ self._solved(have, worth)
        said: Scores = np.where(at >= 0, np.maximum(scores, 0), np.float32(0))
        return said

    def behind(self, have: Ids, worth: Scores, asked: Ids) -> Ids:  # noqa: ARG002 factors name no source
        """See `Visitors.behind`; factors mix all that a visitor has, so none is named."""
        return np.full(len(asked), -1, np.int32)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """See `Visitors.arrays`."""
        found: dict[str, NDArray[Any]] = {"columns": self.columns, "spread": self._spread}
        found |= {name: np.array(value, np.float64) for name, value in self.loss.items()}
        return found | self._index.arrays()

    def _solved(self, have: Ids, worth: Scores) -> Scores:
        """The visitor's factors, in as many unknowns as they have products (the Woodbury identity)."""
        at = self._place[have]
        root = np.sqrt(self.loss["alpha"] * worth[at >= 0].astype(np.float64))
        near = self._index.factors[at[at >= 0]] * root[:, None]
        entries = len(near) + self.loss["unobserved"] * len(self.columns)
        held = near / (self._spread + self.loss["reg"] * entries ** self.loss["scaling"])
        system = held @ near.T
        system.flat[:: len(near) + 1] += 1
        found: Scores = (np.linalg.solve(system, root) @ held).astype(np.float32)
        return found


class _Among:
    """Masks over all products as masks over some: those asked about last are remembered.

    Args:
        columns: (T,) the products.
    """

    def __init__(self, columns: Ids) -> None:
        self._columns = columns
        self._known: dict[int, tuple[Mask, Mask]] = {}

    def of(self, mask: Mask) -> Mask:
        """The mask over the products, (T,)."""
        known = self._known.get(id(mask))
        if known is not None and known[0] is mask:  # one that is held keeps its id
            return known[1]
        found: Mask = mask[self._columns]
        if len(self._known) >= MASKS:
            self._known.clear()
        self._known[id(mask)] = (mask, found)
        return found


def learn(kind: str, history: History, seed: int) -> Visitors:
    """Visitors of a kind, from the baskets of a history.

    Raises:
        ModelError: there is no such kind, or what was learned is not finite.
    """
    width = history.catalogue.height
    columns = trained_columns(history)
    if kind == EaseVisitors.kind:
        most = np.argsort(-history.buyers[columns], kind="stable")[:ITEMS]
        columns = np.sort(columns[most])
        with one_blas_thread():
            weights = product_weights(baskets(history, columns), REG)
        require_finite("the weights of visitors", weights)
        # Half precision is plenty for weights that are added up.
        return EaseVisitors(columns, weights.astype(np.float16), width)
    if kind == FactorVisitors.kind:
        together = baskets(history, columns)
        together.data *= np.float32(LOSS["alpha"])
        solver = IAls(factors=FACTORS, seed=seed, alpha=LOSS["alpha"], reg=LOSS["reg"])
        with one_blas_thread():
            _, factors = solver.solve(together)
        require_finite("the factors of visitors", factors)
        return FactorVisitors.of(columns, factors.astype(np.float32), LOSS, width)
    raise ModelError(f"there are no visitors of the kind {kind!r}; there are ease and ials")


def baskets(history: History, columns: Ids) -> csr_matrix:
    """What was bought together, (orders, T) float32: 1 where a product of `columns` is in the basket."""
    place = places(columns, history.catalogue.height)
    cells = history.lines.select("order", "column").unique().sort("order", "column")
    order, at = cells["order"].to_numpy(), place[cells["column"].to_numpy()]
    known = at >= 0
    shape = (int(order.max(initial=-1)) + 1, len(columns))
    return csr_matrix((np.ones(int(known.sum()), np.float32), (order[known], at[known])), shape=shape)


def restored(kind: str, arrays: Mapping[str, NDArray[Any]], width: int) -> Visitors:
    """What `arrays` gave, of a shop of `width` products."""
    if kind == EaseVisitors.kind:
        return EaseVisitors(arrays["columns"], arrays["weights"], width)
    loss = {name: float(arrays[name]) for name in LOSS}
    return FactorVisitors(arrays["columns"], ItemIndex.restored(arrays), arrays["spread"], loss, width)
