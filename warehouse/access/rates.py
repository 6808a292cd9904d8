"""How often each API key may ask: a token bucket per key, in the memory of one process.

A key may ask `requests_per_second` times a second, and after a quiet second that often at once. Each server
process counts for itself, so n processes together allow n times the rate; counting across them would cost a
question to a shared store on every request.
"""

import threading
import time
from collections.abc import Callable

from warehouse.access.ring import Key

_SECOND = 1_000_000_000
_ROOM = 1_024


class Rates:
    """Counts what the keys ask; safe to share between threads, one per process.

    A bucket is kept as the one moment at which it will be full again, in whole nanoseconds: the generic
    cell rate algorithm (ITU-T I.371). In any t seconds a key is granted at most `rate * t + burst` requests,
    where the burst is one second's worth.

    Args:
        ticks: nanoseconds that never run backwards; tests have their own.
    """

    def __init__(self, ticks: Callable[[], int] = time.monotonic_ns) -> None:
        self._ticks = ticks
        self._lock = threading.Lock()
        self._full_at: dict[str, int] = {}
        self._room = _ROOM

    def allow(self, key: Key) -> float:
        """Takes a request from the key's bucket: 0.0 if there was one, else the seconds until there will be.

        A refused request takes nothing. Waiting the seconds returned is enough, unless others ask meanwhile.
        """
        between = -(-_SECOND // key.requests_per_second)  # rounded up: never more than the rate
        ahead = between * (key.requests_per_second - 1)
        with self._lock:
            now = self._ticks()
            full_at = max(self._full_at.get(key.key_id, now), now)
            wait = full_at - now - ahead
            if wait > 0:
                return wait / _SECOND
            self._full_at[key.key_id] = full_at + between
            if len(self._full_at) > self._room:
                self._forget(now)
        return 0.0

    def __len__(self) -> int:
        return len(self._full_at)

    def _forget(self, now: int) -> None:
        """Drops full buckets: they are as good as none, and any that nobody asked of for a second is full."""
        self._full_at = {key_id: at for key_id, at in self._full_at.items() if at > now}
        self._room = max(_ROOM, 2 * len(self._full_at))
