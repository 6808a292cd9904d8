"""Uvicorn's protocol, bounded: heads that never end, and bytes that are not HTTP, are told so."""

import asyncio
from typing import Any
from uuid import uuid4

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from advocate.serving.limits import MAX_ADDRESS, MAX_HEADERS
from advocate.serving.problems import problem
from advocate.serving.watching import HEADERS

MAX_LINE = MAX_ADDRESS + 8 * 1024
"""Bytes of an address; the parser itself cannot read more than 65,535."""
MAX_HEAD = MAX_ADDRESS + MAX_HEADERS + 16 * 1024
"""Bytes of a request's first line and headers; above what `Limits` says in words of its own."""
HEAD_SECONDS = 10.0
"""Longest time from the first byte of a request's head to its last."""


class Bounded(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._in_head = 0
        self._late: asyncio.TimerHandle | None = None
        self._refused = False

    def data_received(self, data: bytes) -> None:
        """Reads on."""
        super().data_received(data)
        if self._in_head:
            self._in_head += len(data)
            if self._in_head > MAX_HEAD:
                self._refuse(431, f"the address and headers have more than {MAX_HEAD:,} bytes; send less")

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._in_head = 1
        self._late = self.loop.call_later(HEAD_SECONDS, self._too_late)

    def on_url(self, url: bytes) -> None:
        """A part of the address."""
        super().on_url(url)
        if len(self.url) > MAX_LINE:
            self._refuse(
                414, f"the address has more than {MAX_LINE:,} bytes; at most {MAX_ADDRESS:,} are read"
            )

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._done()
        if not self._refused:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The body is whole."""
        if not self._refused:
            super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """The caller is gone."""
        self._done()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Answers what is not HTTP."""
        self._refuse(400, f"this is not an HTTP request that can be read ({msg.rstrip('.')})")

    def _too_late(self) -> None:
        self._refuse(408, f"the headers took longer than {HEAD_SECONDS:.0f} s; ask again")

    def _done(self) -> None:
        self._in_head = 0
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _refuse(self, status: int, detail: str) -> None:
        self._done()
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        request_id = uuid4().hex
        headers = {"connection": "close", "x-request-id": request_id}
        told = problem({"state": {"request_id": request_id}}, status, detail, headers=headers)
        head = b"".join(name + b": " + value + b"\r\n" for name, value in (*told.raw_headers, *HEADERS))
        self.transport.write(STATUS_LINE[status] + head + b"\r\n" + bytes(told.body))
        self.transport.close()
