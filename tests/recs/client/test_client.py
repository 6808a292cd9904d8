"""The client gives a page an answer in time, or says why there is none."""

import asyncio
import inspect
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from recs.answers import Answer, Recommendation
from recs.client import (
    Advocate,
    AsyncAdvocate,
    Context,
    Event,
    Flaw,
    KeyRefusedError,
    NoAnswerError,
    NotFoundError,
    RefusedError,
    ServerError,
    TooOftenError,
)
from recs.client.asking import headers_of
from recs.scoring import Scorer
from tests.recs.client.conftest import ANSWER, Reply, Scripted

PROBLEM = {"content-type": "application/problem+json"}
Ask = Callable[..., Any]


@pytest.fixture(params=["blocking", "awaiting"])
def ask(request: pytest.FixtureRequest, scripted: Scripted) -> Ask:
    """`ask("recommend", "c00")` of a client of either kind."""

    def blocking(method: str, *args: Any, named: dict[str, Any] | None = None, **how: Any) -> Any:
        with Advocate(scripted.url, "adv_key", **how) as shop:
            return getattr(shop, method)(*args, **(named or {}))

    def awaiting(method: str, *args: Any, named: dict[str, Any] | None = None, **how: Any) -> Any:
        async def asked() -> Any:
            async with AsyncAdvocate(scripted.url, "adv_key", **how) as shop:
                return await getattr(shop, method)(*args, **(named or {}))

        return asyncio.run(asked())

    return blocking if request.param == "blocking" else awaiting


def test_it_loads_nothing_but_httpx() -> None:
    program = (
        "import sys, recs.client; print([m for m in"
        " ('polars', 'numpy', 'sqlalchemy', 'pydantic', 'fastapi', 'warehouse') if m in sys.modules])"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=root
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("method", ["recommend", "score", "similar", "for_basket", "explain", "take"])
def test_its_methods_are_those_of_the_scorer(method: str) -> None:
    for client in (Advocate, AsyncAdvocate):
        ours, theirs = (inspect.signature(getattr(kind, method)).parameters for kind in (client, Scorer))
        assert list(ours) == list(theirs)
        assert [p.kind for p in ours.values()] == [p.kind for p in theirs.values()]
    assert inspect.iscoroutinefunction(getattr(AsyncAdvocate, method))


def test_an_answer_is_what_the_scorer_gives(ask: Ask, scripted: Scripted) -> None:
    item = Recommendation("milk", "Milk", 0.5, 1, "because", "b")
    assert ask("recommend", "c00") == Answer("b", "customer", "champion", (item,))
    ((_, path, headers, _),) = scripted.asked
    assert path == "/v1/customers/c00/recommendations?slate=for_you&n=10"
    assert headers["authorization"] == "Bearer adv_key"


@pytest.mark.parametrize(
    ("id_", "part"), [("a/b", "a%2Fb"), ("50%", "50%25"), ("ü", "%C3%BC"), ("..", "%2E%2E"), ("a.b", "a.b")]
)
def test_ids_are_written_so_that_they_stay_one_part(
    ask: Ask, scripted: Scripted, id_: str, part: str
) -> None:
    ask("similar", id_, 3)
    assert scripted.asked[0][1] == f"/v1/products/{part}/similar?n=3"


def test_a_context_goes_into_the_query_or_the_body(ask: Ask, scripted: Scripted) -> None:
    context = Context(exclude=["a", "b"], categories=["c"], max_price=5, in_stock=["d"], seed=0)
    ask("recommend", "c00", named={"context": context})
    ask("for_basket", ["milk"], named={"context": context})
    query = "exclude=a&exclude=b&category=c&in_stock=d&max_price=5&seed=0"
    assert scripted.asked[0][1].endswith(f"n=10&{query}")
    said = {"exclude": ["a", "b"], "category": ["c"], "in_stock": ["d"], "max_price": 5, "seed": 0}
    assert scripted.asked[1][3] == {"products": ["milk"], "views": [], "n": 10, **said}


@pytest.mark.parametrize("passing", [Reply(503), Reply(502), Reply(504), Reply(429), Reply(0)])
def test_what_passes_is_asked_again(ask: Ask, scripted: Scripted, passing: Reply) -> None:
    scripted.replies = [passing, passing, Reply(200, ANSWER)]
    assert len(ask("score", "c00", ["milk"], timeout=5)) == 1
    assert len(scripted.asked) == 3


def test_events_that_are_sent_again_are_the_same_events(ask: Ask, scripted: Scripted) -> None:
    scripted.replies = [Reply(0), Reply(202, {"stored": 1})]
    assert ask("take", [Event("c00", "milk", "view")], timeout=5) == 1
    first, second = (body for *_, body in scripted.asked)
    assert first == second
    assert len(first["events"][0]["key"]) == 36


def test_after_the_retries_the_problem_is_told(ask: Ask, scripted: Scripted) -> None:
    problem = {"title": "Service Unavailable", "status": 503, "detail": "nothing yet", "request_id": "r"}
    scripted.replies = [Reply(503, problem, PROBLEM)]
    with pytest.raises(ServerError, match=r"503 Service Unavailable: nothing yet \(request r\)"):
        ask("recommend", "c00", timeout=5, retries=1)
    assert len(scripted.asked) == 2


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, KeyRefusedError), (403, KeyRefusedError), (404, NotFoundError), (422, RefusedError)],
)
def test_a_request_at_fault_is_not_sent_again(
    ask: Ask, scripted: Scripted, status: int, kind: type[RefusedError]
) -> None:
    said = {"title": "t", "detail": "d", "request_id": "r", "errors": [{"where": "query n", "what": "is 0"}]}
    scripted.replies = [Reply(status, said, PROBLEM)]
    with pytest.raises(kind) as caught:
        ask("recommend", "c00")
    assert len(scripted.asked) == 1
    assert (caught.value.problem.status, caught.value.problem.request_id) == (status, "r")
    assert caught.value.problem.errors == (Flaw("query n", "is 0"),)


