"""Less of the same: caps on a category, and maximal marginal relevance (MMR), as an order of a longer list.

Both only put the products of a list into another order; neither brings any in. What they cost in NDCG stands
in `docs/how-it-works/recommendations.md`.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from recs.protocol import Ids, Scores

FIRST = 10
"""How many places a category cap looks at: what a shop page shows at once."""

DEEPER = 4
"""How many times deeper a list is that boosts, a cap or MMR put in another order."""

Order = NDArray[np.int64]


class Wanted(Protocol):
    """How much alike the products of a list may be; see `recs.shop.Policy`."""

    @property
    def category_cap(self) -> int: ...
    @property
    def mmr(self) -> float: ...


def diverse(ids: Ids, scores: Scores, kinds: NDArray[np.int32], wanted: Wanted, n: int) -> tuple[Ids, Scores]:
    """Lists in the order that MMR and then the cap ask for; see `mmr` and `capped`.

    Args:
        ids: (U, m) columns, best first, -1 for none.
        scores: (U, m).
        kinds: (I, K) what each product is, first its category.
        wanted: what is asked for.
        n: how many places MMR fills.
    """
    if wanted.mmr > 0:
        ids, scores = taken(mmr(ids, scores, kinds, wanted.mmr, n), ids, scores)
    if wanted.category_cap > 0:
        ids, scores = taken(capped(ids, kinds[:, 0], wanted.category_cap), ids, scores)
    return ids, scores


def taken(order: Order, ids: Ids, scores: Scores) -> tuple[Ids, Scores]:
    """Lists (U, m) in another order of their positions."""
    return np.take_along_axis(ids, order, 1), np.take_along_axis(scores, order, 1)


def capped(ids: Ids, category: NDArray[np.int32], cap: int, first: int = FIRST) -> Order:
    """An order in which no category has more than `cap` products among the first places.

    Where a list has too few other products, those over the cap follow all the same.

    Args:
        ids: (U, n) columns, best first, -1 for none.
        category: (I,) the category of each product, -1 where unknown; the unknown ones are not counted.
        cap: how many, at least 1.
        first: how many places.

    Returns:
        for each row the positions of its list in their new order, (U, n).
    """
    users, n = ids.shape
    kind = np.where(ids >= 0, category[ids], -1)
    over = (kind >= 0) & (_earlier_alike(kind) >= cap)
    ahead = np.cumsum(~over & (ids >= 0), axis=1)
    leads = ~over & (ids >= 0) & (ahead <= first)
    place = np.broadcast_to(np.arange(n), (users, n))
    return np.argsort(np.where(leads, place, place + n), axis=1, kind="stable")


def mmr(ids: Ids, scores: Scores, kinds: NDArray[np.int32], weight: float, n: int) -> Order:
    """The order of maximal marginal relevance (Carbonell and Goldstein, 1998).

    Each place goes to the product with the largest `(1 - weight) × score - weight × likeness`, the score as a
    share of the best one's, and likeness the largest to any product before it: the share of `kinds` in which
    two products are the same.

    Args:
        ids: (U, m) columns, best first, -1 for none.
        scores: (U, m), at least 0 where there is a product.
        kinds: (I, K) what each product is, -1 where unknown: then it is like none.
        weight: 0 (scores alone) … 1.
        n: how many places are filled so; the others follow as they stood.

    Returns:
        for each row the positions of its list in their new order, (U, m).
    """
    users, m = ids.shape
    there, row = ids >= 0, np.arange(users)
    best = np.maximum(np.where(there, scores, 0).max(axis=1, initial=0), np.finfo(np.float32).tiny)
    share = np.where(there, scores, -np.inf) / best[:, None]
    mine = np.where(there[:, :, None], kinds[ids], -1)
    likeness, free = np.zeros((users, m)), there.copy()
    place = np.broadcast_to(np.arange(m), (users, m)) + m
    for number in range(min(n, m)):
        value = np.where(free, (1 - weight) * np.where(there, share, 0) - weight * likeness, -np.inf)
        chosen = value.argmax(axis=1)
        some = free[row, chosen]
        place[row[some], chosen[some]] = number
        free[row, chosen] = False
        same = (mine == mine[row, chosen][:, None, :]) & (mine >= 0)
        likeness = np.maximum(likeness, same.mean(axis=2))
    return np.argsort(place, axis=1, kind="stable")


def _earlier_alike(kind: NDArray[np.int32]) -> NDArray[np.int64]:
    """How many products before each one in its row are of its kind, (U, n)."""
    users, n = kind.shape
    owner = np.repeat(np.arange(users), n)
    flat = kind.ravel()
    order = np.lexsort((np.arange(users * n), flat, owner))
    begins = np.ones(users * n, np.bool_)
    begins[1:] = (flat[order][1:] != flat[order][:-1]) | (owner[order][1:] != owner[order][:-1])
    start = np.maximum.accumulate(np.where(begins, np.arange(users * n), 0))
    found = np.empty(users * n, np.int64)
    found[order] = np.arange(users * n) - start
    return found.reshape(users, n)
