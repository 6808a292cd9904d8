"""The migrations build what the table classes say, on both databases."""

from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

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


@pytest.mark.parametrize("table", ["notices", "promises"])
def test_what_refers_to_a_row_is_found_by_an_index_when_it_goes(any_settings: Settings, table: str) -> None:
    upgrade(any_settings)
    database = inspect(engine_for(any_settings))
    for other in database.get_table_names():
        for reference in database.get_foreign_keys(other):
            if reference["referred_table"] == table:
                whole = [one for one in database.get_indexes(other) if not _is_partial(one)]
                leading = {one["column_names"][0] for one in whole}
                leading.add(database.get_pk_constraint(other)["constrained_columns"][0])
                assert reference["constrained_columns"][0] in leading, (other, reference)


def _is_partial(index: Any) -> bool:
    return any(name.endswith("_where") for name in index.get("dialect_options", {}))
