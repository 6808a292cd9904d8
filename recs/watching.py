"""A thread that keeps a scorer up to date, off the path of requests."""

import threading
import time
import weakref
from typing import Protocol

FOLLOW_SECONDS = 0.25
"""How often other processes' live events are read."""

REFRESH_SECONDS = 1.0
"""How often, at most, the database is asked whether another bundle was published."""


class Followed(Protocol):
    """What can be kept up to date; neither call raises where the database does not answer."""

    def refresh(self) -> None:
        """Notices a newly published bundle."""
        ...

    def follow(self) -> None:
        """Counts what customers did elsewhere."""
        ...


class Watcher:
    """Calls `follow` and `refresh` again and again, until stopped or nobody holds the scorer any more."""

    def __init__(self, followed: Followed) -> None:
        self._followed = weakref.ref(followed)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="advocate-watcher", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread, and waits until it has ended."""
        self._over.set()
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        refreshed = time.monotonic()
        while not self._over.wait(FOLLOW_SECONDS):
            followed = self._followed()
            if followed is None:
                return
            followed.follow()
            if time.monotonic() - refreshed >= REFRESH_SECONDS:
                followed.refresh()
                refreshed = time.monotonic()
            del followed
