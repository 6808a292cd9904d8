"""The rows of the database that are about one customer, found by the tables' own shape.

A table with the column `customer_id` is about customers. One that refers to such a table by a foreign key, or
to one that does, is about their rows: `postings` about `promises`. New tables are found without being named;
whoever calls this has imported the `models` of all rooms that it is to know of.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, or_, select
from sqlalchemy.orm import Session

from warehouse.database import Base

CUSTOMER = "customer_id"


def tables() -> list[Table]:
    """The tables with rows of customers, those that are referred to first."""
    found: list[Table] = []
    for table in Base.metadata.sorted_tables:
        if CUSTOMER in table.c or any(key.column.table in found for key in table.foreign_keys):
            found.append(table)
    return found


def mine(table: Table, names: Collection[str]) -> ColumnElement[bool]:
    """SQL for the rows of a table that are a customer's.

    Args:
        table: one of `tables`.
        names: what the customer is called there, the id and perhaps a pseudonym.
    """
    if CUSTOMER in table.c:
        return table.c[CUSTOMER].in_(names)
    ways = (
        key.parent.in_(select(key.column).where(mine(key.column.table, names)))
        for key in table.foreign_keys
        if key.column.table in tables()
    )
    return or_(*ways)


def rows_of(session: Session, table: Table, names: Collection[str]) -> Sequence[Any]:
    """The customer's rows of a table, in the order of its primary key."""
    query: Select[Any] = select(*table.columns).where(mine(table, names)).order_by(*table.primary_key)
    return session.execute(query).all()


def held(session: Session, customer_id: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """All tables with what they hold of a customer, column by column; tables without rows are left out."""
    for table in tables():
        if rows := rows_of(session, table, [customer_id]):
            yield table.name, [dict(row._mapping) for row in rows]
