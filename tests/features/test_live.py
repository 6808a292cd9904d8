"""Live events: stored once and for good, and read on without missing or repeating one."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, delete, insert, text

from features import live, tailing
from features.limits import flaw_of_id
from features.live import MOST, TABLE, Event, Stored, record, since
from features.tailing import SETTLED_SECONDS, Tail
from features.wall import admit
from tests.conftest import at
from warehouse import clock
from warehouse.database import engine_for, url_of, writing
from warehouse.errors import FeedError, UnavailableError
from warehouse.settings import Settings

NOW = at("2017-12-01 12:00")

RECORD_MANY = """
import sys
from datetime import UTC, datetime
from features.live import Event, record
from warehouse.settings import load_settings
settings = load_settings(home=sys.argv[1], database_url=sys.argv[2])
step = int(sys.argv[3])
new = 0
for batch in range(20):
    keys = [f"{batch}-{number}" for number in range(20)][::step]
    new += record(settings, [Event("c", "p", "view", datetime.now(UTC), key) for key in keys])
print(new)
"""


def view(product_id: str = "p1", key: str | None = None, **changes: object) -> Event:
    fields = {"customer_id": "c1", "product_id": product_id, "kind": "view", "at": NOW, "key": key}
    return Event(**(fields | changes))  # type: ignore[arg-type]


def stored(settings: Settings) -> list[Event]:
    return [found.event for found in since(settings, 0)]


def read(tail: Tail) -> list[str]:
    """The products of everything new, in the order in which it was read."""
    return [found.event.product_id for chunk in tail.read() for found in chunk]


def test_what_was_recorded_is_there_to_the_letter_and_in_its_order(any_settings: Settings) -> None:
    there = datetime(2017, 12, 1, 7, 59, 59, 123456, tzinfo=timezone(timedelta(hours=-4)))
    events = [
        view("00123"),
        Event("Zoë", "№ 5", "cart", there),
        view("p3", kind="wishlist"),
        view("p4", kind="buy"),
    ]
    with clock.at(NOW):
        assert record(any_settings, events) == 4
    found = since(any_settings, 0)
    assert [row.event for row in found] == events
    assert [row.event_id for row in found] == sorted({row.event_id for row in found})
    assert {row.received_at for row in found} == {NOW}
    assert found[1].event.at.tzinfo == UTC
    assert since(any_settings, found[1].event_id) == found[2:]
    assert since(any_settings, 0, limit=1) == found[:1]


def test_nothing_recorded_is_nothing_stored(settings: Settings) -> None:
    assert record(settings, []) == 0
    assert stored(settings) == []


def test_an_event_whose_key_is_known_is_stored_once(any_settings: Settings) -> None:
    assert record(any_settings, [view("p1", "a"), view("p2", "b"), view("p1", "a")]) == 2
    assert record(any_settings, [view("p3", "c"), view("p2", "b")]) == 1
    assert record(any_settings, [view("p2", "b")]) == 0
    assert [event.key for event in stored(any_settings)] == ["a", "b", "c"]


def test_events_without_keys_are_stored_each_time(any_settings: Settings) -> None:
    assert record(any_settings, [view(), view()]) == 2
    assert record(any_settings, [view()]) == 1
    assert stored(any_settings) == [view()] * 3


def test_only_what_was_told_from_a_moment_on_is_read_where_asked(any_settings: Settings) -> None:
    for hours, product in ((3, "early"), (1, "late")):
        with clock.at(NOW - timedelta(hours=hours)):
            record(any_settings, [view(product, at=NOW - timedelta(days=9))])
    found = since(any_settings, 0, received_from=NOW - timedelta(hours=1))
    assert [row.event.product_id for row in found] == ["late"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"customer_id": ""}, "customer_id is empty"),
        ({"product_id": " \t"}, "product_id is empty"),
        ({"product_id": "a\x00b"}, "product_id has control characters"),
        ({"customer_id": "a\nb"}, "customer_id has control characters"),
        ({"customer_id": "c" * 129}, "customer_id is longer than 128 bytes"),
        ({"product_id": "\ud800"}, "product_id is not Unicode text"),
        ({"key": ""}, "key is empty"),
        ({"key": "k" * 301}, "key is longer than 300 bytes"),
        ({"key": "a\x00"}, "key has control characters"),
        ({"kind": "stare"}, "kind is 'stare'; it must be one of view, cart, wishlist, buy"),
        ({"at": datetime(2017, 12, 1)}, "at is 2017-12-01T00:00:00, without a zone"),  # noqa: DTZ001
        ({"at": NOW + timedelta(days=1, seconds=1)}, "a day from now"),
        ({"at": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))}, "between 1970 and"),
        ({"at": datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-12)))}, "between 1970 and"),
    ],
)
def test_what_can_be_no_event_is_refused_by_its_place_and_nothing_is_stored(
    any_settings: Settings, changes: dict[str, object], why: str
) -> None:
    with clock.at(NOW), pytest.raises(FeedError, match=r"event 2: .*; nothing was stored") as refusal:
        record(any_settings, [view("good"), view(**changes)])  # type: ignore[arg-type]
    assert why in str(refusal.value)
    assert stored(any_settings) == []


def test_the_longest_the_latest_and_the_strangest_that_can_be_an_event_is_taken(
    any_settings: Settings,
) -> None:
    event = view("𝒫" * 32, "k" * 300, customer_id="c d", at=NOW + timedelta(days=1))
    with clock.at(NOW):
        assert record(any_settings, [event]) == 1
    assert stored(any_settings) == [event]


def test_more_events_than_one_statement_holds_are_refused_at_once(any_settings: Settings) -> None:
    with pytest.raises(FeedError, match="1001 events are too many at once; send at most 1000"):
        record(any_settings, [view()] * (MOST + 1))
    assert record(any_settings, [view()] * MOST) == MOST


_ids = st.text(st.characters(exclude_categories=["Cs"]), max_size=3) | st.text(
    st.sampled_from(" \t\n\x1f\x7f\x85\xa0\u2003\u200b\u2028a"), max_size=3
)


@given(customer_id=_ids, product_id=_ids, ahead=st.sampled_from([-1, 0, 1]))
def test_what_is_recorded_and_what_the_wall_takes_is_the_same(
    customer_id: str, product_id: str, ahead: int
) -> None:
    event = Event(customer_id, product_id, "view", NOW + timedelta(days=1, microseconds=ahead))
    row = {"customer_id": customer_id, "product_id": product_id, "viewed_at": event.at, "kind": "view"}
    walled = admit("views", pl.LazyFrame([row]), now=NOW, zone="UTC")
    assert (live._flaw(event, NOW) is None) == (walled.reasons == {})


@pytest.mark.parametrize(("length", "taken"), [(64, True), (65, False)])
def test_the_wall_and_the_recorder_measure_ids_alike(length: int, taken: bool) -> None:
    row = {"customer_id": "ß" * length, "product_id": "p", "viewed_at": NOW, "kind": "view"}
    walled = admit("views", pl.LazyFrame([row]), now=NOW, zone="UTC")
    assert (flaw_of_id("ß" * length) is None) == taken
    assert (walled.reasons == {}) == taken


def test_two_processes_that_record_the_same_keys_at_once_store_each_once(any_settings: Settings) -> None:
    words = [sys.executable, "-c", RECORD_MANY, str(any_settings.home), any_settings.database_url]
    recorders = [
        subprocess.Popen([*words, step], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for step in ("1", "-1")
    ]
    new = []
    for recorder in recorders:
        printed, problems = recorder.communicate(timeout=120)
        assert recorder.returncode == 0, problems
        new.append(int(printed))
    keys = [event.key for event in stored(any_settings)]
    assert sum(new) == len(keys) == len(set(keys)) == 400


def test_numbers_of_forgotten_events_are_not_given_out_again(any_settings: Settings) -> None:
    record(any_settings, [view("p1"), view("p2")])
    last = since(any_settings, 0)[-1].event_id
    with writing(engine_for(any_settings)) as session:
        session.execute(delete(TABLE))
    record(any_settings, [view("p3")])
    assert [row.event.product_id for row in since(any_settings, last)] == ["p3"]


# Reading on ------------------------------------------------------------------------------------


def test_a_tail_reads_each_event_once(any_settings: Settings) -> None:
    tail = Tail(any_settings)
    assert read(tail) == []
    record(any_settings, [view("p1", "a"), view("p2", "b")])
    assert read(tail) == ["p1", "p2"]
    record(any_settings, [view("p1", "a"), view("p2", "b"), view("p3", "c")])  # leaves numbers unused
    assert read(tail) == ["p3"]
    assert read(tail) == []
    record(any_settings, [view("p4")])
    assert read(tail) == ["p4"]


def test_a_tail_reads_many_events_in_pieces(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tailing, "CHUNK", 5)
    monkeypatch.setattr(tailing, "WINDOW", 3)
    record(settings, [view(f"p{number}") for number in range(23)])
    with writing(engine_for(settings)) as session:  # gaps are looked for again and again, and slow nothing
        session.execute(delete(TABLE).where(TABLE.c.event_id % 2 == 0))
    chunks = list(Tail(settings).read())
    products = [row.event.product_id for chunk in chunks for row in chunk]
    assert products == [f"p{number}" for number in range(0, 23, 2)]
    assert len(chunks) > 2


@pytest.mark.postgres
def test_a_number_that_becomes_visible_late_is_read_late_but_read(
    settings: Settings, postgres_url: str
) -> None:
    shop = _on_postgres(settings, postgres_url)
    record(shop, [view("p1")])
    tail = Tail(shop)
    assert read(tail) == ["p1"]
    with engine_for(shop).connect() as slow, slow.begin():
        slow.execute(insert(TABLE), [_row("slow")])
        record(shop, [view("quick")])
        assert read(tail) == ["quick"]
        assert read(tail) == []
    assert read(tail) == ["slow"]
    assert read(tail) == []


@pytest.mark.postgres
def test_a_number_that_stays_away_is_not_looked_for_for_ever(
    settings: Settings, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = _on_postgres(settings, postgres_url)
    asked: list[int] = []

    def asking(settings: Settings, event_id: int, **more: object) -> list[Stored]:
        asked.append(event_id)
        return since(settings, event_id, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(tailing, "since", asking)
    record(shop, [view("p1", "a")])
    tail, began = Tail(shop), tailing.time.monotonic()
    assert read(tail) == ["p1"]
    record(shop, [view("p1", "a")])  # takes number 2 and does not use it
    record(shop, [view("p3")])
    assert read(tail) == ["p3"]
    assert read(tail) == []
    assert asked == [0, 1, 1]
    monkeypatch.setattr(tailing.time, "monotonic", lambda: began + SETTLED_SECONDS + 60)
    assert read(tail) == []
    assert read(tail) == []
    assert asked[3:] == [1, 3]


@pytest.mark.postgres
def test_postgresql_takes_a_record_back_that_waits_too_long(
    settings: Settings, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "PATIENCE_SECONDS", 1)
    shop = _on_postgres(settings, postgres_url)
    engine = create_engine(url_of(shop))
    with engine.connect() as other, other.begin():
        other.execute(text("LOCK TABLE live_events IN EXCLUSIVE MODE"))
        with pytest.raises(UnavailableError, match="statement timeout"):
            record(shop, [view()])
    engine.dispose()
    assert record(shop, [view()]) == 1


def _on_postgres(settings: Settings, url: str) -> Settings:
    from advocate.database import upgrade

    shop = settings.model_copy(update={"database_url": url})
    upgrade(shop)
    return shop


def _row(product_id: str) -> dict[str, object]:
    return {
        "key": None, "customer_id": "c1", "product_id": product_id,
        "kind": "view", "at": NOW, "received_at": NOW,
    }  # fmt: skip
