"""Who asks, and what they may be shown."""

from dataclasses import dataclass

import numpy as np

from recs.bundle import place_of
from recs.context import Context
from recs.protocol import Mask
from recs.rules import asks_for_prices
from recs.shop import Shop

MASKS = 1000
"""How many kinds of askers' masks are kept; one over 100,000 products is 100 kB."""


@dataclass(frozen=True)
class Asker:
    """A customer of a bundle, where they shop now.

    Attributes:
        row: theirs, that of nobody for one the bundle does not know.
        group: an index into `Shop.available.off`.
        home: the market whose prices they pay, -1 where unknown.
        local: the market as `Shop.local` numbers it, -1 where unknown.
        impersonal: whether nothing of theirs may shape an answer.
    """

    row: int
    group: int
    home: int
    local: int
    impersonal: bool


@dataclass(frozen=True)
class Shown:
    """What may be shown, (I,); neither mask is to be changed, for they are kept.

    Attributes:
        any: products that pass all rules; a sensitive one only to who bought it.
        harmless: those of them that are not sensitive.
    """

    any: Mask
    harmless: Mask


class Askers:
    """Tells of askers what they may be shown; safe to share between threads.

    Args:
        shop: of the bundle.
    """

    def __init__(self, shop: Shop) -> None:
        self._shop, self._rules = shop, (shop.policy.rules,)
        self._prices = asks_for_prices(self._rules)
        self._harmless = ~np.asarray(shop.sensitive)
        self._known: dict[tuple[int, int], Shown] = {}

    def of(self, row: int, market: str | None) -> Asker:
        """The asker in a row, at home or in a market they name; one where nobody shops is unknown."""
        shop = self._shop
        parts = (shop.available.groups, shop.prices.home, shop.local.home)
        places = [int(part[row]) for part in parts]
        if market is not None:
            at = place_of(shop.markets, market)
            known = at < len(shop.markets)
            places = shop.places[at].tolist() if known else [int(shop.available.groups[-1]), -1, -1]
        group, home, local = places
        return Asker(row, group, home, local, bool(shop.impersonal[row]))

    def shown(self, asker: Asker, context: Context) -> Shown:
        """What may be shown to them under the shop's rules and those of the request."""
        if limits(context):
            mask = self._shop.shown(asker.group, asker.home, (*self._rules, context))
            if context.in_stock is not None:
                mask &= self._shop.catalogue["product_id"].is_in(context.in_stock).to_numpy()
            return Shown(mask, mask & self._harmless)
        key = (asker.group, asker.home if self._prices else -1)
        found = self._known.get(key)
        if found is None:
            mask = self._shop.shown(asker.group, asker.home, self._rules)
            found = Shown(mask, mask & self._harmless)
            if len(self._known) < MASKS:
                self._known[key] = found
        return found


def limits(context: Context) -> bool:
    """Whether a request says anything of what may be shown."""
    ranges = context.min_price_minor or context.max_price_minor
    return bool(
        context.categories or context.deny or context.exclude or ranges or context.in_stock is not None
    )
