"""Compiled loops that keep the best of many scores; nothing here holds the interpreter's lock.

Numba compiles them when they are first called and keeps the machine code beside this file, or in the user's
cache where that folder cannot be written. A heap is a row of the k best scores so far, the worst at its root,
and the products they are of.
"""

import numpy as np
from numba import njit

CHUNK = 32
"""Scores compared at once with the worst of a full heap: two or four instructions of a wide register."""


@njit(nogil=True, cache=True)
def rounding_of(factors):  # type: ignore[no-untyped-def]
    """How far a 32-bit score of so many factors may be off, as a share of the lengths of its vectors.

    It bounds a sum in any order; lengths and bounds are computed in 64 bits, and are far nearer.
    """
    return max(1e-5, factors * 2.0**-24)


@njit(nogil=True, cache=True, fastmath={"reassoc", "contract"})
def lengths_of(factors):  # type: ignore[no-untyped-def]
    """The lengths of (R, F) float32 vectors, (R,) float64."""
    lengths = np.empty(factors.shape[0])
    for row in range(factors.shape[0]):
        squares = 0.0
        for at in range(factors.shape[1]):
            squares += np.float64(factors[row, at]) * np.float64(factors[row, at])
        lengths[row] = np.sqrt(squares)
    return lengths


@njit(nogil=True, cache=True, fastmath={"reassoc", "contract"})
def dot(one, other):  # type: ignore[no-untyped-def]
    """The score of a customer and a product: the same bits whoever else is asked about, and by which way."""
    total = np.float32(0)
    for at in range(len(one)):
        total += one[at] * other[at]
    return total


@njit(nogil=True, cache=True)
def keep_best(  # type: ignore[no-untyped-def]
    block, slack, rows, order, exact, indptr, indices, allowed, best, ids
):
    """Puts what is better into each row's heap.

    Bits of a matrix product depend on how many rows it has, so it only says what is worth a `dot`.

    Args:
        block: (A, T) float32 scores of the products of `order`.
        slack: (A,) float32 how far a score of each row may lie from its `dot`.
        rows: (A,) the heap of each row of the block.
        order: (T,) int32 products.
        exact: factors of customers (U, F) and products (I, F).
        indptr: (U + 1,) where each heap's excluded products begin in `indices`; empty for none.
        indices: int32 products, ascending for each heap.
        allowed: (I,) bool; empty where all are.
        best: (U, k) float32 scores of the heaps, changed in place.
        ids: (U, k) int32 their products, changed in place.
    """
    width = block.shape[1]
    for a in range(rows.shape[0]):
        row = rows[a]
        scores, heap, items = block[a], best[row], ids[row]
        first, last = span(indptr, row)
        bar = heap[0] - slack[a]
        for begin in range(0, width, CHUNK):
            end = min(begin + CHUNK, width)
            above = np.int32(0)
            for at in range(begin, end):
                above += np.int32(scores[at] > bar)
            if above == 0:
                continue
            for at in range(begin, end):
                if scores[at] <= bar:
                    continue
                score = dot(exact[0][row], exact[1][order[at]])
                if score > heap[0] and may(order[at], allowed, indices, first, last):
                    bar = replace_worst(heap, items, score, order[at]) - slack[a]


@njit(nogil=True, cache=True)
def keep_best_near(  # type: ignore[no-untyped-def]
    bag_indptr, bags, amounts, near_indptr, near, weights, limits, best, ids
):
    """Fills the heaps of customers with what is near to what they have; only the near is looked at.

    Args:
        bag_indptr: (U + 1,) where what each customer has begins in `bags`.
        bags: int32 products.
        amounts: float32 how much of each.
        near_indptr: (I + 1,) where the neighbours of each product begin in `near`.
        near: int32 products.
        weights: float32 how near.
        limits: `indptr`, `indices` and `allowed`, as of `keep_best`.
        best: (U, k) float32 scores of the heaps, changed in place.
        ids: (U, k) int32 their products, changed in place.
    """
    indptr, indices, allowed = limits
    items = near_indptr.shape[0] - 1
    sums, by, touched = np.zeros(items, np.float32), np.full(items, -1, np.int32), np.empty(items, np.int32)
    for row in range(best.shape[0]):
        many = 0
        for place in range(bag_indptr[row], bag_indptr[row + 1]):
            amount = amounts[place]
            for at in range(near_indptr[bags[place]], near_indptr[bags[place] + 1]):
                item = near[at]
                if by[item] != row:
                    by[item], sums[item], touched[many] = row, 0, item
                    many += 1
                sums[item] += amount * weights[at]
        first, last = span(indptr, row)
        worst = best[row, 0]
        for number in range(many):
            item = touched[number]
            if sums[item] > worst and may(item, allowed, indices, first, last):
                worst = replace_worst(best[row], ids[row], sums[item], item)


@njit(nogil=True, cache=True)
def span(indptr, row):  # type: ignore[no-untyped-def]
    """Where the excluded products of a row begin and end."""
    if indptr.shape[0] == 0:
        return 0, 0
    return indptr[row], indptr[row + 1]


@njit(nogil=True, cache=True)
def may(item, allowed, indices, first, last):  # type: ignore[no-untyped-def]
    """Whether a product may be returned: allowed, and not among the ascending `indices[first:last]`."""
    if allowed.shape[0] and not allowed[item]:
        return False
    end = last
    while first < end:
        middle = (first + end) >> 1
        if indices[middle] < item:
            first = middle + 1
        else:
            end = middle
    return first == last or indices[first] != item


@njit(nogil=True, cache=True)
def replace_worst(heap, items, score, item):  # type: ignore[no-untyped-def]
    """Puts a product in the place of the worst and returns the score of the next worst."""
    k, place = heap.shape[0], 0
    while True:
        child = 2 * place + 1
        if child >= k:
            break
        if child + 1 < k and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= score:
            break
        heap[place], items[place] = heap[child], items[child]
        place = child
    heap[place], items[place] = score, item
    return heap[0]


@njit(nogil=True, cache=True)
def into_order(best, ids):  # type: ignore[no-untyped-def]
    """Sorts heaps into lists, in place: best first, of equals the lower product."""
    k = best.shape[1]
    for row in range(best.shape[0]):
        heap, items = best[row], ids[row]
        for place in range(k // 2 - 1, -1, -1):
            _sink(heap, items, place, k)
        for last in range(k - 1, 0, -1):
            heap[0], heap[last] = heap[last], heap[0]
            items[0], items[last] = items[last], items[0]
            _sink(heap, items, 0, last)


@njit(nogil=True, cache=True)
def _sink(heap, items, place, size):  # type: ignore[no-untyped-def]
    """Moves a product down until what is below it is better; of equals the higher one is worse."""
    score, item = heap[place], items[place]
    while True:
        child = 2 * place + 1
        if child >= size:
            break
        other = child + 1
        if other < size and _worse(heap[other], items[other], heap[child], items[child]):
            child = other
        if not _worse(heap[child], items[child], score, item):
            break
        heap[place], items[place] = heap[child], items[child]
        place = child
    heap[place], items[place] = score, item


@njit(nogil=True, cache=True)
def _worse(score, item, other_score, other_item):  # type: ignore[no-untyped-def]
    return score < other_score or (score == other_score and item > other_item)
