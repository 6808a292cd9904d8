"""A server that is told to end finishes what it took; one that is killed loses no event it has confirmed."""

import os
import signal
import socket
import time
from pathlib import Path

import httpx
import polars as pl
import pytest
from fastapi import FastAPI

from advocate.serving.process import run
from features.live import since
from recs import archive
from tests.advocate.server.conftest import Running, Serve, alive, children
from warehouse import clock
from warehouse.errors import AdvocateError
from warehouse.settings import Settings

pytestmark = pytest.mark.slow

BODY = b'{"products": ["milk"], "n": 3}'


def half_asked(server: Running) -> socket.socket:
    """A connection on which a request was begun: its head is sent, its body is not."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    head = "POST /v1/baskets HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    connection.sendall(f"{head}content-length: {len(BODY)}\r\n\r\n".encode())
    time.sleep(0.3)
    return connection


def wait_until_closed(server: Running) -> None:
    """Until nobody new is let in."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            httpx.get(f"{server.url}/healthz")
        except httpx.TransportError:
            return
        time.sleep(0.05)
    raise AssertionError("the server goes on taking connections")


def read(connection: socket.socket) -> bytes:
    found = b""
    while chunk := connection.recv(65_536):
        found += chunk
    return found


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_request_that_was_taken_is_finished_and_its_list_is_kept(
    published: Settings, serve: Serve, workers: str
) -> None:
    server = serve(published, "--no-keys", "--workers", workers)
    with half_asked(server) as connection:
        server.process.send_signal(signal.SIGTERM)
        wait_until_closed(server)
        connection.sendall(BODY)
        said = read(connection)
    assert said.startswith(b"HTTP/1.1 200 OK")
    assert server.process.wait(20) == 0
    request_id = said.split(b"x-request-id: ")[1].split(b"\r\n")[0].decode()
    today = clock.now().date()
    lists = archive.read(published, today, today).filter(pl.col("request_id") == request_id).collect()
    assert lists["call"].to_list() == ["basket"]


def test_a_request_that_never_comes_is_not_waited_for_beyond_the_grace(
    published: Settings, serve: Serve
) -> None:
    server = serve(published, "--no-keys", "--grace", "2")
    with half_asked(server):
        began = time.monotonic()
        server.end()
        assert time.monotonic() - began < 10


def test_while_it_drains_it_is_unready_and_answers_all_else(published: Settings, serve: Serve) -> None:
    server = serve(published, "--no-keys", "--drain", "2")
    assert httpx.get(f"{server.url}/readyz").status_code == 200
    server.process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    unready = httpx.get(f"{server.url}/readyz")
    assert unready.status_code == 503
    assert "shutting down" in unready.json()["detail"]
    assert httpx.get(f"{server.url}/v1/customers/c00/recommendations").status_code == 200
    assert server.process.wait(20) == 0


def test_a_worker_that_is_killed_is_replaced_and_no_confirmed_event_is_lost(
    published: Settings, serve: Serve
) -> None:
    server = serve(published, "--no-keys", "--workers", "2")
    confirmed = []
    for number in range(20):
        event = {"customer_id": "c00", "product_id": "milk", "kind": "view", "key": f"killed-{number}"}
        answer = httpx.post(f"{server.url}/v1/events", json={"events": [event]})
        assert (answer.status_code, answer.json()) == (202, {"stored": 1})
        confirmed.append(event["key"])
    before = workers_of(server)
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + 120  # a worker imports for seconds, and longer on a busy machine
    while workers_of(server) & before or len(workers_of(server)) < 2:
        assert time.monotonic() < until
        time.sleep(0.1)
    while time.monotonic() < until:
        try:
            if httpx.get(f"{server.url}/readyz", timeout=5).status_code == 200:
                break
        except httpx.TransportError:
            time.sleep(0.1)
    stored = {one.event.key for one in since(published, 0)}
    assert set(confirmed) <= stored
    again = {"customer_id": "c00", "product_id": "milk", "kind": "view", "key": confirmed[0]}
    assert httpx.post(f"{server.url}/v1/events", json={"events": [again]}).json() == {"stored": 0}


def workers_of(server: Running) -> set[int]:
    """The processes that answer; not those that only look after shared things."""
    return {pid for pid in children(server.process.pid) if alive(pid) and _spawned(pid)}


def _spawned(pid: int) -> bool:
    return b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()


def test_a_port_that_is_in_use_is_said_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AdvocateError, match=f"port {port} of 127.0.0.1 cannot be listened on: .*--port"):
            run(FastAPI, host="127.0.0.1", port=port, workers=1, grace=2, level="info")
