"""What customers did lately: at once, newest first, each once, and never more than there is room for."""

import subprocess
import sys
import threading
import time
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from features.live import Event, record
from recs.recent import NOTHING, Doings, Recent
from tests.conftest import at
from warehouse import clock
from warehouse.database import engine_for, writing
from warehouse.errors import UnavailableError
from warehouse.settings import Settings, load_settings

NOW = at("2017-12-01 12:00")


def ago(minutes: float) -> timedelta:
    return timedelta(minutes=minutes)


def event(product_id: str, minutes: float = 0, kind: str = "view", customer_id: str = "c1") -> Event:
    return Event(customer_id, product_id, kind, NOW - ago(minutes))


def tell(settings: Settings, *events: Event) -> None:
    with clock.at(NOW):
        record(settings, events)


@pytest.fixture
def recent(settings: Settings) -> Recent:
    """Nothing has happened yet."""
    return Recent(settings)


def test_importing_it_loads_no_training_or_web_machinery() -> None:
    program = (
        "import sys, recs.recent; print([m for m in"
        " ('airflow', 'fastapi', 'sklearn', 'implicit', 'lightgbm', 'scipy', 'dataframely')"
        " if m in sys.modules])"
    )
    words = [sys.executable, "-c", program]
    done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert done.stdout.strip() == "[]"


def test_of_who_did_nothing_nothing_is_known(recent: Recent) -> None:
    assert recent.of("nobody") is NOTHING
    assert Doings() == NOTHING
    assert len(recent) == 0


def test_what_this_process_is_told_counts_at_once(recent: Recent) -> None:
    with clock.at(NOW):
        recent.add([event("milk")])
        assert recent.of("c1").viewed == ("milk",)
        recent.add([event("milk", kind="buy")])
        assert recent.of("c1").bought == ("milk",)
        assert recent.of("c2") is NOTHING


def test_what_other_processes_stored_counts_with_the_next_look(any_settings: Settings) -> None:
    with clock.at(NOW):
        here, there = Recent(any_settings), Recent(any_settings)
        tell(any_settings, event("milk"))
        here.add([event("milk")])
        assert there.of("c1") is NOTHING
        there.refresh()
        here.refresh()
        assert there.of("c1") == here.of("c1")
        assert there.of("c1").viewed == ("milk",)


def test_a_new_process_begins_with_the_last_hours(any_settings: Settings) -> None:
    tell(any_settings, event("old", 48 * 60 + 1), event("milk", 60), event("bread", 30, "cart"))
    with clock.at(NOW):
        assert Recent(any_settings).of("c1").viewed == ("bread", "milk")


def test_products_are_listed_newest_first_each_once(recent: Recent) -> None:
    with clock.at(NOW):
        recent.add(
            [
                event("milk", 9, "cart"),
                event("bread", 8, "wishlist"),
                event("tea", 7, "buy"),
                event("jam", 6),
                event("milk", 5),
                event("milk", 4, "buy"),
                event("jam", 3, "cart"),
            ]
        )
        assert recent.of("c1") == Doings(
            viewed=("jam", "milk", "bread"),
            carted=("jam",),
            bought=("milk", "tea"),
        )


def test_a_product_is_in_the_basket_for_two_hours_and_looked_at_for_longer(recent: Recent) -> None:
    with clock.at(NOW):
        recent.add([event("old", 121, "cart"), event("tea", 119, "cart"), event("jam", 5, "cart")])
        assert recent.of("c1") == Doings(viewed=("jam", "tea", "old"), carted=("jam", "tea"))
    with clock.at(NOW + ago(2)):
        assert recent.of("c1") == Doings(viewed=("jam", "tea", "old"), carted=("jam",))


def test_a_product_is_in_the_basket_until_it_is_bought_and_may_come_back(recent: Recent) -> None:
    with clock.at(NOW):
        recent.add([event("milk", 9, "cart"), event("milk", 6, "buy"), event("tea", 5, "cart")])
        assert recent.of("c1").carted == ("tea",)
        recent.add([event("milk", 3, "cart")])
        assert recent.of("c1").carted == ("milk", "tea")


def test_of_products_of_one_moment_the_one_told_last_comes_first(recent: Recent) -> None:
    with clock.at(NOW):
        recent.add([event("one"), event("two")])
        recent.add([event("three"), event("one")])
        assert recent.of("c1").viewed == ("three", "two", "one")


def test_an_event_counts_until_it_is_as_old_as_the_settings_say(tmp_path: Path, settings: Settings) -> None:
    shop = load_settings(home=settings.home, recs={"live_hours": 2})
    with clock.at(NOW):
        recent = Recent(shop)
        recent.add([event("gone", 121), event("going", 119), event("fresh")])
        assert recent.of("c1").viewed == ("fresh", "going")
    with clock.at(NOW + ago(2)):
        assert recent.of("c1").viewed == ("fresh",)
    with clock.at(NOW + ago(121)):
        assert recent.of("c1") == NOTHING


def test_minutes_can_be_asked_for(settings: Settings) -> None:
    tell(settings, event("gone", 6), event("fresh", 4))
    with clock.at(NOW):
        assert Recent(settings, minutes=5).of("c1").viewed == ("fresh",)


def test_an_event_from_a_clock_that_is_ahead_happened_when_it_was_told(settings: Settings) -> None:
    tell(settings, event("ahead", -600))
    with clock.at(NOW):
        assert Recent(settings).of("c1").viewed == ("ahead",)
    with clock.at(NOW + timedelta(hours=48, minutes=1)):
        assert Recent(settings).of("c1") is NOTHING


