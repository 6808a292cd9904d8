"""The tables of the feed as the simulator writes them: raw columns, and which of them hold ids."""

from typing import Any

import polars as pl

from features.contract import CONTRACTS

MOMENT = pl.Datetime("us", "UTC")
MONEY = pl.Decimal(18, 6)
NIGHT = "night"
"""The night that brings a row; 0: the first one after it happened."""

ID = {
    **{"customer_id": "customer", "person_id": "person", "order_id": "order", "product_id": "product"},
    **{"offer_id": "offer", "entitlement_id": "entitlement", "incident_id": "incident"},
}
"""Which space of numbers a column of ids belongs to."""

WITHOUT_DISPATCH = ("dispatched_at", "delivered_at")
"""What the tills do not know of what they sold."""

TILLS = "tills"
"""Purchases that are brought by an import of their own, without the columns the tills do not know."""


def columns(table: str) -> dict[str, Any]:
    """The raw columns of a table and their types; money as decimals of major units."""
    contract = CONTRACTS["purchases" if table == TILLS else table]
    raw: dict[str, Any] = {}
    for name, column in contract.schema.columns().items():
        meta = column.metadata or {}
        if table == TILLS and name in WITHOUT_DISPATCH:
            continue
        raw[meta.get("raw", name)] = MONEY if meta.get("kind") in ("amount", "decimal") else column.dtype
    return raw


def times(table: str) -> tuple[str | None, tuple[str, ...]]:
    """When a row of a table happened, and its facts that have a time of their own.

    Tables that say what is true (offers, entitlements, …) come with the first night.
    """
    if table in ("entitlements", "consents"):
        return None, ()
    kept = CONTRACTS["purchases" if table == TILLS else table].table
    return kept.at, tuple(name for name in kept.later if name in columns(table))


def text_ids(table: str) -> list[str]:
    """The columns of a table that hold ids."""
    return [name for name in columns(table) if name in ID]
