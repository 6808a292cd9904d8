"""The outer wall: raw feed tables in, rows that keep the contract out, the rest to quarantine with reasons.

Nothing stops at a bad row and nothing is lost: a row that breaks the contract keeps its raw values beside
every reason why it was not taken. Exact copies count once. The same key with different content is
quarantined in all its copies.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import dataframely as dy
import polars as pl

from features.contract import CONTRACTS
from features.limits import AHEAD
from features.money import MICRO, micros, minor_per_major
from features.reading import READERS, empty_is_null
from warehouse.errors import FeedError

LARGEST_AMOUNT = 1e12
"""Amounts from here on, in major units, are mistakes, and would not compute exactly in 128 bits."""

_ROW = "row_number"
_WORDS = {
    "nullability": "missing",
    "min_exclusive": "too small",
    "min": "too small",
    "max": "too large",
    "max_length": "too long",
    "min_length": "empty",
    "regex": "malformed",
    "check__known": "not one of the known words",
    "check__printable": "has control characters",
}


@dataclass(frozen=True)
class Admitted:
    """What the wall made of one table.

    Attributes:
        rows: the rows that keep the contract; columns the feed does not have are left out.
        quarantined: raw values of the contract's columns as text, and `reasons` (list of text), one row per
            refused row.
        reasons: how many rows were refused for each reason; a row may have several.
        copies: how many rows were exact copies of another and counted once.
        rows_in: how many rows the feed had.
    """

    rows: pl.DataFrame
    quarantined: pl.DataFrame
    reasons: dict[str, int]
    copies: int
    rows_in: int


def admit(
    name: str, raw: pl.LazyFrame, *, now: datetime, zone: str, schema: type[dy.Schema] | None = None
) -> Admitted:
    """Passes one raw table through the wall.

    Args:
        name: the table of the feed contract.
        raw: the feed's columns, of any type.
        now: the clock; observed events later than a day from now are refused.
        zone: where moments without a zone were written.
        schema: of a table that is not of the feed contract; made of `features.columns`.

    Raises:
        FeedError: a required column is missing, or a column holds no plain values; says which.
    """
    schema = schema or CONTRACTS[name].schema
    present = raw.select(_known_columns(schema, raw.collect_schema())).collect_schema()
    _refuse_missing_columns(name, schema, present, raw.collect_schema())
    _refuse_nested_columns(name, present)
    rows = empty_is_null(raw.select(present.names())).with_row_index(_ROW).collect()
    typed = rows.select(_ROW, *_typed(schema, present, zone))
    flaws = _flaws(schema, rows, typed, present, now)
    distinct = _without_copies(rows, typed, flaws)
    flaws = flaws.join(distinct, on=_ROW, how="semi")
    walled: type[dy.Schema] = type("Walled", (schema,), {_ROW: dy.UInt32()})
    kept, failure = walled.filter(distinct)
    reasons = pl.concat([flaws, _broken_rules(schema, failure.details(), rows)])
    refused = rows.join(
        reasons.group_by(_ROW).agg(reasons=pl.col("reason").sort()), on=_ROW, how="inner"
    ).sort(_ROW)
    known = [c for c in schema.column_names() if _source(schema, c, present) is not None]
    return Admitted(
        rows=kept.join(reasons, on=_ROW, how="anti").select(known),
        quarantined=refused.drop(_ROW).with_columns(pl.exclude("reasons").cast(pl.String)),
        reasons=dict(reasons["reason"].value_counts(sort=True).iter_rows()),
        copies=rows.height - distinct.height,
        rows_in=rows.height,
    )


def _meta(schema: type[dy.Schema], column: str) -> dict[str, Any]:
    return schema.columns()[column].metadata or {}


def _source(schema: type[dy.Schema], column: str, present: pl.Schema) -> str | None:
    """What a column is made from: a column of the feed, `quantity ×` one, a default; `None` when unknown."""
    meta = _meta(schema, column)
    for candidate in (meta.get("raw", column), meta.get("per_unit")):
        if candidate in present:
            return str(candidate)
    return "default" if meta.get("default") is not None else None


def _known_columns(schema: type[dy.Schema], present: pl.Schema) -> list[str]:
    """The columns of the feed that the contract knows, in the order of the feed."""
    wanted = {
        candidate
        for column in schema.column_names()
        for candidate in (_meta(schema, column).get("raw", column), _meta(schema, column).get("per_unit"))
    }
    return [column for column in present if column in wanted]


def _refuse_nested_columns(name: str, present: pl.Schema) -> None:
    for column, dtype in present.items():
        if dtype.is_nested() or dtype in (pl.Binary, pl.Object):
            raise FeedError(f"{name}: the column {column} has the type {dtype}; it must hold plain values")


def _refuse_missing_columns(
    name: str, schema: type[dy.Schema], present: pl.Schema, everything: pl.Schema
) -> None:
    missing = []
    for column, definition in schema.columns().items():
        meta = _meta(schema, column)
        if not definition.nullable and _source(schema, column, present) is None:
            missing.append(" or ".join(filter(None, (meta.get("raw", column), meta.get("per_unit")))))
    if missing:
        has = ", ".join(everything.names()) or "no columns at all"
        raise FeedError(
            f"{name}: the column {', '.join(missing)} is missing; the file has {has}. "
            "What each table needs is in docs/reference/data-contract.md"
        )


def _typed(schema: type[dy.Schema], present: pl.Schema, zone: str) -> list[pl.Expr]:
    """One expression per column of the contract; null where the feed's value cannot be read."""
    return [
        _read(schema, column, present, zone).cast(definition.dtype).alias(column)
        for column, definition in schema.columns().items()
    ]


