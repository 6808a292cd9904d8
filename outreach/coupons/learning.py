"""The model of a use: boosted trees and a logistic regression, their log odds averaged.

Trees find which of many signs matter together; the regression keeps them steady where few uses are known. It
is fitted anew each night from the lake, so nothing is saved: the same records and seed give the same chances.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

UNUSED = 40_000
"""Unused holdings that are learned from at most, drawn at random; all used ones are."""
TREES_SHARE = 0.7
"""Weight of the trees' log odds; the rest is the regression's."""
TREES: dict[str, Any] = {
    "max_iter": 200,
    "learning_rate": 0.05,
    "max_leaf_nodes": 6,
    "min_samples_leaf": 100,
    "l2_regularization": 10.0,
    "max_features": 0.3,
    "early_stopping": False,
}
ROUNDS = 3
"""Fits of the trees, each looking at other features at each split; averaged."""

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Scale:
    """How features become numbers of about one size: signed log, then standard score; unknown is average.

    Attributes:
        mean: (F,) of the logs of what is known.
        spread: (F,) their standard deviation.
    """

    mean: Matrix
    spread: Matrix

    @classmethod
    def of(cls, values: Matrix) -> Self:
        """Learns it from (N, F) values, each of whose columns has at least two that are known."""
        logs = _log(values)
        return cls(np.nanmean(logs, axis=0), np.nanstd(logs, axis=0) + 1e-9)

    def __call__(self, values: Matrix) -> Matrix:
        """(N, 2 F): the scaled values, and 1 where one is unknown."""
        unknown = np.isnan(values)
        scaled = np.clip((_log(values) - self.mean) / self.spread, -5, 5)
        return np.hstack([np.where(unknown, 0, scaled), unknown])


@dataclass(frozen=True)
class Learned:
    """A fitted model.

    Attributes:
        features: the features it looks at; those that never differed are left out.
        trees, regression, scale: its parts.
        shift: what is added to the log odds, because not all unused holdings were learned from.
    """

    features: Sequence[str]
    trees: Sequence[Any]
    regression: Any
    scale: Scale
    shift: float

    def chances(self, described: pl.DataFrame) -> Matrix:
        """(N,) the probability that each holding is used before it ends."""
        values = _matrix(described, self.features)
        with threadpool_limits(1):
            odds = np.mean([tree.decision_function(values) for tree in self.trees], axis=0)
            steady = self.regression.decision_function(self.scale(values))
        found = TREES_SHARE * odds + (1 - TREES_SHARE) * steady + self.shift
        probability: Matrix = 1 / (1 + np.exp(-found))
        return probability


def learn(described: pl.DataFrame, features: Sequence[str], seed: int) -> Learned:
    """Fits the model.

    Args:
        described: holdings that have ended, used and unused ones among them, in a fixed order.
        features: names of the columns to look at; `used_at` says what came of it.
        seed: where chance begins.
    """
    # scikit-learn takes seconds to import; only nights that have something to learn from pay for it.
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression

    used = described["used_at"].is_not_null().to_numpy()
    rows, shift = _sample(used, np.random.default_rng(seed))
    taken = described[rows]
    kept = [name for name in features if taken[name].drop_nulls().n_unique() > 1]
    values, used = _matrix(taken, kept), used[rows]
    scale = Scale.of(values)
    with threadpool_limits(1):  # sums in one order, whatever the machine
        trees = [
            HistGradientBoostingClassifier(random_state=seed + number, **TREES).fit(values, used)
            for number in range(ROUNDS)
        ]
        regression = LogisticRegression(C=0.01, max_iter=1_000).fit(scale(values), used)
    return Learned(kept, trees, regression, scale, shift)


def _sample(used: NDArray[np.bool_], chance: np.random.Generator) -> tuple[NDArray[np.int64], float]:
    """Rows to learn from, ascending, and the log of the share of unused rows among them.

    Adding that log to the log odds undoes the sampling (King and Zeng, 2001, "Logistic regression in rare
    events data", prior correction).
    """
    unused = np.flatnonzero(~used)
    drawn = chance.choice(unused, min(UNUSED, len(unused)), replace=False)
    return np.sort(np.concatenate([np.flatnonzero(used), drawn])), float(np.log(len(drawn) / len(unused)))


def _matrix(described: pl.DataFrame, features: Sequence[str]) -> Matrix:
    values: Matrix = described.select(pl.col(features).cast(pl.Float64).fill_null(np.nan)).to_numpy()
    return values


def _log(values: Matrix) -> Matrix:
    found: Matrix = np.sign(values) * np.log1p(np.abs(values))
    return found
