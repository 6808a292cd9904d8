"""To whom rows belong: which tables of the feed contract are about customers, and which about their rows.

Nothing here is a list of tables: a table with the column `customer_id` is about customers, and one without,
whose key begins from the key of such a table, is about its rows: `returns` about lines of `purchases`.
"""

from collections.abc import Iterable, Sequence

import polars as pl

from features.contract import CONTRACTS
from warehouse.lake import Table
from warehouse.tombstones import digest_of

CUSTOMER = "customer_id"

ABOUT_CUSTOMERS = tuple(name for name, one in CONTRACTS.items() if CUSTOMER in one.table.schema)
"""Tables with a customer in each row."""


def _owner(table: Table) -> Table | None:
    owners = (CONTRACTS[name].table for name in ABOUT_CUSTOMERS)
    return next((one for one in owners if one.key and set(one.key) < set(table.key)), None)


OWNERS: dict[str, Table] = {
    name: owner
    for name, one in CONTRACTS.items()
    if name not in ABOUT_CUSTOMERS and (owner := _owner(one.table)) is not None
}
"""For each table about rows of customers, the table of these."""

OWNING = {owner.name: owner for owner in OWNERS.values()}
"""The tables whose keys others refer to."""


def digests(key: bytes, owner: Table, keys: pl.DataFrame) -> list[str]:
    """The digest of each row's key, in the order of the rows.

    Args:
        key: of the tombstones.
        owner: the table whose keys these are.
        keys: its key columns, as text.
    """
    return [digest_of(key, owner.name, *map(str, row)) for row in keys.select(owner.key).iter_rows()]


def theirs(key: bytes, owner: Table, keys: pl.DataFrame, erased: Iterable[str]) -> pl.DataFrame:
    """Those keys that were an erased customer's."""
    if keys.is_empty():
        return keys.select(owner.key)
    known = pl.Series(digests(key, owner, keys), dtype=pl.String)
    return keys.select(owner.key).filter(known.is_in(list(erased)))


def distinct(rows: pl.LazyFrame, columns: Sequence[str]) -> pl.DataFrame:
    """The distinct values of some columns, without nulls, as text."""
    return rows.select(pl.col(columns).cast(pl.String)).drop_nulls().unique().collect(engine="streaming")
