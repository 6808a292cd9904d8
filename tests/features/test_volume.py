"""Whether the day's feed looks complete, compared with the same weekday of the weeks before."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from features.contract import CONTRACTS
from features.volume import shortfalls
from warehouse import clock
from warehouse.lake import Lake
from warehouse.shelf import open_shelf

THURSDAY = date(2017, 11, 30)
PURCHASES, PRICES = CONTRACTS["purchases"].table, CONTRACTS["prices"].table


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(open_shelf(str(tmp_path / "lake")))


def bring(lake: Lake, table: str, rows_by_day: dict[date, int]) -> None:
    days = [day for day, rows in rows_by_day.items() for _ in range(rows)]
    at = pl.Series([clock.start_of(day) for day in days], dtype=pl.Datetime("us", "UTC"))
    ids = pl.Series([f"{day} {number}" for number, day in enumerate(days)], dtype=pl.String)
    if table == "purchases":
        frame = pl.DataFrame({"order_id": ids, "line_id": ids, "purchased_at": at, "kind": "product"})
        lake.append({PURCHASES: frame}, imported_at=clock.now(), source="test")
    else:
        frame = pl.DataFrame({"product_id": ids, "effective_at": at}).with_columns(
            market=pl.lit("default"), currency=pl.lit("EUR"), kind=pl.lit("list"), price=Decimal(1)
        )
        lake.append({PRICES: frame}, imported_at=clock.now(), source="test")


def weeks(usual: int, today: int, *, of: date = THURSDAY, count: int = 8) -> dict[date, int]:
    return {of: today} | {of - timedelta(weeks=week): usual for week in range(1, count + 1)}


@pytest.mark.parametrize(("today", "short"), [(10, False), (6, False), (5, False), (4, True), (0, True)])
def test_below_half_of_the_usual_is_a_shortfall(lake: Lake, today: int, short: bool) -> None:
    bring(lake, "purchases", weeks(10, today))
    found = shortfalls(lake, THURSDAY)
    assert bool(found) is short
    if short:
        said = f"purchases of 2017-11-30: {today} rows, usual on a Thursday are 10; is the feed complete?"
        assert found == [said]


def test_a_shop_that_is_closed_on_sundays_is_not_suspected_on_sundays(lake: Lake) -> None:
    days = [THURSDAY - timedelta(days=ago) for ago in range(60)]
    bring(lake, "purchases", {day: 0 if day.weekday() == 6 else 10 for day in days})
    sunday = date(2017, 11, 26)
    assert sunday.weekday() == 6
    assert shortfalls(lake, sunday) == []
    assert shortfalls(lake, THURSDAY) == []


def test_one_closed_holiday_among_the_weeks_changes_nothing(lake: Lake) -> None:
    bring(lake, "purchases", weeks(10, 2) | {THURSDAY - timedelta(weeks=3): 0})
    assert len(shortfalls(lake, THURSDAY)) == 1


@pytest.mark.parametrize(("count", "short"), [(0, 0), (1, 0), (2, 0), (3, 1)])
def test_with_fewer_than_two_such_days_after_the_first_delivery_nothing_is_concluded(
    lake: Lake, count: int, short: int
) -> None:
    bring(lake, "purchases", weeks(10, 1, count=count))
    assert len(shortfalls(lake, THURSDAY)) == short


@pytest.mark.parametrize("silent", [1, 5, 8, 20])
def test_a_feed_that_died_weeks_ago_is_not_forgiven(lake: Lake, silent: int) -> None:
    alive = {THURSDAY - timedelta(weeks=silent + week): 10 for week in range(1, 10)}
    bring(lake, "purchases", alive)
    assert len(shortfalls(lake, THURSDAY)) == 1


def test_prices_that_all_came_at_once_and_seldom_change_are_not_a_shortfall(lake: Lake) -> None:
    first = THURSDAY - timedelta(weeks=10)
    bring(lake, "prices", {first: 500, first + timedelta(days=5): 1})
    for week in range(10):
        assert shortfalls(lake, THURSDAY - timedelta(weeks=week)) == []


def test_a_feed_whose_usual_day_is_empty_is_not_judged(lake: Lake) -> None:
    ago = [THURSDAY - timedelta(weeks=week) for week in (1, 4, 8)]
    bring(lake, "purchases", dict.fromkeys(ago, 1))
    assert shortfalls(lake, THURSDAY) == []


def test_prices_are_watched_like_purchases(lake: Lake) -> None:
    bring(lake, "purchases", weeks(10, 10))
    bring(lake, "prices", weeks(10, 0))
    assert shortfalls(lake, THURSDAY) == [
        "prices of 2017-11-30: 0 rows, usual on a Thursday are 10; is the feed complete?"
    ]


def test_a_feed_without_prices_and_an_empty_lake_are_not_judged(lake: Lake) -> None:
    assert shortfalls(lake, THURSDAY) == []
    bring(lake, "purchases", weeks(10, 10))
    assert shortfalls(lake, THURSDAY) == []


def test_what_came_after_the_day_does_not_count(lake: Lake) -> None:
    bring(lake, "purchases", weeks(10, 10) | {THURSDAY + timedelta(days=1): 1})
    assert shortfalls(lake, THURSDAY) == []
    assert shortfalls(lake, THURSDAY - timedelta(weeks=1)) == []