def test_customers_whose_events_no_longer_count_take_no_room(recent: Recent) -> None:
    with clock.at(NOW):
        recent.add([event("milk", customer_id=f"c{number}") for number in range(9)])
    with clock.at(NOW + timedelta(hours=49)):
        recent.add([Event("c1", "bread", "view", NOW + timedelta(hours=49))])
        assert recent.of("c1").viewed == ("bread",)
    assert len(recent) == 1


def test_when_there_are_too_many_customers_the_one_silent_for_longest_goes(settings: Settings) -> None:
    with clock.at(NOW):
        recent = Recent(settings, customers=2)
        recent.add([event("milk", customer_id="a"), event("milk", customer_id="b")])
        recent.add([event("bread", customer_id="a"), event("milk", customer_id="c")])
        assert [recent.of(name).viewed for name in "abc"] == [("bread", "milk"), (), ("milk",)]
    assert len(recent) == 2


def test_a_kind_nobody_knows_does_not_count(settings: Settings) -> None:
    with writing(engine_for(settings)) as session:
        session.execute(
            text(
                "INSERT INTO live_events (customer_id, product_id, kind, at, received_at)"
                " VALUES ('c1', 'p1', 'stare', '2017-12-01 11:00:00', '2017-12-01 11:00:00')"
            )
        )
    with clock.at(NOW):
        assert Recent(settings).of("c1") is NOTHING


def test_a_database_that_could_not_be_read_is_read_on_when_it_can(settings: Settings) -> None:
    with clock.at(NOW):
        recent = Recent(settings)
        tell(settings, event("milk"))
        _rename(settings, "live_events", "away")
        with pytest.raises(UnavailableError, match="lacks a table"):
            recent.refresh()
        _rename(settings, "away", "live_events")
        recent.refresh()
        assert recent.of("c1").viewed == ("milk",)


def _rename(settings: Settings, old: str, new: str) -> None:
    with writing(engine_for(settings)) as session:
        session.execute(text(f"ALTER TABLE {old} RENAME TO {new}"))


# Whatever happens ------------------------------------------------------------------------------

_told = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from("pqrst"), st.sampled_from(["view", "cart", "buy"])),
    max_size=25,
)


@given(batches=st.lists(_told, max_size=4), shuffle=st.randoms(use_true_random=False))
def test_lists_are_the_newest_of_all_that_was_told_in_whatever_order_and_portions(
    batches: list[list[tuple[str, str, str]]], shuffle: "object"
) -> None:
    moments = list(range(sum(map(len, batches))))
    shuffle.shuffle(moments)  # type: ignore[attr-defined]
    places = iter(moments)
    told = [[Event(c, p, k, NOW - ago(20 * next(places))) for c, p, k in batch] for batch in batches]
    with (
        clock.at(NOW),
        mock.patch.multiple("recs.recent", EVENTS=6, VIEWED=3, Tail=mock.Mock(return_value=_Silent())),
    ):
        recent = Recent(load_settings())
        for batch in told:
            recent.add(batch)
            recent.add(batch)
        for customer in "ab":
            mine = [event for batch in told for event in batch if event.customer_id == customer]
            assert recent.of(customer) == _expected(mine)


class _Silent:
    """No other process."""

    def read(self) -> list[object]:
        return []


def _expected(events: list[Event]) -> Doings:
    """The same by the plainest means: no merging, no order of arrival."""
    newest = {(e.kind, e.product_id): e.at for e in sorted(events, key=lambda e: e.at)}
    kept = sorted(newest.items(), key=lambda item: item[1], reverse=True)[:6]
    bought = {product: moment for (kind, product), moment in kept if kind == "buy"}
    carted = {product: moment for (kind, product), moment in kept if kind == "cart"}
    viewed = dict.fromkeys(product for (kind, product), _ in kept if kind != "buy")
    return Doings(
        viewed=tuple(viewed)[:3],
        carted=tuple(
            product
            for product, moment in carted.items()
            if moment >= NOW - ago(120) and bought.get(product, moment) <= moment
        ),
        bought=tuple(bought),
    )


def test_however_much_is_told_no_more_than_there_is_room_for_is_kept(settings: Settings) -> None:
    with clock.at(NOW):
        recent = Recent(settings, customers=3)
        for customer in "abcde":
            recent.add(event(f"p{n}", 1000 - n, customer_id=customer) for n in range(300))
            recent.add(event(f"p{n}", 500 - n / 10, "buy", customer_id=customer) for n in range(300))
        assert len(recent) == 3
        assert len(recent.of("e").bought) == 100
        assert recent.of("e").viewed == ()
        recent.add(event(f"q{n}", 0, customer_id="e") for n in range(60))
        assert (len(recent.of("e").viewed), len(recent.of("e").bought)) == (50, 40)


def test_readers_never_miss_a_customer_while_others_write(recent: Recent) -> None:
    recent.add([Event("c1", "first", "buy", clock.now())])
    stop, missed = time.monotonic() + 0.5, []

    def write(name: str) -> None:
        number = 0
        while time.monotonic() < stop:
            number += 1
            recent.add([Event("c1", f"{name}{number % 20}", "view", clock.now())])

    def look() -> None:
        while time.monotonic() < stop:
            doings = recent.of("c1")
            if doings.bought != ("first",) or not all(_newest_first(doings, name) for name in "ab"):
                missed.append(doings)

    threads = [threading.Thread(target=write, args=(name,)) for name in "ab"]
    threads += [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert missed == []
    assert {product[0] for product in recent.of("c1").viewed} == {"a", "b"}
    assert len(recent.of("c1").viewed) == 40


def _newest_first(doings: Doings, writer: str) -> bool:
    """Whether the products of one writer, who counts from 0 to 19 over and over, are in order."""
    numbers = [int(product[1:]) for product in doings.viewed if product[0] == writer]
    return all((newer - older) % 20 == 1 for newer, older in pairwise(numbers))
