"""What a request may be: a path that can be read, and an address, headers and body of bounded size."""

import re
from urllib.parse import unquote_to_bytes

from fastapi import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from advocate.serving.problems import problem
from warehouse.paths import routable

MAX_BODY = 1024 * 1024
MAX_LIST = 20 * 1024 * 1024
"""Of a list that somebody brings back to the review desk."""
MAX_ADDRESS = 32 * 1024
MAX_HEADERS = 32 * 1024
"""Bytes, all of them."""

_LISTS = re.compile(r"/desk/batches/[^/]+/import")


class Limits:
    """Refuses what is too large or cannot be read, before anything else is done with it.

    Args:
        app: what answers the rest.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if refused := _flaw(scope):
            status, detail = refused
            # What is not read any more would be taken for the next request.
            headers = {"connection": "close"} if status == 413 else None
            await problem(scope, status, detail, headers=headers)(scope, receive, send)
            return
        await self._app(scope, _counted(receive, _most(scope)), send)


def _flaw(scope: Scope) -> tuple[int, str] | None:
    path, query = scope.get("raw_path") or scope["path"].encode(), scope["query_string"]
    length = len(path) + len(query)
    if length > MAX_ADDRESS:
        return 414, f"the address has {length:,} bytes; at most {MAX_ADDRESS:,} are read"
    try:
        scope["path"] = routable(path)
        if b"%" in query:
            unquote_to_bytes(query).decode("utf-8")
        query.decode("ascii")
    except UnicodeDecodeError:
        return 400, "the address is not UTF-8, written with % where it is not ASCII; encode it so"
    return _flaw_of_headers(scope["headers"], _most(scope))


def _most(scope: Scope) -> int:
    """How large a request's body may be."""
    brings = scope["method"] == "POST" and _LISTS.fullmatch(scope["path"])
    return MAX_LIST if brings else MAX_BODY


def _too_large(most: int) -> str:
    return f"the body is larger than {most:,} bytes; send less at once"


def _flaw_of_headers(headers: list[tuple[bytes, bytes]], most: int) -> tuple[int, str] | None:
    size = 0
    for name, value in headers:
        size += len(name) + len(value)
        if name == b"content-length" and (not value.isdigit() or len(value) > 18 or int(value) > most):
            return 413, _too_large(most)
    if size > MAX_HEADERS:
        return 431, f"the headers have {size:,} bytes; at most {MAX_HEADERS:,} are read"
    return None


def _counted(receive: Receive, most: int) -> Receive:
    """Counts the body as it comes: its length may be untold, or told wrongly."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        if message["type"] == "http.request":
            seen += len(message.get("body", b""))
            if seen > most:
                raise HTTPException(413, _too_large(most), headers={"connection": "close"})
        return message

    return counted
