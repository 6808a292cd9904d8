"""What an invented retailer's customers did, and the product's `Shop` made from it."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from benchmarks.scoring.retailer import END, Habits, Retailer
from recs.availability import Availability
from recs.local import Local
from recs.prices import Money, Prices
from recs.protocol import Mask
from recs.ranking import Popular
from recs.shop import HABITS, VIEW_DAYS, Policy, Shop
from recs.threads import Last
from warehouse.settings import RecsSettings

_LOOKED = 0.1
"""The share of purchases that were also looked at lately."""


@dataclass
class Cells:
    """What customers bought and looked at, and how, a part for each block of them."""

    bought: list[csr_matrix] = field(default_factory=list)
    habits: list[Habits] = field(default_factory=list)
    categories: list[csr_matrix] = field(default_factory=list)
    viewed: list[csr_matrix] = field(default_factory=list)

    def add(self, made: Retailer, bought: csr_matrix, habits: Habits, chance: np.random.Generator) -> None:
        """Remembers a block; what its customers looked at is left to chance."""
        belongs = (np.ones(made.products, np.int32), (np.arange(made.products), made.category))
        of_category = csr_matrix(belongs, shape=(made.products, int(made.category.max()) + 1))
        baskets = csr_matrix(bought.astype(np.int32) @ of_category)
        baskets.sort_indices()
        ago = np.where(chance.random(bought.nnz) < _LOOKED, chance.integers(0, VIEW_DAYS, bought.nnz), -1)
        days = np.where(ago >= 0, END - 1 - ago, 0).astype(np.int32)
        viewed = csr_matrix((days, bought.indices, bought.indptr), shape=bought.shape, copy=True)
        viewed.eliminate_zeros()
        self.bought.append(bought)
        self.habits.append(habits)
        self.categories.append(baskets)
        self.viewed.append(viewed)

    def shop(self, made: Retailer, sensitive: Mask, deep: int) -> Shop:
        """The shop as these leave it, one market, everything on sale; the parts are used up."""
        users = made.customers + 1
        cells = _cells(self.bought)
        buyers = np.bincount(cells[0], minlength=made.products).astype(np.int64)
        one = {name: np.concatenate([getattr(part, name) for part in self.habits]) for name in HABITS}
        shape = (users, made.products)
        return Shop(
            made.catalogue,
            Policy.of(RecsSettings(depth=deep)),
            sensitive,
            np.stack([made.category, np.zeros_like(made.category)], axis=1),
            buyers,
            Availability(
                np.ones(made.products, np.bool_), (np.empty(0, np.int64),), np.zeros(users, np.int64)
            ),
            _prices(users, made.products),
            np.zeros(users, np.bool_),
            _local(users, buyers),
            {name: csr_matrix((data, *cells), shape=shape) for name, data in one.items()},
            _whole(self.categories, (users, int(made.category.max()) + 1)),
            _whole(self.viewed, shape),
            np.array([b"everywhere"]),
            np.zeros((1, 3), np.int64),
        )


def _whole(parts: list[csr_matrix], shape: tuple[int, int]) -> csr_matrix:
    """Blocks under each other, and an empty row for nobody; takes them out of the list."""
    data = np.concatenate([part.data for part in parts])
    return csr_matrix((data, *_cells(parts)), shape=shape)


def _cells(parts: list[csr_matrix]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    indices = np.concatenate([part.indices for part in parts])
    indptr = np.cumsum(np.concatenate([[0], *(np.diff(part.indptr) for part in parts), [0]]))
    parts.clear()
    return indices.astype(np.int32), indptr.astype(np.int32)


def _prices(users: int, products: int) -> Prices:
    price: Money = (100 + np.arange(products) % 900).astype(np.float64)
    everything = np.arange(products, dtype=np.int32)
    local = csr_matrix((price, everything, np.array([0, products], np.int32)), shape=(1, products))
    home = np.append(np.zeros(users - 1, np.int32), np.int32(-1))
    return Prices(("USD",), np.zeros(1, np.int32), home, local, price[None, :])


def _local(users: int, buyers: NDArray[np.int64]) -> Local:
    local = Local.of(np.append(np.zeros(users - 1, np.int32), np.int32(-1)))
    local.popular, local.last = Popular.of((buyers / max(buyers.max(), 1)).astype(np.float32)), Last()
    local.customers = users
    lately = csr_matrix((buyers // 10).astype(np.float32))
    local.lately = csr_matrix(
        (lately.data, lately.indices, np.append(lately.indptr, lately.indptr[-1])), shape=(2, len(buyers))
    )
    return local
