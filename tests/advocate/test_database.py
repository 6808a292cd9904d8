"""The migrations build what the table classes say, on both databases."""

from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from advocate.database import migrations, newest, upgrade
from warehouse.database import Base, engine_for
from warehouse.errors import SettingsError
from warehouse.settings import Settings


def test_the_migrated_database_is_what_the_classes_describe(any_settings: Settings) -> None:
    with engine_for(any_settings).connect() as connection:
        here = connection.dialect.name

        def belongs(row: Any, _name: str, kind: str, *_: Any) -> bool:
            return kind != "index" or row.info.get("only", here) == here

        opts = {"compare_type": True, "include_object": belongs}
        context = MigrationContext.configure(connection, opts=opts)
        assert compare_metadata(context, Base.metadata) == []


def test_upgrading_twice_changes_nothing(any_settings: Settings) -> None:
    upgrade(any_settings)
    with engine_for(any_settings).connect() as connection:
        assert MigrationContext.configure(connection).get_current_revision() == "0012"


def test_the_newest_migration_is_the_one_that_alembic_would_run_last() -> None:
    assert newest() == ScriptDirectory.from_config(migrations()).get_current_head()


def test_a_database_that_cannot_be_opened_is_said_in_one_line(settings: Settings) -> None:
    broken = settings.model_copy(update={"home": settings.home / "elsewhere"})
    (broken.home / "advocate.db").mkdir(parents=True)
    with pytest.raises(SettingsError, match=r"elsewhere/advocate\.db cannot be opened or written: "):
        upgrade(broken)
