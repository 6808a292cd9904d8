"""The archive of served lists: which lists were shown to whom, one row per list, by UTC day.

    served/day=2017-11-30/<time>-<process>-<uuid>.parquet   as servers wrote them, see `recs.served`
    served/day=2017-11-28.parquet                           a day that is over, put together by the night

Where the whole day is there, the small files beside it do not count any more.
"""

import re
import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from warehouse.settings import Settings
from warehouse.shelf import Shelf, open_shelf
from warehouse.tombstones import Tombstones

SCHEMA = {
    "at": pl.Datetime("us", "UTC"),
    "request_id": pl.String(),
    "customer_id": pl.String(),
    "call": pl.String(),
    "slate": pl.String(),
    "source": pl.String(),
    "arm": pl.String(),
    "bundle_id": pl.String(),
    "product_ids": pl.List(pl.String()),
}
"""One list; see `recs.served.Served`."""


def add(settings: Settings, lists: pl.DataFrame, name: str) -> Iterator[int]:
    """Writes lists, `SCHEMA`, as one file per day, each whole or not at all; yields the rows of each.

    Args:
        settings: the home to write to.
        lists: any number, of any days.
        name: of the files, different each time.
    """
    shelf, day = _shelf(settings), pl.col("at").dt.date()
    parts = lists.with_columns(_day=day).partition_by("_day", as_dict=True, include_key=False)
    for (day_of_part,), part in parts.items():
        shelf.write_frame(f"day={day_of_part}/{name}.parquet", part)
        yield part.height


def read(settings: Settings, first_day: date, last_day: date) -> pl.LazyFrame:
    """The lists shown on some UTC days, `SCHEMA`, in no particular order.

    Args:
        settings: the home to read.
        first_day: the first of them.
        last_day: the last of them, included.
    """
    days = (first_day + timedelta(days=n) for n in range((last_day - first_day).days + 1))
    paths = [path for day in days for path in _paths(folder_of(settings), day)]
    return _shelf(settings).scan(*paths) if paths else pl.LazyFrame(schema=SCHEMA)


def positions(lists: pl.LazyFrame) -> pl.LazyFrame:
    """One row per product shown: `product_id` and its `position`, from 1, in place of `product_ids`."""
    place = pl.int_ranges(1, pl.col("product_ids").list.len() + 1, dtype=pl.Int32)
    shown = lists.filter(pl.col("product_ids").list.len() > 0).with_columns(position=place)
    return shown.explode("product_ids", "position").rename({"product_ids": "product_id"})


def sweep(settings: Settings, today: date) -> list[str]:
    """Removes days older than `recs.served_days`, and puts each day that is over into one file.

    A day is over when the one after it is, too: no server still holds lists of it. The caller holds the
    lease.

    Returns:
        warnings: days for which that failed, and that stay as they are.
    """
    home, warnings = folder_of(settings), []
    found = (re.match(r"day=(\d{4}-\d\d-\d\d)", path.name) for path in home.glob("day=*"))
    for day in sorted({date.fromisoformat(match[1]) for match in found if match}):
        try:
            if (today - day).days > settings.recs.served_days:
                _remove(home, day)
            elif (today - day).days > 1 and (home / f"day={day}").is_dir():
                _put_together(settings, day)
        except (OSError, pl.exceptions.PolarsError) as error:
            warnings.append(f"the served lists of {day} below {home} could not be tidied up: {error}")
    return warnings


def folder_of(settings: Settings) -> Path:
    """Where the served lists of this home are."""
    return settings.home.absolute() / "served"


def _remove(home: Path, day: date) -> None:
    for path in home.glob(f"day={day}*"):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _put_together(settings: Settings, day: date) -> None:
    """Killed at any point, this loses no list and counts none twice.

    Lists of erased customers, which a server still had when they were erased, are left out.
    """
    home, whole = folder_of(settings), f"day={day}.parquet"
    paths = _paths(home, day)
    if paths and paths != [whole]:
        lists, erased = _shelf(settings).scan(*paths), Tombstones.of(settings)
        if erased.marks:
            known = lists.select(pl.col("customer_id").unique()).collect()["customer_id"].drop_nulls()
            gone = pl.Series([one for one in known if erased.has(one)], dtype=pl.String)
            lists = lists.filter(~pl.col("customer_id").is_in(gone.implode()).fill_null(value=False))
        _shelf(settings).write_frame(whole, lists)
    shutil.rmtree(home / f"day={day}")
    for left in home.glob(f"{whole}.*.partial"):
        left.unlink()


def _paths(home: Path, day: date) -> list[str]:
    """The files of a day that count. Small ones are listed first: they go only after the whole one came."""
    small = sorted(f"{path.parent.name}/{path.name}" for path in (home / f"day={day}").glob("*.parquet"))
    return [f"day={day}.parquet"] if (home / f"day={day}.parquet").exists() else small


def _shelf(settings: Settings) -> Shelf:
    return open_shelf(str(folder_of(settings)))
