"""Finds why each product stands in a slate, as the codes and facts that `recs.wording` puts into words.

A model says which family of evidence put a product there, and for some of which product it speaks. That is
told only where the customer's own records bear it out: what they did not buy is never named, nor what is
sensitive. Where they do not, popularity is the reason, which is true of every product.
"""

from collections.abc import Callable
from enum import IntEnum
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from recs.pairs import values
from recs.protocol import Ids, Mask, Recommender
from recs.shop import Shop
from recs.wording import (
    ALIKE,
    BOUGHT,
    CATEGORY,
    LOCAL,
    POPULAR,
    RHYTHM,
    SIMILAR,
    SIMILAR_UNNAMED,
    TOGETHER,
    TOGETHER_UNNAMED,
    UNTRIED,
    VIEWED,
    VIEWED_UNNAMED,
)

Codes = NDArray[np.uint8]
Facts = NDArray[np.int32]
Rows = NDArray[np.int64]


class Family(IntEnum):
    """Kinds of evidence for a product."""

    POPULAR = 0
    HABIT = 1
    TOGETHER = 2
    ALIKE = 3
    CATEGORY = 4
    LOCAL = 5
    CONTENT = 6
    SESSION = 7


FAMILIES = {
    "frequency": Family.HABIT,
    "replenishment": Family.HABIT,
    "item_item": Family.TOGETHER,
    "bm25": Family.TOGETHER,
    "ease": Family.TOGETHER,
    "als": Family.ALIKE,
    "ials": Family.ALIKE,
    "bpr": Family.ALIKE,
    "segment": Family.LOCAL,
    "content": Family.CONTENT,
    "sessions": Family.SESSION,
    "local": Family.POPULAR,
}
"""What a simple model's evidence is, by its name."""


@runtime_checkable
class Explains(Protocol):
    """A model of many kinds of evidence, which knows what added most to each product."""

    def reasons(self, rows: Rows, ids: Ids) -> tuple[Codes, Facts]:
        """Why each product stands where it does.

        Args:
            rows: customers, (U,).
            ids: (U, n) columns, -1 for none.

        Returns:
            a `Family` for each, uint8 (U, n); and int32 (U, n, 2), of which the first is the product that
            stands behind it (bought for `TOGETHER` and `CONTENT`, looked at for `SESSION`), -1 for none.
        """
        ...


@runtime_checkable
class NamesSource(Protocol):
    """A model of one kind of evidence, which knows which product added most."""

    def largest_reason(self, rows: Rows, ids: Ids) -> Ids:
        """The product that adds most to each score, (U, n) columns, -1 where nothing does."""
        ...


def find(model: Recommender, shop: Shop, rows: Rows, ids: Ids) -> tuple[Codes, Facts]:
    """Why each product stands where it does.

    Args:
        model: what ranked them.
        shop: what is known of customers and products.
        rows: customers, (U,).
        ids: (U, n) columns, -1 for none.

    Returns:
        codes uint8 (U, n) and facts int32 (U, n, 2).
    """
    owner, slot = np.nonzero(ids >= 0)
    told = _Telling(shop, rows, owner, ids[owner, slot])
    if isinstance(model, Explains):
        family, behind = model.reasons(rows, ids)
        told.tell(family[owner, slot], behind[owner, slot, 0])
    else:
        said = model.evidence(rows, owner, told.columns) > 0
        family = np.where(said, FAMILIES.get(model.name, Family.ALIKE), Family.POPULAR)
        source = model.largest_reason(rows, ids) if isinstance(model, NamesSource) else np.full_like(ids, -1)
        told.tell(family, source[owner, slot])
    codes, facts = np.zeros(ids.shape, np.uint8), np.zeros((*ids.shape, 2), np.int32)
    codes[owner, slot], facts[owner, slot] = told.codes, told.facts
    return codes, facts


