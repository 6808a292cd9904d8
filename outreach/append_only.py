"""Triggers that keep the ledger and the history of notices append-only, on SQLite and PostgreSQL.

The Alembic migration runs `statements(dialect)`; after it no UPDATE, DELETE, REPLACE or TRUNCATE of these
tables succeeds, whoever asks. `erasure_statements` makes the one exception: customers who are being erased.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

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


OPEN_ERASURES = "SELECT 'erased-' || substr(digest, 1, 32) FROM erased WHERE finished_at IS NULL"
"""The pseudonyms of customers who are being erased; `warehouse.tombstones.pseudonym_of` says the same."""


@dataclass(frozen=True)
class Erasable:
    """What an erasure may change in a row that otherwise never changes.

    Attributes:
        customer: SQL for whose row it is, after the change; it has to be the pseudonym of an open erasure.
        kept: columns that stay as they are.
        emptied: columns that may only become empty.
        renamed: columns that may only become the pseudonym.
    """

    customer: str
    kept: tuple[str, ...]
    emptied: tuple[str, ...] = ()
    renamed: tuple[str, ...] = ()


_BY_PROMISE = "(SELECT customer_id FROM promises WHERE promise_id = OLD.promise_id)"
_BY_NOTICE = "(SELECT customer_id FROM notices WHERE notice_id = OLD.notice_id)"

ERASURE: dict[str, Erasable] = {
    "promises": Erasable(
        "NEW.customer_id",
        (
            *("promise_id", "kind", "currency", "amount_minor", "opened_by", "opened_at", "due_at"),
            *("opportunity_id", "notice_id"),
        ),
        emptied=("said", "why"),
        renamed=("customer_id",),
    ),
    "promise_events": Erasable(
        _BY_PROMISE, ("event_id", "promise_id", "number", "state", "by", "at"), emptied=("why",)
    ),
    "postings": Erasable(
        _BY_PROMISE,
        ("posting_id", "promise_id", "debit", "credit", "amount_minor", "happened_at", "by", "at"),
        renamed=("reference",),
    ),
    "notice_events": Erasable(
        _BY_NOTICE,
        ("event_id", "notice_id", "from_state", "to_state", "by", "at", "audit"),
        emptied=("reason",),
    ),
    "choices": Erasable(
        "NEW.customer_id", ("choice_id", "what", "value", "at", "link_id", "audit"), renamed=("customer_id",)
    ),
}
"""The one exception: an erasure takes words out, and puts a pseudonym in a customer's place."""


def erasure_statements(dialect: str, tables: Iterable[str]) -> list[str]:
    """The SQL that lets an erasure, and nothing else, change these tables of `ERASURE`."""
    change = _postgres_except if dialect == "postgresql" else _sqlite_except
    return [text for table in tables for text in change(table, ERASURE[table])]


def _allowed(exception: Erasable, same: str) -> str:
    """SQL that is true for a change which the exception allows, and never for another one."""
    kept = [f'NEW."{column}" {same} OLD."{column}"' for column in exception.kept]
    emptied = [f"(NEW.{column} = '' OR NEW.{column} {same} OLD.{column})" for column in exception.emptied]
    renamed = [
        f"(NEW.{column} IN ({OPEN_ERASURES}) OR NEW.{column} {same} OLD.{column})"
        for column in exception.renamed
    ]
    return " AND ".join([f"{exception.customer} IN ({OPEN_ERASURES})", *kept, *emptied, *renamed])


def _sqlite_except(table: str, exception: Erasable) -> list[str]:
    return [
        f"DROP TRIGGER {table}_no_update",
        f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} "
        f"WHEN ({_allowed(exception, 'IS')}) IS NOT TRUE "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only; write a new entry instead'); END",
    ]


def _postgres_except(table: str, exception: Erasable) -> list[str]:
    return [
        f"CREATE OR REPLACE FUNCTION {table}_but_erasure() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN IF TG_OP = 'UPDATE' THEN IF {_allowed(exception, 'IS NOT DISTINCT FROM')} THEN "
        "RETURN NEW; END IF; END IF; "
        f"RAISE EXCEPTION '{table} is append-only; write a new entry instead'; END $$",
        f"DROP TRIGGER {table}_rows_stay ON {table}",
        f"CREATE TRIGGER {table}_rows_stay BEFORE UPDATE OR DELETE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION {table}_but_erasure()",
    ]
