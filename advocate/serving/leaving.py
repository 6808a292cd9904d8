"""Going without losing anything: first unready, then no new connections, then done with what was taken."""

import asyncio
import contextlib
import signal
import time
from collections.abc import Iterator
from types import FrameType


class Leaving:
    """Whether this process is about to end.

    Args:
        after: seconds between the signal to end and the end of taking connections. Meanwhile `/readyz` says
            503, so that whoever shares out the requests can take this server out first.
    """

    def __init__(self, after: float = 0) -> None:
        self.begun = False
        self._after = after
        self._closed_at: float | None = None

    def left(self, grace: float) -> float:
        """Seconds that are left of those to finish in, which begin when no more connections are taken."""
        spent = 0.0 if self._closed_at is None else time.monotonic() - self._closed_at
        return max(0.0, grace - max(0.0, spent))

    @contextlib.contextmanager
    def on_signal(self) -> Iterator[None]:
        """Notices the signal to end, and lets the server see it `after` seconds later."""
        before = signal.getsignal(signal.SIGTERM)
        loop = asyncio.get_running_loop()

        def begin(number: int, frame: FrameType | None) -> None:
            self._begin(self._after)
            if callable(before):
                loop.call_soon_threadsafe(loop.call_later, self._after, before, number, frame)

        signal.signal(signal.SIGTERM, begin)
        try:
            yield
        finally:
            self._begin(0)
            signal.signal(signal.SIGTERM, before)

    def _begin(self, after: float) -> None:
        self.begun = True
        if self._closed_at is None:
            self._closed_at = time.monotonic() + after
