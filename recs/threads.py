"""Threads: many for blocks of customers, one in a matrix product, so that sums do not depend on how many."""

import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import cache
from typing import Any, Generic, TypeVar

import numpy as np
import scipy.linalg  # noqa: F401  brings a BLAS of its own, which must be there to be limited
from numpy.typing import NDArray
from threadpoolctl import OpenBLASController, ThreadpoolController  # type: ignore[import-untyped]

Block = TypeVar("Block")
Result = TypeVar("Result")

BLOCK = 256
"""Customers asked about at once; a dense block over 100,000 products is 100 MiB."""


class _OneBlasThread:
    """The limit that whole processes have, shared by the threads that want it: the last one takes it away."""

    def __init__(self) -> None:
        self._turn, self._inside = threading.Lock(), 0
        self._limit: Any = None

    def __enter__(self) -> None:
        with self._turn:
            if self._inside == 0:
                _take_over()
                self._limit = _libraries().limit(limits=1, user_api="blas")
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._turn:
            self._inside -= 1
            if self._inside == 0:
                _take_over()
                self._limit.restore_original_limits()


@cache
def _libraries() -> Any:
    """The BLAS libraries of this process; to find them takes longer than many a product."""
    return ThreadpoolController()


def _take_over() -> None:
    """Lets this thread set the limit: from any but the first that ever did, threadpoolctl would ignore it."""
    OpenBLASController.clear_controlling_thread(force=True)


_ONE = _OneBlasThread()


def one_blas_thread() -> AbstractContextManager[None]:
    """Inside, a matrix product runs on one thread and gives the same bits on every machine of its kind."""
    return _ONE


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def blocks(rows: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Rows cut into blocks of `BLOCK`."""
    return [rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK)]


def in_parallel(work: Callable[[Block], Result], many: Iterable[Block]) -> list[Result]:
    """Does the same work on every block, as many at once as there are cores; results in their order."""
    with one_blas_thread(), ThreadPoolExecutor(cores()) as pool:
        return list(pool.map(work, many))


class Last(Generic[Result]):
    """What each thread found out last about some rows: to ask again costs nothing.

    It goes when the thread ends, and there is one of each: memory grows with threads, not with questions. A
    model may keep a dense block of `BLOCK` customers by products.
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
