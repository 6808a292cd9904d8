"""The living keys in a server's memory."""

import gc
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event

from tests.conftest import at
from tests.warehouse.access.conftest import Away, Ticks
from tests.warehouse.conftest import Python
from warehouse import clock
from warehouse.access.keys import Issued, Scope, issue, revoke
from warehouse.access.ring import KeyRing
from warehouse.database import engine_for
from warehouse.errors import UnavailableError
from warehouse.settings import Settings, load_settings

ID, SECRET = slice(0, 17), slice(17, None)
"""Of a whole key: `adv_<id>_`, and the secret."""

WATCH = """
import os, sys, time
from warehouse.access.ring import KeyRing
from warehouse.settings import load_settings
home, address, presented, forks = sys.argv[1:]
ring = KeyRing(load_settings(home=home, database_url=address))
if forks == "forked" and os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
assert ring.match(presented).name == "shop"
print("known", flush=True)
give_up = time.monotonic() + 20
while ring.match(presented) is not None and time.monotonic() < give_up:
    time.sleep(0.01)
print("refused", time.time(), flush=True)
os._exit(0)
"""


def made(settings: Settings, name: str = "shop") -> Issued:
    return issue(settings, name, ["recommend", "events"], "maria")


def within(seconds: float, true: Callable[[], bool]) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if true():
            return True
        time.sleep(0.01)
    return true()


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "api-keys"]


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    yield
    if not within(0.5, lambda: not threads()):
        gc.collect()
        assert within(3, lambda: not threads())


def test_a_key_is_recognised_with_what_it_may(any_settings: Settings) -> None:
    issued = issue(any_settings, "shop", ["events"], "maria", rate=7)
    with KeyRing(any_settings) as ring:
        key = ring.match(issued.secret)
    assert key is not None
    assert (key.key_id, key.name, key.requests_per_second) == (issued.key_id, "shop", 7)
    assert [scope for scope in Scope if key.may(scope)] == [Scope.EVENTS]


def test_what_is_nearly_a_key_is_none(settings: Settings) -> None:
    mine, other = made(settings).secret, made(settings, "other").secret
    near = [
        mine[ID] + other[SECRET],
        mine[:-1] + ("A" if mine[-1] != "A" else "B"),
        mine[:-1],
        mine + "A",
        f" {mine}",
        f"{mine}\n",
        f"{mine}\0",
        mine.swapcase(),
        mine[SECRET],
        f"Bearer {mine}",
        mine.replace("adv_", "adv_adv_"),
        "adv_" + "a" * 12 + "_" + mine[SECRET],
        mine + "A" * 1_000_000,
        mine[:-1] + "é",
        "",
    ]
    with KeyRing(settings) as ring:
        assert ring.match(mine) is not None
        assert [presented for presented in near if ring.match(presented) is not None] == []


def test_no_text_at_all_opens_anything(settings: Settings) -> None:
    whole = made(settings).secret
    with KeyRing(settings) as ring:

        @given(st.text() | st.text("adv_-0Az9", max_size=70).map(lambda end: whole[ID] + end))
        def holds(presented: str) -> None:
            assert ring.match(presented) is None or presented == whole

        holds()


def test_a_revoked_key_is_no_key(any_settings: Settings) -> None:
    issued = made(any_settings)
    revoke(any_settings, "shop", "maria")
    with KeyRing(any_settings) as ring:
        assert ring.match(issued.secret) is None


def test_a_key_ends_at_the_moment_it_expires_without_being_read_again(any_settings: Settings) -> None:
    with clock.at(at("2017-12-01")):
        issued = issue(any_settings, "shop", ["events"], "maria", expires=at("2018-01-01 12:00"))
    with KeyRing(any_settings) as ring:
        with clock.at(at("2018-01-01 11:59")):
            assert ring.match(issued.secret) is not None
        with clock.at(at("2018-01-01 12:00")):
            assert ring.match(issued.secret) is None


@pytest.mark.parametrize("process", ["itself", "forked"])
def test_another_process_refuses_a_revoked_key_within_two_seconds(
    any_settings: Settings, python: Python, process: str
) -> None:
    issued = made(any_settings)
    address = any_settings.database_url
    server = python(WATCH, str(any_settings.home), address, issued.secret, process)
    assert server.stdout is not None
    assert server.stdout.readline() == "known\n"
    time.sleep(0.3)
    revoke(any_settings, "shop", "maria")
    revoked = time.time()
    word, moment = server.stdout.readline().split()
    assert word == "refused"
    assert float(moment) - revoked <= 2


