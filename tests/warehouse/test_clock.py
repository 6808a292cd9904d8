"""The clock tells UTC, can be held by tests, and knows where a day begins and ends."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from tests.conftest import at
from warehouse import clock
from warehouse.errors import SettingsError
from warehouse.zones import is_zone


def test_now_is_the_present_moment_in_utc() -> None:
    before = datetime.now(UTC)
    now = clock.now()
    assert before <= now <= datetime.now(UTC)
    assert now.tzinfo == UTC


def test_a_held_clock_stands_still_and_goes_on_afterwards() -> None:
    with clock.at(at("2017-12-01 09:00")):
        assert clock.now() == clock.now() == at("2017-12-01 09:00")
        with clock.at(at("2018-01-01")):
            assert clock.now() == at("2018-01-01")
        assert clock.now() == at("2017-12-01 09:00")
    assert clock.now() > at("2020-01-01")


def test_a_held_clock_is_let_go_when_the_block_fails() -> None:
    with pytest.raises(ZeroDivisionError), clock.at(at("2017-12-01")):
        _ = 1 / 0
    assert clock.now() > at("2020-01-01")


def test_a_moment_of_another_zone_is_told_in_utc() -> None:
    with clock.at(datetime(2017, 12, 1, 9, tzinfo=timezone(timedelta(hours=-5)))):
        assert clock.now().isoformat() == "2017-12-01T14:00:00+00:00"


def test_another_process_is_told_the_time_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADVOCATE_NOW", "2017-12-01T10:00:00+01:00")
    assert clock.now().isoformat() == "2017-12-01T09:00:00+00:00"


@pytest.mark.parametrize("text", ["yesterday", "2017-12-01", "2017-12-01T09:00:00"])
def test_a_time_that_cannot_be_meant_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("ADVOCATE_NOW", text)
    with pytest.raises(SettingsError, match=f"ADVOCATE_NOW is '{text}'.*2017-12-01T09:00:00Z"):
        clock.now()


def test_a_day_is_a_utc_day_up_to_but_without_the_next_midnight() -> None:
    assert clock.start_of(date(2017, 12, 31)) == at("2017-12-31")
    assert clock.end_of(date(2017, 12, 31)) == at("2018-01-01")


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("UTC", True), ("Europe/Berlin", True), ("America/Argentina/Buenos_Aires", True),
        ("CET", False), ("EST5EDT", False), ("Europe/Atlantis", False), ("", False), ("europe/berlin", False),
        ("../../etc/passwd", False),
    ],
)  # fmt: skip
def test_a_zone_is_an_area_and_a_city_or_utc(name: str, known: bool) -> None:
    assert is_zone(name) is known
