"""Uvicorn's protocol, bounded: heads that never end, and bytes that are not HTTP, are told so."""

import asyncio
import json
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from advocate.serving.limits import MAX_ADDRESS, MAX_HEADERS
from advocate.serving.problems import MEDIA_TYPE

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

    def data_received(self, data: bytes) -> None:
        """Reads on."""
        super().data_received(data)
        if self._in_head:
            self._in_head += len(data)
            if self._in_head > MAX_HEAD and not self.transport.is_closing():
                self._refuse(431, f"the address and headers have more than {MAX_HEAD:,} bytes; send less")

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._in_head = 1
        self._late = self.loop.call_later(HEAD_SECONDS, self._too_late)

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._done()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """The caller is gone."""
        self._done()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Answers what is not HTTP."""
        self._refuse(400, f"this is not an HTTP request that can be read ({msg.rstrip('.')})")

    def _too_late(self) -> None:
        if not self.transport.is_closing():
            self._refuse(408, f"the headers took longer than {HEAD_SECONDS:.0f} s; ask again")

    def _done(self) -> None:
        self._in_head = 0
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _refuse(self, status: int, detail: str) -> None:
        self._done()
        line = STATUS_LINE[status]
        title = line.decode().split(" ", 2)[2].strip()
        body = json.dumps(
            {"type": f"/docs#problem-{status}", "title": title, "status": status, "detail": detail}
        ).encode()
        head = f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        self.transport.write(line + head.encode("ascii") + body)
        self.transport.close()
