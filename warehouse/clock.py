"""The one place that asks what time it is.

Rules take `day` and `now` as arguments; only the edges (CLI, DAGs, HTTP) call `now()`. Tests set the
clock: in the same process with `at(...)`, in another one with the environment variable `ADVOCATE_NOW`.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, time, timedelta

from warehouse.errors import SettingsError

_fixed: ContextVar[datetime | None] = ContextVar("fixed", default=None)


def now() -> datetime:
    """The present moment in UTC, or what a test has set it to."""
    fixed = _fixed.get()
    if fixed is not None:
        return fixed
    if text := os.environ.get("ADVOCATE_NOW"):
        return _parse(text)
    return datetime.now(UTC)


def _parse(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise SettingsError(f"ADVOCATE_NOW is {text!r}; write it like 2017-12-01T09:00:00Z") from error
    if moment.tzinfo is None:
        raise SettingsError(f"ADVOCATE_NOW is {text!r}, without a zone; write it like 2017-12-01T09:00:00Z")
    return moment.astimezone(UTC)


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Holds the clock at `moment` (with a zone) inside the block."""
    token = _fixed.set(moment.astimezone(UTC))
    try:
        yield
    finally:
        _fixed.reset(token)


def start_of(day: date) -> datetime:
    """The first moment of a UTC day."""
    return datetime.combine(day, time(), tzinfo=UTC)


def end_of(day: date) -> datetime:
    """The first moment after a UTC day: what a run for `day` may see lies before it."""
    return start_of(day) + timedelta(days=1)