def test_a_short_wait_is_kept_and_a_long_one_is_told(ask: Ask, scripted: Scripted) -> None:
    scripted.replies = [Reply(429, headers={"retry-after": "1"}), Reply(200, ANSWER)]
    began = time.monotonic()
    ask("recommend", "c00", timeout=10)
    assert time.monotonic() - began >= 1
    scripted.replies = [Reply(429, headers={"retry-after": "60"})]
    with pytest.raises(TooOftenError) as caught:
        ask("recommend", "c00", timeout=10)
    assert caught.value.retry_after == 60


def test_the_time_limit_is_for_all_attempts_together(ask: Ask, scripted: Scripted) -> None:
    scripted.replies = [Reply(200, ANSWER, seconds=3)]
    began = time.monotonic()
    with pytest.raises(NoAnswerError, match=r"no answer within 0.2 s"):
        ask("recommend", "c00", timeout=0.2, retries=100)
    assert time.monotonic() - began < 1.5


def test_a_server_that_is_not_there_is_told(ask: Ask, scripted: Scripted) -> None:
    with Advocate("http://127.0.0.1:1", timeout=2) as shop, pytest.raises(NoAnswerError, match="3 attempts"):
        shop.recommend("c00")


@pytest.mark.parametrize("body", [None, "text", [], {"items": 3}, {"bundle_id": "b"}])
def test_an_answer_that_cannot_be_read_is_told(ask: Ask, scripted: Scripted, body: object) -> None:
    scripted.replies = [Reply(200, body)]
    with pytest.raises(NoAnswerError, match=r"cannot be read; is 127\.0\.0\.1 the recommendation service"):
        ask("recommend", "c00")


def test_an_error_of_a_proxy_is_told_without_a_problem(ask: Ask, scripted: Scripted) -> None:
    scripted.replies = [Reply(500, {"some": "thing"})]
    with pytest.raises(ServerError, match="does not come from the recommendation service itself"):
        ask("recommend", "c00")


