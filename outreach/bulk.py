"""Many rows at once: statements small enough for both databases, without the cost of objects."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, TypeVar, cast

from sqlalchemy import Table, insert
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


def insert_all(session: Session, model: type[Base], rows: Iterable[Mapping[str, Any]]) -> None:
    """Inserts rows given as column names to values."""
    statement = insert(table_of(model))
    for some in chunks(rows):
        session.execute(statement, some)
