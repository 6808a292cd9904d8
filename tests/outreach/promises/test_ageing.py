"""Promises that are open for too long are seen by everybody."""

from datetime import timedelta

import pytest

from outreach.promises import checking, desk
from outreach.promises.ageing import ageing
from tests.outreach.promises.shops import HOUR, NOON, promised
from tests.outreach.worlds import DAY
from warehouse import clock
from warehouse.receipts import Receipt, latest
from warehouse.settings import Settings

INSTANT = timedelta(microseconds=1)


def ages(home: Settings, after: timedelta) -> dict[str, int]:
    return {age: numbers["promises"] for age, numbers in receipt(home, after).numbers["promises"].items()}


def receipt(home: Settings, after: timedelta) -> Receipt:
    with clock.at(NOON + after):
        return ageing(home, DAY)


@pytest.mark.parametrize(
    ("after", "age"),
    [
        (24 * HOUR, "fresh"),
        (24 * HOUR + INSTANT, "warning"),
        (48 * HOUR, "warning"),
        (48 * HOUR + INSTANT, "breach"),
    ],
)
def test_a_promise_is_warned_of_after_a_day_and_a_breach_after_two(
    home: Settings, after: timedelta, age: str
) -> None:
    promised(home)
    assert ages(home, after) == {"fresh": 0, "warning": 0, "breach": 0} | {age: 1}


def test_the_receipt_says_how_many_how_much_and_since_when(any_home: Settings) -> None:
    promised(any_home)
    promised(any_home, "bob", 250, at=NOON + HOUR)
    promised(any_home, "cid", 9, "EUR", at=NOON + 30 * HOUR)
    done = receipt(any_home, 55 * HOUR)
    assert done.rows_in == {"promises: open": 3}
    breach, warning = done.warnings
    assert breach.startswith("breach: 2 promises are open for more than 48 hours")
    assert "(7.50 USD), the oldest since 2017-12-01 12:00 UTC" in breach
    assert warning.startswith("warning: 1 promises")
    assert done.numbers["promises"]["breach"] == {
        "promises": 2,
        "open_minor": {"USD": 750},
        "oldest_hours": 55,
    }
    stored = latest(any_home, "outreach.ageing", DAY)
    assert stored is not None
    assert stored["warnings"] == done.warnings


def test_what_is_settled_does_not_age(home: Settings) -> None:
    desk.pay(home, promised(home), reference="bank 1", by="fin")
    desk.void(home, promised(home, "bob"), by="eve", why="test")
    assert receipt(home, 100 * HOUR).warnings == []


def test_a_promise_with_a_date_is_a_breach_from_that_date_on(home: Settings) -> None:
    promised(home, amount=None, due=NOON + 240 * HOUR)
    assert ages(home, 216 * HOUR)["fresh"] == 1
    assert ages(home, 217 * HOUR)["warning"] == 1
    assert ages(home, 241 * HOUR)["breach"] == 1


def test_a_reopened_promise_ages_from_its_reopening(home: Settings) -> None:
    word = promised(home, amount=None, due=NOON + HOUR)
    with clock.at(NOON + 10 * HOUR):
        desk.keep(home, word, by="rep", why="called")
        desk.reopen(home, word, by="rep", why="not reached")
    assert ages(home, 34 * HOUR)["fresh"] == 1
    assert ages(home, 58 * HOUR + INSTANT)["breach"] == 1


def test_the_check_finds_breaches(home: Settings) -> None:
    one = promised(home)
    with clock.at(NOON + 48 * HOUR):
        assert checking.check(home).findings == []
    with clock.at(NOON + 49 * HOUR):
        (finding,) = checking.check(home).findings
    assert (finding.what, finding.of) == ("breach", one)
