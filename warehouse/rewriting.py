"""Takes rows out of Parquet files that are written once and then never changed, for erasure alone.

A file without such rows is not touched. One with them is written anew beside itself and renamed, so a reader
has the old one or the new one, and a killed run can be run again.
"""

import time
from collections.abc import Callable
from pathlib import Path

import polars as pl

from warehouse.shelf import Shelf

Kept = Callable[[pl.LazyFrame], pl.LazyFrame]
"""Gives the rows that stay, in their order."""

_UNFINISHED_SECONDS = 600.0
"""How old an unfinished file is that nobody writes any more."""


def drop(shelf: Shelf, path: str, kept: Kept) -> int:
    """Takes rows out of one file; returns how many."""
    rows = shelf.scan(path)
    stay = kept(rows)
    before, after = pl.collect_all([rows.select(pl.len()), stay.select(pl.len())])
    gone = int(before.item() - after.item())
    if gone:
        shelf.write_frame(path, stay)
    return gone


def but(column: str, value: str) -> Kept:
    """All rows but those in which a column has a value; a row in which it is null stays."""
    return lambda rows: rows.filter(pl.col(column).cast(pl.String).ne_missing(value))


def but_those(keys: pl.DataFrame) -> Kept:
    """All rows but those with these keys, the columns of `keys`."""
    return lambda rows: rows.join(
        keys.lazy(), on=keys.columns, how="anti", nulls_equal=True, maintain_order="left"
    )


def parquet(shelf: Shelf, prefix: str = "") -> list[str]:
    """The Parquet files below a folder."""
    return [path for path in shelf.list(prefix) if path.endswith(".parquet")]


def has(shelf: Shelf, path: str, *columns: str) -> bool:
    """Whether a file has all of these columns."""
    return set(columns) <= set(shelf.scan(path).collect_schema())


def sweep_unfinished(shelf: Shelf, prefix: str = "") -> int:
    """Removes what killed writes left below a folder; the caller holds the leases of who writes there."""
    left = [path for path in shelf.list(prefix, unfinished=True) if path.endswith(".partial")]
    for path in left:
        shelf.delete(path)
    return len(left)


def sweep_folder(folder: Path, age: float = _UNFINISHED_SECONDS) -> None:
    """The same for a local folder to which processes without a lease write: only what is old."""
    oldest = time.time() - age
    for path in folder.rglob("*.partial") if folder.is_dir() else ():
        if path.is_file() and path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)
