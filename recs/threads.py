"""Threads: many for blocks of customers, one in a matrix product, so that sums do not depend on how many."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

Block = TypeVar("Block")
Result = TypeVar("Result")

BLOCK = 256
"""Customers asked about at once; a dense block over 100,000 products is 100 MiB."""


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Inside, a matrix product runs on one thread and gives the same bits on every machine of its kind."""
    with threadpool_limits(1, "blas"):
        yield


def blocks(rows: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Rows cut into blocks of `BLOCK`."""
    return [rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK)]


def in_parallel(work: Callable[[Block], Result], many: Iterable[Block]) -> list[Result]:
    """Does the same work on every block, as many at once as there are cores; results in their order."""
    with one_blas_thread(), ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(work, many))
