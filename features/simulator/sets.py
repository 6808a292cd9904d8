"""As many sets of plants as the retailer has: the same cases, about other customers and products."""

from dataclasses import dataclass, field
from typing import Any

import polars as pl

from features.simulator.ids import PLACES, Ids
from features.simulator.nights import Nights
from features.simulator.plants import plant_all
from features.simulator.stage import Stage
from features.simulator.tables import ID, NIGHT, columns

SUBJECT = ("customer_id", "order_id", "line_id", "entitlement_id", "incident_id", "product_id")
TRUTH: dict[str, Any] = {
    "night": pl.Int64,
    "day": pl.Date,
    "kind": pl.String,
    "owed": pl.String,
    **dict.fromkeys(SUBJECT, pl.String),
    "amount_minor": pl.Int64,
    "currency": pl.String,
    "expected": pl.Boolean,
    "held": pl.Boolean,
    "case": pl.String,
    "misses": pl.String,
}
"""Columns of `truth.parquet`."""

_NUMBERED = {
    "customers": ("market", "person_id"),
    "products": (
        "title_number",
        "category",
        "department",
        "brand",
        "package_size",
        "available",
        "available_from",
    ),
}
"""Columns of tables that are filled up with what the crowd has in the others."""


@dataclass(frozen=True)
class Plants:
    """One set of plants, and how many there are.

    Attributes:
        stage: the set, in numbers.
        sets: how many.
        ids: of the retailer.
        made: tables of all sets that were made already.
    """

    stage: Stage
    sets: int
    ids: Ids
    made: dict[str, pl.DataFrame] = field(default_factory=dict)

    @classmethod
    def of(cls, nights: Nights, sets: int, ids: Ids) -> "Plants":
        """Plants everything once."""
        stage = Stage(nights.end, nights.many)
        plant_all(stage)
        return cls(stage, sets, ids)

    def taken(self, space: str) -> int:
        """How many numbers (groups) of a space of ids the plants take: the crowd's begin there."""
        return self.sets * self.stage.groups[space]

    def is_quiet(self, customers: pl.Series) -> pl.Series:
        """Whether these customers (by group) do nothing but what their plant says."""
        each = self.stage.groups["customer"]
        local = pl.Series(sorted(self.stage.quiet), dtype=pl.Int64)
        return (customers < self.taken("customer")) & (customers % each).is_in(local.implode())

    def tables(self) -> list[str]:
        """The tables that plants put rows into."""
        return [table for table in self.stage.rows if table not in _NUMBERED]

    def rows(self, table: str) -> pl.DataFrame:
        """The raw rows of all sets, with `night`; 0 is the first night after they happened."""
        if table not in self.made:
            self.made[table] = self._rows(table)
        return self.made[table]

    def numbered(self, table: str) -> pl.DataFrame:
        """Rows of customers or products of all sets, with `number` (the group) beside their ids."""
        if table not in self.made:
            self.made[table] = self._numbered(table)
        return self.made[table]

    def _rows(self, table: str) -> pl.DataFrame:
        schema = columns(table)
        numbers = {name: pl.Int64 if name in ID else dtype for name, dtype in schema.items()}
        frame = pl.DataFrame(self.stage.rows[table], schema=numbers | {NIGHT: pl.Int64}, orient="row")
        return self._spread(frame).select(*schema, NIGHT)

    def _numbered(self, table: str) -> pl.DataFrame:
        own, space = ("customer_id", "customer") if table == "customers" else ("product_id", "product")
        kinds = columns(table) | {"title_number": pl.Int64, own: pl.Int64, "person_id": pl.Int64}
        schema = {name: kinds[name] for name in (own, *_NUMBERED[table])}
        frame = pl.DataFrame(self.stage.rows[table], schema=schema, orient="row")
        frame = frame.with_columns(number=pl.col(own) // PLACES)
        groups = self.stage.groups[space]
        more = [name for name in ("number", "title_number") if name in frame.columns]
        return self._spread(frame, dict.fromkeys(more, groups)).drop("set")

    def truth(self, days: list[Any]) -> pl.DataFrame:
        """What each night must and must not find, in a stable order."""
        numbers = {name: pl.Int64 if name in ID else dtype for name, dtype in TRUTH.items() if name != "day"}
        frame = pl.DataFrame(self.stage.truth, schema=numbers, orient="row")
        day = pl.col("night").replace_strict(dict(enumerate(days, 1)), return_dtype=pl.Date)
        spread = self._spread(frame.with_columns(day=day)).select(list(TRUTH))
        return spread.sort("night", "kind", "case", *SUBJECT, nulls_last=True)

    def _spread(self, frame: pl.DataFrame, plain: dict[str, int] | None = None) -> pl.DataFrame:
        """The rows once per set, with ids; `plain` numbers are only moved by so many a set."""
        sets = pl.DataFrame({"set": pl.Series(range(self.sets), dtype=pl.Int64)})
        spread = sets.join(frame, how="cross", maintain_order="left_right")
        texts = [
            self.ids.of(space, pl.col(name) + pl.col("set") * (self.stage.groups[space] * PLACES)).alias(name)
            for name, space in ID.items()
            if name in frame.columns
        ]
        moved = [pl.col(name) + pl.col("set") * step for name, step in (plain or {}).items()]
        return spread.with_columns(*texts, *moved)
