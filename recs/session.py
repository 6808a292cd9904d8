"""This visit: what was looked at, put into the basket or bought just now, and how it changes a list.

What goes with it is ranked by `recs.visitors`, and comes into the customer's published list by reciprocal
rank fusion (Cormack, Clarke and Büttcher, 2009): scores of two models cannot be compared, places can. A
sensitive product shapes nothing, however it was looked at.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recs.protocol import Ids, Mask, Scores
from recs.ranked import Ranked, among
from recs.similar import Similar
from recs.visitors import Visit, Visitors
from recs.wording import (
    BASKET,
    BASKET_UNNAMED,
    LATELY,
    LOCAL,
    LOOKED,
    PICKED,
    POPULAR,
    TOGETHER_UNNAMED,
    UNTRIED,
    VIEWED_UNNAMED,
)

LOOK = np.float32(0.5)
"""What the newest look counts beside a product in the basket; each one before it `FADING` times that."""

FADING = np.float32(0.8)

SMOOTH = 10
"""The constant of reciprocal rank fusion: smaller lets the first places of either list stand out more."""

DEPTH = 50
"""How many products of a session's own list are looked at."""


@dataclass(frozen=True)
class Session:
    """Columns of products, each once and in one of the three, none of them sensitive.

    Attributes:
        basket: in the basket now.
        bought: bought just now.
        looks: looked at, the newest first.
        hidden: sensitive ones in the basket or bought: they shape nothing, and are not shown again.
    """

    basket: Ids
    bought: Ids
    looks: Ids
    hidden: Ids

    def __bool__(self) -> bool:
        return bool(len(self.have) or len(self.hidden))

    @classmethod
    def none(cls) -> "Session":
        """Nothing was done."""
        nothing = np.empty(0, np.int32)
        return cls(nothing, nothing, nothing, nothing)

    @classmethod
    def of(
        cls, basket: Sequence[int], bought: Sequence[int], looks: Sequence[int], sensitive: Mask
    ) -> "Session":
        """A session from columns in any number; -1 is nothing we know."""
        taken: set[int] = {-1}
        hidden: list[int] = []
        parts = {"bought": bought, "basket": basket, "looks": looks}
        kept: dict[str, list[int]] = {}
        for name, columns in parts.items():
            new = [column for column in dict.fromkeys(columns) if column not in taken]
            taken.update(new)
            kept[name] = [column for column in new if not sensitive[column]]
            hidden += [column for column in new if sensitive[column] and name != "looks"]
        arrays = {name: np.array(columns, np.int32) for name, columns in kept.items()}
        return cls(**arrays, hidden=np.array(hidden, np.int32))

    @property
    def have(self) -> Ids:
        """All that shapes the answer."""
        return np.concatenate([self.basket, self.bought, self.looks])

    @property
    def gone(self) -> Ids:
        """What no list holds any more."""
        return np.concatenate([self.basket, self.bought, self.hidden])

    @property
    def worth(self) -> Scores:
        """What each of `have` counts."""
        looks = LOOK * FADING ** np.arange(len(self.looks), dtype=np.float32)
        ones = np.ones(len(self.basket) + len(self.bought), np.float32)
        return np.concatenate([ones, looks.astype(np.float32)])

    def visit(self, n: int) -> Visit:
        """The question what `n` products go with it."""
        return Visit(self.have, self.worth, n, np.concatenate([self.gone, self.looks]))


def suggested(
    wanted: Sequence[tuple[Session, int]],
    visitors: Visitors,
    similar: Similar,
    allowed: Mask,
    titles: NDArray[np.int32],
) -> list[Ranked]:
    """What goes with each session and is not of it; nothing where it is empty.

    Args:
        wanted: sessions, and how many products for each at most.
        visitors: rank what goes with them.
        similar: stands in where they know nothing.
        allowed: (I,) what may be shown; not changed.
        titles: (I,) a number for each title; see `recs.shop.Shop.titles`.
    """
    found = [Ranked.none()] * len(wanted)
    visits = {place: session.visit(n) for place, (session, n) in enumerate(wanted) if len(session.have)}
    if not visits:
        return found
    best = visitors.best(list(visits.values()), allowed)
    for (place, visit), (items, scores) in zip(visits.items(), best, strict=True):
        session = wanted[place][0]
        behind = visitors.behind(visit.have, visit.worth, items)
        ranked = Ranked.of(items, scores, *_reasons(session, behind, items, titles))
        if len(items) < visit.n:
            ranked = ranked.then(_alike(session, similar, allowed, visit.barred, titles)).at(slice(visit.n))
        found[place] = ranked
    return found


