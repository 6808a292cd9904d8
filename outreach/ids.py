"""Ids that come from content: the same subject has the same id on every night and every machine."""

import json
from collections.abc import Iterable
from uuid import UUID, uuid5

import polars as pl

NAMESPACE = UUID("6f0d5f5e-8f0c-5b0a-9c3b-3a1f5b1d7c42")


def content_id(*parts: str | None) -> str:
    """The UUID (version 5) of some texts in their order; no two different lists share one."""
    return str(uuid5(NAMESPACE, json.dumps(parts, separators=(",", ":"), ensure_ascii=False)))


def content_ids(what: str, *columns: str | pl.Expr) -> pl.Expr:
    """`content_id(what, *columns)` for every row; hashing has no vectorised form, so this loops."""

    def hashed(rows: pl.Series) -> pl.Series:
        fields: Iterable[tuple[str | None, ...]] = rows.struct.unnest().iter_rows()
        return pl.Series(rows.name, [content_id(what, *row) for row in fields], dtype=pl.String)

    fields_of_row = [
        (pl.col(c) if isinstance(c, str) else c).alias(str(place)) for place, c in enumerate(columns)
    ]
    return pl.struct(fields_of_row).map_batches(hashed, return_dtype=pl.String)
