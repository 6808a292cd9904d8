"""What fitting and asking a model is expected to cost, so that a search can be planned before it begins.

Rough, and always the same for the same data and parameters. The rates were measured on one core with the data
of the demo; a faster or slower machine changes how long a plan takes, never what is in it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from recs.history import History
from recs.recommenders.base import MIN_BUYERS

_OVERHEAD = 0.05
"""Seconds of any trial, however small."""


@dataclass(frozen=True)
class Size:
    """How much there is to learn from.

    Attributes:
        customers: who bought anything.
        products: that have enough buyers to be learned about.
        lines: bought.
        pairs: of a customer and a product they bought.
        squares: the sum over customers of the squared number of products they bought.
    """

    customers: int
    products: int
    lines: int
    pairs: int
    squares: float

    @classmethod
    def of(cls, history: History) -> "Size":
        """The size of a history."""
        bought = np.diff(history.interactions.counts.indptr).astype(np.float64)
        return cls(
            int((bought > 0).sum()),
            int((history.buyers >= MIN_BUYERS).sum()),
            history.lines.height,
            int(bought.sum()),
            float(bought @ bought),
        )


Parameters = Mapping[str, float]


def _als(size: Size, p: Parameters) -> float:
    return 4.5e-9 * p["epochs"] * p["factors"] * size.pairs


def _ials(size: Size, p: Parameters) -> float:
    return 1.7e-8 * p["epochs"] * p["factors"] * size.pairs


def _bpr(size: Size, p: Parameters) -> float:
    return 5.5e-9 * p["epochs"] * p["factors"] * size.pairs


def _ease(size: Size, p: Parameters) -> float:
    few = size.customers <= p["items"] < size.products  # the system is then solved over customers
    side = size.customers if few else min(p["items"], size.products)
    return 6e-11 * side**3 + 5e-9 * size.squares


def _content(size: Size, _: Parameters) -> float:
    return 1.5e-4 * size.products


def _neighbours(size: Size, p: Parameters) -> float:
    return 1e-8 * size.squares + 6e-7 * p["neighbours"] * size.products


def _lines(size: Size, _: Parameters) -> float:
    return 1.2e-6 * size.lines


_FIT: dict[str, Callable[[Size, Parameters], float]] = {
    "als": _als,
    "ials": _ials,
    "bpr": _bpr,
    "ease": _ease,
    "item_item": _neighbours,
    "bm25": _neighbours,
    "content": _content,
    "sessions": _neighbours,
}


def expected(model: str, parameters: Parameters, size: Size) -> float:
    """The seconds that fitting a model and judging it on one slate are expected to take.

    Args:
        model: its name.
        parameters: all that it is made with.
        size: of what it would learn from.
    """
    asked = 1.2e-8 * size.customers * size.products
    return _OVERHEAD + asked + _FIT.get(model, _lines)(size, parameters)
