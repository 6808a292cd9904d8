"""The living API keys in a server's memory, so that checking one asks nobody.

    with KeyRing(settings) as ring:
        key = ring.match(presented)     # None: refuse with 401
        if not key.may("recommend"):    # refuse with 403

A thread of its own reads them every second, so a revoked key is refused within two seconds by every process,
and no question ever waits for the database.
"""

import hmac
import logging
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Self

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from warehouse import clock
from warehouse.access.keys import Scope, parse
from warehouse.access.models import ApiKeyRow
from warehouse.database import engine_for, reading, url_of
from warehouse.errors import AdvocateError, UnavailableError
from warehouse.settings import Settings

READ_SECONDS = 1.0
"""How long the thread waits between one reading and the next."""
OVERDUE_SECONDS = 1.5
"""After this long without a reading, a question looks whether the thread is still there."""
TRUST_SECONDS = 60.0
"""How long the last reading counts while the database does not answer."""
_IMPATIENT = {"connect_timeout": "5", "tcp_user_timeout": "10000"}
"""libpq's, which would wait minutes for a server that vanished; then it may long be back."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Key:
    """A living key, as servers know it; nothing of it is secret but the digest."""

    key_id: str
    name: str
    scopes: frozenset[str]
    requests_per_second: int
    expires_at: datetime | None
    digest: bytes = field(repr=False)

    def may(self, scope: Scope) -> bool:
        """Whether it may ask for what belongs to a scope."""
        return scope in self.scopes


class KeyRing:
    """The living keys of a home; safe to share between threads, one per process.

    Close it, or use it as a context manager, to end its thread. A process that forked off gets a thread of
    its own.

    Args:
        settings: of the home.
        ticks: seconds that never run backwards; tests have their own.

    Raises:
        UnavailableError, NotFoundError: the database does not answer when the ring is made, or is empty.
    """

    def __init__(self, settings: Settings, ticks: Callable[[], float] = time.monotonic) -> None:
        self._ticks = ticks
        self._settings = _impatient(settings)
        self._stop = threading.Event()
        self._starting = threading.Lock()
        self._failing = False
        self._read_at, self._keys = ticks(), _living(self._settings)
        self._thread = self._started(READ_SECONDS)
        weakref.finalize(self, self._stop.set)

    def match(self, presented: str) -> Key | None:
        """The living key that was presented, whole; `None` for a wrong, revoked, expired or unreadable one.

        Raises:
            UnavailableError: the keys could not be read for over a minute, so nobody can be told apart.
        """
        known = self._trusted()
        parsed = parse(presented)
        if parsed is None:
            return None
        key_id, digest = parsed
        key = known.get(key_id)
        # In constant time: how long a refusal takes must not tell how much of a digest was right.
        if key is None or not hmac.compare_digest(digest, key.digest):
            return None
        if key.expires_at is not None and key.expires_at <= clock.now():
            return None
        return key

    @property
    def age(self) -> float:
        """Seconds since what it knows was read; above 2 the database, or this process, is in trouble."""
        return self._ticks() - self._read_at

    def refresh(self) -> None:
        """Reads the keys now; if that fails, what is known stays, and its age goes on growing."""
        # The age counts from before the question was asked: a key revoked meanwhile may not be in the answer.
        asked_at = self._ticks()
        try:
            self._keys = _living(self._settings)
        except (AdvocateError, SQLAlchemyError) as error:
            if not self._failing:
                _log.warning(
                    "the API keys cannot be read; those known count for %.0f s, then all are refused: %s",
                    max(0.0, TRUST_SECONDS - self.age),
                    error,
                )
            self._failing = True
            return
        self._read_at = asked_at
        if self._failing:
            _log.warning("the API keys can be read again")
        self._failing = False

    def close(self, timeout: float = READ_SECONDS) -> None:
        """Ends the thread, after the reading it may be at; what is known counts for a last minute.

        Args:
            timeout: how many seconds to wait for that.
        """
        self._stop.set()
        self._thread.join(timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _trusted(self) -> dict[str, Key]:
        age = self.age
        if age > OVERDUE_SECONDS:
            self._restart_if_gone()
        if age > TRUST_SECONDS:
            raise UnavailableError(
                f"API keys cannot be checked: the database that has them did not answer for {age:.0f} s, so "
                "every key is refused; try again in a minute, the server's log says what is wrong"
            )
        return self._keys

    def _restart_if_gone(self) -> None:
        """Threads do not survive a fork: without this the child would trust its copy for a minute."""
        with self._starting:
            if not self._thread.is_alive() and not self._stop.is_set():
                self._thread = self._started(0)

    def _started(self, wait: float) -> threading.Thread:
        arguments = (weakref.ref(self), self._stop, wait)
        thread = threading.Thread(target=_keep_reading, args=arguments, name="api-keys", daemon=True)
        thread.start()
        return thread


def _keep_reading(ring: "weakref.ref[KeyRing]", stop: threading.Event, wait: float) -> None:
    """Reads until the ring is closed or nobody has it any more."""
    while not stop.wait(wait):
        wait = READ_SECONDS
        held = ring()
        if held is None:
            return
        held.refresh()
        del held


def _impatient(settings: Settings) -> Settings:
    url = url_of(settings)
    if url.get_backend_name() != "postgresql":
        return settings
    address = url.set(query=_IMPATIENT | dict(url.query)).render_as_string(hide_password=False)
    return settings.model_copy(update={"database_url": address})


def _living(settings: Settings) -> dict[str, Key]:
    query = select(
        ApiKeyRow.key_id,
        ApiKeyRow.name,
        ApiKeyRow.scopes,
        ApiKeyRow.requests_per_second,
        ApiKeyRow.expires_at,
        ApiKeyRow.digest,
    ).where(ApiKeyRow.revoked_at.is_(None))
    with reading(engine_for(settings)) as session:
        rows = session.execute(query).all()
    return {
        key_id: Key(key_id, name, frozenset(scopes), rate, expires, bytes.fromhex(digest))
        for key_id, name, scopes, rate, expires, digest in rows
    }
