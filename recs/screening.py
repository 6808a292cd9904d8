"""Exact top-k at the speed of 8-bit numbers: most products are ruled out before their scores are computed.

Customers and products are also kept rounded to 8 bits. How far the product of two rounded vectors can be off
is known: |u·v − û·v̂| ≤ |u − û||v| + |û||v − v̂|. A product whose rounded score lies further below a customer's
list than that cannot be in it. The few that are left are scored with the vectors themselves, so nothing is
lost. `recs.vnni` multiplies 8-bit numbers four times as fast as BLAS multiplies 32-bit ones.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recs.protocol import Ids, Mask, Scores
from recs.searching import round_to_bytes, search_tiles
from recs.threads import cores
from recs.vnni import LANES

TOGETHER = 4 * LANES
"""Products in a step of the loops; tiles are multiples of it."""

TILE_BYTES = 1 << 18
"""What a tile of products may take: it stays in a core's cache while customers pass over it."""

MOST_FACTORS = (2**31 - 1) // (255 * 127)
"""Of longer vectors a sum of 8-bit products may not fit into 32 bits."""

_FIRST = TOGETHER
"""Products in the first tile; each next one is twice as large: near the front norms fall fastest."""


@dataclass(frozen=True)
class Rounded:
    """Products in 8 bits, by tiles of an order in which norms fall.

    Attributes:
        columns: (G, W, 16) int32, four numbers each as `recs.vnni` takes them, rounded and raised by 128.
        starts: (T + 1,) int64 the first group of each tile.
        scale: (T,) float64 what one step of a product's numbers is worth.
        length: (T,) float64 the largest norm.
        error: (T,) float64 the largest distance of a product from what it was rounded to.
    """

    columns: NDArray[np.int32]
    starts: NDArray[np.int64]
    scale: NDArray[np.float64]
    length: NDArray[np.float64]
    error: NDArray[np.float64]

    @classmethod
    def of(cls, factors: Scores, norms: NDArray[np.float64], order: Ids) -> "Rounded":
        """The products of (I, F) factors with (I,) norms, in an (I,) order in which these fall."""
        words = max(-(-factors.shape[1] // 4), 1)
        bounds = _bounds(len(factors), words)
        starts = np.array(bounds, np.int64) // LANES
        columns = _aligned(int(starts[-1]), words)

        def fill(tile: int) -> tuple[float, float]:
            part = order[bounds[tile] : bounds[tile + 1]]
            scale, error = round_to_bytes(factors, part, columns[starts[tile] : starts[tile + 1]])
            return scale, error * (1 + 1e-12)

        with ThreadPoolExecutor(cores()) as pool:
            found = np.array(list(pool.map(fill, range(len(bounds) - 1))), np.float64).reshape(-1, 2)
        return cls(columns, starts, found[:, 0], norms[order[bounds[:-1]]], found[:, 1])


def search(
    rounded: Rounded,
    exact: tuple[Scores, Ids],
    users: Scores,
    limits: tuple[NDArray[Any], NDArray[Any], Mask],
    best: tuple[Scores, Ids],
) -> None:
    """Fills the heaps of a block of customers, in place.

    Args:
        rounded: the products in 8 bits.
        exact: the factors (I, F) of the products, and their order, longest first.
        users: (U, F) factors of the customers.
        limits: `indptr`, `indices` and `allowed`, as `recs.kernels.keep_best` takes them.
        best: scores (U, k) and products (U, k) of the heaps.
    """
    tiles = (rounded.columns, rounded.starts, rounded.scale, rounded.length, rounded.error)
    search_tiles(tiles, (users, *exact, limits), best)


def _aligned(groups: int, words: int) -> NDArray[np.int32]:
    """(G, W, 16) numbers, unset, each sixteen in one line of the cache."""
    size = groups * words * LANES
    room = np.empty(size + LANES, np.int32)
    start = -room.ctypes.data % (4 * LANES) // 4
    return room[start : start + size].reshape(groups, words, LANES)


def _bounds(items: int, words: int) -> list[int]:
    """Where tiles begin, multiples of `TOGETHER`; small ones first, where lists are still poor."""
    most = max(TILE_BYTES // (4 * words) // TOGETHER, 1) * TOGETHER
    whole = -(-items // TOGETHER) * TOGETHER
    bounds, width = [0], min(_FIRST, most)
    while bounds[-1] < whole:
        bounds.append(min(bounds[-1] + width, whole))
        width = min(2 * width, most)
    return bounds
