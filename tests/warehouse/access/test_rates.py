"""Token buckets: never more than the rate, and never less than it either."""

import threading

from hypothesis import given
from hypothesis import strategies as st

from tests.warehouse.access.conftest import Ticks
from warehouse.access.rates import Rates
from warehouse.access.ring import Key

SECOND = 1_000_000_000
pauses = st.lists(st.integers(0, 2 * SECOND) | st.integers(0, 100), max_size=80)


def key(rate: int, key_id: str = "one") -> Key:
    return Key(key_id, key_id, frozenset(), rate, None, b"")


def granted(rate: int, pauses: list[int], start: int) -> list[int]:
    """The moments at which a request was granted to one that asks after each pause."""
    ticks, moments = Ticks(start), []
    counted = Rates(ticks)
    for pause in pauses:
        ticks.now += pause
        if not counted.allow(key(rate)):
            moments.append(ticks.now)
    return moments


@given(st.integers(1, 20), pauses, st.integers(0, 10**15))
def test_in_no_stretch_of_time_is_more_granted_than_rate_times_time_and_the_burst(
    rate: int, pauses: list[int], start: int
) -> None:
    moments = granted(rate, pauses, start)
    for first, begin in enumerate(moments):
        for last in range(first, len(moments)):
            seconds = (moments[last] - begin) / SECOND
            assert last - first + 1 <= rate * seconds + rate + 1e-9


@given(st.integers(1, 200))
def test_after_a_quiet_second_a_whole_burst_is_granted_and_not_one_more(rate: int) -> None:
    ticks = Ticks()
    counted = Rates(ticks)
    for _ in range(2):
        assert [counted.allow(key(rate)) for _ in range(rate)] == [0.0] * rate
        assert counted.allow(key(rate)) > 0
        ticks.now += SECOND + rate  # the time between two requests is rounded up


@given(st.integers(1, 50), pauses)
def test_waiting_as_long_as_it_says_is_enough_and_not_too_long(rate: int, pauses: list[int]) -> None:
    ticks = Ticks()
    counted = Rates(ticks)
    for pause in pauses:
        ticks.now += pause
        wait = 0.0
        while not wait:
            wait = counted.allow(key(rate))
        assert wait <= 1 / rate + 1e-9
        ticks.now += round(wait * SECOND) - 1
        assert counted.allow(key(rate)) > 0
        ticks.now += 1
        assert counted.allow(key(rate)) == 0.0


@given(st.integers(1, 100_000))
def test_one_that_keeps_to_its_rate_is_never_refused(rate: int) -> None:
    ticks = Ticks()
    counted = Rates(ticks)
    for _ in range(300):
        assert counted.allow(key(rate)) == 0.0
        ticks.now += -(-SECOND // rate)


def test_keys_do_not_take_from_each_other() -> None:
    counted = Rates(Ticks())
    assert counted.allow(key(1, "one")) == 0.0
    assert counted.allow(key(1, "one")) == 1.0
    assert counted.allow(key(1, "two")) == 0.0


def test_many_threads_together_get_the_burst_and_no_more() -> None:
    counted, answers = Rates(Ticks()), []
    together = threading.Barrier(8)

    def ask() -> None:
        together.wait(10)
        mine = [counted.allow(key(5_000)) for _ in range(2_000)]
        answers.extend(mine)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(answers) == 16_000
    assert answers.count(0.0) == 5_000


def test_memory_holds_only_those_who_asked_lately() -> None:
    ticks = Ticks()
    counted = Rates(ticks)
    for number in range(50_000):
        counted.allow(key(10, str(number)))
        ticks.now += SECOND // 1_000
        assert len(counted) <= 1_025


def test_forgetting_full_buckets_gives_nobody_a_new_one() -> None:
    ticks = Ticks()
    counted = Rates(ticks)
    counted.allow(key(1, "slow"))
    ticks.now += SECOND - 1
    for number in range(5_000):
        counted.allow(key(1_000_000_000, str(number)))
    assert counted.allow(key(1, "slow")) > 0