class _Telling:
    """Reasons for pairs (owner, column), first all popular, then what else is true of them."""

    def __init__(self, shop: Shop, rows: Rows, owner: NDArray[np.int64], columns: Ids) -> None:
        self.shop, self.rows, self.owner, self.columns = shop, rows, owner, columns
        buyers = shop.buyers[columns]
        self.codes = np.where(buyers > 0, POPULAR, UNTRIED).astype(np.uint8)
        self.facts = np.stack([buyers, np.zeros_like(buyers)], axis=1).astype(np.int32)

    def tell(self, family: NDArray[np.uint8], source: Ids) -> None:
        """Tells of each pair what its family says where that is true; `source` (P,) is what stands behind."""
        ways: dict[Family, Callable[[Mask, Ids], None]] = {
            Family.HABIT: self._habit,
            Family.TOGETHER: self._together,
            Family.ALIKE: self._alike,
            Family.CATEGORY: self._category,
            Family.LOCAL: self._local,
            Family.CONTENT: self._content,
            Family.SESSION: self._session,
        }
        for kind, way in ways.items():
            meant = family == kind
            if meant.any():
                way(meant, source)

    def _set(self, true: Mask, code: int, first: Ids | int = 0, second: Ids | int = 0) -> None:
        self.codes[true] = code
        for place, numbers in enumerate((first, second)):
            self.facts[true, place] = numbers if isinstance(numbers, int) else numbers[true]

    def _fact(self, name: str, columns: Ids) -> NDArray[np.int32]:
        """A habit of each pair's customer with some products; 0 for what they did not buy."""
        found: NDArray[np.int32] = values(self.shop.habits[name][self.rows], self.owner, columns)
        return found

    def _habit(self, meant: Mask, _source: Ids) -> None:
        baskets, last, rhythm = (self._fact(name, self.columns) for name in ("baskets", "last", "rhythm"))
        self._set(meant & (baskets > 0), BOUGHT, baskets, last)
        self._set(meant & (rhythm > 0), RHYTHM, rhythm, last)

    def _together(self, meant: Mask, source: Ids) -> None:
        self._set(meant & (source < 0) & self._anything(), TOGETHER_UNNAMED)
        self._bought(meant, source, TOGETHER, TOGETHER_UNNAMED)

    def _content(self, meant: Mask, source: Ids) -> None:
        self._bought(meant, source, SIMILAR, SIMILAR_UNNAMED)

    def _alike(self, meant: Mask, _source: Ids) -> None:
        self._set(meant & self._anything(), ALIKE)

    def _category(self, meant: Mask, _source: Ids) -> None:
        category = self.shop.kinds[self.columns, 0]
        at = np.maximum(category, 0)
        baskets = values(self.shop.categories[self.rows], self.owner, at)
        speakable = (category >= 0) & ~np.append(self.shop.unspeakable, True)[category]
        self._set(meant & (baskets > 0) & speakable, CATEGORY, self.columns, baskets)

    def _local(self, meant: Mask, _source: Ids) -> None:
        here = self.shop.local.evidence(self.rows, self.owner, self.columns).astype(np.int32)
        self._set(meant & (here > 1), LOCAL, here)

    def _session(self, meant: Mask, source: Ids) -> None:
        day = values(self.shop.viewed[self.rows], self.owner, np.maximum(source, 0))
        self._named(meant & (source >= 0) & (day > 0), source, day, (VIEWED, VIEWED_UNNAMED))

    def _bought(self, meant: Mask, source: Ids, named: int, unnamed: int) -> None:
        true = meant & (source >= 0) & (self._fact("baskets", np.maximum(source, 0)) > 0)
        self._named(true, source, self._fact("last", np.maximum(source, 0)), (named, unnamed))

    def _named(self, true: Mask, source: Ids, day: Ids, codes: tuple[int, int]) -> None:
        alike = (
            self.shop.titles[source] == self.shop.titles[self.columns]
        )  # its own name would explain nothing
        hidden = self.shop.sensitive[source] | alike
        self._set(true & ~hidden, codes[0], source, day)
        self._set(true & hidden, codes[1], -1)

    def _anything(self) -> Mask:
        """Whether each pair's customer ever bought something."""
        indptr = self.shop.bought.indptr
        some: Mask = (indptr[self.rows + 1] > indptr[self.rows])[self.owner]
        return some
