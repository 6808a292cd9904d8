"""Whether the day's feed looks complete: a night on half a feed should not write to customers.

A day is compared with the same weekday of eight weeks before, so that shops that close on Sundays are not
suspected every Sunday. Below half of the usual (the median), or nothing where something is usual, is a
shortfall. With fewer than two such days of history nothing is concluded.
"""

from datetime import date, timedelta
from statistics import median

import polars as pl

from features.events import seen
from warehouse.lake import Lake

WEEKS = 8
LEAST_HISTORY = 2
LEAST_SHARE = 0.5

_WATCHED = {"purchases": "purchased_at", "prices": "effective_at"}


def shortfalls(lake: Lake, day: date) -> list[str]:
    """A sentence for each of purchases and prices whose volume on `day` is missing or suspiciously low."""
    found = []
    for name, at in _WATCHED.items():
        rows = seen(lake, name, day).select(day=pl.col(at).dt.date())
        history = _history(rows, day)
        if len(history) < LEAST_HISTORY:
            continue
        here = rows.filter(pl.col("day") == day).select(pl.len()).collect(engine="streaming").item()
        usual = median(history)
        if here < LEAST_SHARE * usual:
            found.append(
                f"{name} of {day}: {here} rows, usual on a {day:%A} are {usual:.0f}; is the feed complete?"
            )
    return found


def _history(rows: pl.LazyFrame, day: date) -> list[int]:
    """Rows on the same weekday of the last weeks until the feed was last alive.

    A feed that died weeks ago is not judged by its silence. The first day of all is left out: a first
    delivery often holds everything there is.
    """
    before = rows.filter(pl.col("day") < day)
    bounds = before.select(first=pl.col("day").min(), last=pl.col("day").max()).collect(engine="streaming")
    first, last = bounds.row(0)
    if first is None:
        return []
    weeks_silent = (day - last).days // 7
    days = [day - timedelta(weeks=max(weeks_silent, 1) + week) for week in range(WEEKS)]
    counted = before.filter(pl.col("day").is_in(days)).group_by("day").len().collect(engine="streaming")
    counts: dict[date, int] = dict(counted.iter_rows())
    return [counts.get(other, 0) for other in days if other > first]
