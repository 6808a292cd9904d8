"""Writes feed folders: one per night and import, files appearing whole and the same for the same seed."""

from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from features.contract import CONTRACTS
from features.simulator.nights import Nights
from features.simulator.tables import TILLS, columns


@dataclass
class Feeds:
    """The feed folders of all nights.

    Attributes:
        root: where they stand.
        nights: which ones.
        rows: how many rows were written, by folder and table.
    """

    root: Path
    nights: Nights
    rows: dict[str, dict[str, int]] = field(default_factory=dict)

    def imports(self, night: int) -> list[str]:
        """The folders to import before a night, in their order."""
        return [name for name in (f"night-{night}", f"night-{night}-tills") if name in self.rows]

    def write(self, table: str, rows: pl.DataFrame, part: int | None = None) -> None:
        """Writes the rows of a table to the nights that bring them, as one file or as a part of many."""
        for night, fresh in self.nights.versions(table, rows):
            self._write(table, night, _in_order(table, fresh), part)

    def _write(self, table: str, night: int, rows: pl.DataFrame, part: int | None) -> None:
        name = "purchases" if table == TILLS else table
        folder = f"night-{night}-tills" if table == TILLS else f"night-{night}"
        counts = self.rows.setdefault(folder, {})
        counts[name] = counts.get(name, 0) + rows.height
        path = self.root / folder / f"{name}.parquet"
        if part is not None:
            path = self.root / folder / name / f"{part:05d}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        rows.write_parquet(path)


def _in_order(table: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Sorted by moment and key, so that nothing is told by where a row stands."""
    names = list(columns(table))
    kept = CONTRACTS["purchases" if table == TILLS else table].table
    by = [name for name in (kept.at, *(kept.key or names)) if name]
    return rows.select(names).sort(by, nulls_last=True)
