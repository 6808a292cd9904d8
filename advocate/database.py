"""Brings a home's database to the newest shape; the only place that knows every table."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import OperationalError

import features.models  # noqa: F401  its tables belong to the one metadata
import outreach.models
import outreach.promises.models  # noqa: F401
import recs.models  # noqa: F401
import warehouse.access.models
import warehouse.models  # noqa: F401
from warehouse.database import engine_for, url_of
from warehouse.errors import SettingsError
from warehouse.lease import hold
from warehouse.settings import Settings

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(settings: Settings) -> None:
    """Creates or migrates the tables; does nothing where they are up to date.

    Raises:
        SettingsError: the database cannot be opened, or not be written.
    """
    try:
        engine = engine_for(settings)
        if present(engine) != newest():
            _migrate(settings, engine)
    except OperationalError as error:
        where = url_of(settings).set(query={}).render_as_string(hide_password=True)
        raise SettingsError(f"the database at {where} cannot be opened or written: {error.orig}") from error


def present(engine: Engine) -> str | None:
    """The revision of a database; `None` where it is empty."""
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
        return found


def newest() -> str:
    """The revision of the newest migration: files are named after theirs, in the order they are run."""
    return max(file.stem for file in (MIGRATIONS / "versions").glob("[0-9]*.py")).partition("_")[0]


def _migrate(settings: Settings, engine: Engine) -> None:
    from alembic import command  # slow to import, and needed once in the life of a database

    config = migrations()
    with hold(settings, "migrations"), _rebuilding(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@contextmanager
def _rebuilding(engine: Engine) -> Iterator[Connection]:
    """A transaction that may replace tables others refer to, which on SQLite is how a column is changed."""
    with engine.connect().execution_options(advocate_write=True) as connection:
        if engine.dialect.name != "sqlite":
            with connection.begin():
                yield connection
            return
        driver = connection.connection.cursor()  # outside of a transaction: inside, SQLite ignores the switch
        driver.execute("PRAGMA foreign_keys=OFF")
        try:
            with connection.begin():
                _refuse_lost_references(connection)
                yield connection
                _refuse_lost_references(connection)
        finally:
            driver.execute("PRAGMA foreign_keys=ON")
            driver.close()


def _refuse_lost_references(connection: Connection) -> None:
    if connection.exec_driver_sql("PRAGMA foreign_key_check").first():
        raise SettingsError(
            "the database refers to rows it does not have, so it was changed from outside; nothing was "
            "migrated: restore it from a copy"
        )


def migrations() -> "Config":
    """Alembic's configuration for this package."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return config
