"""The products that a ranker considers for a customer: their own, and what each simple model would show.

Each source proposes its best products that the customer never bought. The place of a product in a source's
list is a signal of its own. All of it depends on the customer alone, so a pair has the same numbers whatever
is asked; a caller's limits only leave products out, or bring more of them in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recs.pairs import Columns, Owner, keys, owners
from recs.protocol import Ids, Mask, Recommender, Scores
from recs.ranker.signals import Group, Signals
from recs.ranking import Limits
from recs.threads import Last

OWN = 250
"""Products of a customer's own that are considered, those bought most in the last months first."""

SOURCES = {
    "popularity": 60,
    "segment": 60,
    "als": 80,
    "ials": 80,
    "ease": 80,
    "item_item": 60,
    "bm25": 60,
    "content": 20,
    "sessions": 40,
}
"""How many products each model may propose."""

_GROUPS = 30
_FROM_GROUPS = 60

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Considered:
    """Pairs under consideration, sorted by owner and column, with their place in each source's list.

    Attributes:
        owner: positions in the asked rows, (P,).
        columns: products, (P,).
        places: (P, M) float32, 0 for the first; the length of the list where a product is not in it.
    """

    owner: Owner
    columns: Columns
    places: Scores


@dataclass(frozen=True)
class Pool:
    """Sources of candidates, fitted on one history.

    Attributes:
        members: the models, by the names of `SOURCES`.
        signals: of the same history.
        last: the lists of the rows asked last.
    """

    members: Mapping[str, Recommender]
    signals: Signals
    last: Last[dict[str, Ids]] = field(default_factory=Last, repr=False, compare=False)

    @property
    def proposers(self) -> tuple[str, ...]:
        """The members that propose products; the others only say what they think of them."""
        return tuple(name for name in self.members if name in SOURCES)

    @property
    def width(self) -> int:
        """How many products there are."""
        return len(self.signals.products)

    def seen(self, rows: Rows) -> csr_matrix:
        """(U', I) pattern of what each of `rows` bought."""
        owner, place = self.signals.habits.part(rows)
        indptr = np.searchsorted(owner, np.arange(len(rows) + 1))
        columns = self.signals.habits.indices[place]
        shape = (len(rows), self.width)
        return csr_matrix((np.ones(len(columns), np.float32), columns, indptr), shape=shape)

    def lists(self, rows: Rows, limits: Limits | None = None) -> dict[str, Ids]:
        """The list of each source for each row, (U', n) columns, without what the customer bought."""
        if limits is None:
            return self.last.of(rows, lambda: self._lists(rows, self.seen(rows), None))
        barred = self.seen(rows)
        barred = barred if limits.exclude is None else csr_matrix(barred + limits.exclude)
        return self._lists(rows, barred, limits.allowed)

    def _lists(self, rows: Rows, barred: csr_matrix, allowed: Mask | None) -> dict[str, Ids]:
        return {
            name: self.members[name].recommend(rows, SOURCES[name], exclude=barred, allowed=allowed)[0]
            for name in self.proposers
        }

    def considered(self, rows: Rows) -> Considered:
        """All candidates of some customers."""
        lists = self.lists(rows)
        found = [self._own(rows), *(_pairs(ids) for ids in lists.values()), *self._of_groups(rows)]
        width = self.width
        pairs = np.unique(np.concatenate([keys(owner, columns, width) for owner, columns in found]))
        owner, columns = pairs // width, (pairs % width).astype(np.int32)
        return Considered(owner, columns, self.places(lists, owner, columns))

    def places(self, lists: Mapping[str, Ids], owner: Owner, columns: Columns) -> Scores:
        """The place of each pair in each list, (P, M)."""
        width, asked = self.width, keys(owner, columns, self.width)
        found = np.empty((len(asked), len(lists)), np.float32)
        for number, ids in enumerate(lists.values()):
            at_owner, at_column = _pairs(ids)
            stored = keys(at_owner, at_column, width)
            order = np.argsort(stored, kind="stable")
            place = np.nonzero(ids >= 0)[1][order]
            stored = stored[order]
            found[:, number] = ids.shape[1]
            if len(stored):
                at = np.minimum(np.searchsorted(stored, asked), len(stored) - 1)
                hit = stored[at] == asked
                found[hit, number] = place[at[hit]]
        return found

    def _own(self, rows: Rows) -> tuple[Owner, Columns]:
        """Up to `OWN` products of each customer."""
        owner, place = self.signals.habits.part(rows)
        weight = self.signals.habits.values[place, self.signals.habit_names.index("w60")]
        kept = _first(owner, -weight, OWN)
        return owner[kept], self.signals.habits.indices[place[kept]]

    def _of_groups(self, rows: Rows) -> list[tuple[Owner, Columns]]:
        """Popular products of the groups that each customer buys most of, without what they bought."""
        barred, found = self.seen(rows), []
        bought = keys(owners(barred), barred.indices, barred.shape[1])
        for name in ("title", "category"):
            group = self.signals.groups.get(name)
            if group is None:
                continue
            owner, columns, score = _grouped(group, rows)
            at = np.searchsorted(bought, keys(owner, columns, barred.shape[1]))
            new = np.append(bought, -1)[at] != keys(owner, columns, barred.shape[1])
            owner, columns, score = owner[new], columns[new], score[new]
            kept = _first(owner, -score, _FROM_GROUPS)
            found.append((owner[kept], columns[kept]))
        return found


def _grouped(group: Group, rows: Rows) -> tuple[Owner, Columns, Scores]:
    owner, place = group.cells.part(rows)
    weight = group.cells.values[place, 1]
    kept = _first(owner, -weight, _GROUPS)
    owner, weight, code = owner[kept], weight[kept], group.cells.indices[place[kept]]
    columns = group.popular[code]
    pair, slot = np.nonzero(columns >= 0)
    product = columns[pair, slot]
    return owner[pair], product, weight[pair] * group.share[product, 0]


def _pairs(ids: Ids) -> tuple[Owner, Columns]:
    owner, slot = np.nonzero(ids >= 0)
    return owner, ids[owner, slot]


def _first(owner: Owner, order: Scores, n: int) -> NDArray[np.int64]:
    """The positions of the first `n` pairs of each owner by `order`, equals as they come."""
    best = np.lexsort((order, owner))
    start = np.searchsorted(owner[best], owner[best])
    return best[np.arange(len(best)) - start < n]
