"""Searches for the parameters that models do best with, on folds older than the one they are judged on.

With w = `recs.judge_days` the truth of the first fold is what was bought in [end - 2w, end - w), that of the
second in [end - 3w, end - 2w): neither has seen what the judge asks about. On the first fold every model is
tried with its own parameters, and the most promising ones with others; the best of these on the second.
Parameters replace a model's own only if they are better on both. What is tried depends on the data, the
settings and the seed, and on how long it is expected to take, never on how fast it turns out to be.
"""

import hashlib
import itertools
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from recs.bundle import SLATES
from recs.costs import Size, expected
from recs.evaluation import Fold, fold, measure
from recs.history import History
from recs.notebook import Notebook
from recs.recommenders import SPACES, make
from recs.world import World
from warehouse.settings import Settings

Space = Mapping[str, Sequence[Any]]
"""By parameter the values worth trying."""

PROMISING = 4
"""How many models of a slate are tried with other parameters than their own."""

FINALISTS = 3
"""How many trials of a model are tried on the second fold."""

TRIALS = 24
"""The most trials of a model, its own parameters included: more would find luck rather than quality."""

SHARE = 0.4
"""The share of the time that trials on the first fold are expected to take. Those on the second are far
fewer, so that about half of the time is left to a slow machine."""

SAMPLE = 10_000
"""The most customers that trials learn from and are asked about, so that one does not grow with the shop."""

MEANT_FOR = {"replenishment": "buy_again"}
"""The slate a model is tuned for; all others for `discover`, where habits are of no help."""

_FORMAT = 1
"""Goes up when the same trial would score differently, so that old scores are not taken for new ones."""


@dataclass(frozen=True)
class Trial:
    """A model to be tried.

    Attributes:
        model: its name.
        parameters: those that differ from the model's own; none for its own.
        name: tells it from any other trial: the model with all its parameters.
        seconds: expected of it.
    """

    model: str
    parameters: dict[str, Any]
    name: str
    seconds: float

    @property
    def slate(self) -> str:
        """The slate it is tried for."""
        return meant_for(self.model)


@dataclass(frozen=True)
class Tuning:
    """What a search found.

    Attributes:
        day: the end of the data it saw, like `2017-11-30`; empty where no search was made.
        models: by model the parameters that were better than its own.
        found: by model its `slate`, the number of `trials`, and on each fold the mean NDCG@10 of its `own`
            parameters and of those `chosen`; there is one fold only where nothing was better on the first.
        planned: trials on both folds.
        finished: how many of them there was time for.
        judge_days: what `recs.judge_days` was; with more of them the judge would ask about days it has seen.
        seconds: what the search was planned for.
        key: names the data and settings it was made with.
    """

    day: str = ""
    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    found: dict[str, dict[str, Any]] = field(default_factory=dict)
    planned: int = 0
    finished: int = 0
    judge_days: int = 0
    seconds: float = 0
    key: str = ""

    def as_json(self) -> dict[str, Any]:
        """Everything as plain JSON values."""
        return asdict(self)


