"""Compiled loops of `recs.screening`: rounding to bytes, ruling out, and scoring what is left.

Customers pass over a tile of products eight at a time. What cannot be ruled out waits in a queue while its
factors come from memory; when it is settled, a customer's bar rises with the worst product of their list.
"""

import numpy as np
from numba import njit

from recs.kernels import dot, may, replace_worst, rounding_of, span
from recs.vnni import LANES, dots_1x4, dots_8x2, prefetch

_HIGHEST = float(2**31 - 1)
_FINEST = np.float32(1e-38)
_QUEUE = 64
"""Products that wait for their factors, at most."""


@njit(nogil=True, cache=True)
def search_tiles(tiles, exact, heaps):  # type: ignore[no-untyped-def]
    """Fills heaps with the best products of all tiles, in place.

    Args:
        tiles: the arrays of `recs.screening.Rounded`, in their order.
        exact: factors of customers (U, F) and products (I, F), the products longest first (I,), and limits.
        heaps: scores (U, k) and products (U, k).
    """
    columns, starts = tiles[0], tiles[1]
    many = len(heaps[0])
    askers = _askers(exact[0], columns.shape[1])
    rounding = rounding_of(exact[0].shape[1])
    rows, asking = np.arange(many), askers[0].copy()
    bar = (rows, np.empty(many), np.empty(many), askers[2], np.empty(many, np.int32))
    eight, one = np.empty((8, 2), np.uint16), np.empty((1, 4), np.uint16)
    queue = np.empty((_QUEUE, 2), np.int64)
    for tile in range(len(starts) - 1):
        many = _still_open(tile, many, tiles, askers, asking, bar, heaps, rounding)
        if many == 0:
            return
        whole = many // 8 * 8
        for first in range(0, whole, 8):
            waiting = 0
            for group in range(starts[tile], starts[tile + 1], 2):
                if dots_8x2(columns, group, asking, first, bar[4], eight):
                    waiting = _queued(eight, first, group, queue, waiting, bar, exact, heaps)
            _settle(queue, waiting, bar, exact, heaps)
        for first in range(whole, many):
            waiting = 0
            for group in range(starts[tile], starts[tile + 1], 4):
                if dots_1x4(columns, group, asking, first, bar[4], one):
                    waiting = _queued(one, first, group, queue, waiting, bar, exact, heaps)
            _settle(queue, waiting, bar, exact, heaps)


@njit(nogil=True, cache=True, fastmath={"reassoc", "contract"})
def _askers(users, width):  # type: ignore[no-untyped-def]
    """Customers (U, F) in 8 bits.

    Returns:
        words (U, W) int32 of four numbers each; and for each customer what one step is worth, what raising
        products by 128 adds to a sum, the length of the vector, that of the rounded one, and the distance
        between both.
    """
    many, factors = users.shape
    packed = np.zeros((many, width * 4), np.int8)
    scale, shift, length = np.empty(many), np.empty(many, np.int64), np.empty(many)
    rounded, error = np.empty(many), np.empty(many)
    for row in range(many):
        largest, total = 0.0, 0
        for at in range(factors):
            largest = max(largest, np.float64(abs(users[row, at])))
        step = largest / 127 if largest > 0 else 1.0
        squares, near_squares, off = 0.0, 0.0, 0.0
        for at in range(factors):
            exact = np.float64(users[row, at])
            steps = np.rint(exact / step)
            near = steps * step
            squares += exact * exact
            near_squares += near * near
            off += (exact - near) * (exact - near)
            total += int(steps)
            packed[row, at] = np.int8(int(steps))
        scale[row], shift[row], length[row] = step, 128 * total, np.sqrt(squares)
        rounded[row], error[row] = np.sqrt(near_squares), np.sqrt(off)
    return packed.view(np.int32), scale, shift, length, rounded, error


