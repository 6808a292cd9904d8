"""Brings a home's database to the newest shape; the only place that knows every table."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import OperationalError

import features.models  # noqa: F401  its tables belong to the one metadata
import outreach.models  # noqa: F401
import recs.models  # noqa: F401
import warehouse.access.models
import warehouse.models  # noqa: F401
from warehouse.database import engine_for, url_of
from warehouse.errors import SettingsError
from warehouse.lease import hold
from warehouse.settings import Settings


def upgrade(settings: Settings) -> None:
    """Creates or migrates the tables; does nothing where they are up to date.

    Raises:
        SettingsError: the database cannot be opened, or not be written.
    """
    try:
        _upgrade(settings)
    except OperationalError as error:
        where = url_of(settings).set(query={}).render_as_string(hide_password=True)
        raise SettingsError(f"the database at {where} cannot be opened or written: {error.orig}") from error


def _upgrade(settings: Settings) -> None:
    config = migrations()
    engine = engine_for(settings)
    with engine.connect() as connection:
        present = MigrationContext.configure(connection).get_current_revision()
    if present == ScriptDirectory.from_config(config).get_current_head():
        return
    with hold(settings, "migrations"), engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()


def migrations() -> Config:
    """Alembic's configuration for this package."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config
