"""Judges models on the past: what they would have shown, against what customers then bought.

The fold ends at the day's end. Models learn from what was before its last `recs.judge_days` days; the
truth is what was bought in them. Products count when at least three customers had bought them before,
customers when they had been seen before and then bought such a product. The truth of `for_you` is all they
bought, of `buy_again` what they had bought before, of `discover` what they had not. NDCG@10, recall@10 and
MAP@10 are divided by the best that min(10, |truth|) products allow, and averaged over customers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recs.bundle import SLATES
from recs.diversity import DEEPER
from recs.figures import Panel, accuracy, figures, mixed
from recs.fitting import Fits
from recs.history import History
from recs.metrics import Values
from recs.pairs import contained
from recs.protocol import Ids, Mask, Recommender, Scores
from recs.ranker import Ranker
from recs.ranker.ranker import Fit
from recs.recommenders import NAMES
from recs.recommenders.base import MIN_BUYERS
from recs.threads import blocks, in_parallel
from recs.world import World
from warehouse.settings import Settings

K = 10
MOST_CUSTOMERS = 10_000
"""More of them are not judged: so many make intervals narrow, and the cost does not grow with the shop."""

COUNTS = {"for_you": "frequency", "buy_again": "frequency", "discover": "popularity"}
"""What serves a slate that cannot be judged, and what every model is compared with: tables of counts."""

MODELS = (*NAMES, Ranker.name)
"""All that are judged, simplest first."""


@dataclass(frozen=True)
class Fold:
    """A moment in the past, and what came next.

    Attributes:
        history: what was known at that moment.
        truth: for each slate (customers, products), 1 where the customer then bought the product.
        most: how many customers are judged at most.
    """

    history: History
    truth: dict[str, csr_matrix]
    most: int = MOST_CUSTOMERS

    def customers(self, slate: str) -> NDArray[np.int64]:
        """The rows that are judged for a slate, ascending: all, or always the same `most` of them."""
        rows = np.flatnonzero(np.diff(self.truth[slate].indptr))
        chosen = np.random.default_rng(0).permutation(len(rows))[: self.most]
        return rows[np.sort(chosen)]

    def asked(self, slate: str) -> csr_matrix:
        """The truth of the judged rows only."""
        return self.truth[slate][self.customers(slate)]

    def panel(self, slate: str) -> Panel:
        """What figures need to know of the judged customers of a slate."""
        eligible = self.history.buyers >= MIN_BUYERS
        return Panel.of(self.history, self.customers(slate), self.asked(slate), eligible)


@dataclass(frozen=True)
class Judgement:
    """How good each model was for each slate, and which serves it.

    Attributes:
        metrics: by model and slate what `figures` says, JSON values only.
        serving: for each slate the model that serves it.
        verdict: `judged`, or `counts` where no slate could be judged.
        notes: why a slate could not be judged.
        window: the first and the last day of the truth.
        mixed: for each judged slate what `recs.figures.mixed` says of the model that serves it.
        ndcg: by model and slate the NDCG@10 of each judged customer, (U,), for all models the same ones.
    """

    metrics: dict[str, dict[str, dict[str, Any]]]
    serving: dict[str, str]
    verdict: str
    notes: list[str]
    window: tuple[date, date]
    mixed: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    ndcg: dict[str, dict[str, Values]] = field(default_factory=dict, compare=False, repr=False)


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
    asked = after.filter(pl.Series(history.buyers >= MIN_BUYERS).gather(after["column"])).sort(
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


def judge(settings: Settings, world: World, fit: Fit | None = None) -> Judgement:
    """Judges every model for every slate that can be judged, and chooses which model serves each.

    Args:
        settings: how many days are the truth, how many customers are enough, the seed of the intervals.
        world: the history whose newest fold is judged.
        fit: gives fitted models, so that others can share them; by default they are made and fitted here.
    """
    fit = fit or Fits(settings).get
    past = fold(world.history, settings.recs.judge_days)
    notes = [_too_few(settings, past, slate) for slate in SLATES if not _enough(settings, past, slate)]
    judged = [slate for slate in SLATES if _enough(settings, past, slate)]
    names = MODELS if judged else ()
    simple = [name for name in names if name != Ranker.name]
    models = dict(zip(simple, in_parallel(lambda name: fit(name, past.history), simple), strict=True))
    if Ranker.name in names:  # last, for it is made of the others
        models[Ranker.name] = fit(Ranker.name, past.history)
    ranked = {name: lists(model, past, judged, K * DEEPER) for name, model in models.items()}
    first = {slate: {name: found[slate][0][:, :K] for name, found in ranked.items()} for slate in judged}
    found = {
        slate: figures(past.panel(slate), first[slate], COUNTS[slate], settings.seed) for slate in judged
    }
    metrics = {name: {slate: found[slate][name] for slate in judged} for name in models}
    serving = {slate: best(metrics, slate) for slate in judged}
    return Judgement(
        metrics=metrics,
        serving=COUNTS | serving,
        verdict="judged" if judged else "counts",
        notes=notes,
        window=(world.day - timedelta(days=settings.recs.judge_days - 1), world.day),
        mixed={
            slate: mixed(past.panel(slate), *ranked[name][slate], K, settings.seed)
            for slate, name in serving.items()
        },
        ndcg={
            name: {slate: accuracy(first[slate][name], past.asked(slate))[f"ndcg@{K}"] for slate in judged}
            for name in models
        },
    )


def best(metrics: dict[str, dict[str, dict[str, Any]]], slate: str) -> str:
    """The model with the highest NDCG@10 for a slate; of equals the table of counts, else the simpler one."""
    judged = (name for name in MODELS if name in metrics)
    return max(judged, key=lambda name: (metrics[name][slate]["ndcg@10"], name == COUNTS[slate]))


def shown(model: Recommender, past: Fold, slate: str) -> Ids:
    """The `K` products a fitted model would have shown each judged customer of a slate, (U, K)."""
    return lists(model, past, [slate], K)[slate][0]


def measure(model: Recommender, past: Fold, slate: str) -> dict[str, float]:
    """NDCG@10, recall@10 and MAP@10 of one fitted model for one slate, and the `customers` they average."""
    found = accuracy(shown(model, past, slate), past.asked(slate))
    return {metric: round(float(values.mean()), 6) for metric, values in found.items()} | {
        "customers": len(past.customers(slate))
    }


def lists(
    model: Recommender, past: Fold, slates: Sequence[str], depth: int, allowed: Mask | None = None
) -> dict[str, tuple[Ids, Scores]]:
    """The lists of the judged customers of each slate: `allowed` products (U, depth) and scores.

    All slates of a block of customers are asked one after the other: what a model finds out about a customer
    it finds out once.
    """
    if not slates:
        return {}
    judged = {slate: past.customers(slate) for slate in slates}
    rows = np.unique(np.concatenate(list(judged.values())))
    seen = past.history.interactions.seen

    def of(block: NDArray[np.int64]) -> list[tuple[Ids, Scores]]:
        before = seen[block]
        return [
            model.recommend(
                block,
                depth,
                exclude=before if slate == "discover" else None,
                only=before if slate == "buy_again" else None,
                allowed=allowed,
            )
            for slate in slates
        ]

    found = in_parallel(of, blocks(rows))
    at = {slate: np.searchsorted(rows, those) for slate, those in judged.items()}
    parts = {slate: [part[number] for part in found] for number, slate in enumerate(slates)}
    return {
        slate: (
            np.concatenate([ids for ids, _ in parts[slate]])[at[slate]],
            np.concatenate([scores for _, scores in parts[slate]])[at[slate]],
        )
        if found
        else (np.empty((0, depth), np.int32), np.empty((0, depth), np.float32))
        for slate in slates
    }


def _enough(settings: Settings, past: Fold, slate: str) -> bool:
    return len(past.customers(slate)) >= max(settings.recs.min_judged_customers, 1)


def _too_few(settings: Settings, past: Fold, slate: str) -> str:
    return (
        f"{slate} could not be judged: {len(past.customers(slate))} customers bought such products in the "
        f"last {settings.recs.judge_days} days, {max(settings.recs.min_judged_customers, 1)} are needed; "
        f"it is served by {COUNTS[slate]}"
    )
