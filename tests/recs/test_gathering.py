"""Questions of one turn of the event loop are answered together, and none for another's fault."""

import asyncio
from collections.abc import Sequence

import pytest

from recs.api.gathering import MOST, Gathered


class Halves:
    """Halves even numbers, and remembers how it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.gathered = Gathered(self.answer)

    def answer(self, numbers: Sequence[int]) -> list[int]:
        """Their halves.

        Raises:
            ValueError: one is odd.
        """
        self.asked.append(list(numbers))
        if any(number % 2 for number in numbers):
            raise ValueError(f"{numbers} are not all even")
        return [number // 2 for number in numbers]

    def all(self, numbers: Sequence[int]) -> list[int | BaseException]:
        """The answers of those who ask at the same moment."""

        async def ask() -> list[int | BaseException]:
            return await asyncio.gather(*map(self.gathered.ask, numbers), return_exceptions=True)

        return asyncio.run(ask())


def test_who_asks_alone_is_answered() -> None:
    halves = Halves()
    assert halves.all([4]) == [2]
    assert halves.asked == [[4]]


def test_those_of_one_turn_are_answered_together_each_with_their_own() -> None:
    halves = Halves()
    assert halves.all([8, 2, 6]) == [4, 1, 3]
    assert halves.asked == [[8, 2, 6]]


def test_of_very_many_the_loop_is_held_for_a_few_at_a_time() -> None:
    halves = Halves()
    numbers = list(range(0, 2 * (2 * MOST + 3), 2))
    assert halves.all(numbers) == [number // 2 for number in numbers]
    assert [len(asked) for asked in halves.asked] == [MOST, MOST, 3]


def test_a_question_that_fails_fails_for_no_other() -> None:
    halves = Halves()
    first, bad, last = halves.all([2, 3, 4])
    assert (first, last) == (1, 2)
    assert isinstance(bad, ValueError)


def test_one_that_fails_alone_is_asked_once() -> None:
    halves = Halves()
    [bad] = halves.all([3])
    assert isinstance(bad, ValueError)
    assert halves.asked == [[3]]


def test_who_left_is_not_answered_and_the_others_are() -> None:
    halves = Halves()

    async def leave() -> int:
        gone = asyncio.create_task(halves.gathered.ask(10))
        stays = asyncio.create_task(halves.gathered.ask(20))
        asyncio.get_running_loop().call_soon(gone.cancel)
        answer = await stays
        with pytest.raises(asyncio.CancelledError):
            await gone
        return answer

    assert asyncio.run(leave()) == 10
    assert halves.asked == [[20]]
