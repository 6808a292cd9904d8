"""The HTTP service under load, against FastAPI around `implicit`.

    python -m benchmarks.scoring.load HOME [--seconds 60] [--rounds 3] [--rate 100] [--json]
    python -m benchmarks.scoring.load HOME --publish [--seconds 60]

HOME is one that `python -m benchmarks.scoring.made HOME` made. Two server processes on each side and the
load tool share the machine; ours wants an API key, and writes its logs and the lists it shows, as for a shop.

- Full load: `wrk` asks for published lists and live answers of ours, and live answers of the peer on the same
  factors and baskets, in turn, `--seconds` in all for each; medians of the rounds. `cpu ms` is what a request
  took of a processor in the server's processes, which other work on the machine disturbs less. The peer is
  started twice, with an `async` route and with a `def` one, and ours compared with the faster.
- Fixed rate: published and live in turn, `--rate` a second for `--seconds`; see `benchmarks.scoring.steady`.
- `--publish`: another bundle is published meanwhile; see `benchmarks.scoring.publishing`.
"""

import argparse
import asyncio
import itertools
import json
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.scoring import made, publishing, servers, steady, wrk
from benchmarks.scoring.asking import Questions, Request
from benchmarks.scoring.steady import Address
from benchmarks.scoring.wrk import Flood
from recs.bundle import folder_of
from warehouse.settings import Settings, load_settings

BOUNDS = {"published": 4.0, "live": 2.0}
"""Requests per second of ours over the peer's, at least."""

_WARM_SECONDS = 5
_COMPARED = 200
"""Questions whose answers are compared while a bundle is published."""


@dataclass(frozen=True)
class Side:
    """A server, its process group, and what it is asked."""

    name: str
    address: Address
    group: int
    requests: Sequence[Request]
    key: str = ""

    def flood(self, seconds: int, connections: int) -> tuple[Flood, float]:
        """As much as it can answer, and how many ms of a processor its processes took for each request."""
        with tempfile.TemporaryDirectory(prefix="advocate-benchmark-") as folder:
            asked = (self.address, self.requests, self.key, seconds, connections)
            command = wrk.words(Path(folder), *asked)
            before = servers.cpu_seconds(self.group)
            found = wrk.flood(command)
            return found, (servers.cpu_seconds(self.group) - before) * 1e3 / max(found.requests, 1)


def full(sides: Sequence[Side], given: argparse.Namespace) -> dict[str, dict[str, float]]:
    """By side the medians over rounds that alternate, and all errors."""
    for side in sides:
        side.flood(_WARM_SECONDS, given.connections)
    rounds = [
        (side.name, side.flood(max(given.seconds // given.rounds, 1), given.connections))
        for _ in range(given.rounds)
        for side in sides
    ]
    found = {}
    for side in sides:
        mine = [flood for name, (flood, _) in rounds if name == side.name]
        used = [cpu for name, (_, cpu) in rounds if name == side.name]
        found[side.name] = {
            "per_second": round(median(flood.rate for flood in mine), 1),
            "p50_ms": round(median(flood.p50_ms for flood in mine), 2),
            "p99_ms": round(median(flood.p99_ms for flood in mine), 2),
            "cpu_ms": round(median(used), 3),
            "errors": sum(flood.errors for flood in mine),
        }
    best = max(row["per_second"] for name, row in found.items() if name not in BOUNDS)
    for name in BOUNDS.keys() & found.keys():
        found[name] |= {"times_peer": round(found[name]["per_second"] / best, 2), "bound": BOUNDS[name]}
    return found


def fixed(sides: Sequence[Side], given: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Latencies at the fixed rate, of all requests and by kind; the sides are of one server."""
    turns = list(itertools.chain(*zip(*(side.requests for side in sides), strict=True)))
    raw = [request.raw(sides[0].address.host, sides[0].key) for request in turns]
    asyncio.run(steady.ask(sides[0].address, raw, given.rate, _WARM_SECONDS))
    replies = asyncio.run(steady.ask(sides[0].address, raw, given.rate, given.seconds))
    kinds = {
        side.name: [reply for reply in replies if reply.question % len(sides) == number]
        for number, side in enumerate(sides)
    }
    return {name: steady.summary(some) for name, some in {"all": replies, **kinds}.items()}


def published(
    settings: Settings, sides: Sequence[Side], given: argparse.Namespace
) -> dict[str, dict[str, Any]]:
    """By kind of question how a bundle published at full load went."""
    found = {}
    for side in sides:
        raw = [request.raw(side.address.host, side.key) for request in side.requests[:_COMPARED]]
        with tempfile.TemporaryDirectory(prefix="advocate-benchmark-") as folder:
            asked = (side.address, side.requests, side.key, given.seconds, given.connections)
            command = wrk.words(Path(folder), *asked)
            load = (command, given.rate, given.seconds)
            bundles = made.there(settings)
            found[side.name] = asyncio.run(publishing.switch(settings, bundles, side.address, raw, load))
    return found


def measure(given: argparse.Namespace) -> dict[str, Any]:
    """Starts the servers and measures."""
    settings = load_settings(home=given.home)
    current, _ = made.there(settings)
    questions = Questions.of(settings, current, given.questions)
    asked = {"published": questions.published(), "live": questions.live()}
    with ExitStack() as running:
        key = running.enter_context(servers.key(given.home))
        command = servers.ours(given.home, given.port, given.workers)
        our = running.enter_context(servers.serving(command, given.port))
        sides = [Side(kind, *our, asked[kind], key) for kind in given.kind]
        if given.publish:
            return {"published_meanwhile": published(settings, sides, given)}
        result = {"fixed_rate": fixed(sides, given)}
        for port, route in enumerate(given.route, given.port + 1):
            words = servers.peer(folder_of(settings, current), port, given.workers, route)
            peer = running.enter_context(servers.serving(words, port))
            sides.append(Side(f"peer, {route} route", *peer, questions.live()))
        return result | {"full_load": full(sides, given)}


def as_markdown(result: dict[str, Any]) -> str:
    """The result as tables."""
    parts = []
    for name, rows in result.items():
        columns = list(dict.fromkeys(itertools.chain(*rows.values())))
        lines = [f"| {name.replace('_', ' ')} | {' | '.join(c.replace('_', ' ') for c in columns)} |"]
        lines.append("|---" * (len(columns) + 1) + "|")
        for row, values in rows.items():
            cells = (f"{values[c]:,}" if c in values else "" for c in columns)
            lines.append(f"| {row} | {' | '.join(cells)} |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def options() -> argparse.ArgumentParser:
    """What can be asked on the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("home", type=Path)
    parser.add_argument("--kind", nargs="+", choices=list(BOUNDS), default=list(BOUNDS))
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rate", type=float, default=100, help="requests per second of the fixed-rate run")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--questions", type=int, default=5000, help="different customers, and baskets")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--port", type=int, default=8700, help="ours; the peer takes the next ones")
    parser.add_argument("--route", nargs="+", choices=servers.ROUTES, default=list(servers.ROUTES))
    parser.add_argument("--publish", action="store_true")
    parser.add_argument("--json", action="store_true")
    return parser


def main() -> None:
    """Measures and prints."""
    given = options().parse_args()
    wrk.require()
    result = measure(given)
    print(json.dumps(result, indent=1) if given.json else as_markdown(result))
    if given.json:
        print(as_markdown(result), file=sys.stderr)


if __name__ == "__main__":
    main()
