"""A server that answers as it is told to, and notes what it was asked."""

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

ANSWER = {
    "bundle_id": "b",
    "source": "customer",
    "arm": "champion",
    "items": [{"rank": 1, "product_id": "milk", "title": "Milk", "score": 0.5, "reason": "because"}],
}


@dataclass
class Reply:
    """One answer; `seconds` is how long it takes, status 0 cuts the connection instead."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0


@dataclass
class Scripted:
    """What will be answered, in this order, the last one ever after; and what was asked."""

    url: str
    replies: list[Reply]
    asked: list[tuple[str, str, dict[str, str], Any]]


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    script = Scripted("", [Reply(200, ANSWER)], [])

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            length = int(self.headers.get("content-length", 0))
            body = json.loads(self.rfile.read(length)) if length else None
            named = {name.lower(): value for name, value in self.headers.items()}
            script.asked.append((self.command, self.path, named, body))
            reply = script.replies.pop(0) if len(script.replies) > 1 else script.replies[0]
            time.sleep(reply.seconds)
            if not reply.status:
                self.close_connection = True
                return
            content = b"" if reply.body is None else json.dumps(reply.body).encode()
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    script.url = f"http://127.0.0.1:{server.server_port}"
    yield script
    server.shutdown()
    server.server_close()
    thread.join()
