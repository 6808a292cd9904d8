"""How the ranker learns: examples from windows of the past, and LightGBM.

A window is a moment in the past and the weeks after it. What the models and signals know is as of that
moment; whether a considered product was bought is from the weeks after. One negative in `NEGATIVES` is kept,
chosen by its ids, and counts for as many, so that what is learned stays a probability.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recs.history import History
from recs.pairs import Columns, Owner, contained
from recs.protocol import Scores
from recs.ranker.pool import Pool
from recs.threads import blocks, in_parallel
from warehouse.errors import ModelError

WINDOWS = 3
"""Windows that are learned from: on the demo three rank better than one, and five no better than three."""

LEAST_DAYS = 28
"""Days of history a window needs before it."""

CUSTOMERS = 10_000
"""Customers that are learned from per window, so that training does not grow with customers."""

LEAST_BOUGHT = 500
"""Bought candidates without which nothing is learned."""

NEGATIVES = 8
ROUNDS = 120
_PARAMETERS: dict[str, Any] = {
    "objective": "binary",
    "learning_rate": 0.06,
    "max_bin": 63,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "deterministic": True,
    "num_threads": 1,  # its threads wait by spinning: on a busy machine two are four times slower than one
    "force_col_wise": True,
    "verbosity": -1,
}


@dataclass(frozen=True)
class Examples:
    """Pairs to learn from: signals (N, S), whether bought (N,), and how many pairs each stands for (N,)."""

    signals: Scores
    bought: NDArray[np.bool_]
    weight: Scores

    @classmethod
    def joined(cls, parts: list["Examples"]) -> "Examples":
        """All of them, one after the other."""
        return cls(
            np.concatenate([part.signals for part in parts]),
            np.concatenate([part.bought for part in parts]),
            np.concatenate([part.weight for part in parts]),
        )


class Learner(Protocol):
    """What was learned: a probability for signals, and a text to keep it as."""

    text: str

    def probability(self, signals: Scores) -> Scores:
        """The probability of a purchase for each row of signals (P, S): (P,) float32."""
        ...


class Booster:
    """A learned model, as LightGBM's own text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._booster = _lightgbm().Booster(model_str=text)

    def probability(self, signals: Scores) -> Scores:
        """The probability of a purchase for each row of signals, (P,) float32."""
        if not len(signals):
            return np.empty(0, np.float32)
        said: Any = self._booster.predict(signals, num_threads=1)
        return np.asarray(said, np.float32)


def windows(history: History, days: int) -> list[int]:
    """The ends of the newest windows that have `days` after and enough days before them."""
    ends = [history.end - days * number for number in range(1, WINDOWS + 1)]
    return [end for end in ends if end - history.first_day >= LEAST_DAYS]


def bought_after(history: History, end: int, days: int) -> csr_matrix:
    """(U, I) pattern of what was bought in the `days` from `end` on."""
    after = history.lines.filter(pl.col("day") >= end, pl.col("day") < end + days)
    pairs = after.select("row", "column").unique().sort("row", "column")
    shape = history.interactions.counts.shape
    row, column = pairs["row"].to_numpy(), pairs["column"].to_numpy()
    return csr_matrix((np.ones(len(row), np.float32), (row, column)), shape=shape)


def examples(pool: Pool, past: History, after: csr_matrix) -> Examples:
    """What was considered at a moment of the past, and whether it was then bought."""
    rows = _sampled(np.flatnonzero(np.diff(past.interactions.counts.indptr)))

    def of(some: NDArray[np.int64]) -> Examples:
        considered = pool.considered(some)
        bought = contained(after[some], considered.owner, considered.columns)
        kept = bought | negatives_kept(some, considered.owner, considered.columns)
        signals = signals_of(
            pool, some, considered.owner[kept], considered.columns[kept], considered.places[kept]
        )
        return Examples(signals, bought[kept], np.where(bought[kept], 1, NEGATIVES).astype(np.float32))

    parts = in_parallel(of, blocks(rows))
    if not parts:
        width = len(signal_names(pool))
        return Examples(np.empty((0, width), np.float32), np.empty(0, np.bool_), np.empty(0, np.float32))
    return Examples.joined(parts)


def signals_of(pool: Pool, rows: NDArray[np.int64], owner: Owner, columns: Columns, places: Scores) -> Scores:
    """All signals of pairs, (P, S): habits, customer, product and groups, then what each model says."""
    said = [member.evidence(rows, owner, columns) for member in pool.members.values()]
    known = pool.signals.of_pairs(rows, owner, columns)
    return np.concatenate([known, np.stack(said, axis=1), np.log1p(places)], axis=1) if said else known


def signal_names(pool: Pool) -> list[str]:
    """What each column of `signals_of` is called."""
    return [
        *pool.signals.names,
        *(f"says_{name}" for name in pool.members),
        *(f"place_{name}" for name in pool.proposers),
    ]


def learn(found: Examples, names: list[str], seed: int) -> Booster | None:
    """A model of the examples; `None` where too few were bought to learn from."""
    bought = int(found.bought.sum())
    if bought < LEAST_BOUGHT:
        return None
    lightgbm = _lightgbm()
    shape = {
        "num_leaves": int(np.clip(bought // 400, 7, 31)),
        "min_data_in_leaf": int(np.clip(len(found.bought) // 500, 20, 200)),
        "seed": seed,
    }
    data = lightgbm.Dataset(
        found.signals, found.bought.astype(np.float32), weight=found.weight, feature_name=names
    )
    booster = lightgbm.train(_PARAMETERS | shape, data, int(np.clip(bought // 50, 50, ROUNDS)))
    return Booster(booster.model_to_string())


def _lightgbm() -> Any:
    """LightGBM, imported when it is needed: it takes a second or two.

    Raises:
        ModelError: the system lacks what it is built on.
    """
    try:
        import lightgbm
    except OSError as error:
        raise ModelError(
            f"LightGBM cannot be loaded ({error}); install the OpenMP runtime, on Debian and Ubuntu by "
            "`apt-get install libgomp1`"
        ) from error
    return lightgbm


def negatives_kept(rows: NDArray[np.int64], owner: Owner, columns: Columns) -> NDArray[np.bool_]:
    """One pair in `NEGATIVES`, by a hash of its row and column: the same pairs whatever else is asked."""
    mixed = _mixed(_mixed(rows[owner].astype(np.uint64)) ^ columns.astype(np.uint64))
    kept: NDArray[np.bool_] = mixed % np.uint64(NEGATIVES) == 0
    return kept


def _sampled(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    if len(rows) <= CUSTOMERS:
        return rows
    return np.sort(rows[np.argsort(_mixed(rows.astype(np.uint64)), kind="stable")[:CUSTOMERS]])


def _mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Well mixed bits: the finaliser of SplitMix64 (Steele, Lea and Flood 2014)."""
    z = numbers + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