@njit(nogil=True, cache=True)
def _still_open(tile, many, tiles, askers, asking, bar, heaps, rounding):  # type: ignore[no-untyped-def]
    """Moves the customers whose lists this tile may change to the front, and sets their bars."""
    scale, length, error = tiles[2][tile], tiles[3][tile], tiles[4][tile]
    _, user_scale, _, user_length, user_rounded, user_error = askers
    rows, step, slack, _, _ = bar
    left = 0
    for at in range(many):
        row = rows[at]
        if user_length[row] * length * (1 + rounding) <= heaps[0][row, 0]:
            continue
        rows[left], asking[left] = row, asking[at]
        step[left] = user_scale[row] * scale
        slack[left] = (user_error[row] + rounding * user_length[row]) * length + user_rounded[row] * error
        _raise_bar(left, bar, heaps)
        left += 1
    return left


@njit(nogil=True, cache=True)
def _raise_bar(at, bar, heaps):  # type: ignore[no-untyped-def]
    """Sets the sum up to which a product cannot be in a customer's list."""
    rows, step, slack, shift, bars = bar
    row = rows[at]
    highest = np.floor((heaps[0][row, 0] - slack[at]) / step[at]) + shift[row]
    bars[at] = np.int32(min(max(highest, -_HIGHEST), _HIGHEST))


@njit(nogil=True, cache=True)
def _queued(masks, first, group, queue, waiting, bar, exact, heaps):  # type: ignore[no-untyped-def]
    """Queues the products whose bits are set and asks for their factors; returns how many wait."""
    factors, order = exact[1], exact[2]
    for m in range(masks.shape[0]):
        for n in range(masks.shape[1]):
            mask, place = masks[m, n], (group + n) * LANES
            while mask:
                if mask & 1 and place < len(order):
                    queue[waiting, 0], queue[waiting, 1] = first + m, order[place]
                    prefetch(factors, queue[waiting, 1])
                    waiting += 1
                    if waiting == _QUEUE:
                        waiting = _settle(queue, waiting, bar, exact, heaps)
                mask >>= 1
                place += 1
    return waiting


@njit(nogil=True, cache=True)
def _settle(queue, waiting, bar, exact, heaps):  # type: ignore[no-untyped-def]
    """Scores what is queued and keeps what is better; returns 0, for nothing waits any more."""
    users, factors, _, limits = exact
    indptr, indices, allowed = limits
    best, ids = heaps
    for number in range(waiting):
        at, product = queue[number, 0], queue[number, 1]
        row = bar[0][at]
        score = dot(users[row], factors[product])
        if score > best[row, 0]:
            first, last = span(indptr, row)
            if may(product, allowed, indices, first, last):
                replace_worst(best[row], ids[row], score, product)
                _raise_bar(at, bar, heaps)
    return 0


@njit(nogil=True, cache=True, fastmath={"reassoc", "contract", "nnan", "ninf"})
def round_to_bytes(factors, order, columns):  # type: ignore[no-untyped-def]
    """Rounds the products of a tile into its columns, as `recs.vnni` takes them.

    Args:
        factors: (I, F) float32, finite.
        order: (N,) int32 the products of the tile.
        columns: (G, W, 16) int32 of the tile, written; what is beyond the products becomes 0.

    Returns:
        what one step is worth, and the largest distance of a product from what it was rounded to.
    """
    largest, farthest = np.float32(0), 0.0
    for product in order:
        for number in factors[product]:
            largest = max(largest, abs(number))
    scale = max(np.float32(largest / 127), _FINEST)
    raised = np.full(columns.shape[1] * 4, 128, np.uint8)
    words = raised.view(np.int32)
    for place in range(columns.shape[0] * LANES):
        if place < len(order):
            row, off = factors[order[place]], 0.0
            for at in range(len(row)):
                near = min(max(np.rint(row[at] / scale), np.float32(-127)), np.float32(127))
                off += (np.float64(row[at]) - np.float64(near) * np.float64(scale)) ** 2
                raised[at] = np.uint8(np.int32(near) + 128)
            farthest = max(farthest, off)
        else:
            raised[:] = 128
        group, lane = place // LANES, place % LANES
        for word in range(columns.shape[1]):
            columns[group, word, lane] = words[word]
    return scale, np.sqrt(farthest)
