"""The outermost layer: request ids, the headers of every answer, the log, the figures, and defects as 500."""

import logging
import re
import time
from collections.abc import Iterable
from random import getrandbits
from typing import Protocol

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from advocate.serving.problems import problem

requests = logging.getLogger("advocate.requests")
_SANE = re.compile(rb"[A-Za-z0-9._-]{1,128}")
CLOSED = 499
"""The caller went away before there was an answer; nginx calls it so."""

HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")


class Figures(Protocol):
    """Who counts requests."""

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Counts one."""


class Watch:
    """Sees every request come and go.

    Args:
        app: what answers it.
        figures: who counts it.
    """

    def __init__(self, app: ASGIApp, figures: Figures) -> None:
        self._app, self._figures = app, figures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0
        request_id = request_id_of(scope["headers"])
        scope.setdefault("state", {})["request_id"] = request_id

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = _with_ours(message.get("headers", ()), request_id)
            await send(message)

        try:
            await self._app(scope, receive, sent)
        except Exception:
            requests.exception("a defect of ours", extra={"request_id": request_id, "route": route_of(scope)})
            if status:
                raise  # Half an answer is out; the connection has to be cut.
            detail = "something went wrong here; the log has it under this request id"
            await problem(scope, 500, detail)(scope, receive, sent)
        finally:
            self._note(scope, status or CLOSED, time.perf_counter() - began)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route, state = route_of(scope), scope["state"]
        self._figures.request(route, scope["method"], status, seconds)
        if requests.isEnabledFor(logging.INFO):
            said = {
                "route": route,
                "method": _method(scope),
                "status": status,
                "ms": round(1000 * seconds, 2),
                "request_id": state["request_id"],
                "key": state.get("key"),
            }
            # Not by `info`, which would look for the line of code that calls it, every time.
            record = logging.LogRecord(requests.name, logging.INFO, "", 0, "request", None, None)
            vars(record).update(said)
            requests.handle(record)


def request_id_of(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The caller's `X-Request-ID` where it is harmless in headers and logs, else a new one."""
    for name, value in headers:
        if name == b"x-request-id" and _SANE.fullmatch(value):
            return value.decode("ascii")
    return f"{getrandbits(128):032x}"


def route_of(scope: Scope) -> str:
    """The template of the route that matched, so that no id of anyone reaches logs and figures."""
    return getattr(scope.get("route"), "path_format", "unmatched")


def _with_ours(headers: Iterable[tuple[bytes, bytes]], request_id: str) -> list[tuple[bytes, bytes]]:
    there = list(headers)
    names = {name for name, _ in there}
    ours = [one for one in (*HEADERS, POLICY) if one[0] not in names]
    return [*there, (b"x-request-id", request_id.encode("ascii")), *ours]


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in _METHODS else "other"


_METHODS = frozenset({"GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"})
