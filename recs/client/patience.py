"""How long a question is worth asking: one time limit for all attempts, and pauses that grow, by chance."""

import random
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

import httpx

from recs.client.asking import Question
from recs.client.errors import (
    ClientError,
    Flaw,
    KeyRefusedError,
    NoAnswerError,
    NotFoundError,
    Problem,
    RefusedError,
    ServerError,
    TooOftenError,
)

PASSING = frozenset({429, 502, 503, 504})
"""Statuses after which the same question may be answered."""
FAILURES = (httpx.HTTPError, httpx.InvalidURL, TimeoutError)
"""What an attempt may end with instead of an answer."""
FIRST_PAUSE = 0.02
LONGEST_PAUSE = 1.0

T = TypeVar("T")


class Patience:
    """The attempts at one question. Each may be asked again: reads change nothing, and events have keys.

    Args:
        timeout: seconds for all attempts and pauses together.
        retries: attempts after the first.
    """

    def __init__(self, timeout: float, retries: int) -> None:
        self._timeout, self._retries = timeout, retries
        self._until = time.monotonic() + timeout
        self._made = 0

    @property
    def left(self) -> float:
        """Seconds that are left, above 0 so that a client can take them as a limit."""
        return max(self._until - time.monotonic(), 0.001)

    @property
    def limits(self) -> Mapping[str, float]:
        """What is left, as httpx asks for it before it connects, writes and reads: each time anew."""
        return _Left(self)

    def during(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """The parts of a body, as long as there is time for them.

        Raises:
            TimeoutError: there is not.
        """
        for chunk in chunks:
            yield chunk
            if time.monotonic() > self._until:
                raise TimeoutError("the answer was not whole in time")

    def pause_after_error(self, error: Exception) -> float:
        """Seconds until the next attempt.

        Raises:
            NoAnswerError: there is to be no other.
        """
        self._made += 1
        passes = isinstance(error, httpx.TransportError | TimeoutError)
        pause = self._pause(0) if passes else None
        if pause is None:
            kind = str(error) or type(error).__name__
            when = (
                f"within {self._timeout:g} s, after {self._made} attempts" if passes else "that can be read"
            )
            raise NoAnswerError(f"no answer {when}: {kind}") from error
        return pause

    def pause_after(self, response: httpx.Response) -> float | None:
        """Seconds until the next attempt; `None` where this answer is to be taken, good or bad."""
        self._made += 1
        if response.status_code not in PASSING:
            return None
        return self._pause(_retry_after(response))

    def _pause(self, at_least: float) -> float | None:
        if self._made > self._retries:
            return None
        # "Full jitter": callers that failed together do not come back together.
        longest = min(FIRST_PAUSE * 2**self._made, LONGEST_PAUSE)
        pause = at_least + random.uniform(0, longest)  # noqa: S311  no secret
        return pause if pause < self._until - time.monotonic() else None


class _Left(Mapping[str, float]):
    """Seconds for each of httpx's phases: all that are left, when a phase asks."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience

    def __getitem__(self, phase: str) -> float:
        return self._patience.left

    def __iter__(self) -> Iterator[str]:
        return iter(("connect", "read", "write", "pool"))

    def __len__(self) -> int:
        return 4


def taken(question: Question[T], response: httpx.Response) -> T:
    """What the last answer says.

    Raises:
        ClientError: it is an error, or cannot be read.
    """
    if response.is_success:
        try:
            return question.read(response.json())
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise NoAnswerError(
                f"the answer to {question.method} {question.path} cannot be read; is {response.url.host} "
                "the recommendation service, and as new as this client?"
            ) from error
    raise _error(response)


def _error(response: httpx.Response) -> ClientError:
    problem, status = _problem(response), response.status_code
    if status == 429:
        return TooOftenError(problem, _retry_after(response))
    if status in (401, 403):
        return KeyRefusedError(problem)
    if status == 404:
        return NotFoundError(problem)
    return RefusedError(problem) if status < 500 else ServerError(problem)


def _problem(response: httpx.Response) -> Problem:
    """What the service said; a proxy in between says less."""
    said: Mapping[str, Any] = {}
    if response.headers.get("content-type", "").startswith("application/problem+json"):
        try:
            read = response.json()
        except (ValueError, RecursionError):
            read = None
        said = read if isinstance(read, dict) else {}
    return Problem(
        response.status_code,
        str(said.get("title", response.reason_phrase)),
        str(said.get("detail", "the answer does not come from the recommendation service itself")),
        str(said.get("request_id", response.headers.get("x-request-id", ""))),
        tuple(_flaws(said.get("errors"))),
    )


def _flaws(said: object) -> Iterator[Flaw]:
    for one in said if isinstance(said, list) else ():
        if isinstance(one, dict):
            yield Flaw(str(one.get("where", "")), str(one.get("what", "")))


def _retry_after(response: httpx.Response) -> float:
    said = response.headers.get("retry-after", "")
    return float(said) if said.isascii() and said.isdigit() else 0.0
