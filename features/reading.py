"""Reads feed values into typed ones, column by column; what cannot be read becomes null.

Every reader takes an expression of whatever type the feed had and gives the typed expression. The wall
compares: a value that was there before and is null after was unreadable. Readers are strict: nothing is
guessed, nothing is rounded.
"""

from collections.abc import Callable

import polars as pl
import polars.selectors as cs
from polars.datatypes import DataType

from features.money import EXPONENTS
from warehouse.zones import known_zones

_DECIMAL = r"^[+-]?(\d{1,12}(\.\d{0,6}0*)?|\.\d{1,6}0*)$"
_WHOLE = r"^[+-]?\d{1,18}(\.0*)?$"
_LARGEST_EXACT = 2**53  # floats beyond skip whole numbers: an id would become another one
_YES = ("true", "t", "yes", "y", "1")
_NO = ("false", "f", "no", "n", "0")
_MOMENTS = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%d")

Reader = Callable[[pl.Expr, DataType, str], pl.Expr]


def read_text(value: pl.Expr, dtype: DataType, _zone: str) -> pl.Expr:
    """Text to the letter; a float column of whole numbers (ids with gaps, say) loses its `.0`.

    Floats that are not whole, or too large to be exact, are unreadable.
    """
    if dtype.is_float():
        whole = value.cast(pl.Int64, strict=False)
        exact = (whole.cast(dtype) == value) & (whole.abs() < _LARGEST_EXACT)
        return pl.when(exact).then(whole).cast(pl.String)
    return value.cast(pl.String)


def read_decimal(value: pl.Expr, dtype: DataType, _zone: str) -> pl.Expr:
    """An exact decimal with at most six places; a float is read as its shortest decimal text."""
    if dtype.is_integer():
        return value.cast(pl.Decimal(18, 6), strict=False)
    text = value.cast(pl.String).str.strip_chars()
    return pl.when(text.str.contains(_DECIMAL)).then(text).cast(pl.Decimal(18, 6), strict=False)


def read_whole(value: pl.Expr, dtype: DataType, _zone: str) -> pl.Expr:
    """A whole number; `3.0` is one, `3.5` is not."""
    if dtype.is_integer():
        return value.cast(pl.Int64, strict=False)
    text = value.cast(pl.String).str.strip_chars()
    digits = text.str.extract(r"^([+-]?\d+)", 1)
    return pl.when(text.str.contains(_WHOLE)).then(digits).cast(pl.Int64, strict=False)


def read_flag(value: pl.Expr, dtype: DataType, _zone: str) -> pl.Expr:
    """Yes or no: true/false, t/f, yes/no, y/n, 1/0, in any case."""
    if dtype == pl.Boolean:
        return value
    text = value.cast(pl.String).str.strip_chars().str.to_lowercase()
    return pl.when(text.is_in(_YES)).then(True).when(text.is_in(_NO)).then(False)


def read_currency(value: pl.Expr, _dtype: DataType, _zone: str) -> pl.Expr:
    """An ISO 4217 code that has minor units."""
    text = value.cast(pl.String).str.strip_chars()
    return pl.when(text.is_in(sorted(EXPONENTS))).then(text)


def read_zone(value: pl.Expr, _dtype: DataType, _zone: str) -> pl.Expr:
    """An IANA zone name."""
    text = value.cast(pl.String).str.strip_chars()
    return pl.when(text.is_in(sorted(known_zones()))).then(text)


def read_moment(value: pl.Expr, dtype: DataType, zone: str) -> pl.Expr:
    """A moment in UTC; one without a zone is local time in `zone`.

    Local times that do not exist (clocks go forward) are unreadable; of two that are the same (clocks go
    back) the earlier is meant.
    """
    if isinstance(dtype, pl.Datetime):
        naive = value.cast(pl.Datetime("us", dtype.time_zone))
        return naive.dt.convert_time_zone("UTC") if dtype.time_zone else _local(naive, zone)
    if dtype == pl.Date:
        return _local(value.cast(pl.Datetime("us")), zone)
    text = value.cast(pl.String).str.strip_chars().str.replace(r"^(\d{4}-\d\d-\d\d)[T ]", "$1 ")
    text = text.str.replace(r"\s*[zZ]$", "+0000").str.replace(
        r"(:\d\d(?:\.\d+)?)\s*([+-]\d\d)$", "${1}${2}00"
    )
    text = text.str.replace(r"\s*([+-]\d\d):?(\d\d)$", "$1$2")
    zoned = [
        text.str.to_datetime(f"{pattern}%z", time_unit="us", strict=False, time_zone="UTC")
        for pattern in _MOMENTS[:2]
    ]
    plain = [text.str.to_datetime(pattern, time_unit="us", strict=False) for pattern in _MOMENTS]
    return pl.coalesce(*zoned, *(_local(naive, zone) for naive in plain))


def _local(naive: pl.Expr, zone: str) -> pl.Expr:
    located = naive.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return located.dt.convert_time_zone("UTC")


READERS: dict[str, Reader] = {
    "text": read_text,
    "decimal": read_decimal,
    "amount": read_decimal,
    "whole": read_whole,
    "flag": read_flag,
    "currency": read_currency,
    "zone": read_zone,
    "moment": read_moment,
}


def empty_is_null(frame: pl.LazyFrame) -> pl.LazyFrame:
    """A frame in which blank text and NaN, as other tools write what is missing, is null."""
    text = cs.string()
    blank = text.str.strip_chars().str.len_bytes() == 0
    return frame.with_columns(pl.when(~blank).then(text), cs.float().fill_nan(None))
