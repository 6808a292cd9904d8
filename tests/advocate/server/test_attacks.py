"""What a careless or hostile caller sends gets a 4xx that says what to do, and the server goes on."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest

from tests.advocate.server.conftest import JSON, Running, make_key, starting
from warehouse.settings import Settings

pytestmark = pytest.mark.slow
LIST = "/v1/customers/c00/recommendations"


@pytest.fixture(scope="module")
def server(published: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One server for all attacks, so that each finds it as the one before left it."""
    with starting(tmp_path_factory.mktemp("attacks")) as start:
        yield start(published)


@pytest.fixture(scope="module")
def headers(server: Running, published: Settings) -> dict[str, str]:
    made = {"authorization": f"Bearer {make_key(published, 'recommend', 'events', 'metrics')}"}
    until = time.monotonic() + 5
    while httpx.get(server.url + LIST, headers=made).status_code == 401 and time.monotonic() < until:
        time.sleep(0.1)
    return made


@pytest.fixture(scope="module", autouse=True)
def endless(server: Running) -> Iterator[socket.socket]:
    """A request whose head never ends, begun before all the others, for it takes ten seconds."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n")
        yield connection


def refused(answer: httpx.Response, status: int, *words: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == JSON
    said = answer.json()
    assert said["status"] == status
    for word in words:
        assert word in said["detail"]


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("n=0", 422, ["query n", "greater than or equal to 1"]),
        ("n=1001", 422, ["query n", "less than or equal to 1000"]),
        ("n=99999999999999999999999999", 422, ["query n"]),
        ("n=NaN", 422, ["query n", "integer"]),
        ("n=", 422, ["query n"]),
        ("slate=everything", 422, ["query slate", "'for_you'", "'discover'"]),
        ("limit=3", 422, ["limit is not known; known are: category", "slate"]),
        ("exclude=" + "x" * 129, 422, ["at most 128 characters"]),
        ("exclude=%00", 422, ["query exclude 0", "pattern"]),
        ("market=%FF", 400, ["not UTF-8"]),
        ("seed=-1", 422, ["query seed"]),
        ("&".join(["deny=x"] * 101), 422, ["query deny", "at most 100 items"]),
    ],
)
def test_values_that_cannot_be_are_named(
    server: Running, headers: dict[str, str], query: str, status: int, words: list[str]
) -> None:
    refused(httpx.get(f"{server.url}{LIST}?{query}", headers=headers), status, *words)


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b'{"products": "milk"}', 422, ["body products", "valid list"]),
        (b'{"products": ["milk"], "n": "10"}', 422, ["body n", "valid integer"]),
        (b'{"products": ["milk"], "n": true}', 422, ["body n"]),
        (b'{"products": ["milk"], "n": NaN}', 400, ["NaN is not JSON"]),
        (b'{"products": ["milk"], "n": Infinity}', 400, ["Infinity is not JSON"]),
        (b'{"products": ["milk"], "n": 1e999}', 422, ["body n"]),
        (b'{"products": ["milk"], "n": ' + b"9" * 5000 + b"}", 400, ["5000 digits"]),
        (b'{"products": [null]}', 422, ["body products 0"]),
        (b'{"products": ["milk"], "market": null}', 422, ["body market"]),
        (b'{"products": ["\\u0000"]}', 422, ["body products 0"]),
        (b'{"products": ["\\ud800"]}', 422, ["body products 0"]),
        (b'{"products": [""]}', 422, ["body products 0"]),
        (b'{"products": ["a"], "products": ["b"]}', 400, ["'products' twice"]),
        (b'{"products": ["a"], "limit": 3}', 422, ["body limit is not known; known are", "views"]),
        (b'{"products": ["\xff"]}', 400, ["not UTF-8", "0xff"]),
        (b"[" * 100_000, 400, ["nested too deeply"]),
        (b'{"a":' * 50_000, 400, ["nested too deeply"]),
        (b"[]", 422, ["body"]),
        (b"", 422, ["body is missing"]),
        (b"{", 400, ["not JSON"]),
        (b"{} {}", 400, ["not JSON", "Extra data"]),
        (json.dumps({"products": ["p"] * 501}).encode(), 422, ["at most 500 items"]),
    ],
)
def test_bodies_that_cannot_be_are_told_why(
    server: Running, headers: dict[str, str], body: bytes, status: int, words: list[str]
) -> None:
    kind = {"content-type": "application/json"}
    answer = httpx.post(f"{server.url}/v1/baskets", headers=headers | kind, content=body, timeout=30)
    refused(answer, status, *words)


def test_an_event_that_cannot_be_is_named_and_none_is_stored(
    server: Running, headers: dict[str, str]
) -> None:
    good = {"customer_id": "c00", "product_id": "milk", "kind": "view"}
    for flaw, words in (
        ({"kind": "steal"}, ["body events 1 kind"]),
        ({"at": "yesterday"}, ["body events 1 at", "like 2017-11-30T12:00:00Z"]),
        ({"at": 1512000000}, ["body events 1 at"]),
        ({"customer_id": "a\nb"}, ["body events 1 customer_id"]),
        ({"price": 3}, ["body events 1 price is not known; known are: at, customer_id"]),
    ):
        sent = {"events": [good, good | flaw]}
        refused(httpx.post(f"{server.url}/v1/events", headers=headers, json=sent), 422, *words)


def test_an_event_of_the_far_future_does_not_fit_the_clock(server: Running, headers: dict[str, str]) -> None:
    event = {"customer_id": "c00", "product_id": "milk", "kind": "view", "at": "2999-01-01T00:00:00Z"}
    answer = httpx.post(f"{server.url}/v1/events", headers=headers, json={"events": [event]})
    refused(answer, 409, "event 1", "a day from now", "nothing was stored")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "", "application/xml"])
def test_a_body_of_another_kind_is_refused(server: Running, headers: dict[str, str], kind: str) -> None:
    answer = httpx.post(f"{server.url}/v1/baskets", headers=headers | {"content-type": kind}, content=b"{}")
    refused(answer, 415, "send application/json")


def test_a_wrong_key_is_refused_before_the_body_is_looked_at(server: Running) -> None:
    for wrong in ("nonsense", "adv_" + "a" * 12 + "_" + "b" * 43, "ü" * 50, "x"):
        value = f"Bearer {wrong}".encode()
        answer = httpx.post(f"{server.url}/v1/baskets", headers={b"authorization": value}, content=b"{{{")
        refused(answer, 401, "advocate keys add")
        assert answer.headers["www-authenticate"].startswith("Bearer realm=")


def test_a_body_above_a_mebibyte_is_refused_whatever_its_length_says(
    server: Running, headers: dict[str, str]
) -> None:
    large = b'{"products": [' + b'"x",' * 300_000 + b'"x"]}'
    kind = {"content-type": "application/json"}
    refused(httpx.post(f"{server.url}/v1/baskets", headers=headers | kind, content=large), 413, "1,048,576")
    chunked = (large[at : at + 65_536] for at in range(0, len(large), 65_536))
    refused(httpx.post(f"{server.url}/v1/baskets", headers=headers | kind, content=chunked), 413, "1,048,576")


@pytest.mark.parametrize("length", [b"-1", b"1e3", b"99999999999999999999999", b"5, 5"])
def test_a_length_that_cannot_be_is_refused(server: Running, length: bytes) -> None:
    said = raw(server, b"POST /v1/baskets HTTP/1.1\r\nhost: x\r\ncontent-length: " + length + b"\r\n\r\nx")
    assert said.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 413 "))
    assert b"application/problem+json" in said


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /v1/x?" + b"a" * 40_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n", 414),
        (b"GET /v1/x HTTP/1.1\r\nhost: x\r\nx-big: " + b"a" * 40_000 + b"\r\n\r\n", 431),
        (b"GET /v1/x HTTP/1.1\r\nhost: x\r\nx-big: " + b"a" * 4_000_000, 431),
        (b"GET /" + b"a" * 4_000_000, 414),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n", 414),
        (b"GET /v1/x HTTP/1.1\r\n" + b"x: y\r\n" * 200_000, 431),
        (b"nonsense\r\n\r\n", 400),
        (b"GET /v1/\xff HTTP/1.1\r\nhost: x\r\n\r\n", 400),
        (b"GET /v1/%FF HTTP/1.1\r\nhost: x\r\n\r\n", 400),
        (b"GET /v1/x HTTP/1.1\r\nhost: x\r\nx-a: b\x00c\r\n\r\n", 400),
        (b"POST /v1/x HTTP/1.1\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST /v1/x HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabc", 400),
    ],
)  # fmt: skip
def test_heads_that_cannot_be_read_are_told_so(server: Running, request_: bytes, status: int) -> None:
    said = raw(server, request_)
    assert said.startswith(b"HTTP/1.1 %d " % status), said[:200]
    assert b"application/problem+json" in said
    head, body = said.split(b"\r\n\r\n", 1)
    assert json.loads(body)["status"] == status
    assert f"x-request-id: {json.loads(body)['request_id']}".encode() in head


@pytest.mark.parametrize("path", ["/v1/nothing", "/v1/customers//recommendations", "/v1/customers/c00"])
def test_what_is_not_there_is_404(server: Running, headers: dict[str, str], path: str) -> None:
    refused(httpx.get(server.url + path, headers=headers), 404, "/docs")


def test_a_wrong_method_says_which_is_right(server: Running, headers: dict[str, str]) -> None:
    answer = httpx.delete(server.url + LIST, headers=headers)
    refused(answer, 405, "GET")
    assert answer.headers["allow"] == "GET, POST"


def test_a_request_id_comes_back_only_where_it_is_harmless(server: Running) -> None:
    def id_for(sent: bytes) -> bytes:
        said = raw(server, b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-request-id: " + sent + b"\r\n\r\n")
        return next(line for line in said.split(b"\r\n") if line.lower().startswith(b"x-request-id:"))

    assert id_for(b"page-17.a_b").endswith(b": page-17.a_b")
    for bad in (b"a b", b"a" * 129, b"a%0d%0aset-cookie: x", b'"},{"', b"\xfc", b"<script>"):
        assert len(id_for(bad).split(b": ")[1]) == 32


def test_a_head_that_never_ends_is_not_waited_for(endless: socket.socket) -> None:
    assert endless.recv(65_536).startswith(b"HTTP/1.1 408 ")


def test_after_all_that_it_answers_as_before(server: Running, headers: dict[str, str]) -> None:
    assert httpx.get(server.url + LIST, headers=headers).status_code == 200
    assert [line for line in server.logged() if line["level"] == "error"] == []


def raw(server: Running, sent: bytes) -> bytes:
    """What comes back to bytes that no client library would send; until the server is done."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(sent)
        found = b""
        connection.settimeout(3)
        with suppress(ConnectionResetError, TimeoutError):
            while chunk := connection.recv(65_536):
                found += chunk
                head, _, body = found.partition(b"\r\n\r\n")
                length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                if length and len(body) >= int(length[0].split(b":")[1]):
                    break
        return found
