"""Exact top-n lists: a model's own candidates merged with popular products, under a caller's limits.

A score is `evidence + FILL × popularity share`. Evidence is what the model itself says and is never below
0, so a product without any can stand no higher than its popularity, and ties fall by popularity. Whatever
a model does not know about a customer is thus filled by what many customers buy.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recs.pairs import Columns, Owner, contained, ordered, owners
from recs.protocol import Ids, Mask, Scores
from warehouse.errors import ModelError

FILL = np.float32(1e-4)
"""What full popularity is worth: below any habit of the last two years at a half-life of 60 days."""

_GROUP = 32
"""Columns that are looked at together when most of them are to be passed over."""


@dataclass(frozen=True)
class Popular:
    """How popular each product is, and their order by it.

    Attributes:
        share: (I,) float32, 1 for the most popular product.
        order: (I,) columns, most popular first, equals by column.
        rank: (I,) the place of each column in `order`.
    """

    share: Scores
    order: Ids
    rank: Ids

    @classmethod
    def of(cls, share: Scores) -> "Popular":
        """The order that shares imply."""
        order = np.argsort(-share, kind="stable").astype(np.int32)
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order), dtype=np.int32)
        return cls(share, order, rank)

    def score(self, evidence: Scores, columns: Columns) -> Scores:
        """Evidence and popularity together."""
        return evidence + FILL * self.share[columns]


@dataclass(frozen=True)
class Limits:
    """What may be returned: for each asked row `exclude` and `only`, for everyone `allowed`."""

    exclude: csr_matrix | None = None
    only: csr_matrix | None = None
    allowed: Mask | None = None

    @classmethod
    def checked(
        cls, shape: tuple[int, int], exclude: csr_matrix | None, only: csr_matrix | None, allowed: Mask | None
    ) -> "Limits":
        """Limits over (U, I) rows.

        Raises:
            ModelError: a shape differs.
        """
        for name, pattern in (("exclude", exclude), ("only", only)):
            if pattern is not None and pattern.shape != shape:
                raise ModelError(f"{name} has shape {pattern.shape}; it needs one row per asked row: {shape}")
        if allowed is not None and allowed.shape != shape[1:]:
            raise ModelError(
                f"allowed has shape {allowed.shape}; it needs one value per product: {shape[1:]}"
            )
        return cls(
            None if exclude is None else ordered(exclude), None if only is None else ordered(only), allowed
        )

    def rows(self, start: int, stop: int) -> "Limits":
        """The limits of a range of the asked rows."""
        return Limits(
            None if self.exclude is None else self.exclude[start:stop],
            None if self.only is None else self.only[start:stop],
            self.allowed,
        )

    def keep(self, owner: Owner, columns: Columns) -> Mask:
        """Which pairs may be returned, `only` aside."""
        keep = np.ones(len(owner), np.bool_)
        if self.allowed is not None:
            keep &= self.allowed[columns]
        if self.exclude is not None:
            keep &= ~contained(self.exclude, owner, columns)
        return keep

    def bar(self, block: Scores, columns: Columns | None = None) -> None:
        """Sets what may not be returned to -inf in a dense block (U, T) over `columns` (all by default)."""
        if self.allowed is not None:
            block[:, ~(self.allowed if columns is None else self.allowed[columns])] = -np.inf
        if self.exclude is None:
            return
        owner, barred = owners(self.exclude), self.exclude.indices.astype(np.int64)
        if columns is not None:
            place = np.full(self.exclude.shape[1], -1, np.int64)
            place[columns] = np.arange(len(columns))
            barred = place[barred]
            owner, barred = owner[barred >= 0], barred[barred >= 0]
        block[owner, barred] = -np.inf


@dataclass(frozen=True)
class Candidates:
    """Pairs of an owner (asked row) and a column, with the evidence, later the score, of each."""

    owner: Owner
    columns: Columns
    value: Scores

    @classmethod
    def none(cls) -> "Candidates":
        """No proposal: the list is filled with popular products."""
        return cls(np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.float32))

    def joined(self, other: "Candidates") -> "Candidates":
        """Both, one after the other."""
        return Candidates(
            np.concatenate([self.owner, other.owner]),
            np.concatenate([self.columns, other.columns]),
            np.concatenate([self.value, other.value]),
        )


def best_of_block(block: Scores, columns: Columns, popular: Popular, n: int) -> Candidates:
    """The `n` best of each row of a dense block of evidence, and perhaps a few more.

    Args:
        block: (U, T) evidence over `columns`, 0 for none, -inf where barred.
        columns: (T,) the products.
        popular: breaks the ties.
        n: how many.
    """
    keep = block > 0
    groups = len(columns) // _GROUP
    if n < groups:
        # The best of each group of columns are so many different products, and so the n-th of them is no
        # better than the n-th of all: what lies below it cannot be in the list.
        score = popular.score(block, columns)
        heads = score[:, : groups * _GROUP].reshape(len(block), _GROUP, groups).max(axis=1)
        keep &= score >= np.partition(heads, groups - n, axis=1)[:, [groups - n]]
    owner, at = np.nonzero(keep)
    return Candidates(owner, columns[at], block[owner, at])


def top(candidates: Candidates, popular: Popular, users: int, n: int, limits: Limits) -> tuple[Ids, Scores]:
    """The `n` best of candidates and popular products for each of `users` rows.

    Raises:
        ModelError: a score is NaN.
    """
    keep = limits.keep(candidates.owner, candidates.columns)
    found = Candidates(candidates.owner[keep], candidates.columns[keep], candidates.value[keep])
    if limits.only is None:
        found = found.joined(_fillers(popular, users, n, limits, found))
    score = popular.score(found.value, found.columns)
    if np.isnan(score).any():
        raise ModelError("a score is NaN; the model's factors are broken, run the night again")
    return _lists(Candidates(found.owner, found.columns, score), popular, users, n)


def _fillers(popular: Popular, users: int, n: int, limits: Limits, candidates: Candidates) -> Candidates:
    """The first `n` bought products of each row that are eligible and not among its candidates."""
    order = popular.order[popular.share[popular.order] > 0]  # what nobody bought is nobody's filler
    order = order if limits.allowed is None else order[limits.allowed[order]]
    taken_owner, taken = candidates.owner, candidates.columns
    if limits.exclude is not None:
        taken_owner = np.concatenate([taken_owner, owners(limits.exclude)])
        taken = np.concatenate([taken, limits.exclude.indices])
    most = int(np.bincount(taken_owner, minlength=1).max())
    order = order[: n + most]  # a row can lose no more than `most` of them
    place = np.full(len(popular.order), -1, np.int64)
    place[order] = np.arange(len(order))
    at = place[taken]
    free = np.ones((users, len(order)), np.bool_)
    free[taken_owner[at >= 0], at[at >= 0]] = False
    free &= np.cumsum(free, axis=1) <= n
    fill_owner, fill = np.nonzero(free)
    return Candidates(fill_owner, order[fill], np.zeros(len(fill), np.float32))


def _lists(scored: Candidates, popular: Popular, users: int, n: int) -> tuple[Ids, Scores]:
    best = np.lexsort((popular.rank[scored.columns], -scored.value, scored.owner))
    owner, columns, score = scored.owner[best], scored.columns[best], scored.value[best]
    first = np.searchsorted(owner, np.arange(users))
    place = np.arange(len(owner)) - first[owner]
    within = place < n
    ids, scores = np.full((users, n), -1, np.int32), np.full((users, n), -np.inf, np.float32)
    ids[owner[within], place[within]] = columns[within]
    scores[owner[within], place[within]] = score[within]
    return ids, scores


def similar(block: Scores, itself: NDArray[np.int64], n: int) -> tuple[Ids, Scores]:
    """The `n` best columns of each row of a dense block (U, I) of similarities, itself left out.

    Nothing below or at 0 is similar; equals are ordered by column.
    """
    users = len(block)
    block[np.arange(users), itself] = -np.inf
    plain = Popular.of(np.zeros(block.shape[1], np.float32))
    return _lists(best_of_block(block, plain.order, plain, n), plain, users, n)
