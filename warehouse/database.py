"""The database: SQLite inside the home by default, PostgreSQL in production; one metadata for both.

Reads and writes open explicit transactions: `with reading(engine) as connection`, `with writing(engine)`.
On SQLite a writer takes its lock at BEGIN, so two writers wait for each other instead of failing half way.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from sqlite3 import Error as SQLiteError
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, create_engine, event, inspect, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    OperationalError,
    ProgrammingError,
    SQLAlchemyError,
    TimeoutError,
)
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.pool import NullPool, QueuePool

from warehouse.errors import NotFoundError, SettingsError, UnavailableError
from warehouse.settings import Settings

BUSY_SECONDS = 30
AWAY = "the database behind this does not answer; ask again later"
NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """The parent of every table class in the house."""

    metadata = MetaData(naming_convention=NAMING)


def engine_for(settings: Settings) -> Engine:
    """The engine of these settings; one per database and process.

    Raises:
        SettingsError: the address is of neither SQLite nor PostgreSQL, or the home cannot be made.
    """
    return _engine(url_of(settings))


def url_of(settings: Settings) -> URL:
    """Where the database is: what the settings say, else SQLite inside the home.

    The file's path is never read as an address, so a home may be called `what?` or `50%20`.
    """
    if settings.database_url:
        return _checked(settings.database_url)
    return URL.create("sqlite", database=str(settings.home.absolute() / "advocate.db"))


def keep_connections() -> None:
    """Keeps connections open between transactions from now on: for a server process, which asks all day.

    Not for processes that fork, nor for commands: a connection must not be used by two processes.
    """
    global _kept  # noqa: PLW0603 it is the process that is a server
    _kept = {"poolclass": QueuePool, "pool_size": 2, "max_overflow": 8, "pool_pre_ping": True}
    _engine.cache_clear()


_kept: dict[str, Any] = {"poolclass": NullPool}


@cache
def _engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        return create_engine(url, **_kept)
    if url.database:
        folder = Path(url.database).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(f"the folder {folder} cannot be made: {error.strerror}") from error
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS}, **_kept)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _checked(address: str) -> URL:
    try:
        url = make_url(address)
        readable = "@" not in (url.host or "")
    except (ArgumentError, ValueError):
        readable = False
    if not readable:  # nothing of the address is shown: any piece of it may be of the password
        raise SettingsError(
            "the database address cannot be read; write postgresql+psycopg://USER:PASSWORD@HOST:PORT/NAME, "
            "with @ : / in the password written as %40 %3A %2F"
        ) from None
    if url.drivername not in ("sqlite", "sqlite+pysqlite", "postgresql+psycopg"):
        raise SettingsError(
            f"the database driver {url.drivername!r} is not supported; use sqlite:///… or postgresql+psycopg://…"
        )
    return url


_CACHE_KIB = 128 * 1024
"""Of pages in memory, at most and only while a transaction needs them: the default of 2 MiB is for phones."""


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # SQLAlchemy's "begin" event says BEGIN, not the driver
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    write = connection.get_execution_options().get("advocate_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def scrub(settings: Settings) -> None:
    """Writes SQLite's file anew, so that nothing of deleted rows is left in it; PostgreSQL tidies by itself.

    Raises:
        UnavailableError: somebody is in the middle of reading or writing.
    """
    engine = engine_for(settings)
    if engine.dialect.name != "sqlite":
        return
    with engine.connect() as connection:
        driver = connection.connection.cursor()  # outside of a transaction, where alone SQLite does it
        try:
            driver.execute("VACUUM")
            busy = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        except SQLiteError as error:
            raise _away(engine, error) from error
        finally:
            driver.close()
    if busy:
        raise _away(engine, "its log is being read, so it could not be emptied")


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """A session for reading: one consistent view, nothing is kept.

    Raises:
        NotFoundError: nothing was ever done in this home.
        UnavailableError: the database does not answer, or lacks a table. `writing` raises these, too.
    """
    view = {} if engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
    with (
        _explained(engine),
        engine.connect().execution_options(**view) as connection,
        Session(connection) as session,
    ):
        yield session


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """A session for writing: everything inside is committed together, or nothing."""
    with (
        _explained(engine),
        engine.connect().execution_options(advocate_write=True) as connection,
        connection.begin(),
        Session(connection, expire_on_commit=False) as session,
    ):
        yield session
        session.flush()


@contextmanager
def _explained(engine: Engine) -> Iterator[None]:
    try:
        yield
    except (OperationalError, ProgrammingError) as error:
        if _is_empty(engine):
            raise NotFoundError(
                "nothing was ever done in this home; run `advocate demo` or `advocate nightly` first"
            ) from error
        if _lacks_a_table(error):
            raise UnavailableError(
                f"the database lacks a table, so it may be of an earlier version ({error.orig}); "
                "any command, like `advocate models list`, brings it up to date",
                AWAY,
            ) from error
        if isinstance(error, ProgrammingError):
            raise
        raise _away(engine, error.orig) from error
    except TimeoutError as error:
        raise _away(engine, "all of this process's connections are in use") from error


def _away(engine: Engine, why: object) -> UnavailableError:
    address = engine.url.set(query={}).render_as_string(hide_password=True)
    return UnavailableError(f"the database at {address} did not answer: {why}", AWAY)


def _lacks_a_table(error: DBAPIError) -> bool:
    """Whether a table is missing: 42P01 is PostgreSQL's undefined_table."""
    return getattr(error.orig, "sqlstate", None) == "42P01" or "no such table" in str(error.orig)


def _is_empty(engine: Engine) -> bool:
    """Whether the database answers, and has no table yet."""
    try:
        return not inspect(engine).get_table_names()
    except SQLAlchemyError:
        return False
