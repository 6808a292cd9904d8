"""Why a product stands in a customer's slates, or does not."""

import numpy as np

from recs.answers import Explanation
from recs.bundle import SLATES, Bundle
from recs.naming import reason
from recs.protocol import Mask
from recs.ranked import Ranked
from recs.session import Session
from recs.shop import Shop
from recs.wording import BOUGHT, LOCAL, LOOKED, POPULAR, RHYTHM, UNTRIED


def explain(shop: Shop, bundle: Bundle, row: int, column: int, session: Session, shown: Mask) -> Explanation:
    """What a bundle knows of one customer and one product.

    Args:
        shop: of the bundle.
        bundle: whose lists are looked at.
        row: the customer's, that of nobody for one the bundle does not know.
        column: the product's.
        session: what the customer did just now.
        shown: (I,) what passes the shop's rules for them.
    """
    lists = {slate: Ranked.row(bundle.slates[slate], row) for slate in SLATES}
    at = {slate: np.flatnonzero(listed.items == column) for slate, listed in lists.items()}
    ranks = {slate: int(place[0]) + 1 for slate, place in at.items() if len(place)}
    told = ""
    if ranks:
        first = next(iter(ranks))
        one = lists[first].at(at[first])
        told = reason(bundle, int(one.codes[0]), *one.facts[0].tolist())
    facts = [fact for fact in _facts(shop, bundle, row, column, session) if fact != told]
    barred = _barred(shop, row, column, session, shown=bool(shown[column]))
    products, titles, _ = bundle.names
    return Explanation(products[column], titles[column], bundle.bundle_id, ranks, told, tuple(facts), barred)


def _facts(shop: Shop, bundle: Bundle, row: int, column: int, session: Session) -> list[str]:
    """What is true of the product, first what the customer did."""
    found: list[tuple[int, int, int]] = []
    if not shop.impersonal[row]:
        baskets, last, rhythm = (
            int(shop.habits[name][row, column]) for name in ("baskets", "last", "rhythm")
        )
        if rhythm:
            found.append((RHYTHM, rhythm, last))
        if baskets:
            found.append((BOUGHT, baskets, last))
        if column in session.looks:
            found.append((LOOKED, 0, 0))
    local = int(shop.local.lately[shop.local.home[row], column])
    if local > 1:
        found.append((LOCAL, local, 0))
    buyers = int(shop.buyers[column])
    found.append((POPULAR, buyers, 0) if buyers else (UNTRIED, 0, 0))
    return [reason(bundle, *fact) for fact in found]


def _barred(shop: Shop, row: int, column: int, session: Session, *, shown: bool) -> tuple[str, ...]:
    """What keeps the product out, as sentences."""
    personal = not shop.impersonal[row]  # of others nothing is told that they did
    bought = personal and bool(shop.habits["baskets"][row, column])
    resting = personal and bool(shop.habits["resting"][row, column])
    taken = personal and column in session.gone
    on_sale = bool(shop.available.mask(int(shop.available.groups[row]))[column])
    ways = {
        "It is not on sale where this customer shops": not on_sale,
        "The shop's own rules leave it out": on_sale and not shown,
        "Its kind is shown only to customers who bought it before": bool(shop.sensitive[column])
        and not bought,
        "It was bought too lately to stand in buy_again": resting,
        "It was bought, or put into the basket, in the last hours": taken,
        "This customer's own purchases do not shape the lists": not personal,
    }
    return tuple(sentence for sentence, holds in ways.items() if holds)