class Watch:
    """Says whether there is time for one more trial, which is taken to be as slow as those before it.

    Args:
        seconds: how long all may take.
        clock: seconds since some moment.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds, self._clock, self._start = seconds, clock, clock()
        self._expected = self._spent = 0.0

    def allows(self, trial: Trial) -> bool:
        """Whether the trial can be expected to end in time."""
        pace = max(1.0, self._spent / self._expected) if self._expected else 1.0
        return self._clock() - self._start + trial.seconds * pace <= self.seconds

    def time(self, trial: Trial, run: Callable[[], float]) -> float:
        """Runs a trial and learns how long it took."""
        begun = self._clock()
        score = run()
        self._expected += trial.seconds
        self._spent += self._clock() - begun
        return score


def search(settings: Settings, world: World, watch: Watch) -> Tuning:
    """Finds the best parameters of every model that can be tuned on this world, and keeps them in the home.

    What a killed search of the same world had finished is not tried again, and one with less time than an
    earlier one of the same world has the same plan, so it can only add to what that found.

    Args:
        settings: the seed, and how many days and customers make a fold.
        world: its newest `recs.judge_days` days are left to the judge.
        watch: how long it may take.

    Returns:
        what was found; nothing is planned where there is too little history.

    Raises:
        ModelError: a model could not be fitted.
    """
    newer, older = (fold_of(settings, world.history, number) for number in (1, 2))
    tried = _Tried(settings, watch, _key(settings, world), Notebook(settings))
    size, spaces = Size.of(newer.history), _spaces(settings, newer, older)
    queues = [trials_of(settings, model, space, size) for model, space in spaces.items()]
    time_for = max(watch.seconds, _planned_for(tried, world.day))
    seconds = time_for * SHARE
    planned = affordable([queue[0] for queue in queues], seconds)
    first = tried.on(newer, planned)
    best = promising(planned, first)
    seconds -= sum(trial.seconds for trial in planned)
    others = affordable(by_turns([queue[1:] for queue in queues if queue[0] in best]), seconds)
    first |= tried.on(newer, others)
    planned += others
    finals = finalists(planned, first)
    second = tried.on(older, finals)
    tuning = chosen(world.day.isoformat(), (planned, first), (finals, second))
    tuning = replace(tuning, judge_days=settings.recs.judge_days, seconds=time_for, key=tried.key)
    if planned:
        tried.notebook.keep(world.day, tuning.as_json(), tried.key)
    return tuning


def _planned_for(tried: "_Tried", day: date) -> float:
    """The seconds that the search of the same world was planned for; 0 where there was none."""
    found = tried.notebook.newest(day)
    return float(found["seconds"]) if found and found.get("key") == tried.key else 0.0


def known(settings: Settings, world: World) -> Tuning | None:
    """What the newest search found that saw nothing after the day of this world; `None` for other folds."""
    found = Notebook(settings).newest(world.day)
    tuning = Tuning(**found) if found else None
    return tuning if tuning and tuning.judge_days == settings.recs.judge_days else None


def fold_of(settings: Settings, history: History, number: int) -> Fold:
    """The fold that ends `number` times `recs.judge_days` before the history, of a sample of customers."""
    days = settings.recs.judge_days
    return fold(_sampled(history, settings.seed).before(history.end - number * days), days)


def trials_of(settings: Settings, model: str, space: Space, size: Size) -> list[Trial]:
    """A model's own parameters, then others of its space in an order that only the seed decides."""
    own = make(model, settings).parameters
    grid = [dict(zip(space, values, strict=True)) for values in itertools.product(*space.values())]
    others = [changed for changed in grid if own | changed != own]
    order = np.random.default_rng([settings.seed, *model.encode()]).permutation(len(others))
    return [
        Trial(model, changed, _name(model, own | changed), expected(model, own | changed, size))
        for changed in ({}, *(others[at] for at in order[: TRIALS - 1]))
    ]


def affordable(trials: Iterable[Trial], seconds: float) -> list[Trial]:
    """The first trials that together are expected to take so long; one too long for what is left is not."""
    taken: list[Trial] = []
    for trial in trials:
        if trial.seconds <= seconds:
            taken.append(trial)
            seconds -= trial.seconds
    return taken


def by_turns(queues: Sequence[Sequence[Trial]]) -> Iterator[Trial]:
    """The first of each queue, then the second of each, and so on."""
    return (trial for turn in itertools.zip_longest(*queues) for trial in turn if trial is not None)


def promising(owns: Sequence[Trial], scores: Mapping[str, float]) -> list[Trial]:
    """The trials that scored best for their slate; of equals the first."""
    ranked = sorted((trial for trial in owns if trial.name in scores), key=lambda t: -scores[t.name])
    return [t for t in ranked if [o for o in ranked if o.slate == t.slate].index(t) < PROMISING]


def finalists(planned: Sequence[Trial], first: Mapping[str, float]) -> list[Trial]:
    """Of each model its own parameters and the best that did better on the first fold, if any did."""
    finals = []
    for own in (trial for trial in planned if not trial.parameters and trial.name in first):
        others = [t for t in planned if t.model == own.model and first.get(t.name, 0) > first[own.name]]
        best = sorted(others, key=lambda t: -first[t.name])[:FINALISTS]
        finals += [own, *best] if best else []
    return finals


