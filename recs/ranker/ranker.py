"""The second stage: a learned ranking of what the simple models propose.

LightGBM learns, from windows of the past, which considered products a customer bought in the weeks after, and
says for each the probability that it will be bought in the next ones. It won over scikit-learn's
HistGradientBoosting by measurement: the same quality in 40 % of the time (docs/benchmarks.md). With too
little history to learn from it says what `frequency` says.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from recs.arrays import read_npz, write_npz
from recs.history import History
from recs.pairs import Columns, Owner, contained, keys, owners
from recs.protocol import Ids, Recommender, Scores
from recs.ranker.explaining import why
from recs.ranker.pool import Considered, Pool
from recs.ranker.signals import Signals
from recs.ranker.training import (
    Booster,
    Examples,
    Learner,
    bought_after,
    examples,
    learn,
    signal_names,
    signals_of,
    windows,
)
from recs.ranking import Candidates, Limits
from recs.recommenders import read
from recs.recommenders.base import MIN_BUYERS, PopularBase, Rows
from recs.recommenders.frequency import Frequency
from recs.threads import Last, in_parallel
from warehouse.errors import ModelError

_SIGNALS, _LEARNED = "ranker.signals.npz", "ranker.lightgbm.txt"

_RARE = np.float32(1e-3)
"""What fewer than `MIN_BUYERS` customers bought stands after the rest; see docs/decisions/0010."""

MEMBERS = ("popularity", "segment", "replenishment", "item_item", "ials", "ease", "sessions")
"""The models whose proposals and opinions are ranked; `sessions` only where there are views."""

Fit = Callable[[str, History], Recommender]
"""Gives the model of a name, fitted on a history."""

Known = dict[tuple[int, tuple[str, ...]], Examples]


class Ranker(PopularBase):
    """Ranks by the learned probability that a product is bought within `days` days.

    Args:
        members: the models whose proposals are ranked.
        days: how far ahead is looked, and the length of the windows.
        seed: of the sampling inside LightGBM.
        fit: gives a fitted model of a name and a history; a night shares them with its judge.
        known: examples that were made already, by the day their window begins and the members that
            speak in them; new ones are added.
    """

    name: ClassVar[str] = "ranker"

    def __init__(
        self,
        *,
        members: tuple[str, ...] = (),
        days: int = 28,
        seed: int = 0,
        fit: Fit | None = None,
        known: Known | None = None,
    ) -> None:
        self._wanted = self.members = tuple(members)
        self.days, self.seed = days, seed
        self._fit, self._known = fit, {} if known is None else known
        self.pool: Pool
        self.frequency: Frequency
        self.booster: Learner | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        """What the model was made with, by keyword; who fitted its members is the night's business."""
        return {"members": list(self.members), "days": self.days, "seed": self.seed}

    def _learn(self, history: History) -> None:
        silent = "sessions" if history.views.is_empty() else ""
        self.members = tuple(name for name in self._wanted if name != silent)
        self.pool = self._pool(history)
        self.frequency = Frequency().fit(history)
        parts = [self.examples(history, end) for end in windows(history, self.days)]
        found = Examples.joined(parts) if parts else None
        self.booster = learn(found, signal_names(self.pool), self.seed) if found else None

    def _pool(self, history: History) -> Pool:
        if self._fit is None:
            raise ModelError("this ranker was read from a bundle and cannot learn; make a new one")
        fit = self._fit
        fitted = in_parallel(lambda name: fit(name, history), self.members)
        return Pool(dict(zip(self.members, fitted, strict=True)), Signals.of(history))

    def examples(self, history: History, end: int) -> Examples:
        """What there is to learn from the window that begins at the day `end`."""
        key = (end, self.members)
        if key not in self._known:
            past = history.before(end)
            self._known[key] = examples(self._pool(past), past, bought_after(history, end, self.days))
        return self._known[key]

    def use(self, learner: Learner) -> None:
        """Ranks with what another learner learned."""
        self.booster, self.last = learner, Last()

    def evidence(self, rows: Rows, owner: Owner, columns: Columns) -> Scores:
        """The probability of each pair, (P,); 0 for customers without history."""
        if self.booster is None:
            return self.frequency.evidence(rows, owner, columns)
        places = self.pool.places(self.pool.lists(rows), owner, columns)
        return self._said(rows, Considered(owner, columns, places))

    def _said(self, rows: Rows, considered: Considered) -> Scores:
        assert self.booster is not None
        owner, columns = considered.owner, considered.columns
        signals = signals_of(self.pool, rows, owner, columns, considered.places)
        said = self.booster.probability(signals)
        said[self.pool.signals.buyers[columns] < MIN_BUYERS] *= _RARE
        stranger = np.diff(self.pool.signals.habits.indptr)[rows] == 0
        return np.where(stranger[owner], np.float32(0), said)

    def _proposed(self, rows: Rows, n: int, limits: Limits) -> Candidates:
        if self.booster is None:
            return super()._proposed(rows, n, limits)
        found = self._considered(rows)
        if limits.only is not None:
            mine = contained(limits.only, found.owner, found.columns)
            found = Candidates(found.owner[mine], found.columns[mine], found.value[mine])
            return self._with(rows, found, owners(limits.only), limits.only.indices.astype(np.int32))
        left = np.bincount(found.owner[limits.keep(found.owner, found.columns)], minlength=len(rows))
        if left.min(initial=n) >= n:
            return found
        for ids in self.pool.lists(rows, limits).values():
            owner, slot = np.nonzero(ids >= 0)
            found = self._with(rows, found, owner, ids[owner, slot])
        return found

    def _with(self, rows: Rows, found: Candidates, owner: Owner, columns: Columns) -> Candidates:
        """What was found, and those of other pairs that were not."""
        width = self.pool.width
        known, more = keys(found.owner, found.columns, width), keys(owner, columns, width)
        new = ~np.isin(more, known)
        owner, columns = owner[new], columns[new]
        return found.joined(Candidates(owner, columns, self.evidence(rows, owner, columns)))

    def _candidates(self, rows: Rows, n: int, limits: Limits) -> Candidates:
        return self.frequency._candidates(rows, n, limits)

    def _considered(self, rows: Rows) -> Candidates:
        """All candidates of some customers, with their probabilities."""

        def find() -> Candidates:
            considered = self.pool.considered(rows)
            said = self._said(rows, considered)
            return Candidates(considered.owner, considered.columns, said)

        found: Candidates = self.last.of(rows, find)
        return found

    def reasons(self, rows: Rows, ids: Ids) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
        """What added most to each probability; see `recs.reasons.Explains`."""
        return why(self.pool, self.booster, rows, ids)

    def save(self, folder: Path) -> Path:
        """Writes `ranker.npz`, its signals, LightGBM's own text, and the models it speaks for."""
        for model in (*self.pool.members.values(), self.frequency):
            model.save(folder)
        write_npz(folder / _SIGNALS, self.pool.signals.arrays())
        (folder / _LEARNED).write_text(self.booster.text if self.booster else "", encoding="utf-8")
        return super().save(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Reads what `save` wrote; see `Recommender.load`."""
        model = super().load(folder)
        members = {name: read(name, folder) for name in model.members}
        try:
            model.pool = Pool(members, Signals.restored(read_npz(folder / _SIGNALS)))
            text = (folder / _LEARNED).read_text(encoding="utf-8")
            model.booster = Booster(text) if text else None
        except (KeyError, OSError, ValueError) as error:
            raise ModelError(
                f"the ranker at {folder} cannot be read ({error}); run the night again"
            ) from error
        model.frequency = Frequency.load(folder)
        return model

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {}  # what it knows lies beside it: NaN has a meaning among signals, and not in other models

    def _restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        pass
