"""Reads live events as they come, each once, also those whose numbers become visible out of order."""

import time
from collections.abc import Iterator
from datetime import datetime

from features.live import CHUNK, PATIENCE_SECONDS, Stored, since
from warehouse.settings import Settings

SETTLED_SECONDS = 3.0 * PATIENCE_SECONDS
"""How long a missing number is looked for. By then its transaction has committed or was taken back: it is one
statement between two silences, and PostgreSQL bears with each for `PATIENCE_SECONDS`."""

WINDOW = 10_000
"""How far below the newest number missing ones are looked for; less than `CHUNK`, so that reading gets on."""


class Tail:
    """A place in the stored events; for one thread at a time.

    PostgreSQL gives numbers out before it commits, so a smaller number may become visible after a larger one.
    Numbers that are missing are therefore looked for again for a while. Most are never used: they were of
    events whose keys were known.

    Args:
        settings: the home.
        received_from: where to begin; events that were told before are passed over.
    """

    def __init__(self, settings: Settings, received_from: datetime | None = None) -> None:
        self._settings, self._from = settings, received_from
        self._last = 0
        self._missing: dict[int, float] = {}

    def read(self) -> Iterator[list[Stored]]:
        """What was not read before, in lists that are not empty; nothing where nothing is new."""
        full = True
        while full:
            lowest = min(self._missing, default=self._last + 1)
            rows = since(self._settings, lowest - 1, received_from=self._from, limit=CHUNK)
            full = len(rows) == CHUNK
            fresh = [row for row in rows if row.event_id > self._last or row.event_id in self._missing]
            self._remember({row.event_id for row in fresh}, time.monotonic())
            if fresh:
                yield fresh

    def _remember(self, found: set[int], now: float) -> None:
        newest = max(found | {self._last})
        between = range(max(self._last, newest - WINDOW) + 1, newest)
        missing = self._missing | dict.fromkeys(between, now)
        self._missing = {
            number: noticed
            for number, noticed in missing.items()
            if number not in found and number >= newest - WINDOW and now - noticed < SETTLED_SECONDS
        }
        self._last = newest