def _read(schema: type[dy.Schema], column: str, present: pl.Schema, zone: str) -> pl.Expr:
    meta = _meta(schema, column)
    if meta["kind"] == "amount":
        return _minor(meta, present, zone)
    raw = meta.get("raw", column)
    if raw not in present:
        return pl.lit(meta.get("default"))
    value = READERS[meta["kind"]](pl.col(raw), present[raw], zone)
    if meta.get("default") is None:
        return value
    return pl.when(pl.col(raw).is_null()).then(pl.lit(meta["default"])).otherwise(value)


def _minor(meta: dict[str, Any], present: pl.Schema, zone: str) -> pl.Expr:
    """An amount in whole minor units, exact; null where it is not whole or not money."""
    exact = _exact(meta, present, zone)
    if exact is None or "currency" not in present:
        return pl.lit(None)
    scale = MICRO * MICRO
    minor = exact * minor_per_major(READERS["currency"](pl.col("currency"), pl.String(), zone))
    return pl.when(minor % scale == 0).then(minor // scale).cast(pl.Int64, strict=False)


def _exact(meta: dict[str, Any], present: pl.Schema, zone: str) -> pl.Expr | None:
    """An amount as a whole number of 10⁻¹² major units; null where unreadable or absurdly large."""
    ways = []
    if meta["raw"] in present:
        total = READERS["decimal"](pl.col(meta["raw"]), present[meta["raw"]], zone)
        ways.append(pl.when(total.abs() < LARGEST_AMOUNT).then(micros(total) * MICRO))
    if meta["per_unit"] in present:
        quantity, price = (
            READERS["decimal"](pl.col(name), present[name], zone) for name in ("quantity", meta["per_unit"])
        )
        fits = (quantity.cast(pl.Float64) * price.cast(pl.Float64)).abs() < LARGEST_AMOUNT
        product = pl.when(fits).then(micros(quantity) * micros(price))
        if ways:  # the total is the truth wherever it is given, readable or not
            product = pl.when(pl.col(meta["raw"]).is_null()).then(product)
        ways.append(product)
    return pl.coalesce(ways) if ways else None


def _flaws(
    schema: type[dy.Schema], rows: pl.DataFrame, typed: pl.DataFrame, present: pl.Schema, now: datetime
) -> pl.DataFrame:
    """What is wrong with single values, as (row_number, reason): unreadable, or observed in the future."""
    both = pl.concat([rows.select(pl.all().name.prefix("raw ")), typed], how="horizontal")
    found = [pl.DataFrame(schema={_ROW: pl.UInt32, "reason": pl.String})]
    for column in schema.column_names():
        meta = _meta(schema, column)
        if meta["kind"] == "amount":
            found += _amount_flaws(schema, column, both, present)
        elif column in present:
            unread = pl.col(f"raw {column}").is_not_null() & pl.col(column).is_null()
            found.append(_where(both, unread, f"{column}: unreadable"))
        if meta.get("observed"):
            found.append(_where(both, pl.col(column) > now + AHEAD, f"{column}: in the future"))
    return pl.concat(found)


def _amount_flaws(
    schema: type[dy.Schema], column: str, both: pl.DataFrame, present: pl.Schema
) -> list[pl.DataFrame]:
    """Amounts that are none, and amounts of no currency, told by the column they were to be read from."""
    meta, found = _meta(schema, column), []
    open_ = pl.lit(True)  # whether the columns before left the amount open
    for source, needs in ((meta["raw"], pl.lit(True)), (meta["per_unit"], pl.col("quantity").is_not_null())):
        if source not in present:
            continue
        used = open_ & pl.col(f"raw {source}").is_not_null() & needs
        wrong = used & pl.col("currency").is_not_null() & pl.col(column).is_null()
        found.append(_where(both, wrong, f"{source}: not an amount in whole minor units"))
        if schema.columns()["currency"].nullable:
            unnamed = pl.col("raw currency").is_null() if "currency" in present else pl.lit(True)
            found.append(_where(both, used & unnamed, f"{source}: an amount without a currency"))
        open_ &= pl.col(f"raw {source}").is_null()
    return found


def _where(rows: pl.DataFrame, condition: pl.Expr, reason: str) -> pl.DataFrame:
    return rows.lazy().filter(condition).select(_ROW, reason=pl.lit(reason)).collect()


def _without_copies(rows: pl.DataFrame, typed: pl.DataFrame, flaws: pl.DataFrame) -> pl.DataFrame:
    """The rows without exact copies; one with a flaw is a copy only where the feed's own text is the same."""
    kept = [
        frame.unique([column for column in frame.columns if column != _ROW], keep="first").select(_ROW)
        for frame in (typed.join(flaws, on=_ROW, how="anti"), rows.join(flaws, on=_ROW, how="semi"))
    ]
    return typed.join(pl.concat(kept), on=_ROW, how="semi").sort(_ROW)


def _broken_rules(schema: type[dy.Schema], details: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """The rules of the schema that rows broke, as (row_number, reason).

    A value that is null because it could not be read is not missing; its flaw is said already.
    """
    rules = [name for name in details.columns if isinstance(details[name].dtype, pl.Enum)]
    broken = (
        details.select(_ROW, pl.col(rules).cast(pl.String))
        .unpivot(index=_ROW, variable_name="rule")
        .filter(pl.col("value") == "invalid")
    )
    suspects = rows.join(broken, on=_ROW, how="semi")
    given = [
        _given(schema, column, suspects).select(_ROW, rule=pl.lit(f"{column}|nullability"))
        for column in schema.column_names()
    ]
    return broken.join(pl.concat(given), on=[_ROW, "rule"], how="anti").select(
        _ROW, reason=pl.col("rule").replace_strict({rule: _say(rule) for rule in rules})
    )


def _given(schema: type[dy.Schema], column: str, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows whose feed gave something that a column is read from."""
    meta = _meta(schema, column)
    sources = [name for name in (meta.get("raw", column), meta.get("per_unit")) if name in rows.columns]
    return rows.filter(pl.any_horizontal(pl.lit(False), *(pl.col(name).is_not_null() for name in sources)))


def _say(rule: str) -> str:
    if rule == "primary_key":
        return "same key, different content"
    column, _, constraint = rule.partition("|")
    return f"{column.removesuffix('_minor')}: {_WORDS[constraint]}" if constraint else rule.replace("_", " ")
