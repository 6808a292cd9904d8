"""Ids of whole columns that come from content: see `warehouse.ids`."""

import json
from hashlib import sha1

import numpy as np
import polars as pl

from warehouse.ids import NAMESPACE

_GROUPS = r"^(.{8})(.{4})(.{4})(.{4})"
"""The 32 digits of a UUID up to its last dash."""


def content_ids(what: str, *columns: str | pl.Expr) -> pl.Expr:
    """`content_id(what, *columns)` for every row.

    Only the hash itself goes row by row: at millions of rows, `content_id` would take longer than any finder.
    """
    fields = [pl.col(column) if isinstance(column, str) else column for column in columns]
    named = json.dumps([what], ensure_ascii=False)[:-1]
    listed = pl.concat_str(
        pl.lit(named), *(pl.concat_str(pl.lit(","), _as_json(f)) for f in fields), pl.lit("]")
    )
    digits = listed.cast(pl.Binary).map_batches(_hashed, return_dtype=pl.Binary).bin.encode("hex")
    return digits.str.replace(_GROUPS, "$1-$2-$3-$4-")


def _as_json(text: pl.Expr) -> pl.Expr:
    """A text, or null, as JSON has it; Polars writes it only inside of an object."""
    return pl.struct(text.alias("_")).struct.json_encode().str.slice(5).str.strip_suffix("}")


def _hashed(texts: pl.Series) -> pl.Series:
    """The 16 bytes of each text's UUID: RFC 9562, section 5.5."""
    begun = NAMESPACE.bytes
    digests = b"".join([sha1(begun + text, usedforsecurity=False).digest() for text in texts.to_list()])
    hashes = np.frombuffer(digests, dtype=np.uint8).reshape(-1, 20)[:, :16].copy()
    hashes[:, 6] = hashes[:, 6] & 0x0F | 0x50
    hashes[:, 8] = hashes[:, 8] & 0x3F | 0x80
    return pl.Series(texts.name, hashes.view("V16").ravel().tolist(), dtype=pl.Binary)
