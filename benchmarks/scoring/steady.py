"""Requests at a fixed rate, whatever the server does: what a shop's visitors do.

Each request has a moment at which it is meant to leave, and its latency counts from there. So a server that
stalls is charged for every request that should have been sent meanwhile (no "coordinated omission"), and
also for the fraction of a millisecond by which this generator may itself be late.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

PATIENCE = 10.0
"""Seconds after which a request counts as failed."""

_OK = 200


@dataclass(frozen=True)
class Reply:
    """What became of one request.

    Attributes:
        question: which request it was.
        sent: when it was meant to leave, seconds from the start.
        seconds: from then to the last byte of the answer.
        late: from then until it left.
        status: the HTTP status, 0 where there was no answer.
        body: the answer, or why there was none.
    """

    question: int
    sent: float
    seconds: float
    late: float
    status: int
    body: bytes

    @property
    def failed(self) -> bool:
        """Whether it is not the answer that was asked for."""
        return self.status != _OK


@dataclass(frozen=True)
class Address:
    """Where a server listens."""

    host: str
    port: int


async def ask(address: Address, requests: Sequence[bytes], rate: float, seconds: float) -> list[Reply]:
    """Sends requests in turn, over and over, at `rate` a second; replies in the order of sending."""
    calls, clock = Connections(address), asyncio.get_running_loop().time
    begun, asked = clock(), []
    for number in range(round(rate * seconds)):
        meant = begun + number / rate
        if (wait := meant - clock()) > 0:
            await asyncio.sleep(wait)
        question = number % len(requests)
        asked.append(asyncio.create_task(_reply(calls, question, requests[question], meant, meant - begun)))
    replies = await asyncio.gather(*asked)
    await calls.close()
    return replies


async def ask_once(address: Address, requests: Sequence[bytes], at_once: int = 8) -> list[Reply]:
    """Sends each request once, a few at a time."""
    calls, clock = Connections(address), asyncio.get_running_loop().time
    room, begun = asyncio.Semaphore(at_once), clock()

    async def one(question: int, request: bytes) -> Reply:
        async with room:
            return await _reply(calls, question, request, clock(), clock() - begun)

    replies = await asyncio.gather(*(one(*numbered) for numbered in enumerate(requests)))
    await calls.close()
    return replies


async def _reply(calls: "Connections", question: int, request: bytes, meant: float, sent: float) -> Reply:
    clock = asyncio.get_running_loop().time
    late = clock() - meant
    try:
        async with asyncio.timeout(PATIENCE):
            status, body = await calls.send(request)
    except (OSError, EOFError, TimeoutError, ValueError) as error:
        status, body = 0, f"{type(error).__name__}: {error}".encode()
    return Reply(question, sent, clock() - meant, late, status, body)


class Connections:
    """Connections that are kept open; one more is opened whenever all are busy."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def send(self, request: bytes) -> tuple[int, bytes]:
        """Status and body of the answer to one request.

        Raises:
            ValueError: it is no answer that this understands: one with a length.
        """
        reader, writer = self._waiting() or await asyncio.open_connection(
            self._address.host, self._address.port
        )
        try:
            writer.write(request)
            status, length, more = read_head(await reader.readuntil(b"\r\n\r\n"))
            body = await reader.readexactly(length)
        except BaseException:
            writer.close()
            raise
        if more:
            self._idle.append((reader, writer))
        else:
            writer.close()
        return status, body

    def _waiting(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """The connection used last that the server did not close meanwhile."""
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof():
                return reader, writer
            writer.close()
        return None

    async def close(self) -> None:
        """Closes them all."""
        for _, writer in self._idle:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for _, writer in self._idle), return_exceptions=True)


def read_head(head: bytes) -> tuple[int, int, bool]:
    """Status, length of the body, and whether the connection stays, from the head of an answer.

    Raises:
        ValueError: it names no length.
    """
    first, *lines = head.decode("latin-1").split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if "content-length" not in fields:
        raise ValueError(f"an answer without a Content-Length: {first}")
    return (
        int(first.split()[1]),
        int(fields["content-length"]),
        fields.get("connection", "").lower() != "close",
    )


def summary(replies: Sequence[Reply]) -> dict[str, float]:
    """Latencies in ms and what failed; a failed request counts as long as it took."""
    took, late = (np.array([getattr(r, name) for r in replies]) * 1e3 for name in ("seconds", "late"))
    return {
        "requests": len(replies),
        "errors": sum(reply.failed for reply in replies),
        "p50_ms": round(float(np.percentile(took, 50)), 2),
        "p99_ms": round(float(np.percentile(took, 99)), 2),
        "max_ms": round(float(took.max()), 2),
        "late_p99_ms": round(float(np.percentile(late, 99)), 2),
    }