def test_a_new_key_is_known_within_two_seconds(any_settings: Settings) -> None:
    with KeyRing(any_settings) as ring:
        issued = made(any_settings)
        assert ring.match(issued.secret) is None
        assert within(2, lambda: ring.match(issued.secret) is not None)
        assert ring.age <= 2


def test_while_the_database_is_away_what_is_known_counts_for_a_minute_and_then_nothing_does(
    any_settings: Settings, away: Away, caplog: pytest.LogCaptureFixture
) -> None:
    issued, ticks = made(any_settings), Ticks()
    with KeyRing(any_settings, ticks) as ring:
        with away(any_settings):
            for ticks.now in (30, 60):
                ring.refresh()
                assert ring.match(issued.secret) is not None
            ticks.now = 61
            ring.refresh()
            for presented in (issued.secret, "nonsense"):
                with pytest.raises(UnavailableError, match=r"did not answer for 61 s.*every key is refused"):
                    ring.match(presented)
        ring.refresh()
        assert ring.match(issued.secret) is not None
    said = [record.getMessage() for record in caplog.records if record.name == "warehouse.access.ring"]
    assert len(said) == 2, "a failure is told once, and so is its end"
    assert "cannot be read; those known count for 30 s" in said[0]
    assert "can be read again" in said[1]
    assert issued.secret[SECRET] not in caplog.text


def test_an_answer_is_as_old_as_its_question(settings: Settings) -> None:
    """A key revoked between the two is not in the answer, which must not pass for a fresh one."""
    ticks = Ticks()
    with KeyRing(settings, ticks) as ring:
        ring.close()

        @event.listens_for(engine_for(settings), "before_cursor_execute")
        def takes_half_a_minute(*_: object) -> None:
            ticks.now += 30

        ring.refresh()
        assert ring.age >= 30


def test_a_server_does_not_start_without_its_keys(any_settings: Settings, away: Away) -> None:
    with away(any_settings), pytest.raises(UnavailableError, match=r"the database at .* did not answer"):
        KeyRing(any_settings)


@pytest.mark.slow
def test_a_database_that_says_nothing_at_all_is_not_waited_for_for_long(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        address = f"postgresql+psycopg://maria:s3cret@127.0.0.1:{port}/shop"
        refusals: list[str] = []

        def ask() -> None:
            with pytest.raises(UnavailableError) as refusal:
                KeyRing(load_settings(home=settings.home, database_url=address))
            refusals.append(str(refusal.value))

        thread = threading.Thread(target=ask, daemon=True)
        thread.start()
        thread.join(40)
    assert len(refusals) == 1
    assert "did not answer" in refusals[0]
    assert "s3cret" not in refusals[0]


def test_many_threads_may_ask_while_keys_come_and_go(any_settings: Settings) -> None:
    steady, stop, wrong = made(any_settings, "steady"), threading.Event(), []
    with KeyRing(any_settings) as ring:

        def ask() -> None:
            while not stop.is_set():
                key = ring.match(steady.secret)
                if key is None or key.name != "steady":
                    wrong.append(key)
                time.sleep(0.0001)

        asking = [threading.Thread(target=ask) for _ in range(4)]
        for thread in asking:
            thread.start()
        for number in range(5):
            passing = made(any_settings, f"passing-{number}")
            ring.refresh()
            assert ring.match(passing.secret) is not None
            revoke(any_settings, passing.key_id, "maria")
            ring.refresh()
            assert ring.match(passing.secret) is None
        stop.set()
        for thread in asking:
            thread.join(10)
    assert wrong == []


def test_a_closed_ring_trusts_what_it_knows_for_a_minute_and_reads_no_more(settings: Settings) -> None:
    issued, ticks = made(settings), Ticks()
    ring = KeyRing(settings, ticks)
    ring.close()
    ticks.now = 59
    assert ring.match(issued.secret) is not None
    assert not threads()
    ticks.now = 61
    with pytest.raises(UnavailableError):
        ring.match(issued.secret)


def test_a_ring_nobody_holds_stops_reading(settings: Settings) -> None:
    ring = KeyRing(settings)
    assert len(threads()) == 1
    del ring
    gc.collect()
    assert within(3, lambda: not threads())


def test_its_thread_says_nothing_while_all_is_well(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="warehouse")
    with KeyRing(settings) as ring:
        assert within(3, lambda: ring.age > 0.5)
        assert within(3, lambda: ring.age < 0.5)
    assert caplog.records == []
