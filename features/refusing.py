"""Keeps erased customers out: their rows of a delivery are dropped and counted, and kept nowhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import polars as pl

from features.belonging import CUSTOMER, OWNERS, OWNING, digests, distinct, theirs
from features.feeds import Delivery
from features.reading import read_text
from warehouse.database import engine_for, writing
from warehouse.errors import FeedError
from warehouse.lake import Table
from warehouse.settings import Settings
from warehouse.tombstones import Tombstones, remember, remembered


@dataclass(frozen=True)
class Rest:
    """What is left of a delivery.

    Attributes:
        delivery: without the rows of erased customers.
        dropped: how many rows of each table those were.
    """

    delivery: Delivery
    dropped: dict[str, int] = field(default_factory=dict)


def without_erased(settings: Settings, delivery: Delivery) -> Rest:
    """Takes the rows of erased customers out of a delivery, and those about such rows.

    The keys of the rows it takes out are remembered, so that what comes later about them is known, too.

    Raises:
        FeedError: a table cannot be read.
        SettingsError: customers were erased under another secret.
    """
    tombstones = Tombstones.of(settings)
    if not tombstones.marks:
        return Rest(delivery)
    tables, dropped = dict(delivery.tables), dict[str, int]()
    fresh: set[str] = set()
    for name, raw in delivery.tables.items():
        with explained(name):
            if CUSTOMER in raw.collect_schema() and (gone := _erased(raw, tombstones)):
                fresh |= _keys(name, raw, gone, tombstones)
                tables[name] = _others(raw, gone)
                dropped[name] = _count(raw) - _count(tables[name])
    with writing(engine_for(settings)) as session:
        remember(session, fresh)
    known = remembered(settings)
    for name, owner in OWNERS.items():
        if name in tables and set(owner.key) <= set(tables[name].collect_schema()):
            with explained(name):
                kept = _unowned(tables[name], owner, tombstones, known)
                if gone_here := _count(tables[name]) - _count(kept):
                    tables[name], dropped[name] = kept, gone_here
    refused = {name: _refused(raw, tombstones) for name, raw in delivery.refused.items()}
    return Rest(replace(delivery, tables=tables, refused=refused), dropped)


@contextmanager
def explained(name: str) -> Iterator[None]:
    """Says of what cannot be read which table it is.

    Raises:
        FeedError: the table cannot be read.
    """
    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        first = str(error).strip().split("\n", 1)[0]
        raise FeedError(f"{name} cannot be read: {first}") from error


def _as_text(raw: pl.LazyFrame, column: str) -> pl.Expr:
    """A raw column as the wall reads an id."""
    return read_text(pl.col(column), raw.collect_schema()[column], "")


def _erased(raw: pl.LazyFrame, tombstones: Tombstones) -> list[str]:
    ids = distinct(raw.select(_as_text(raw, CUSTOMER)), [CUSTOMER])
    return [one for one in ids[CUSTOMER].to_list() if tombstones.has(one)]


def _is_of(raw: pl.LazyFrame, gone: list[str]) -> pl.Expr:
    return _as_text(raw, CUSTOMER).is_in(gone).fill_null(value=False)


def _others(raw: pl.LazyFrame, gone: list[str]) -> pl.LazyFrame:
    return raw.filter(~_is_of(raw, gone))


def _keys(name: str, raw: pl.LazyFrame, gone: list[str], tombstones: Tombstones) -> set[str]:
    owner = OWNING.get(name)
    if owner is None or not set(owner.key) <= set(raw.collect_schema()):
        return set()
    mine = raw.filter(_is_of(raw, gone)).select(_as_text(raw, column) for column in owner.key)
    return set(digests(tombstones.key, owner, distinct(mine, owner.key)))


def _unowned(raw: pl.LazyFrame, owner: Table, tombstones: Tombstones, known: frozenset[str]) -> pl.LazyFrame:
    """The rows whose owner is not an erased customer's."""
    keys = distinct(raw.select(_as_text(raw, column) for column in owner.key), owner.key)
    gone = theirs(tombstones.key, owner, keys, known)
    if gone.is_empty():
        return raw
    text = {column: f"_{column}" for column in owner.key}
    return (
        raw.with_columns(_as_text(raw, column).alias(text[column]) for column in owner.key)
        .join(gone.lazy().rename(text), on=list(text.values()), how="anti", maintain_order="left")
        .drop(text.values())
    )


def _refused(raw: pl.LazyFrame, tombstones: Tombstones) -> pl.LazyFrame:
    if CUSTOMER not in raw.collect_schema():
        return raw
    return _others(raw, _erased(raw, tombstones))


def _count(rows: pl.LazyFrame) -> int:
    return int(rows.select(pl.len()).collect(engine="streaming").item())
