"""Judges models on the past: what they would have shown, against what customers then bought.

The fold ends at the day's end. Models learn from what was before its last `recs.judge_days` days; the
truth is what was bought in them. Products count when at least three customers had bought them before,
customers when they had been seen before and then bought such a product. The truth of `for_you` is all they
bought, of `buy_again` what they had bought before, of `discover` what they had not. NDCG@10 and recall@10
are divided by the best that min(10, |truth|) products allow, and averaged over customers.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recs.bundle import SLATES
from recs.history import History
from recs.pairs import contained
from recs.protocol import Ids, Recommender
from recs.recommenders import NAMES, make
from recs.world import World
from warehouse.settings import Settings

K = 10
MIN_CUSTOMERS = 3
"""A product fewer customers had bought is no fair question to a model."""

COUNTS = {"for_you": "frequency", "buy_again": "frequency", "discover": "popularity"}
"""What serves a slate that cannot be judged: tables of counts."""


@dataclass(frozen=True)
class Fold:
    """A moment in the past, and what came next.

    Attributes:
        history: what was known at that moment.
        truth: for each slate (customers, products), 1 where the customer then bought the product.
    """

    history: History
    truth: dict[str, csr_matrix]

    def customers(self, slate: str) -> NDArray[np.int64]:
        """The rows that are judged for a slate."""
        return np.flatnonzero(np.diff(self.truth[slate].indptr))


@dataclass(frozen=True)
class Judgement:
    """How good each model was for each slate, and which serves it.

    Attributes:
        metrics: by model and slate `ndcg@10`, `recall@10` and the number of `customers` they average.
        serving: for each slate the model that serves it.
        verdict: `judged`, or `counts` where no slate could be judged.
        notes: why a slate could not be judged.
    """

    metrics: dict[str, dict[str, dict[str, float]]]
    serving: dict[str, str]
    verdict: str
    notes: list[str]


def fold(history: History, days: int) -> Fold:
    """The newest fold of a history: its last `days` days are the truth."""
    past = history.before(history.end - days)
    after = history.lines.filter(pl.col("day") >= past.end).select("row", "column").unique()
    return Fold(past, truths(past, after))


def truths(history: History, after: pl.DataFrame) -> dict[str, csr_matrix]:
    """The truth of each slate.

    Args:
        history: what was known before.
        after: unique (row, column) pairs bought afterwards.
    """
    interactions = history.interactions
    asked = after.filter(pl.Series(history.buyers >= MIN_CUSTOMERS).gather(after["column"])).sort(
        "row", "column"
    )
    seen_before = np.diff(interactions.counts.indptr)[asked["row"].to_numpy()] > 0
    owner = asked["row"].to_numpy()[seen_before].astype(np.int64)
    column = asked["column"].to_numpy()[seen_before].astype(np.int32)
    again = contained(interactions.counts, owner, column)
    chosen = {"for_you": np.ones(len(owner), np.bool_), "buy_again": again, "discover": ~again}
    return {
        slate: csr_matrix(
            (np.ones(int(some.sum()), np.float32), (owner[some], column[some])),
            shape=interactions.counts.shape,
        )
        for slate, some in chosen.items()
    }


def judge(settings: Settings, world: World) -> Judgement:
    """Judges every model for every slate that can be judged, and chooses which model serves each."""
    past = fold(world.history, settings.recs.judge_days)
    counted = {slate: len(past.customers(slate)) for slate in SLATES}
    notes = [
        f"{slate} could not be judged: {count} customers bought such products in the last "
        f"{settings.recs.judge_days} days, {max(settings.recs.min_judged_customers, 1)} are needed; "
        f"it is served by {COUNTS[slate]}"
        for slate, count in counted.items()
        if not _enough(settings, count)
    ]
    judged = [slate for slate in SLATES if _enough(settings, counted[slate])]
    metrics = {name: _metrics(settings, name, past, judged) for name in NAMES} if judged else {}
    serving = COUNTS | {slate: best(metrics, slate) for slate in judged}
    return Judgement(metrics, serving, "judged" if judged else "counts", notes)


def best(metrics: dict[str, dict[str, dict[str, float]]], slate: str) -> str:
    """The model with the highest NDCG@10 for a slate; of equals the simpler one."""
    return max((name for name in NAMES if name in metrics), key=lambda name: metrics[name][slate]["ndcg@10"])


def _enough(settings: Settings, customers: int) -> bool:
    return customers >= max(settings.recs.min_judged_customers, 1)


def _metrics(settings: Settings, name: str, past: Fold, slates: list[str]) -> dict[str, dict[str, float]]:
    model = make(name, settings).fit(past.history)
    return {slate: measure(model, past, slate) for slate in slates}


def measure(model: Recommender, past: Fold, slate: str) -> dict[str, float]:
    """NDCG@10 and recall@10 of one fitted model for one slate."""
    rows = past.customers(slate)
    before = past.history.interactions.seen[rows]
    ids, _ = model.recommend(
        rows,
        K,
        exclude=before if slate == "discover" else None,
        only=before if slate == "buy_again" else None,
    )
    ndcg, recall = ndcg_and_recall(ids, past.truth[slate][rows])
    return {
        "ndcg@10": round(float(ndcg.mean()), 6),
        "recall@10": round(float(recall.mean()), 6),
        "customers": len(rows),
    }


def ndcg_and_recall(ids: Ids, truth: csr_matrix) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """NDCG@k and recall@k of each list.

    Args:
        ids: (U, k) columns, best first, -1 for none.
        truth: (U, I), at least one product in each row.

    Returns:
        two arrays (U,), each in 0 … 1.
    """
    k = ids.shape[1]
    gains = 1 / np.log2(np.arange(2, k + 2))
    owner, place = np.nonzero(ids >= 0)
    hits = np.zeros(ids.shape)
    hits[owner, place] = contained(truth, owner, ids[owner, place])
    possible = np.minimum(np.diff(truth.indptr), k)
    return hits @ gains / np.cumsum(gains)[possible - 1], hits.sum(axis=1) / possible
