"""The limit on BLAS holds whichever thread asks for it, and goes when the last one is done."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from threadpoolctl import threadpool_info

from recs.threads import one_blas_thread


def blas() -> set[int]:
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_the_limit_holds_in_whichever_thread_asks_and_then_goes() -> None:
    before = blas()
    with one_blas_thread():
        assert blas() == {1}  # this thread is the first that sets it

    def inside(_: int) -> set[int]:
        with one_blas_thread():
            return blas()

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(inside, range(8))) == [{1}] * 8
    assert blas() == before


def test_one_that_is_done_does_not_take_the_limit_from_another() -> None:
    first_is_out, both_are_in = Barrier(2), Barrier(2)

    def first() -> None:
        with one_blas_thread():
            both_are_in.wait()
        first_is_out.wait()

    def second() -> set[int]:
        with one_blas_thread():
            both_are_in.wait()
            first_is_out.wait()
            return blas()

    with ThreadPoolExecutor(2) as pool:
        pool.submit(first)
        assert pool.submit(second).result() == {1}
