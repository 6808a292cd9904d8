"""The lists of an invented retailer's customers, from factors, with reasons a customer could be told."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from benchmarks.scoring.retailer import Habits
from recs.pairs import owners
from recs.pins import Lists
from recs.protocol import Ids, Mask, Scores
from recs.topk import ItemIndex, top_k
from recs.wording import BOUGHT, POPULAR, RHYTHM, TOGETHER, TOGETHER_UNNAMED


@dataclass(frozen=True)
class Listing:
    """What all lists are made from: the products' `index`, which are `sensitive`, how `deep` lists are."""

    index: ItemIndex
    sensitive: Mask
    deep: int

    def slates(self, customers: Scores, bought: csr_matrix, habits: Habits) -> dict[str, Lists]:
        """The three slates of a block of customers.

        Args:
            customers: (B, F) their factors.
            bought: (B, I) pattern of what they bought, ordered.
            habits: of each cell of it.
        """
        fresh = self._fresh(customers, bought, habits)
        own = self._own(customers, bought, habits)
        due = self._own(customers, bought, habits, habits.resting == 0)
        return {"for_you": _best(fresh, own, self.deep), "buy_again": due, "discover": fresh}

    def popular(self, buyers: NDArray[np.int64]) -> dict[str, Lists]:
        """The slates of a customer nobody knows."""
        ids = np.argsort(-np.where(self.sensitive, -1, buyers), kind="stable")[None, : self.deep]
        found = _empty(1, self.deep)
        many = ids.shape[1]
        found["items"][:, :many], found["scores"][:, :many] = ids, buyers[ids] / max(buyers.max(), 1)
        found["codes"][:, :many], found["facts"][:, :many, 0] = POPULAR, buyers[ids]
        return {"for_you": found, "buy_again": _empty(1, self.deep), "discover": found}

    def _fresh(self, customers: Scores, bought: csr_matrix, habits: Habits) -> Lists:
        found = _empty(len(customers), self.deep)
        ids, scores = top_k(customers, self.index, self.deep, exclude=bought, allowed=~self.sensitive)
        first = bought.indptr[:-1]  # everybody bought something
        source, there = bought.indices[first], ids >= 0
        code = np.where(self.sensitive[source], TOGETHER_UNNAMED, TOGETHER)[:, None]
        found["items"][:], found["scores"][:] = ids, scores
        found["codes"][:] = np.where(there, code, 0)
        found["facts"][:] = np.stack([source, habits.last[first]], axis=1)[:, None, :] * there[:, :, None]
        return found

    def _own(self, customers: Scores, bought: csr_matrix, habits: Habits, some: Mask | None = None) -> Lists:
        kept = np.ones(bought.nnz, np.bool_) if some is None else some
        owner, columns = owners(bought)[kept], bought.indices[kept]
        scores = np.einsum("pf,pf->p", customers[owner], self.index.factors[columns])
        order = np.lexsort((-scores, owner))
        owner = owner[order]
        place = np.arange(len(owner)) - np.searchsorted(owner, owner)
        order, owner, place = (part[place < self.deep] for part in (order, owner, place))
        regular = habits.rhythm[kept][order] > 0
        found = _empty(len(customers), self.deep)
        found["items"][owner, place], found["scores"][owner, place] = columns[order], scores[order]
        found["codes"][owner, place] = np.where(regular, RHYTHM, BOUGHT)
        times = np.where(regular, habits.rhythm[kept][order], habits.baskets[kept][order])
        found["facts"][owner, place] = np.stack([times, habits.last[kept][order]], axis=1)
        return found


def _best(one: Lists, other: Lists, deep: int) -> Lists:
    """The best of two lists of each customer."""
    both = {name: np.concatenate([one[name], other[name]], axis=1) for name in one}
    order = np.argsort(-both["scores"], axis=1, kind="stable")[:, :deep]
    return {name: values[np.arange(len(order))[:, None], order] for name, values in both.items()}


def _empty(customers: int, deep: int) -> Lists:
    items: Ids = np.full((customers, deep), -1, np.int32)
    return {
        "items": items,
        "scores": np.full((customers, deep), -np.inf, np.float32),
        "codes": np.zeros((customers, deep), np.uint8),
        "facts": np.zeros((customers, deep, 2), np.int32),
    }
