"""How well scores rank the few that happened, with 95 % intervals by household.

A resample takes each household a Poisson(1) number of times, with all its pairs, as `recs.metrics.intervals`
does. Pairs with equal scores share their places, so that no order among them is made up.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recs.metrics import RESAMPLES, Interval

TOPS = (100, 500, 2_000)
ENOUGH = 20

Numbers = NDArray[np.float64]


class Ranked(NamedTuple):
    """Pairs from the highest score down.

    Attributes:
        used: (N,) 1 where the coupon was used.
        starts: (G,) the first place of each group of equal scores.
        order: (N,) which pair is at each place.
    """

    used: Numbers
    starts: NDArray[np.int64]
    order: NDArray[np.int64]

    def auc(self, weight: Numbers) -> float:
        """The chance that a used pair lies before an unused one, each pair counted (N,) `weight` times."""
        hits, others = self._groups(weight)
        before = np.cumsum(others) - others
        lost = (hits * (before + others / 2)).sum()
        return float(1 - lost / (hits.sum() * others.sum()))

    def found(self, weight: Numbers, top: int) -> float:
        """How many used pairs are among the first `top`."""
        hits, others = self._groups(weight)
        size = hits + others
        before = np.cumsum(size) - size
        share = np.divide(top - before, size, out=np.zeros_like(size), where=size > 0).clip(0, 1)
        return float((hits * share).sum())

    def _groups(self, weight: Numbers) -> tuple[Numbers, Numbers]:
        placed = weight[self.order]
        hits = np.add.reduceat(placed * self.used, self.starts)
        return hits, np.add.reduceat(placed, self.starts) - hits


def ranked(used: NDArray[np.bool_], scores: Numbers) -> Ranked:
    """Pairs in the order of their scores, (N,) each; the highest first."""
    order = np.argsort(-scores, kind="stable")
    sorted_scores = scores[order]
    starts = np.flatnonzero(np.concatenate([[True], sorted_scores[1:] != sorted_scores[:-1]]))
    return Ranked(used[order].astype(np.float64), starts, order)


def measure(
    used: NDArray[np.bool_],
    scores: Numbers,
    households: NDArray[np.int64],
    campaigns: NDArray[np.int64],
    seed: int,
) -> dict[str, Interval]:
    """AUC pooled and as the mean within campaigns of `ENOUGH` uses, and uses among the first of `TOPS`.

    Args:
        used: (N,) whether each pair's coupon was used.
        scores: (N,) higher is likelier.
        households: (N,) 0 … H - 1.
        campaigns: (N,) a number for each pair's campaign.
        seed: where chance begins.
    """
    pooled = ranked(used, scores)
    large = [campaigns == c for c in np.unique(campaigns) if used[campaigns == c].sum() >= ENOUGH]
    inside = [(part, ranked(used[part], scores[part])) for part in large]

    def within(weight: Numbers) -> float:
        return float(np.mean([rank.auc(weight[part]) for part, rank in inside]))

    figures: dict[str, Callable[[Numbers], float]] = {"auc": pooled.auc, "auc_within": within}
    for top in TOPS:
        figures[f"top_{top}"] = partial(pooled.found, top=top)
    chance = np.random.default_rng(seed)
    count = int(households.max()) + 1
    drawn = np.empty((RESAMPLES, len(figures)))
    for resample in drawn:
        weight = chance.poisson(1, count).astype(np.float64)[households]
        resample[:] = [figure(weight) for figure in figures.values()]
    low, high = np.quantile(drawn, (0.025, 0.975), axis=0)
    once = np.ones(len(used))
    return {
        name: Interval(figure(once), float(low[place]), float(high[place]))
        for place, (name, figure) in enumerate(figures.items())
    }
