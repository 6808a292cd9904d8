"""Erases one customer from the lake, all versions and nights of it, from quarantine and the live events.

The caller holds the leases of all rooms and has set the tombstone, so nothing comes in meanwhile. Each
function can be called again after it was killed: what the later ones need is erased by the last.
"""

from collections.abc import Mapping, Sequence

import polars as pl
from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from features.belonging import ABOUT_CUSTOMERS, CUSTOMER, OWNERS, OWNING, digests, distinct, theirs
from features.contract import CONTRACTS
from features.live import TABLE as LIVE
from warehouse.database import engine_for, reading, writing
from warehouse.lake import Lake, Table
from warehouse.rewriting import but, but_those, drop, has, parquet, sweep_unfinished
from warehouse.settings import Settings
from warehouse.shelf import Shelf, open_shelf
from warehouse.tombstones import Tombstones, remember, remembered

CONTACTS = ("email", "phone")
_OWN = ("notice_id", "opportunity_id", "entitlement_id", "incident_id")
"""Columns by which rows of a night without a customer are one customer's."""
_LAST = "customers"


def is_known(settings: Settings, customer_id: str) -> bool:
    """Whether any import, or the shop live, has told of a customer."""
    rows = Lake.of(settings).scan(CONTRACTS["customers"].table).filter(pl.col(CUSTOMER) == customer_id)
    if rows.head(1).collect().height:
        return True
    with reading(engine_for(settings)) as session:
        return bool(session.scalar(select(exists().where(LIVE.c.customer_id == customer_id))))


def accounts_of_person(settings: Settings, customer_id: str) -> list[str]:
    """All accounts of the person behind one, itself first."""
    people = Lake.of(settings).scan(CONTRACTS["customers"].table).select(CUSTOMER, "person_id")
    mine = people.filter(pl.col(CUSTOMER) == customer_id).select("person_id").drop_nulls()
    found = people.join(mine, on="person_id", how="semi").select(CUSTOMER).collect()[CUSTOMER]
    return [customer_id, *sorted(set(found) - {customer_id})]


def contacts_of(settings: Settings, customer_id: str) -> dict[str, list[str]]:
    """Every address and number that any version gives for a customer, by the column it is in."""
    people = Lake.of(settings).scan(CONTRACTS["customers"].table, versions=True)
    mine = people.filter(pl.col(CUSTOMER) == customer_id).select(CONTACTS).collect()
    return {name: mine[name].drop_nulls().unique().sort().to_list() for name in CONTACTS}


def remember_keys(settings: Settings, customer_id: str) -> None:
    """Keeps digests of the keys of a customer's rows that other rows refer to: they come in later, too."""
    key, lake = Tombstones.of(settings).key, Lake.of(settings)
    for owner in OWNING.values():
        mine = lake.scan(owner, versions=True).filter(pl.col(CUSTOMER) == customer_id)
        with writing(engine_for(settings)) as session:
            remember(session, digests(key, owner, distinct(mine, owner.key)))


def erase_quarantine(settings: Settings, customer_id: str) -> int:
    """Takes refused rows out that name the customer, their address, or a row of theirs; returns how many."""
    shelf = open_shelf(str(settings.home.absolute() / "quarantine"))
    sweep_unfinished(shelf)
    values = {CUSTOMER: [customer_id]} | contacts_of(settings, customer_id)
    key, known = Tombstones.of(settings).key, remembered(settings)
    gone = 0
    for path in parquet(shelf):
        for column, some in values.items():
            for value in some if has(shelf, path, column) else ():
                gone += drop(shelf, path, but(column, value))
        for owner in OWNING.values():
            gone += _drop_owned(shelf, path, owner, key, known)
        if not shelf.scan(path).select(pl.len()).collect().item():
            shelf.delete(path)
    return gone


