"""What lists are worth, and how sure that is: pure functions over arrays.

Most give one value per customer, NaN where a customer says nothing. So means, segments, intervals and paired
differences all come from the same values, and drawing customers again is all that an interval needs.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recs.pairs import contained
from recs.protocol import Ids, Mask
from recs.threads import one_blas_thread

RESAMPLES = 500
_BLOCK = 4096
"""Customers drawn at once, so that memory does not grow with them."""

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Hits:
    """Where lists met what customers bought.

    Attributes:
        at: (U, k) 1 where the product at that place was bought, else 0.
        possible: (U,) the most hits there could be, min(k, products bought), at least 1.
    """

    at: Values
    possible: NDArray[np.int64]

    @classmethod
    def of(cls, ids: Ids, truth: csr_matrix) -> "Hits":
        """The hits of lists.

        Args:
            ids: (U, k) columns, best first, -1 for none.
            truth: (U, I), at least one product in each row.
        """
        owner, place = np.nonzero(ids >= 0)
        at = np.zeros(ids.shape)
        at[owner, place] = contained(truth, owner, ids[owner, place])
        return cls(at, np.minimum(np.diff(truth.indptr), ids.shape[1]).astype(np.int64))

    def ndcg(self) -> Values:
        """(U,) discounted gain by 1 / log2(place + 1), divided by the best possible; 0 … 1."""
        gains = 1 / np.log2(np.arange(2, self.at.shape[1] + 2))
        worth: Values = (self.at * gains).sum(axis=1) / np.cumsum(gains)[self.possible - 1]
        return worth

    def recall(self) -> Values:
        """(U,) hits divided by the most possible; 0 … 1."""
        found: Values = self.at.sum(axis=1) / self.possible
        return found

    def average_precision(self) -> Values:
        """(U,) the precision at each hit, summed and divided by the most hits possible; 0 … 1."""
        precision = np.cumsum(self.at, axis=1) / np.arange(1, self.at.shape[1] + 1)
        found: Values = (precision * self.at).sum(axis=1) / self.possible
        return found


def novelty(ids: Ids, buyers: NDArray[np.int64], customers: int) -> Values:
    """(U,) how surprising a list is: the mean of -log2 of the share of customers who bought its products.

    Args:
        ids: (U, k) columns, -1 for none.
        buyers: (I,) customers who bought each product; one nobody bought counts as bought by one.
        customers: customers who bought anything.
    """
    surprise = -np.log2(np.clip(buyers, 1, None) / max(customers, 1))
    return _share(np.append(surprise, 0)[ids].sum(axis=1), (ids >= 0).sum(axis=1))


def diversity(ids: Ids, categories: NDArray[np.int32]) -> Values:
    """(U,) the share of a list's pairs that are of different categories, of those whose both are known.

    Args:
        ids: (U, k) columns, -1 for none.
        categories: (I,) a number for each product's category, -1 where it is not known.
    """
    found = np.append(categories, -1)[ids]
    one, other = np.triu_indices(ids.shape[1], 1)
    known = (found[:, one] >= 0) & (found[:, other] >= 0)
    different = known & (found[:, one] != found[:, other])
    return _share(different.sum(axis=1), known.sum(axis=1))


def coverage(ids: Ids, eligible: Mask) -> float:
    """The share of eligible products (I,) that at least one list (U, k) shows; NaN where none is eligible."""
    shown = _shown(ids, eligible)
    return float((shown > 0).mean()) if len(shown) else float("nan")


def gini(ids: Ids, eligible: Mask) -> float:
    """How unequally often eligible products (I,) are shown: 0 all alike, near 1 only few; NaN for no list."""
    shown = np.sort(_shown(ids, eligible))
    if not shown.any():
        return float("nan")
    places = np.arange(1, len(shown) + 1)
    return float(2 * (places @ shown) / (len(shown) * shown.sum()) - (len(shown) + 1) / len(shown))


class Interval(NamedTuple):
    """A mean and the 95 % interval it lies in; all NaN where no customer has a value."""

    mean: float
    low: float
    high: float


def intervals(values: Values, seed: int) -> list[Interval]:
    """The mean of each column and its 95 % bootstrap interval over customers.

    Each of `RESAMPLES` samples takes every customer a Poisson(1) number of times, which is the bootstrap
    for samples too large to hold; so all columns, and parts of customers, are drawn alike.

    Args:
        values: (U, M), NaN where a customer does not count.
        seed: the same seed and number of customers draw the same samples.
    """
    drawn = _drawn(values, np.random.default_rng(seed))
    return [_interval(values[:, m], drawn[:, m]) for m in range(values.shape[1])]


def _drawn(values: Values, chance: np.random.Generator) -> Values:
    """The mean of each column, (U, M), in each sample, (`RESAMPLES`, M); NaN where nobody was drawn."""
    sums, counts = np.zeros((2, RESAMPLES, values.shape[1]))
    with one_blas_thread():
        for start in range(0, len(values), _BLOCK):
            block = values[start : start + _BLOCK]
            counted = ~np.isnan(block)
            times = chance.poisson(1, (RESAMPLES, len(block))).astype(np.float64)
            sums += times @ np.where(counted, block, 0)
            counts += times @ counted.astype(np.float64)
    return _share(sums, counts)


def interval(values: Values, seed: int) -> Interval:
    """The mean of one value per customer, (U,), and its 95 % bootstrap interval; see `intervals`."""
    return intervals(values[:, None], seed)[0]


def paired(one: Values, other: Values, seed: int) -> Interval:
    """The mean of `one - other`, both (U,) of the same customers, and its 95 % bootstrap interval."""
    return interval(one - other, seed)


def apart(one: Values, other: Values, seed: int) -> Interval:
    """The mean of `one`, (U,), less that of `other`, (V,), of other customers, and its 95 % interval.

    Each is drawn for itself; see `intervals`. Both must have values, and none may be NaN.
    """
    chance = np.random.default_rng(seed)
    drawn = _drawn(one[:, None], chance) - _drawn(other[:, None], chance)
    low, high = np.nanquantile(drawn, (0.025, 0.975))
    return Interval(float(one.mean() - other.mean()), float(low), float(high))


def _interval(values: Values, means: Values) -> Interval:
    counted, drawn = values[~np.isnan(values)], means[~np.isnan(means)]
    if not len(counted):
        return Interval(float("nan"), float("nan"), float("nan"))
    # Very few customers may not have been drawn even once.
    low, high = np.quantile(drawn if len(drawn) else counted, (0.025, 0.975))
    return Interval(float(counted.mean()), float(low), float(high))


def _share(part: NDArray[np.number], whole: NDArray[np.number]) -> Values:
    """`part / whole`, NaN where the whole is 0."""
    share = np.full(part.shape, np.nan)
    np.divide(part, whole, out=share, where=whole > 0)
    return share


def _shown(ids: Ids, eligible: Mask) -> NDArray[np.int64]:
    """How often each eligible product is in a list."""
    return np.bincount(ids[ids >= 0], minlength=len(eligible))[eligible].astype(np.int64)
