"""One ranked list, as numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int32]
Scores = NDArray[np.float32]  # as in recs.protocol, which loads more than lists need
At = slice | NDArray[Any]


def among(columns: Ids, others: Ids) -> NDArray[np.bool_]:
    """Which columns are among some others, (n,); for lists, where it is ten times as fast as `np.isin`."""
    found: NDArray[np.bool_] = (columns[:, None] == others).any(axis=1)
    return found


@dataclass(frozen=True, slots=True)
class Ranked:
    """Products, best first, none of them -1.

    Attributes:
        items: (n,) columns.
        scores: (n,).
        codes: (n,) uint8 reasons, see `recs.wording`.
        facts: (n, 2) int32 their numbers.
    """

    items: Ids
    scores: Scores
    codes: NDArray[np.uint8]
    facts: NDArray[np.int32]

    @classmethod
    def row(cls, arrays: Mapping[str, NDArray[Any]], row: int, n: int | None = None) -> "Ranked":
        """The first `n` products of one row of arrays named as in `recs.bundle.ARRAYS`."""
        items = arrays["items"][row, :n]
        length = int(np.count_nonzero(items >= 0))  # what is not there stands at the end
        items, scores, codes, facts = (
            arrays[name][row, :length] for name in ("items", "scores", "codes", "facts")
        )
        return cls(items, scores, codes, facts)

    @classmethod
    def none(cls) -> "Ranked":
        """A list of nothing."""
        return cls.of(np.empty(0, np.int32), np.empty(0, np.float32), 0)

    @classmethod
    def of(cls, items: Ids, scores: Scores, code: int | NDArray[Any], first: Ids | None = None) -> "Ranked":
        """A list with one code, or one for each, and the first number of each reason."""
        facts = np.zeros((len(items), 2), np.int32)
        if first is not None:
            facts[:, 0] = first
        return cls(items, scores, np.broadcast_to(np.asarray(code, np.uint8), items.shape), facts)

    def at(self, places: At) -> "Ranked":
        """Some of it, in the order of these places, or where a mask is true."""
        return Ranked(self.items[places], self.scores[places], self.codes[places], self.facts[places])

    def then(self, other: "Ranked") -> "Ranked":
        """This list, and behind it what of another one is not in it; scores go on falling."""
        more = other.at(~among(other.items, self.items))
        if not len(self.items) or not len(more.items):
            return self if len(self.items) else more
        ratio = min(float(self.scores[-1]) / max(float(more.scores[0]), 1e-30), 1.0)
        tail = Ranked(
            more.items, (more.scores * np.float32(ratio)).astype(np.float32), more.codes, more.facts
        )
        return Ranked.joined(self, tail)

    @classmethod
    def joined(cls, *parts: "Ranked") -> "Ranked":
        """Lists one after the other, as they are."""
        return cls(
            np.concatenate([part.items for part in parts]),
            np.concatenate([part.scores for part in parts]),
            np.concatenate([part.codes for part in parts]),
            np.concatenate([part.facts for part in parts]),
        )
