"""Threads: many for blocks of customers, one in a matrix product, so that sums do not depend on how many."""

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import Any, Generic, TypeVar

import numpy as np
import scipy.linalg  # noqa: F401  brings a BLAS of its own, which must be there to be limited
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

Block = TypeVar("Block")
Result = TypeVar("Result")

BLOCK = 256
"""Customers asked about at once; a dense block over 100,000 products is 100 MiB."""


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Inside, a matrix product runs on one thread and gives the same bits on every machine of its kind."""
    with _libraries().limit(limits=1, user_api="blas"):
        yield


@cache
def _libraries() -> Any:
    """The BLAS libraries of this process; to find them takes longer than many a product."""
    return ThreadpoolController()


def blocks(rows: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Rows cut into blocks of `BLOCK`."""
    return [rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK)]


def in_parallel(work: Callable[[Block], Result], many: Iterable[Block]) -> list[Result]:
    """Does the same work on every block, as many at once as there are cores; results in their order."""
    with one_blas_thread(), ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(work, many))


class Last(Generic[Result]):
    """What each thread found out last about some rows: to ask again costs nothing.

    It is never older than the thread, and there is one of each, so memory does not grow with questions.
    """

    def __init__(self) -> None:
        self._local = threading.local()

    def of(self, rows: NDArray[np.int64], find: Callable[[], Result]) -> Result:
        """What `find` says of `rows`; it is not called where they were asked about last."""
        asked = rows.tobytes()
        if getattr(self._local, "asked", None) != asked:
            self._local.found = find()
            self._local.asked = asked
        found: Result = self._local.found
        return found
