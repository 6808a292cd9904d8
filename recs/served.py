"""The log of served lists, written off the request path; `recs.archive` reads it.

A server never waits for it, nor fails with it: it only ever drops or loses lists, and counts them. What waits
in memory, a minute's lists at most, is lost if the process is killed.
"""

import logging
import os
import threading
import time
from collections.abc import Sequence
from datetime import datetime
from itertools import chain
from typing import NamedTuple
from uuid import uuid4

import numpy as np
import polars as pl

from recs import archive
from recs.answers import Arm
from recs.archive import SCHEMA
from warehouse import clock
from warehouse.errors import LakeError
from warehouse.settings import Settings

CAPACITY = 10_000
SECONDS = 60.0
_COMPLAINT_SECONDS = 60.0
_SLICE = 500
"""Lists turned into a frame at once: about a millisecond in which no request is answered."""

_log = logging.getLogger(__name__)


class Served(NamedTuple):
    """One list that was shown.

    Attributes:
        at: when, with a zone.
        request_id: of the request it answered.
        customer_id: `None` for a visitor nobody knows.
        call: `recommend`, `basket`, `similar` or `score`.
        slate: `None` where the call knows none.
        source: the step of the chain that the list came from.
        arm: of the experiment; `champion` where there is none.
        bundle_id: the bundle that answered.
        product_ids: in the order shown.
    """

    at: datetime
    request_id: str
    customer_id: str | None
    call: str
    slate: str | None
    source: str
    arm: Arm
    bundle_id: str
    product_ids: tuple[str, ...]


class ServedLog:
    """Keeps served lists; one per process, safe to share between its threads.

    Make it in the process that uses it: its writer is a thread, which a fork does not take along.

    Attributes:
        written: lists that are in files.
        dropped: lists that were not taken: too many waited, or the log was closed.
        failed: lists that were taken and could not be written.
    """

    def __init__(self, settings: Settings, *, capacity: int = CAPACITY, seconds: float = SECONDS) -> None:
        """Starts the writer.

        Args:
            settings: the home to write to.
            capacity: lists that may wait; a file is written at the latest when half as many do.
            seconds: after how many a file is written in any case.
        """
        self.written = self.dropped = self.failed = 0
        self._settings, self._capacity, self._seconds = settings, capacity, seconds
        self._complained = -_COMPLAINT_SECONDS
        self._waiting: list[Served] = []
        self._closed = False
        self._lock, self._wake = threading.Lock(), threading.Event()
        # A process's first frame takes 0.1 s in which nothing else runs: better now than beside a request.
        _frame([Served(clock.now(), "", None, "", None, "", "champion", "", ())])
        self._writer = threading.Thread(target=self._run, name="served-log", daemon=True)
        self._writer.start()

    def put(self, served: Served) -> None:
        """Takes a list, or drops and counts it; returns at once, whatever the disk does."""
        with self._lock:  # held for a few instructions only, also by the writer
            if self._closed or len(self._waiting) >= self._capacity:
                self.dropped += 1
                return
            self._waiting.append(served)
            if 2 * len(self._waiting) >= self._capacity:
                self._wake.set()

    def close(self, timeout: float | None = None) -> bool:
        """Takes no more and writes what waits.

        Args:
            timeout: how many seconds to wait for that.

        Returns:
            whether it is done; `written` and `failed` are final then.
        """
        with self._lock:
            self._closed = True
        self._wake.set()
        self._writer.join(timeout)
        return not self._writer.is_alive()

    def _run(self) -> None:
        last = False
        while not last:
            self._wake.wait(self._seconds)
            with self._lock:
                self._wake.clear()
                taken, self._waiting, last = self._waiting, [], self._closed
            if taken:
                self._write(taken)

    def _write(self, taken: list[Served]) -> None:
        before = self.written
        try:
            name = f"{clock.now():%H%M%S}-{os.getpid()}-{uuid4().hex}"
            for rows in archive.add(self._settings, _frame(taken), name):
                self.written += rows
        except Exception as error:  # noqa: BLE001 whatever the disk does, the server and later lists must go on
            self.failed += len(taken) - (self.written - before)
            self._complain(error)

    def _complain(self, error: Exception) -> None:
        """Says what went wrong once a minute, but not the error's text where that may quote a list."""
        now = time.monotonic()
        if now - self._complained >= _COMPLAINT_SECONDS:
            self._complained = now
            why = str(error) if isinstance(error, OSError | LakeError) else type(error).__name__
            _log.warning(
                "%d served lists could not be written below %s (%s); is the disk full, or the folder not "
                "writable? Recommendations go on without this log.",
                self.failed,
                archive.folder_of(self._settings),
                why,
            )


def _frame(lists: Sequence[Served]) -> pl.DataFrame:
    """Lists as `SCHEMA`, a slice at a time: while Python values are copied, no request is answered."""
    return pl.concat(_sliced(lists[start : start + _SLICE]) for start in range(0, len(lists), _SLICE))


def _sliced(lists: Sequence[Served]) -> pl.DataFrame:
    columns = dict(zip(SCHEMA, zip(*lists, strict=True), strict=True))
    shown = columns.pop("product_ids")
    rows = pl.DataFrame(columns, schema={name: SCHEMA[name] for name in columns}).with_row_index("_row")
    # Five times as fast as lists of Python lists.
    products = pl.DataFrame(
        {
            "_row": np.repeat(np.arange(len(lists), dtype=np.uint32), [len(ids) for ids in shown]),
            "product_ids": pl.Series(list(chain.from_iterable(shown)), dtype=pl.String),
        }
    )
    nested = products.group_by("_row", maintain_order=True).agg("product_ids")
    return (
        rows.join(nested, on="_row", how="left", maintain_order="left")
        .with_columns(pl.col("product_ids").fill_null([]))
        .select(list(SCHEMA))
    )
