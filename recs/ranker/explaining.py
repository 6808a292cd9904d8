"""Why the ranker put a product where it did: the kind of evidence without which it would fall furthest.

What a customer bought before stands there for that reason. For anything else the probability is asked again
without each kind of evidence in turn, and the largest fall is the reason; where nothing falls, popularity is.
"""

import numpy as np
from numpy.typing import NDArray

from recs.pairs import contained
from recs.protocol import Ids, Scores
from recs.ranker.pool import SOURCES, Pool, Rows
from recs.ranker.signals import GROUPS
from recs.ranker.training import Learner, signal_names, signals_of
from recs.reasons import FAMILIES, Family, NamesSource

_SOURCED = (Family.TOGETHER, Family.CONTENT, Family.SESSION)
"""Kinds of evidence that speak of another product; without one there is nothing to say."""


def why(
    pool: Pool, booster: Learner | None, rows: Rows, ids: Ids
) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """The family of each product, uint8 (U, n), and the product behind it, int32 (U, n, 2), -1 for none."""
    families = np.full(ids.shape, Family.POPULAR, np.uint8)
    behind = np.full((*ids.shape, 2), -1, np.int32)
    owner, slot = np.nonzero(ids >= 0)
    columns = ids[owner, slot]
    bought = contained(pool.seen(rows), owner, columns)
    families[owner[bought], slot[bought]] = Family.HABIT
    owner, slot, columns = owner[~bought], slot[~bought], columns[~bought]
    if booster is None or not len(columns):
        return families, behind
    places = pool.places(pool.lists(rows), owner, columns)
    signals = signals_of(pool, rows, owner, columns, places)
    families[owner, slot] = _largest_fall(pool, booster, signals)
    for name, member in pool.members.items():
        if isinstance(member, NamesSource):
            own = (families == FAMILIES[name]) & (ids >= 0) & (behind[..., 0] < 0)
            if own.any():
                source = member.largest_reason(rows, np.where(own, ids, -1).astype(np.int32))
                behind[..., 0] = np.where(own, source, behind[..., 0])
    families[np.isin(families, _SOURCED) & (behind[..., 0] < 0)] = Family.POPULAR
    return families, behind


def _largest_fall(pool: Pool, booster: Learner, signals: Scores) -> NDArray[np.uint8]:
    """For each row of signals the family that it would fall furthest without."""
    whole = booster.probability(signals)
    best, family = np.zeros(len(signals), np.float32), np.full(len(signals), Family.POPULAR, np.uint8)
    for kind, missing in _without(pool).items():
        less = signals.copy()
        less[:, list(missing)] = list(missing.values())
        fall = whole - booster.probability(less)
        family[fall > best] = kind
        best = np.maximum(best, fall)
    return family


def _without(pool: Pool) -> dict[Family, dict[int, float]]:
    """For each family the columns of its signals, and what they hold where there is no such evidence."""
    found: dict[Family, dict[int, float]] = {}
    for number, name in enumerate(signal_names(pool)):
        kind, _, rest = name.partition("_")
        if kind in GROUPS:
            found.setdefault(Family.CATEGORY, {})[number] = 0.0 if rest == "affinity" else np.nan
        elif kind == "says" and FAMILIES.get(rest, Family.POPULAR) != Family.POPULAR:
            found.setdefault(FAMILIES[rest], {})[number] = 0.0
        elif kind == "place" and FAMILIES.get(rest, Family.POPULAR) != Family.POPULAR:
            found.setdefault(FAMILIES[rest], {})[number] = float(np.log1p(SOURCES[rest]))
    return found
