"""Going without losing anything: first unready, then no new connections, then done with what was taken."""

import asyncio
import contextlib
import signal
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

    @contextlib.contextmanager
    def on_signal(self) -> Iterator[None]:
        """Notices the signal to end, and lets the server see it `after` seconds later."""
        before = signal.getsignal(signal.SIGTERM)
        loop = asyncio.get_running_loop()

        def begin(number: int, frame: FrameType | None) -> None:
            self.begun = True
            if callable(before):
                loop.call_soon_threadsafe(loop.call_later, self._after, before, number, frame)

        signal.signal(signal.SIGTERM, begin)
        try:
            yield
        finally:
            self.begun = True
            signal.signal(signal.SIGTERM, before)
