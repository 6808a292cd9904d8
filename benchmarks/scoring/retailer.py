"""An invented retailer of any size: what it sells, and what its customers bought.

Popularity falls like Zipf's law. A customer has a few categories they mostly buy from, so that there is
something to learn. Customers are made a block at a time, each block from its own seed: the same customers
whatever is asked first, and memory for one block only.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

BLOCK = 20_000
"""Customers that are made at once."""

DAY = date(2017, 11, 30)
END = (DAY - date(1970, 1, 1)).days + 1
"""The first day that is not known any more, as days since 1970-01-01."""

PRODUCTS_EACH = 20
"""Products that a customer bought, in the mean."""

_ZIPF = 0.9
_FAVOURITES = 3
_FAVOURED = 0.7
"""The share of purchases from favourite categories."""

_MOST = 200
_DAYS = 365
_WORDS = Path(__file__).with_name("words.txt").read_text(encoding="utf-8").splitlines()
_BRANDS, _KINDS, _THINGS, _SIZES = (line.split(", ") for line in _WORDS)


@dataclass(frozen=True)
class Retailer:
    """What it sells.

    Attributes:
        customers: how many there are.
        catalogue: `product_id`, `title` and `category`, by column.
        category: (I,) the number of each product's category; products of one stand together in `order`.
        order: (I,) columns by category.
        reach: (I,) how much of all purchases the products up to each place of `order` get, ascending to 1.
        edges: (categories + 1,) the same at the borders of categories.
        seed: where chance begins.
    """

    customers: int
    catalogue: pl.DataFrame
    category: NDArray[np.int32]
    order: NDArray[np.int32]
    reach: NDArray[np.float64]
    edges: NDArray[np.float64]
    seed: int

    @classmethod
    def of(cls, customers: int, products: int, seed: int = 0) -> "Retailer":
        """A retailer of that many customers and products."""
        chance = np.random.default_rng([seed, 0])
        kinds = len(_THINGS) * len(_KINDS)
        category = chance.integers(0, min(kinds, max(products // 50, 1)), products).astype(np.int32)
        weight = (np.arange(1, products + 1) ** -_ZIPF)[chance.permutation(products)]
        order = np.argsort(category, kind="stable").astype(np.int32)
        reach = np.cumsum(weight[order])
        reach /= reach[-1]
        ends = np.searchsorted(category[order], np.arange(category.max() + 1), side="right")
        edges = np.concatenate([[0.0], reach[ends - 1]])
        return cls(customers, _catalogue(category, chance), category, order, reach, edges, seed)

    @property
    def products(self) -> int:
        """How many products there are."""
        return len(self.category)

    def customer_ids(self) -> pl.Series:
        """Ids of the customers, sorted."""
        return numbered("c", self.customers)

    def blocks(self) -> Iterator[tuple[int, csr_matrix]]:
        """The first customer of each block, and what its customers bought: a pattern (B, I), ordered."""
        for number, start in enumerate(range(0, self.customers, BLOCK)):
            yield start, self._bought(number, min(BLOCK, self.customers - start))

    def chance(self, block: int) -> np.random.Generator:
        """The chance of a block for everything besides what was bought."""
        return np.random.default_rng([self.seed, 2, block])

    def _bought(self, block: int, customers: int) -> csr_matrix:
        chance = np.random.default_rng([self.seed, 1, block])
        many = np.clip(chance.lognormal(np.log(PRODUCTS_EACH * 1.15), 0.6, customers), 1, _MOST).astype(int)
        owner = np.repeat(np.arange(customers), many)
        at = chance.random(len(owner))
        likes = np.searchsorted(self.edges[1:], chance.random((customers, _FAVOURITES)), side="right")
        liked = likes[owner, chance.integers(0, _FAVOURITES, len(owner))]
        narrow = self.edges[liked] + at * (self.edges[liked + 1] - self.edges[liked])
        at = np.where(chance.random(len(owner)) < _FAVOURED, narrow, at)
        place = np.minimum(np.searchsorted(self.reach, at, side="right"), self.products - 1)
        cells = np.unique(owner * self.products + self.order[place])
        lengths = np.bincount(cells // self.products, minlength=customers)
        indptr = np.concatenate([[0], np.cumsum(lengths)])
        ones, columns = np.ones(len(cells), np.float32), (cells % self.products).astype(np.int32)
        return csr_matrix((ones, columns, indptr), shape=(customers, self.products))


@dataclass(frozen=True)
class Habits:
    """For each product bought: `baskets`, the `last` day, the `rhythm` in days (0: none), and `resting`."""

    baskets: NDArray[np.int32]
    last: NDArray[np.int32]
    rhythm: NDArray[np.int32]
    resting: NDArray[np.uint8]

    @classmethod
    def of(cls, cells: int, chance: np.random.Generator) -> "Habits":
        """Habits of that many cells."""
        baskets = chance.geometric(0.4, cells).astype(np.int32)
        last = (END - 1 - np.minimum(chance.exponential(60, cells), _DAYS)).astype(np.int32)
        regular = (baskets >= 3) & (chance.random(cells) < 0.3)
        rhythm = np.where(regular, chance.integers(5, 60, cells), 0).astype(np.int32)
        resting = (regular & (chance.random(cells) < 0.5)).astype(np.uint8)
        return cls(baskets, last, rhythm, resting)


def numbered(letter: str, many: int) -> pl.Series:
    """That many ids, sorted."""
    width = len(str(many))
    return pl.Series([f"{letter}{number:0{width}}" for number in range(many)], dtype=pl.String)


def _catalogue(category: NDArray[np.int32], chance: np.random.Generator) -> pl.DataFrame:
    def some(words: list[str]) -> list[str]:
        return [words[at] for at in chance.integers(0, len(words), len(category)).tolist()]

    names = [
        f"{_KINDS[number // len(_THINGS)]} {_THINGS[number % len(_THINGS)]}" for number in category.tolist()
    ]
    titles = [
        f"{brand} {name} {size}" for brand, name, size in zip(some(_BRANDS), names, some(_SIZES), strict=True)
    ]
    ids = numbered("p", len(category))
    return pl.DataFrame({"product_id": ids, "title": titles, "category": [name.upper() for name in names]})
