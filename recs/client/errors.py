"""What can go wrong for a caller of the HTTP API.

ClientError
├── NoAnswerError        there was none in time, or none that can be read; another may have happened unseen
├── RefusedError         the request is at fault (4xx); asking again changes nothing
│   ├── KeyRefusedError  the API key is missing, wrong or has not the scope (401, 403)
│   ├── NotFoundError    there is no such product or call (404)
│   └── TooOftenError    the key asked more often than it may (429); see `retry_after`
└── ServerError          the service is at fault (5xx), also after retries
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Flaw:
    """One value that is not as it should be."""

    where: str
    what: str


@dataclass(frozen=True, slots=True)
class Problem:
    """What the service said (RFC 9457); `request_id` is what its log has it under."""

    status: int
    title: str
    detail: str
    request_id: str
    errors: tuple[Flaw, ...] = ()


class ClientError(Exception):
    """There is no answer to show; a shop page goes on without one."""


class NoAnswerError(ClientError):
    """There was no answer in time, or none that can be read."""


class RefusedError(ClientError):
    """The request is at fault.

    Attributes:
        problem: what the service said.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(_said(problem))
        self.problem = problem


class KeyRefusedError(RefusedError):
    """The API key is missing, wrong or has not the scope."""


class NotFoundError(RefusedError):
    """There is no such product or call."""


class TooOftenError(RefusedError):
    """The key asked more often than it may.

    Attributes:
        retry_after: seconds to wait; 0 where the service did not say.
    """

    def __init__(self, problem: Problem, retry_after: float = 0) -> None:
        super().__init__(problem)
        self.retry_after = retry_after


class ServerError(ClientError):
    """The service is at fault.

    Attributes:
        problem: what the service said.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(_said(problem))
        self.problem = problem


def _said(problem: Problem) -> str:
    return f"{problem.status} {problem.title}: {problem.detail} (request {problem.request_id or 'unknown'})"
