"""The kinds of column the feed contract knows, each with the reader its metadata names.

A column's metadata says how the wall reads it: `kind` picks the reader in `features.reading`, `raw` names
the feed's column where it differs, `default` fills an absent or empty one, `observed` marks a moment that
cannot lie in the future.
"""

from typing import Any

import dataframely as dy
import polars as pl

from features.limits import ID_LENGTH

TEXT_LENGTH = 4000


def identifier(*, key: bool = False, nullable: bool = False, default: str | None = None) -> dy.String:
    """An id: text, kept to the letter, without control characters."""
    return dy.String(
        primary_key=key,
        nullable=nullable,
        min_length=1,
        max_length=ID_LENGTH,
        check={"printable": lambda text: ~text.str.contains(r"\p{Cc}")},
        metadata={"kind": "text", "default": default},
    )


def words(*, nullable: bool = True) -> dy.String:
    """Text for people, on one line: no line breaks (of any script) or other control characters but tabs."""
    return dy.String(
        nullable=nullable,
        max_length=TEXT_LENGTH,
        check={"printable": lambda text: ~text.str.contains(r"[\p{Cc}\p{Zl}\p{Zp}--\t]")},
        metadata={"kind": "text"},
    )


def choice(*values: str, key: bool = False, nullable: bool = False, default: str | None = None) -> dy.String:
    """One of a few words."""
    return dy.String(
        primary_key=key,
        nullable=nullable,
        check={"known": lambda text: text.is_in(list(values))},
        metadata={"kind": "text", "default": default, "values": values},
    )


def currency(*, key: bool = False, nullable: bool = False) -> dy.String:
    """An ISO 4217 code."""
    return dy.String(primary_key=key, nullable=nullable, metadata={"kind": "currency"})


def zone() -> dy.String:
    """An IANA time zone name."""
    return dy.String(nullable=True, metadata={"kind": "zone"})


def moment(*, key: bool = False, nullable: bool = False, observed: bool = True) -> dy.Datetime:
    """A moment in UTC. An observed one cannot lie more than a day ahead of the clock."""
    return dy.Datetime(
        primary_key=key,
        nullable=nullable,
        time_zone="UTC",
        time_unit="us",
        metadata={"kind": "moment", "observed": observed},
    )


def amount(raw: str, *, per_unit: str | None = None, nullable: bool = True) -> dy.Int64:
    """Money in whole minor units of the row's currency, read from the decimal column `raw`.

    Where that is absent or empty, the amount is the row's `quantity` times the column `per_unit`.
    """
    return dy.Int64(nullable=nullable, min=0, metadata={"kind": "amount", "raw": raw, "per_unit": per_unit})


def decimal(*, nullable: bool = True, **bounds: Any) -> dy.Decimal:
    """An exact decimal with up to six places."""
    return dy.Decimal(18, 6, nullable=nullable, metadata={"kind": "decimal"}, **bounds)


def whole(*, nullable: bool = True, **bounds: Any) -> dy.Int64:
    """A whole number."""
    return dy.Int64(nullable=nullable, metadata={"kind": "whole"}, **bounds)


def flag(*, nullable: bool = True, default: bool | None = None) -> dy.Bool:
    """Yes or no."""
    return dy.Bool(nullable=nullable, metadata={"kind": "flag", "default": default})


def polars_schema(schema: type[dy.Schema]) -> dict[str, pl.DataType]:
    """Column names and Polars types of a schema."""
    return {name: column.dtype for name, column in schema.columns().items()}