def fused(base: Ranked, session: Session, goes: Ranked, eligible: Mask) -> Ranked:
    """A published list as a session changes it.

    Args:
        base: the published list.
        session: what was done just now.
        goes: what goes with it, see `suggested`.
        eligible: (I,) what the list may hold.
    """
    looked = Ranked.of(session.looks, np.ones(len(session.looks), np.float32), LOOKED)
    parts = (
        part.at(eligible[part.items] & ~among(part.items, session.gone)) for part in (base, looked, goes)
    )
    return _merged(*parts)


def followed(goes: Ranked, base: Ranked, session: Session) -> Ranked:
    """What goes with a session, then what else may be shown."""
    gone = np.concatenate([session.gone, session.looks])
    first, rest = (part.at(~among(part.items, gone)) for part in (goes, base))
    return first.then(rest)


def pinned(ranked: Ranked, base: Ranked, session: Session) -> Ranked:
    """The list with the retailer's own products of `base` at their places, but for what the session took."""
    picked = base.codes == PICKED
    picked &= ~among(base.items, session.gone)
    ranked = ranked.at(~among(ranked.items, base.items[base.codes == PICKED]))
    for place in np.flatnonzero(picked).tolist():
        one = base.at(slice(place, place + 1))
        ranked = Ranked.joined(ranked.at(slice(0, place)), one, ranked.at(slice(place, None)))
    return ranked


def dealt(ranked: Ranked, seed: int, customer: str) -> Ranked:
    """The list with its places after the first dealt anew, better products more often in front.

    Each product but the first draws from a Gumbel distribution around the logarithm of its place, so a list
    is a draw from the Plackett-Luce model, of which the chance of every place is known.
    """
    if len(ranked.items) < 3:
        return ranked
    words = np.frombuffer(customer.encode("utf-8", "replace"), np.uint8).astype(np.uint32)
    chance = np.random.default_rng([seed, *words.tolist()])
    key = -2 * np.log(np.arange(2, len(ranked.items) + 1)) + chance.gumbel(size=len(ranked.items) - 1)
    fixed = ranked.codes == PICKED
    order = np.arange(len(ranked.items))
    free = np.flatnonzero(~fixed[1:]) + 1
    order[free] = free[np.argsort(-key[free - 1], kind="stable")]
    return ranked.at(order)


def _merged(base: Ranked, *others: Ranked) -> Ranked:
    """Lists merged by the places of their products.

    A product keeps its reason in `base`, unless that only says that others bought it and another is better.
    """
    own = base.at(~np.isin(base.codes, (POPULAR, LOCAL, UNTRIED)))
    parts = [own, *others, base]
    worth = [SMOOTH / (SMOOTH + 1.0 + np.arange(len(part.items))) for part in parts]
    worth[0][:] = 0  # it is in `base`, too
    every = Ranked.joined(*parts)
    _, first, place = np.unique(every.items, return_index=True, return_inverse=True)
    score = np.bincount(place, np.concatenate(worth), minlength=len(first)).astype(np.float32)
    order = np.lexsort((first, -score))
    chosen = every.at(first[order])
    return Ranked(chosen.items, score[order], chosen.codes, chosen.facts)


def _reasons(
    session: Session, behind: Ids, items: Ids, titles: NDArray[np.int32]
) -> tuple[NDArray[np.uint8], Ids]:
    """Codes and first numbers of products that the products `behind` them brought."""
    looked, bought = set(session.looks.tolist()), set(session.bought.tolist())
    plain = BASKET_UNNAMED if len(session.basket) else VIEWED_UNNAMED if looked else TOGETHER_UNNAMED
    told = []
    for item, source in zip(items.tolist(), behind.tolist(), strict=True):
        alike = source < 0 or titles[source] == titles[item]  # its own name would explain nothing
        if source in bought:
            told.append((TOGETHER_UNNAMED, 0))
        elif source in looked:
            told.append((VIEWED_UNNAMED, 0) if alike else (LATELY, source))
        else:
            told.append((plain, 0) if alike else (BASKET, source))
    codes, first = zip(*told, strict=True) if told else ((), ())
    return np.array(codes, np.uint8), np.array(first, np.int32)


def _alike(
    session: Session, similar: Similar, allowed: Mask, barred: Ids, titles: NDArray[np.int32]
) -> Ranked:
    """What is most like the products of a session, each product once."""
    have = session.have
    items = similar.items[have]
    score = np.where(items >= 0, similar.scores[have] * session.worth[:, None], 0)
    behind = np.broadcast_to(have[:, None], items.shape)[items >= 0]
    items, score = items[items >= 0], score[similar.items[have] >= 0]
    order = np.lexsort((items, -score))
    order = order[allowed[items[order]] & ~among(items[order], barred)]
    _, first = np.unique(items[order], return_index=True)
    order = order[np.sort(first)]
    chosen = items[order].astype(np.int32)
    return Ranked.of(
        chosen, score[order].astype(np.float32), *_reasons(session, behind[order], chosen, titles)
    )
