"""Questions a shop would ask: random customers, and baskets drawn from what customers bought."""

import json
from dataclasses import dataclass
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from recs.bundle import Bundle, folder_of
from recs.shop import Shop
from warehouse.settings import Settings

N = 10
"""Products asked for."""

_LARGEST, _MOST_VIEWS = 6, 3


@dataclass(frozen=True)
class Questions:
    """What is asked, all ids.

    Attributes:
        customers: known customers.
        baskets: for each visitor what is in the basket, at least one product, and what was looked at.
    """

    customers: list[str]
    baskets: list[tuple[list[str], list[str]]]

    @classmethod
    def of(cls, settings: Settings, bundle_id: str, many: int, seed: int = 0) -> "Questions":
        """That many customers and baskets of a bundle."""
        chance = np.random.default_rng([seed, many])
        opened, bought = Bundle.open(settings, bundle_id), Shop.open(folder_of(settings, bundle_id)).bought
        asked = chance.integers(0, len(opened.customers), many)
        customers = [opened.customers[row].decode() for row in asked.tolist()]
        buyers = np.flatnonzero(np.diff(bought.indptr) > 0)
        baskets = []
        for row in chance.choice(buyers, many).tolist():
            own = np.asarray(bought.indices[bought.indptr[row] : bought.indptr[row + 1]])
            baskets.append(_basket(chance.permutation(own), chance))
        products = opened.products
        named = [([products[i] for i in basket], [products[i] for i in views]) for basket, views in baskets]
        return cls(customers, named)

    def published(self) -> list["Request"]:
        """Requests for the customers' published lists."""
        return [
            Request(f"/v1/customers/{quote(customer, safe='')}/recommendations?slate=for_you&n={N}")
            for customer in self.customers
        ]

    def live(self) -> list["Request"]:
        """Requests for what goes with the baskets."""
        return [
            Request("/v1/baskets", json.dumps({"products": basket, "views": views, "n": N}))
            for basket, views in self.baskets
        ]


@dataclass(frozen=True)
class Request:
    """One HTTP request: a POST where there is a body."""

    path: str
    body: str = ""

    def raw(self, host: str, key: str) -> bytes:
        """It as it goes over the wire."""
        lines = [f"{'POST' if self.body else 'GET'} {self.path} HTTP/1.1", f"Host: {host}"]
        if key:
            lines.append(f"Authorization: Bearer {key}")
        sent = self.body.encode()
        if sent:
            lines += ["Content-Type: application/json", f"Content-Length: {len(sent)}"]
        return "\r\n".join([*lines, "", ""]).encode() + sent


def _basket(own: NDArray[np.int32], chance: np.random.Generator) -> tuple[list[int], list[int]]:
    """A few of a customer's products as a basket, and a few others as looked at."""
    size = min(int(chance.integers(1, _LARGEST + 1)), len(own))
    views = int(chance.integers(0, _MOST_VIEWS + 1))
    return own[:size].tolist(), own[size : size + views].tolist()
