"""What a customer would think of products that the shop has chosen itself, in a few milliseconds.

To ask the night's ranker about two hundred pairs takes longer than a page may. Its scores are known for what
stands in the customer's lists; whatever does not stand there scored less, and is ordered behind by their own
habit, by what goes with all they bought, and by popularity. docs/benchmarks.md says how near that comes.
"""

import numpy as np
from numpy.typing import NDArray

from recs.bundle import SLATES, Bundle
from recs.protocol import Ids, Scores
from recs.ranked import Ranked, among
from recs.session import Session
from recs.shop import Shop
from recs.visitors import Visitors
from recs.wording import BOUGHT, POPULAR, UNTRIED

OWN = 200
"""Products of a customer's own that are looked at, those bought most lately."""

HALF_LIFE = 60
"""Age in days at which a purchase counts half."""

FASHION = np.float32(1e-3)
"""What full popularity counts, beside 1 for one late purchase."""


class Appraisal:
    """What speaks for products, for one customer.

    Args:
        shop: of the bundle.
        bundle: whose lists are looked at.
        row: the customer's, that of nobody for one the bundle does not know.
    """

    def __init__(self, shop: Shop, bundle: Bundle, row: int) -> None:
        self._shop, self._bundle, self._row = shop, bundle, row
        cells = shop.cells(row)
        self._mine = np.asarray(shop.bought.indices[cells])
        self._baskets = np.asarray(shop.habits["baskets"].data[cells])
        self._last = np.asarray(shop.habits["last"].data[cells])

    def ranked(self, visitors: Visitors, columns: Ids, session: Session) -> Ranked:
        """Products in the order in which the customer would want them.

        Args:
            visitors: of the bundle.
            columns: (A,) products, each once.
            session: what the customer did just now; it counts like purchases.
        """
        listed = [Ranked.row(self._bundle.slates[slate], self._row) for slate in self._comparable()]
        lowest = max(min((float(part.scores.min(initial=1)) for part in listed), default=1.0), 1e-12)
        behind = self._behind(visitors, columns, session)
        codes, facts = self._reasons(columns)
        found = Ranked(columns, (lowest * behind / (1 + behind)).astype(np.float32), codes, facts)
        for part in listed:
            _put(found, part)
        if not self._shop.impersonal[self._row]:
            found.scores[among(columns, np.concatenate([session.bought, session.hidden]))] = 0
        return found.at(np.lexsort((columns, -self._shop.buyers[columns], -found.scores)))

    def _comparable(self) -> list[str]:
        """Slates whose scores mean the same as those of `for_you`, which comes last and counts."""
        serving = self._bundle.manifest["serving"]
        return [slate for slate in reversed(SLATES) if serving[slate] == serving["for_you"]]

    def _behind(self, visitors: Visitors, columns: Ids, session: Session) -> Scores:
        """What speaks for products, whether they are in a list or not, (A,)."""
        buyers = self._shop.buyers
        worth = FASHION * (buyers[columns] / max(int(buyers.max(initial=1)), 1)).astype(np.float32)
        if self._shop.impersonal[self._row]:
            return worth
        age = np.maximum(self._bundle.number - self._last, 0)
        habit = (self._baskets * 0.5 ** (age / HALF_LIFE)).astype(np.float32)
        at, own = self._places(columns)
        worth[own] += habit[at[own]]
        most = np.argsort(-habit, kind="stable")[:OWN]
        most = most[~among(self._mine[most], session.have)]
        have = np.concatenate([self._mine[most], session.have])
        counts = np.concatenate([np.log1p(habit[most]), session.worth])
        return worth + visitors.said(have, counts, columns)

    def _reasons(self, columns: Ids) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
        """The plainest true reason of each: that the customer bought it, else how many did."""
        buyers = self._shop.buyers[columns]
        codes = np.where(buyers > 0, POPULAR, UNTRIED).astype(np.uint8)
        facts = np.stack([buyers, np.zeros_like(buyers)], axis=1).astype(np.int32)
        if not self._shop.impersonal[self._row]:
            at, own = self._places(columns)
            codes[own] = BOUGHT
            facts[own] = np.stack([self._baskets[at[own]], self._last[at[own]]], axis=1)
        return codes, facts

    def _places(self, columns: Ids) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Where products stand among the customer's own, and whether they do, (A,)."""
        if not len(self._mine):
            return np.zeros(len(columns), np.int64), np.zeros(len(columns), np.bool_)
        at = np.minimum(np.searchsorted(self._mine, columns), len(self._mine) - 1)
        return at, self._mine[at] == columns


def _put(found: Ranked, listed: Ranked) -> None:
    """Takes scores and reasons of a published list into one of the same or other products, in place."""
    order = np.argsort(listed.items)
    items = np.asarray(listed.items)[order]
    if not len(items):
        return
    at = np.minimum(np.searchsorted(items, found.items), len(items) - 1)
    hit = items[at] == found.items
    place = order[at[hit]]
    found.scores[hit] = np.maximum(listed.scores[place], 0)
    found.codes[hit], found.facts[hit] = listed.codes[place], listed.facts[place]
