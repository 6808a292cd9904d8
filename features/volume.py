"""Whether the day's feed looks complete: a night on half a feed should not write to customers.

A day is compared with the same weekday of the eight weeks before, so that shops that close on Sundays are
not suspected every Sunday. Below half of the usual (the median), or nothing where something is usual, is a
shortfall. With fewer than two such days of history nothing is concluded.
"""

from datetime import date, timedelta
from statistics import median

import polars as pl

from features.events import seen
from warehouse import clock
from warehouse.lake import Lake

WEEKS = 8
LEAST_HISTORY = 2
LEAST_SHARE = 0.5

_WATCHED = {"purchases": "purchased_at", "prices": "effective_at"}


def shortfalls(lake: Lake, day: date) -> list[str]:
    """A sentence for each of purchases and prices whose volume on `day` is missing or suspiciously low."""
    found = []
    for name, at in _WATCHED.items():
        counts = _rows_per_day(lake, name, at, day)
        earlier = [day - timedelta(weeks=week) for week in range(1, WEEKS + 1)]
        first = min(counts, default=day)
        history = [counts.get(other, 0) for other in earlier if other >= first]
        if len(history) < LEAST_HISTORY:
            continue
        rows, usual = counts.get(day, 0), median(history)
        if rows < LEAST_SHARE * usual:
            found.append(
                f"{name} of {day}: {rows} rows, usual on a {day:%A} are {usual:.0f}; is the feed complete?"
            )
    return found


def _rows_per_day(lake: Lake, name: str, at: str, day: date) -> dict[date, int]:
    since = clock.start_of(day - timedelta(weeks=WEEKS))
    rows = seen(lake, name, day)
    first = rows.select(pl.col(at).min().dt.date()).collect(engine="streaming").item()
    counted = (
        rows.filter(pl.col(at) >= since)
        .group_by(day=pl.col(at).dt.date())
        .agg(rows=pl.len())
        .collect(engine="streaming")
    )
    found: dict[date, int] = dict(counted.iter_rows())
    return found if first is None else {first: 0} | found