def chosen(
    day: str,
    first: tuple[Sequence[Trial], Mapping[str, float]],
    second: tuple[Sequence[Trial], Mapping[str, float]],
) -> Tuning:
    """What two folds say: the best parameters of each model that were better than its own on both.

    Args:
        day: of the search.
        first: trials on the newer fold, and the scores of those there was time for.
        second: the same on the older fold.
    """
    (planned, newer), (finals, older) = first, second
    tuning = Tuning(day, {}, {}, len(planned) + len(finals), len(newer) + len(older))
    for own in (trial for trial in planned if not trial.parameters and trial.name in newer):
        mine = [trial for trial in finals if trial.model == own.model]
        best = own
        if mine and all(trial.name in older for trial in mine):
            better = [trial for trial in mine if older[trial.name] > older[own.name]]
            best = max(better, key=lambda t: newer[t.name] + older[t.name], default=own)
        if best is not own:
            tuning.models[own.model] = best.parameters
        tuning.found[own.model] = {
            "slate": own.slate,
            "trials": sum(trial.model == own.model and trial.name in newer for trial in planned),
            "own": [round(scores[own.name], 6) for scores in (newer, older) if own.name in scores],
            "chosen": [round(scores[best.name], 6) for scores in (newer, older) if best.name in scores],
        }
    return tuning


def meant_for(model: str) -> str:
    """The slate that a model is tuned for."""
    return MEANT_FOR.get(model, "discover")


@dataclass(frozen=True)
class _Tried:
    """Tries trials, while there is time, and notes each score at once."""

    settings: Settings
    watch: Watch
    key: str
    notebook: Notebook

    def on(self, past: Fold, trials: Sequence[Trial]) -> dict[str, float]:
        """The scores of trials on a fold, by name; those there was no time for are missing."""
        noted, scores = self.notebook.scores(self.key), {}
        for trial in trials:
            place = f"{past.history.end} {trial.name}"
            if place not in noted:
                if not self.watch.allows(trial):
                    break
                noted[place] = self.watch.time(trial, partial(self._score, past, trial))
                self.notebook.note(self.key, noted)
            scores[trial.name] = noted[place]
        return scores

    def _score(self, past: Fold, trial: Trial) -> float:
        model = make(trial.model, self.settings, trial.parameters).fit(past.history)
        return measure(model, past, trial.slate)["ndcg@10"]


def _name(model: str, parameters: Mapping[str, Any]) -> str:
    return f"{model} {json.dumps(parameters, sort_keys=True)}"


def _spaces(settings: Settings, newer: Fold, older: Fold) -> dict[str, Space]:
    """The spaces of models that have something to learn from, and enough customers to be asked about."""
    least, catalogue = settings.recs.min_judged_customers, newer.history.catalogue
    enough = {slate for slate in SLATES if all(len(p.customers(slate)) >= least for p in (newer, older))}
    idle = {"sessions"} if newer.history.views.is_empty() else set()
    if catalogue.filter(pl.col("title") != pl.col("product_id")).is_empty():
        idle.add("content")
    return {
        model: space for model, space in SPACES.items() if model not in idle and meant_for(model) in enough
    }


def _sampled(history: History, seed: int) -> History:
    """The same history of at most `SAMPLE` of its customers, each in their own row."""
    rows = history.lines["row"].unique().sort().to_numpy()
    if len(rows) <= SAMPLE:
        return history
    kept = pl.Series(np.random.default_rng(seed).choice(rows, SAMPLE, replace=False)).implode()
    lines, views = (frame.filter(pl.col("row").is_in(kept)) for frame in (history.lines, history.views))
    ids = (history.interactions.customers, history.catalogue)
    return History.of(history.end, ids, lines, views, history.half_life_days)


def _key(settings: Settings, world: World) -> str:
    """Names everything that scores depend on, the trial apart."""
    parts = (
        _FORMAT,
        world.data_hash,
        settings.recs.judge_days,
        settings.features.half_life_days,
        settings.seed,
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
