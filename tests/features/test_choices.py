"""Customers' own choices are read as rows of consents; about messages they only take consent away."""

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as checked
from hypothesis import strategies as st

from features.choices import (
    SCHEMA,
    accounts_of,
    agreed,
    chosen_channel,
    consents_of_day,
    for_all_accounts,
    of_day,
    of_now,
)
from features.contract import CONTRACTS
from outreach.choices import choose
from tests.outreach.worlds import DAY, END, fill, frame
from warehouse.lake import Lake
from warehouse.settings import Settings

START = datetime(2017, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
CONSENTS = CONTRACTS["consents"].table.schema


def choices(*rows: tuple[str, str, str, int]) -> pl.LazyFrame:
    """Choices as customer, kind, value and hour."""
    full = [
        (number, c, what, value, START + hour * HOUR) for number, (c, what, value, hour) in enumerate(rows)
    ]
    return pl.LazyFrame(full, schema=SCHEMA, orient="row")


def consents(*rows: tuple[str, str, str, int, bool]) -> pl.LazyFrame:
    """Consents as customer, channel, purpose, hour and whether they were given."""
    full = [
        (c, channel, purpose, START + hour * HOUR, granted) for c, channel, purpose, hour, granted in rows
    ]
    return pl.LazyFrame(full, schema=CONSENTS, orient="row")


def granted(feed: pl.LazyFrame, own: pl.LazyFrame) -> set[tuple[str, str, str]]:
    """Who may be written to, on what channel and for what, by the latest word."""
    last = (
        agreed(feed, own)
        .collect()
        .sort("recorded_at")
        .group_by("customer_id", "channel", "purpose")
        .agg(pl.col("granted").last())
    )
    return set(last.filter("granted").drop("granted").iter_rows())


NOTHING = choices()
YES = ("ann", "email", "marketing", 1, True)


def test_a_stop_ends_consent_and_an_older_feed_never_brings_it_back() -> None:
    stop = choices(("ann", "marketing", "off", 2))
    assert granted(consents(YES), NOTHING) == {("ann", "email", "marketing")}
    assert granted(consents(YES), stop) == set()
    assert granted(consents(YES, ("ann", "sms", "marketing", 0, True)), stop) == set()
    assert granted(consents(("ann", "email", "service", 1, True)), stop) == {("ann", "email", "service")}


def test_a_row_of_a_feed_that_is_newer_wins() -> None:
    again = consents(YES, ("ann", "email", "marketing", 3, True))
    assert granted(again, choices(("ann", "marketing", "off", 2))) == {("ann", "email", "marketing")}


def test_of_one_moment_the_customers_own_word_counts() -> None:
    own = choices(("ann", "marketing", "off", 1))
    assert granted(consents(YES), own) == set()
    assert agreed(consents(YES), own).collect().filter(channel="email", purpose="marketing").height == 1


def test_an_end_of_all_messages_ends_service_too() -> None:
    both = consents(YES, ("ann", "email", "service", 1, True))
    assert granted(both, choices(("ann", "messages", "off", 2), ("ann", "marketing", "off", 2))) == set()


def test_to_take_a_stop_back_gives_no_more_than_the_feed_gave() -> None:
    back = choices(("ann", "marketing", "on", 3))
    assert granted(consents(YES), back) == {("ann", "email", "marketing")}
    assert granted(consents(("ann", "email", "marketing", 1, False)), back) == set()
    assert granted(consents(), back) == set()


def test_personalisation_is_given_and_withdrawn_on_every_channel() -> None:
    no = consents(("ann", "email", "personalisation", 1, False))
    given_now = granted(no, choices(("ann", "personalisation", "on", 2)))
    assert {channel for _, channel, _ in given_now} == {"email", "sms", "push", "call", "file"}
    assert granted(no, choices(("ann", "personalisation", "off", 2))) == set()


_WHO = st.sampled_from(["ann", "anna", "bob"])
_HOUR = st.integers(0, 9)
_FEED = st.tuples(
    _WHO, st.sampled_from(["email", "sms"]), st.sampled_from(["service", "marketing"]), _HOUR, st.booleans()
)
_SWITCHES = st.tuples(
    _WHO,
    st.sampled_from(["marketing", "messages", "personalisation", "topic.cheaper"]),
    st.sampled_from(["on", "off"]),
    _HOUR,
)
_CHANNELS = st.tuples(_WHO, st.just("channel"), st.sampled_from(["email", "sms", "any"]), _HOUR)
PEOPLE = pl.LazyFrame({"customer_id": ["ann", "anna"], "person_id": ["p", "p"]})


@checked(max_examples=60, deadline=None)
@given(
    st.lists(_FEED, max_size=12, unique_by=lambda row: row[:4]),
    st.lists(_SWITCHES | _CHANNELS, max_size=8),
)
def test_no_choice_lets_a_message_go_that_the_feed_does_not(
    feed: list[tuple[str, str, str, int, bool]], own: list[tuple[str, str, str, int]]
) -> None:
    about_messages = {
        row
        for row in granted(consents(*feed), for_all_accounts(choices(*own), PEOPLE))
        if row[2] != "personalisation"
    }
    assert about_messages <= granted(consents(*feed), NOTHING)


def test_the_newest_choice_of_any_account_counts_for_all_of_a_person() -> None:
    own = choices(
        ("ann", "marketing", "off", 1), ("bob", "marketing", "off", 1), ("anna", "marketing", "on", 2)
    )
    found = for_all_accounts(own, PEOPLE).select("customer_id", "value").collect()
    assert sorted(found.iter_rows()) == [("ann", "on"), ("anna", "on"), ("bob", "off")]


def test_the_chosen_channel_is_preferred_to_what_the_feed_says() -> None:
    names = ["ann", "bob", "cat", "dan"]
    people = pl.LazyFrame({"customer_id": names, "preferred_channel": ["email", "email", None, "sms"]})
    own = choices(("ann", "channel", "sms", 1), ("bob", "channel", "any", 1), ("cat", "channel", "push", 1))
    found = chosen_channel(people, own).sort("customer_id").collect()
    assert found["preferred_channel"].to_list() == ["sms", None, "push", "sms"]
    assert found.columns == ["customer_id", "preferred_channel"]


def told(home: Settings) -> list[dict[str, Any]]:
    """What a night takes as chosen."""
    return of_day(home, Lake.of(home), DAY).select("customer_id", "what", "value").collect().to_dicts()


def test_a_night_sees_choices_of_its_day_and_is_the_same_when_it_runs_again(any_settings: Settings) -> None:
    home = any_settings
    fill(home, {"customers": [{"customer_id": "ann"}]})
    choose(home, "ann", {"marketing": "off"}, "1", END - timedelta(microseconds=1))
    choose(home, "ann", {"marketing": "on"}, "1", END)
    assert told(home) == [{"customer_id": "ann", "what": "marketing", "value": "off"}]
    choose(home, "bob", {"marketing": "off"}, "1", END - HOUR)  # a clock that lags
    assert len(told(home)) == 1


def test_the_consents_of_a_day_are_those_of_the_feed_and_the_choices(settings: Settings) -> None:
    given_then = {"customer_id": "ann", "channel": "email", "purpose": "marketing"}
    fill(settings, {"consents": [given_then]})
    choose(settings, "ann", {"marketing": "off"}, "1", END - HOUR)
    found = consents_of_day(settings, Lake.of(settings), DAY).collect()
    assert found.schema == frame("consents", []).schema
    assert found.sort("recorded_at").filter(channel="email")["granted"].to_list() == [True, False]


@pytest.mark.parametrize("named", [0, 10_000])
def test_choices_of_some_are_theirs_however_many_they_are(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, named: int
) -> None:
    monkeypatch.setattr("features.choices._NAMED", named)
    fill(settings, {"customers": [{"customer_id": c, "person_id": "p"} for c in ("ann", "anna")]})
    for customer in ("ann", "bob"):
        choose(settings, customer, {"marketing": "off"}, "1", END)
    customers = Lake.of(settings).scan(CONTRACTS["customers"].table)
    assert sorted(of_now(settings, customers, ["anna"]).collect()["customer_id"]) == ["ann", "anna"]
    assert accounts_of(customers, ["anna", "eve"]) == ["ann", "anna", "eve"]
