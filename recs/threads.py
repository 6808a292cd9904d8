"""One BLAS thread at a time: `implicit` runs its own, and sums must not depend on how many there are."""

from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Inside, a matrix product runs on one thread and gives the same bits on every machine of its kind."""
    with threadpool_limits(1, "blas"):
        yield