def erase_nights(settings: Settings, customer_id: str) -> int:
    """Takes their rows out of everything that any step kept for any day; returns how many."""
    shelf = Lake.of(settings).shelf
    sweep_unfinished(shelf)
    files = parquet(shelf, "nights/")
    named = [path for path in files if has(shelf, path, CUSTOMER)]
    own = _own(shelf, named, customer_id)
    gone = 0
    for path in files:
        for column in _OWN if path not in named else ():
            if column in own and has(shelf, path, column):
                gone += drop(shelf, path, but_those(own[column]))
    return gone + sum(drop(shelf, path, but(CUSTOMER, customer_id)) for path in named)


def erase_events(settings: Settings, customer_id: str, mark: str) -> dict[str, int]:
    """Takes their rows out of all versions of all tables, `customers` last; returns how many by table."""
    lake = Lake.of(settings)
    lake.mark_erasure(mark)
    key, known = Tombstones.of(settings).key, remembered(settings)
    gone: dict[str, int] = {}
    for name in [*OWNERS, *(one for one in ABOUT_CUSTOMERS if one != _LAST), _LAST]:
        table, files = CONTRACTS[name].table, parquet(lake.shelf, f"events/{name}/")
        if name in OWNERS:
            keys = _keys_of(lake.shelf, files, OWNERS[name], key, known)
            mine = pl.DataFrame() if keys is None else keys
        else:
            mine = pl.DataFrame({CUSTOMER: [customer_id]})
        if mine.width and files:
            _forget_superseded(lake.shelf, table, files, mine)
            gone[name] = sum(drop(lake.shelf, path, but_those(mine)) for path in files)
    return {name: count for name, count in gone.items() if count}


def erase_live(session: Session, customer_id: str) -> int:
    """Deletes what the shop told of them live; returns how many events that were."""
    return int(session.connection().execute(delete(LIVE).where(LIVE.c.customer_id == customer_id)).rowcount)


def _own(shelf: Shelf, named: list[str], customer_id: str) -> Mapping[str, pl.DataFrame]:
    """The ids that are the customer's alone, by column."""
    found: dict[str, list[pl.DataFrame]] = {}
    for path in named:
        for column in _OWN:
            if has(shelf, path, column):
                mine = shelf.scan(path).filter(pl.col(CUSTOMER) == customer_id)
                found.setdefault(column, []).append(distinct(mine, [column]))
    return {column: pl.concat(frames).unique() for column, frames in found.items()}


def _keys_of(
    shelf: Shelf, files: list[str], owner: Table, key: bytes, known: frozenset[str]
) -> pl.DataFrame | None:
    if not files:
        return None
    found = theirs(key, owner, distinct(_rows(shelf, files, owner.key), owner.key), known)
    return None if found.is_empty() else found


def _rows(shelf: Shelf, files: Sequence[str], columns: Sequence[str]) -> pl.LazyFrame:
    """Some columns of files that may differ in the others."""
    return pl.concat([shelf.scan(path).select(columns) for path in files])


def _drop_owned(shelf: Shelf, path: str, owner: Table, key: bytes, known: frozenset[str]) -> int:
    if not has(shelf, path, *owner.key):
        return 0
    keys = _keys_of(shelf, [path], owner, key, known)
    return 0 if keys is None else drop(shelf, path, but_those(keys))


def _forget_superseded(shelf: Shelf, table: Table, files: list[str], mine: pl.DataFrame) -> None:
    """Takes the keys of their rows out of those that were replaced, but for keys that others' rows have."""
    paths = parquet(shelf, f"superseded/{table.name}/")
    if not paths:
        return
    on = mine.columns
    rows = _rows(shelf, files, list(dict.fromkeys([*on, *table.key])))
    keys = rows.join(mine.lazy(), on=on, how="semi").select(table.key).unique()
    others = rows.join(mine.lazy(), on=on, how="anti").select(table.key)
    gone = keys.join(others, on=list(table.key), how="anti", nulls_equal=True).collect(engine="streaming")
    for path in paths:
        drop(shelf, path, but_those(gone))
