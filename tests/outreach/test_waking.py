from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.waking import is_waking, next_waking
from tests.outreach.worlds import at
from warehouse.settings import OutreachSettings

DAYTIME = OutreachSettings(waking_from=9, waking_until=20)
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia")


@pytest.mark.parametrize(
    ("moment", "zone", "expected"),
    [
        ("2017-12-01", "UTC", "2017-12-01 09:00"),
        ("2017-12-01", "Europe/Berlin", "2017-12-01 08:00"),
        ("2017-12-01", "America/Los_Angeles", "2017-12-01"),  # 16:00 there: awake
        ("2017-12-01", "America/New_York", "2017-12-01"),  # 19:00 there: awake
        ("2017-12-01 01:00", "America/New_York", "2017-12-01 14:00"),  # 20:00 there: the next morning
        ("2017-12-01", "Asia/Tokyo", "2017-12-01"),  # 09:00 there
        ("2018-03-24 23:00", "Europe/Berlin", "2018-03-25 07:00"),  # the night clocks go forward
        ("2018-10-27 22:00", "Europe/Berlin", "2018-10-28 08:00"),  # the night clocks go back
    ],
)
def test_a_message_waits_for_waking_hours(moment: str, zone: str, expected: str) -> None:
    assert next_waking(at(moment), zone, DAYTIME) == at(expected)


def test_an_hour_that_clocks_skip_is_the_hour_after() -> None:
    early = OutreachSettings(waking_from=2, waking_until=20)
    assert next_waking(at("2018-03-24 23:00"), "Europe/Berlin", early) == at(
        "2018-03-25 01:00"
    )  # 03:00 there


@given(
    st.datetimes(datetime(2017, 1, 1), datetime(2020, 1, 1)),  # noqa: DTZ001  the zone is added below
    st.sampled_from(ZONES),
    st.integers(0, 22),
    st.data(),
)
def test_the_next_waking_moment_is_awake_and_within_a_day_or_so(
    naive: datetime, zone: str, start: int, data: st.DataObject
) -> None:
    hours = OutreachSettings(waking_from=start, waking_until=data.draw(st.integers(start + 1, 24)))
    moment = naive.replace(tzinfo=UTC)
    found = next_waking(moment, zone, hours)
    assert moment <= found < moment + timedelta(hours=26)
    local = found.astimezone(ZoneInfo(zone))
    assert (
        is_waking(found, zone, hours) or local.hour == hours.waking_until
    )  # a skipped hour was all there was
