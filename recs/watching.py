"""A thread that keeps a scorer up to date, off the path of requests."""

import logging
import threading
import time
import weakref
from typing import Protocol

FOLLOW_SECONDS = 0.25
"""How often other processes' live events are read."""

REFRESH_SECONDS = 1.0
"""How often, at most, the database is asked whether another bundle was published."""

STOP_SECONDS = 2.0

_log = logging.getLogger(__name__)


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
        """Ends the thread; waits a little for it, but not for a database that does not answer."""
        self._over.set()
        if self._thread is not threading.current_thread():
            self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        refreshed = time.monotonic()
        while not self._over.wait(FOLLOW_SECONDS):
            followed = self._followed()
            if followed is None:
                return
            due = time.monotonic() - refreshed >= REFRESH_SECONDS
            try:
                followed.follow()
                if due:
                    followed.refresh()
            except Exception:  # noqa: BLE001 a defect must not end the watching, and with it all news
                _log.exception("looking for news failed; it is tried again")
            refreshed = time.monotonic() if due else refreshed
            del followed
