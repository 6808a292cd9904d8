"""The time to end is one: what requests have used of it is not there for the rest."""

import asyncio
import signal
from collections.abc import Iterator
from types import FrameType

import pytest

from advocate.serving.leaving import Leaving


@pytest.fixture
def told() -> Iterator[list[int]]:
    """The signals that came through to the server."""
    came: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        came.append(number)

    before = signal.signal(signal.SIGTERM, note)
    yield came
    signal.signal(signal.SIGTERM, before)


def test_what_was_used_since_the_signal_is_not_left(told: list[int]) -> None:
    async def end() -> tuple[float, float, float]:
        leaving = Leaving(after=0.1)
        with leaving.on_signal():
            before = leaving.left(2)
            signal.raise_signal(signal.SIGTERM)
            draining = leaving.left(2)
            await asyncio.sleep(0.6)
        return before, draining, leaving.left(2)

    before, draining, after = asyncio.run(end())
    assert told == [signal.SIGTERM]
    assert (before, draining) == (2, 2)
    assert 0.5 < after <= 1.5


def test_without_a_signal_all_of_it_is_left_and_never_less_than_nothing() -> None:
    async def end() -> Leaving:
        leaving = Leaving()
        with leaving.on_signal():
            await asyncio.sleep(0.2)
        return leaving

    leaving = asyncio.run(end())
    assert 1.5 < leaving.left(2) <= 2
    assert leaving.left(0) == 0