@pytest.mark.parametrize("in_stock", [[], ["p"] * 101])
def test_what_an_address_cannot_say_goes_into_a_body(
    ask: Ask, scripted: Scripted, in_stock: list[str]
) -> None:
    ask("recommend", "c00", named={"context": Context(in_stock=in_stock)})
    ((method, path, _, body),) = scripted.asked
    assert (method, path) == ("POST", "/v1/customers/c00/recommendations")
    assert body == {"slate": "for_you", "n": 10, "in_stock": in_stock}


@pytest.mark.parametrize("in_stock", [[], ["p"] * 101])
def test_so_does_what_is_similar(ask: Ask, scripted: Scripted, in_stock: list[str]) -> None:
    ask("similar", "milk", 3, named={"context": Context(in_stock=in_stock)})
    ((method, path, _, body),) = scripted.asked
    assert (method, path) == ("POST", "/v1/products/milk/similar")
    assert body == {"n": 3, "in_stock": in_stock}


def test_an_answer_that_cannot_be_unpacked_is_told_and_not_asked_for_again(
    ask: Ask, scripted: Scripted
) -> None:
    scripted.replies = [Reply(200, ANSWER, {"content-encoding": "gzip"})]
    with pytest.raises(NoAnswerError, match="no answer that can be read"):
        ask("recommend", "c00", timeout=5)
    assert len(scripted.asked) == 1


def test_an_address_that_is_none_is_told(ask: Ask, scripted: Scripted) -> None:
    with pytest.raises(NoAnswerError, match="URL"):
        ask("recommend", "c" * 70_000, timeout=5)
    assert scripted.asked == []


@pytest.mark.parametrize(
    "said", [[], "text", {"errors": [{"where": "query n"}, "n"]}, {"errors": 3}, {"errors": {"n": 1}}]
)
def test_a_problem_of_another_shape_is_a_problem_all_the_same(
    ask: Ask, scripted: Scripted, said: object
) -> None:
    scripted.replies = [Reply(422, said, PROBLEM)]
    with pytest.raises(RefusedError):
        ask("recommend", "c00")


def test_what_connecting_took_is_not_there_for_reading(scripted: Scripted) -> None:
    scripted.replies = [Reply(200, ANSWER, seconds=5)]
    slow = socket.create_connection

    def connect(*args: Any, **named: Any) -> socket.socket:
        time.sleep(0.6)
        return slow(*args, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "create_connection", connect)
        began = time.monotonic()
        with Advocate(scripted.url, timeout=1) as shop, pytest.raises(NoAnswerError):
            shop.recommend("c00")
        assert time.monotonic() - began < 1.4


def test_an_answer_that_trickles_in_is_not_waited_for() -> None:
    with trickling() as url:
        for asked in (blocking_at, awaiting_at):
            began = time.monotonic()
            with pytest.raises(NoAnswerError, match=r"no answer within 0\.5 s"):
                asked(url)
            assert time.monotonic() - began < 1.2


def blocking_at(url: str) -> None:
    with Advocate(url, timeout=0.5) as shop:
        shop.recommend("c00")


def awaiting_at(url: str) -> None:
    async def ask() -> None:
        async with AsyncAdvocate(url, timeout=0.5) as shop:
            await shop.recommend("c00")

    asyncio.run(ask())


@contextmanager
def trickling() -> Iterator[str]:
    """A server that sends a byte of the body now and then."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-length", "100")
            self.end_headers()
            with suppress(OSError):
                for _ in range(100):
                    self.wfile.write(b" ")
                    time.sleep(0.1)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("kind", [Advocate, AsyncAdvocate])
def test_a_key_from_a_file_may_end_in_a_line_break_and_is_never_shown(kind: Any) -> None:
    assert headers_of("adv_key\n") == headers_of("adv_key")
    with pytest.raises(ValueError, match="cannot be an API key") as told:
        kind("http://shop.example", "adv_secret\nX-Other: 1")
    assert "secret" not in str(told.value)
