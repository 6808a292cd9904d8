"""Questions that wait at the same moment, answered together.

On the event loop, questions that are ready to be answered in one of its turns are handed over at once. Who
asks alone waits for nobody; under load many share what answering costs but once.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Q = TypeVar("Q")
A = TypeVar("A")

MOST = 16
"""Questions that are answered at once, at most: other requests wait for the event loop meanwhile."""


class Gathered(Generic[Q, A]):
    """Answers questions of one event loop, those of one turn together.

    Args:
        answer: gives an answer for each question, in their order; called on the event loop.
    """

    def __init__(self, answer: Callable[[Sequence[Q]], Sequence[A]]) -> None:
        self._answer = answer
        self._waiting: deque[tuple[Q, asyncio.Future[A]]] = deque()

    async def ask(self, question: Q) -> A:
        """The answer.

        Raises:
            Exception: what answering raised; nobody else's question is answered worse for it.
        """
        loop = asyncio.get_running_loop()
        mine: asyncio.Future[A] = loop.create_future()
        self._waiting.append((question, mine))
        if len(self._waiting) == 1:
            loop.call_soon(self._turn, loop)
        return await mine

    def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        """Answers the first that wait; the others in the next turn of the loop."""
        first = [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]
        if self._waiting:
            loop.call_soon(self._turn, loop)
        # Whoever left takes no answer.
        asked = [(question, future) for question, future in first if not future.done()]
        if not asked:
            return
        try:
            answers = self._answer([question for question, _ in asked])
        except Exception as error:  # noqa: BLE001 whatever it is: it belongs to one of them
            self._alone(asked, error)
        else:
            for (_, future), answer in zip(asked, answers, strict=True):
                future.set_result(answer)

    def _alone(self, asked: Sequence[tuple[Q, "asyncio.Future[A]"]], error: Exception) -> None:
        """Answers each on its own after they failed together, so that one bad question harms no other."""
        for question, future in asked:
            try:
                if len(asked) == 1:
                    raise error
                future.set_result(self._answer([question])[0])
            except Exception as own:  # noqa: BLE001
                future.set_exception(own)
