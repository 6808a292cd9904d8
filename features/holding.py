"""What the lake, its nights and the quarantine hold of one customer."""

from typing import Any

import polars as pl

from features.belonging import ABOUT_CUSTOMERS, CUSTOMER, OWNERS
from features.contract import CONTRACTS
from warehouse.lake import Lake
from warehouse.rewriting import has, parquet
from warehouse.settings import Settings
from warehouse.shelf import Shelf, open_shelf

Rows = list[dict[str, Any]]


def held(settings: Settings, customer_id: str) -> dict[str, Any]:
    """All of it, as rows of columns to values.

    Returns:
        `lake`: all versions of the rows, with `imported_at`, by table; `nights`: by day, then by name;
        `quarantine`: refused rows by file.
    """
    lake = Lake.of(settings)
    quarantined = open_shelf(str(settings.home.absolute() / "quarantine"))
    nights: dict[str, dict[str, Rows]] = {}
    for path, rows in _named(lake.shelf, "nights/", customer_id).items():
        _, day, name = path.split("/")
        nights.setdefault(day, {})[name.removesuffix(".parquet")] = rows
    return {
        "lake": {name: rows for name in CONTRACTS if (rows := _versions(lake, name, customer_id))},
        "nights": nights,
        "quarantine": _named(quarantined, "", customer_id),
    }


def _versions(lake: Lake, name: str, customer_id: str) -> Rows:
    rows = lake.scan(CONTRACTS[name].table, versions=True)
    if name in ABOUT_CUSTOMERS:
        return _of(rows, customer_id)
    if name not in OWNERS:
        return []
    owner = OWNERS[name]
    mine = lake.scan(owner, versions=True).filter(pl.col(CUSTOMER) == customer_id)
    return rows.join(mine, on=list(owner.key), how="semi").collect().to_dicts()


def _named(shelf: Shelf, prefix: str, customer_id: str) -> dict[str, Rows]:
    """The customer's rows of each file that names customers."""
    found = {
        path: _of(shelf.scan(path), customer_id)
        for path in parquet(shelf, prefix)
        if has(shelf, path, CUSTOMER)
    }
    return {path: rows for path, rows in found.items() if rows}


def _of(rows: pl.LazyFrame, customer_id: str) -> Rows:
    return rows.filter(pl.col(CUSTOMER).cast(pl.String) == customer_id).collect().to_dicts()
