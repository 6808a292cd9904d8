"""Many rows at once: statements small enough for both databases, without the cost of objects."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, TypeVar, cast

from sqlalchemy import Table, delete, insert, text
from sqlalchemy.orm import Session

from warehouse.database import Base

CHUNK = 5_000
_Item = TypeVar("_Item")


def chunks(items: Iterable[_Item], size: int = CHUNK) -> Iterator[list[_Item]]:
    """The items in lists of at most `size`, small enough for one statement."""
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some


def table_of(model: type[Base]) -> Table:
    """The table behind a class; statements about it do not make objects of rows."""
    return cast("Table", model.__table__)


def emptied(session: Session, table: Table) -> None:
    """Makes a temporary table, or empties it: connections are used again, and each has its own.

    Args:
        session: of the transaction that uses it.
        table: with the prefix TEMPORARY.
    """
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        table.create(connection, checkfirst=True)
        session.execute(delete(table))
    else:
        session.execute(text("SET LOCAL client_min_messages = warning"))
        session.execute(text(f"DROP TABLE IF EXISTS pg_temp.{table.name}"))
        table.create(connection, checkfirst=False)


def filled(session: Session, table: Table, rows: Any) -> None:
    """Fills a temporary table from a query with its columns, and lets PostgreSQL know what is in it."""
    session.execute(insert(table).from_select(list(table.columns.keys()), rows))
    counted(session, table)


def counted(session: Session, table: Table) -> None:
    """Lets PostgreSQL know how much is in a temporary table before it plans what is done to it."""
    if session.connection().dialect.name == "postgresql":
        session.execute(text(f"ANALYZE pg_temp.{table.name}"))


def insert_all(session: Session, model: type[Base], rows: Iterable[Mapping[str, Any]]) -> None:
    """Inserts rows given as column names to values."""
    statement = insert(table_of(model))
    for some in chunks(rows):
        session.execute(statement, some)
