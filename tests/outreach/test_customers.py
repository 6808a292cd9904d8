"""A customer is found by what they give on the phone, and it is said how they can be reached now."""

import pytest

from outreach import review
from outreach.customers import Reach, find, reach_of
from outreach.sending import send
from tests.outreach.worlds import DAY, END, MORNING, at, consenting, fill, night, shop
from warehouse import clock
from warehouse.lake import Lake
from warehouse.settings import Settings

PEOPLE = [
    {"customer_id": "00123", "email": "Ada@Example.com", "phone": "+44 (0)20 7946-0001"},
    {"customer_id": "00124", "email": "ada@example.com"},
    {"customer_id": "a/b", "phone": "0049 30 1234567"},
]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("00123", ["00123"]),
        ("  a/b ", ["a/b"]),
        ("123", []),
        ("ADA@example.com", ["00123", "00124"]),
        ("ada@example", []),
        ("+49 (30) 123-4567", ["a/b"]),
        ("0044 0 20 79460001", ["00123"]),
        ("4930123456", []),
        ("phone 0049301234567", []),
        ("...", []),
    ],
)
def test_a_search_takes_whole_ids_addresses_and_numbers(home: Settings, text: str, found: list[str]) -> None:
    fill(home, {"customers": PEOPLE})
    assert find(home, text) == found


def reached(home: Settings, customer_id: str = "ada", now: str = "2017-12-01 21:00") -> Reach:
    return reach_of(home, Lake.of(home), customer_id, at(now))


def test_channels_stand_in_the_order_in_which_they_are_tried(home: Settings) -> None:
    wide = home.model_copy(
        update={"outreach": home.outreach.model_copy(update={"channels": ("email", "sms", "file")})}
    )
    ada = {"customer_id": "ada", "email": "ada@example.com", "preferred_channel": "sms"}
    consents = consenting("ada", channel="sms") + consenting("ada", purposes=("service",), channel="email")
    fill(wide, {"customers": [ada], "consents": consents})
    found = reached(wide)
    service = [(way["channel"], way["problem"]) for way in found.ways if way["purpose"] == "service"]
    assert service == [("sms", "no_address"), ("email", None), ("file", "no_consent")]
    assert found.best == {"service": "email", "marketing": None}


def test_the_newest_word_on_a_consent_is_told(home: Settings) -> None:
    yes, no = (
        {"customer_id": "ada", "granted": granted, "recorded_at": day}
        for granted, day in ((True, "2017-01-01"), (False, "2017-02-01"))
    )
    fill(home, {"consents": [yes, no]})
    assert [(one["granted"], one["recorded_at"]) for one in reached(home).consents] == [
        (False, at("2017-02-01"))
    ]


def test_what_any_account_of_a_person_said_counts_for_all(home: Settings) -> None:
    accounts = [{"customer_id": one, "person_id": "p"} for one in ("ada", "ada-2")]
    said = [
        {"response_id": "1", "customer_id": "ada-2", "kind": "complained"},
        {"response_id": "2", "customer_id": "p", "kind": "unsubscribed"},
        {"response_id": "3", "customer_id": "bob", "kind": "complained"},
    ]
    fill(home, {"customers": [*accounts, {"customer_id": "p"}, {"customer_id": "bob"}], "responses": said})
    found = reached(home)
    assert (found.person, found.accounts) == ("p", ["ada", "ada-2", "p"])
    assert (found.complained, found.unsubscribed) == (True, True)
    assert reached(home, "p").accounts == ["p", "ada", "ada-2"]


def test_a_bounce_closes_the_channel_it_came_back_on(home: Settings) -> None:
    contact = {"contact_id": "1", "customer_id": "ada", "channel": "file", "sent_at": "2017-11-01"}
    bounce = {"response_id": "1", "customer_id": "ada", "contact_id": "1", "kind": "bounced"}
    fill(home, {"consents": consenting("ada"), "contacts": [contact], "responses": [bounce]})
    assert {way["problem"] for way in reached(home).ways} == {"bounced"}


@pytest.mark.parametrize(
    ("zone", "now", "waking", "opening"),
    [
        ("Europe/Berlin", "2017-12-01 07:59", False, "2017-12-01 08:00"),
        ("Europe/Berlin", "2017-12-01 08:00", True, "2017-12-01 08:00"),
        ("America/New_York", "2017-12-01 08:00", False, "2017-12-01 14:00"),
    ],
)
def test_waking_hours_are_those_of_their_own_zone(
    home: Settings, zone: str, now: str, waking: bool, opening: str
) -> None:
    fill(home, {"customers": [{"customer_id": "ada", "timezone": zone}]})
    found = reached(home, now=now)
    assert (found.timezone, found.waking, found.next_waking) == (zone, waking, at(opening))


def test_without_a_zone_no_hour_is_theirs(home: Settings) -> None:
    zoneless = home.model_copy(update={"outreach": home.outreach.model_copy(update={"default_timezone": ""})})
    fill(zoneless, {"customers": [{"customer_id": "ada"}]})
    found = reached(zoneless)
    assert (found.timezone, found.waking, found.next_waking) == (None, None, None)


def test_messages_of_ours_and_of_other_systems_count_for_the_cap(any_home: Settings) -> None:
    others = [
        {"contact_id": "1", "customer_id": "ada", "sent_at": "2017-11-29"},
        {"contact_id": "2", "customer_id": "ada", "sent_at": "2017-11-01"},
    ]
    fill(any_home, shop("ada") | {"contacts": others})
    with clock.at(END):
        night(any_home, DAY)
        review.approve(any_home, "latest", by="eve")
    assert reached(any_home).heard == 1
    with clock.at(MORNING):
        send(any_home, allow_old=True)
    assert reached(any_home).heard == 2


def test_of_somebody_unknown_everything_is_empty(home: Settings) -> None:
    found = reached(home, "nobody")
    assert (found.known, found.person, found.accounts, found.consents) == (False, "nobody", ["nobody"], [])
    assert set(found.facts.values()) == {"nobody", None}
