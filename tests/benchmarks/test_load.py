"""The load measurement counts what it should: nothing is forgiven, and a mixed answer is found."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from benchmarks.scoring import load, publishing, steady, wrk
from benchmarks.scoring.asking import Request
from benchmarks.scoring.made import MARK
from benchmarks.scoring.steady import Address, Reply

GOOD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@asynccontextmanager
async def server(answer: Callable[[int], tuple[float, bytes]]) -> AsyncIterator[Address]:
    """Answers request number so and so after some seconds, with some bytes."""
    asked, talks = 0, []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        talks.append(asyncio.current_task())
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                number, asked = asked, asked + 1
                wait, said = answer(number)
                await asyncio.sleep(wait)
                writer.write(said)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    listening = await asyncio.start_server(talk, "127.0.0.1", 0)
    host, port = listening.sockets[0].getsockname()
    yield Address(host, port)
    listening.close()
    await asyncio.gather(*talks)
    await asyncio.sleep(0)  # their connections close


def asked(answer: Callable[[int], tuple[float, bytes]], rate: float, seconds: float) -> list[Reply]:
    async def run() -> list[Reply]:
        async with server(answer) as address:
            return await steady.ask(address, [Request("/a").raw("shop", "")], rate, seconds)

    return asyncio.run(run())


def test_a_slow_answer_does_not_keep_the_others_from_leaving_in_time() -> None:
    replies = asked(lambda number: (2.0 if number == 0 else 0.0, GOOD), rate=50, seconds=0.2)
    assert len(replies) == 10
    assert replies[0].seconds >= 2
    assert all(reply.sent + reply.seconds < 2 for reply in replies[1:])


def test_lateness_of_the_generator_is_charged_to_the_latency() -> None:
    replies = asked(lambda _: (0.0, GOOD), rate=20, seconds=0.2)
    assert all(reply.seconds >= reply.late >= 0 for reply in replies)


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (b"HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n", 500),
        (b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", 429),
        (b"HTTP/1.1 200 OK\r\n\r\n", 0),
        (b"nonsense\r\n\r\n", 0),
    ],
)
def test_whatever_is_not_a_whole_answer_is_an_error(said: bytes, status: int) -> None:
    replies = asked(lambda number: (0.0, said if number == 2 else GOOD), rate=50, seconds=0.1)
    assert [reply.status for reply in replies].count(status) == 1
    assert steady.summary(replies)["errors"] == 1


def test_a_server_that_is_not_there_is_all_errors() -> None:
    replies = asyncio.run(steady.ask(Address("127.0.0.1", 1), [b""], rate=50, seconds=0.1))
    assert steady.summary(replies)["errors"] == len(replies) == 5


def test_a_request_goes_over_the_wire_with_its_key_and_its_length() -> None:
    raw = Request("/v1/baskets", '{"n": "é"}').raw("shop", "secret").decode()
    head, body = raw.split("\r\n\r\n")
    assert head.splitlines()[0] == "POST /v1/baskets HTTP/1.1"
    assert "Authorization: Bearer secret" in head
    assert f"Content-Length: {len(body.encode())}" in head
    assert "Authorization" not in Request("/a").raw("shop", "").decode()


def test_what_wrk_says_is_read() -> None:
    line = f'Running\n{wrk._MARK}{{"requests": 10, "seconds": 2, "p50_ms": 1, "p99_ms": 3, "errors": 4}}\n'
    found = wrk.read(line)
    assert (found.rate, found.errors) == (5.0, 4)


# A bundle published meanwhile ------------------------------------------------------------------------


def reply(question: int, bundle_id: str, products: str, mark: str = "", status: int = 200) -> Reply:
    items = [{"product_id": p, "title": p.upper() + mark, "rank": 1} for p in products]
    body = json.dumps({"bundle_id": bundle_id, "items": items, "request_id": question}).encode()
    return Reply(question, 0, 0, 0, status, body)


ONE = [reply(0, "one", "ab"), reply(1, "one", "cd")]
TWO = [reply(0, "two", "ba", MARK), reply(1, "two", "dc", MARK)]


def judged(replies: list[Reply]) -> dict[str, int]:
    alone = {"one": publishing.answers(ONE), "two": publishing.answers(TWO)}
    found = publishing.judge(replies, alone, ("one", "two"))
    return {name: found[name] for name in ("failed", "mixed", "of_first", "of_second")}


def test_answers_that_each_bundle_gave_alone_are_right() -> None:
    assert judged(ONE + TWO + ONE) == {"failed": 0, "mixed": 0, "of_first": 4, "of_second": 2}


@pytest.mark.parametrize(
    "wrong",
    [
        reply(0, "two", "ab", MARK),  # the lists of one bundle with the titles of the other
        reply(0, "two", "ba"),
        reply(0, "one", "ba", MARK),  # all of one, but its name
        reply(0, "three", "ab"),
        reply(0, "one", "cd"),  # the answer to another question
    ],
)
def test_an_answer_of_two_bundles_is_mixed(wrong: Reply) -> None:
    assert judged([*ONE, wrong])["mixed"] == 1


def test_a_failed_answer_is_counted() -> None:
    assert judged([*ONE, reply(0, "one", "ab", status=503)])["failed"] == 1


def test_bundles_that_answer_alike_tell_nothing() -> None:
    same = {"one": publishing.answers(ONE)}
    same["two"] = publishing.answers([reply(0, "two", "ab", MARK), reply(1, "two", "cd", MARK)])
    with pytest.raises(SystemExit, match="both bundles list the same"):
        publishing.judge(ONE, same, ("one", "two"))


def test_a_bundle_that_answers_under_another_name_tells_nothing() -> None:
    alone = {"one": publishing.answers(ONE), "two": publishing.answers(ONE)}
    with pytest.raises(SystemExit, match="of another bundle"):
        publishing.judge(ONE, alone, ("one", "two"))


def test_latencies_are_told_in_milliseconds_with_the_slowest() -> None:
    found = steady.summary([Reply(0, 0, number / 1000, 0, 200, b"") for number in range(1, 102)])
    assert (found["p50_ms"], found["p99_ms"], found["max_ms"]) == (51, 100, 101)


def test_the_table_has_a_row_for_each_side() -> None:
    table = load.as_markdown({"full_load": {"live": {"per_second": 1234.5}, "peer": {"errors": 0}}})
    assert "| full load | per second | errors |" in table
    assert "| live | 1,234.5 |  |" in table
