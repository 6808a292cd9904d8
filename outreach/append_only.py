"""Triggers that keep the ledger and the history of notices append-only, on SQLite and PostgreSQL.

The Alembic migration runs `statements(dialect)`; after it no UPDATE, DELETE, REPLACE or TRUNCATE of these
tables succeeds, whoever asks.
"""

from collections.abc import Mapping

_POSTGRES_FUNCTION = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '% is append-only; write a new entry instead', TG_TABLE_NAME; END $$
"""


def statements(dialect: str, tables: Mapping[str, str]) -> list[str]:
    """The SQL that makes the tables append-only; each statement is run on its own.

    Args:
        dialect: `sqlite` or `postgresql`.
        tables: the tables that only grow, with their primary keys.
    """
    if dialect == "postgresql":
        return [_POSTGRES_FUNCTION, *(text for table in tables for text in _postgres(table))]
    return [text for table, key in tables.items() for text in _sqlite(table, key)]


def _postgres(table: str) -> list[str]:
    return [
        f"CREATE TRIGGER {table}_rows_stay BEFORE UPDATE OR DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()",
        f"CREATE TRIGGER {table}_stays BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
    ]


def _sqlite(table: str, key: str) -> list[str]:
    refuse = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only; write a new entry instead'); END"
    known = f"EXISTS (SELECT 1 FROM {table} WHERE {key} = NEW.{key})"  # noqa: S608  our own names
    return [
        f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} {refuse}",
        f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {refuse}",
        # REPLACE would delete without asking the trigger above; an entry that is there already stays.
        f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN {known} "
        "BEGIN SELECT RAISE(IGNORE); END",
    ]
