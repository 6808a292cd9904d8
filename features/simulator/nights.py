"""The nights, and what the feed of each of them brings: only what is new or has changed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import polars as pl

from features.simulator.tables import NIGHT, columns, times

WRITTEN = timedelta(hours=6)
"""How long after a day's end its feed is written: it holds a little of the day after, as feeds do."""


@dataclass(frozen=True)
class Nights:
    """Some nights, one a day."""

    first: date
    many: int

    @property
    def end(self) -> datetime:
        """The end of the first night's day."""
        return datetime.combine(self.first, time(), tzinfo=UTC) + timedelta(days=1)

    @property
    def last(self) -> datetime:
        """When the last feed is written: nothing is known from then on."""
        return self._written(self.many)

    def days(self) -> list[date]:
        """The days of the nights."""
        return [self.first + timedelta(days=night) for night in range(self.many)]

    def versions(self, table: str, rows: pl.DataFrame) -> Iterator[tuple[int, pl.DataFrame]]:
        """The rows that each night's feed brings; what happens later is not in it yet.

        Args:
            table: which one; its facts with a time of their own come when they have happened.
            rows: its raw columns, and perhaps `night`, which says of a row that only that night brings it.
        """
        at, later = times(table)
        named = rows.get_column(NIGHT) if NIGHT in rows.columns else pl.repeat(0, rows.height, eager=True)
        rows = rows.select(list(columns(table)))
        for night in range(1, self.many + 1):
            fresh = self._fresh(rows.filter(named == 0), night, at, later)
            brought = pl.concat([fresh, rows.filter(named == night)])
            if brought.height:
                yield night, brought

    def _fresh(self, rows: pl.DataFrame, night: int, at: str | None, later: tuple[str, ...]) -> pl.DataFrame:
        if at is None:
            return rows if night == 1 else rows.clear()
        until, since = pl.lit(self._written(night)), pl.lit(self._written(night - 1))
        known = rows.filter(pl.col(at) < until)
        if night > 1:
            new = [
                ((pl.col(name) >= since) & (pl.col(name) < until)).fill_null(value=False)
                for name in (at, *later)
            ]
            known = known.filter(pl.any_horizontal(new))
        return known.with_columns(pl.when(pl.col(name) < until).then(pl.col(name)) for name in later)

    def _written(self, night: int) -> datetime:
        return self.end + timedelta(days=night - 1) + WRITTEN
