"""What the routes of one process share: its Scorer, its log of served lists, threads for slow answers."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from anyio import CapacityLimiter, to_thread

from features.live import Event, record
from recs.answers import Answer
from recs.api.gathering import Gathered
from recs.scoring import Basket, Scorer
from recs.served import Served, ServedLog
from warehouse import clock
from warehouse.errors import NotFoundError, UnavailableError
from warehouse.settings import Settings

SLOW_THREADS = 4
TAKE_THREADS = 8
"""Fewer than a server's connections to the database, so that keys and news are never without one."""
MOST_WAITING = 64
"""Requests that may wait for a thread of each kind; one more is refused, for it would come too late."""

T = TypeVar("T")


class Tally(Protocol):
    """Who counts what was told and stored."""

    def answered(self, call: str, source: str, arm: str) -> None:
        """Counts an answer."""

    def stored(self, events: int) -> None:
        """Counts events that were stored."""


class Desk:
    """Opens what the routes need when the first of them asks; one per process.

    Args:
        settings: the home.
        tally: who counts.
    """

    def __init__(self, settings: Settings, tally: Tally) -> None:
        self.tally = tally
        self._settings = settings
        self._opening = threading.Lock()
        self._scorer: Scorer | None = None
        self._log: ServedLog | None = None
        self._baskets: Gathered[Basket, Answer] = Gathered(self._for_baskets)
        self._slow, self._taking = _Queue(SLOW_THREADS), _Queue(TAKE_THREADS)
        self._closed = False

    @property
    def opened(self) -> Scorer | None:
        """The Scorer, once there is one."""
        return self._scorer

    @property
    def log(self) -> ServedLog | None:
        """The log of served lists, once there is a Scorer."""
        return self._log

    async def scorer(self) -> Scorer:
        """The one Scorer of this process.

        Raises:
            UnavailableError: nothing is published yet, or the process is ending.
        """
        return await to_thread.run_sync(self.open) if self._scorer is None else self._scorer

    def open(self) -> Scorer:
        """Opens the Scorer, if it is not open yet; for a thread that may wait."""
        with self._opening:
            if self._closed:
                raise UnavailableError("this server is shutting down; ask again, another one answers")
            if self._scorer is not None:
                return self._scorer
            try:
                scorer = Scorer.open(self._settings)
                scorer.warm()
            except NotFoundError as error:
                raise UnavailableError(str(error)) from error
            self._log = ServedLog(self._settings)
            self._scorer = scorer
            return scorer

    async def take(self, events: Sequence[Event]) -> int:
        """Stores events, also before anything is published.

        Raises:
            FeedError: one of them cannot be an event.
            UnavailableError: the database does not answer, or too many wait already.
        """
        return await self._taking.do(
            lambda: self._stored(events), "requests with events wait to be stored; ask again in a second"
        )

    def _stored(self, events: Sequence[Event]) -> int:
        return self._scorer.take(events) if self._scorer is not None else record(self._settings, events)

    async def for_basket(self, basket: Basket) -> Answer:
        """What goes with a visit; those who ask at the same moment are answered together.

        Raises:
            UnavailableError: nothing is published yet, or the process is ending.
        """
        if self._scorer is None:
            await self.scorer()
        return await self._baskets.ask(basket)

    def _for_baskets(self, baskets: Sequence[Basket]) -> list[Answer]:
        return (self._scorer or self.open()).for_baskets(baskets)

    async def slowly(self, work: Callable[[], T]) -> T:
        """Does what may take longer than others should wait, in a thread.

        Raises:
            UnavailableError: too much waits already.
        """
        return await self._slow.do(
            work,
            "answers under conditions of their own are waiting already; "
            "ask again in a second, or without conditions",
        )

    def shown(
        self, call: str, request_id: str, customer_id: str | None, slate: str | None, answer: Answer
    ) -> None:
        """Counts an answer and notes it for evaluation; never waits."""
        self.tally.answered(call, answer.source, answer.arm)
        if self._log is not None:
            products = tuple([item.product_id for item in answer.items])
            self._log.put(
                Served(
                    clock.now(), request_id, customer_id, call, slate,
                    answer.source, answer.arm, answer.bundle_id, products,
                )
            )  # fmt: skip

    def close(self, timeout: float) -> bool:
        """Takes no more, and writes what the log holds; whether it was done within `timeout` seconds."""
        until = time.monotonic() + timeout
        self._closed = True  # Before the lock: who opens may hold it for long.
        if not self._opening.acquire(timeout=max(0, timeout)):
            return False
        try:
            # The log first: it is what may be lost, and the scorer's thread may wait for a database.
            written = self._log is None or self._log.close(max(0, until - time.monotonic()))
            if self._scorer is not None:
                self._scorer.close()
            return written
        finally:
            self._opening.release()


class _Queue:
    """A few threads, and a bounded number of those who wait for one."""

    def __init__(self, threads: int) -> None:
        self._threads, self._inside = threads, 0
        self._limiter: CapacityLimiter | None = None

    async def do(self, work: Callable[[], T], what: str) -> T:
        """Does the work in a thread; refuses where too much waits, which `what` names."""
        if self._limiter is None:
            self._limiter = CapacityLimiter(self._threads)
        # The limiter's own count lags: of many who come at once none would be seen to wait.
        if self._inside >= self._threads + MOST_WAITING:
            raise UnavailableError(f"{MOST_WAITING} {what}")
        self._inside += 1
        try:
            return await to_thread.run_sync(work, limiter=self._limiter)
        finally:
            self._inside -= 1
