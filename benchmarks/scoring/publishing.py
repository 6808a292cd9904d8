"""A bundle published while the server answers as fast as it can: no answer fails, and none is of two bundles.

Every question is first asked of each bundle alone. During the run, at full load, all answers to requests at a
fixed rate are kept; each must be, to the last digit, the one that the bundle it names gave alone.
"""

import asyncio
import json
import subprocess
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.scoring import wrk
from benchmarks.scoring.made import MARK
from benchmarks.scoring.steady import Address, Reply, ask, ask_once
from recs import registry
from warehouse.settings import Settings

Answer = tuple[str, str]
"""The bundle that an answer names, and its items."""

_FRESH = 40
"""Answers on new connections, all from a new bundle, from which on every process is taken to have it."""

_PATIENCE = 60.0
_ALIKE = 0.75
"""The share of questions for which both bundles may list the same: the others show what is mixed."""


async def switch(
    settings: Settings,
    bundles: tuple[str, str],
    address: Address,
    requests: Sequence[bytes],
    load: tuple[Sequence[str], float, int],
) -> dict[str, Any]:
    """Publishes the second bundle a third into a run at full load, and the first again after two thirds.

    Args:
        settings: the home; its first bundle is the current one.
        bundles: both ids.
        address: of the server.
        requests: what is asked.
        load: the command of wrk, the rate besides it, and for how many seconds.
    """
    command, rate, seconds = load
    one, two = bundles
    alone = {one: answers(await ask_once(address, requests))}
    flooding = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    run = asyncio.create_task(ask(address, requests, rate, seconds))
    for chosen in (two, one):
        await asyncio.sleep(seconds / 3)
        await asyncio.to_thread(registry.promote, settings, chosen, by="benchmark")
    replies = await run
    printed, _ = await asyncio.to_thread(flooding.communicate)
    registry.promote(settings, two, by="benchmark")
    await _everywhere(address, requests[0], two)
    alone[two] = answers(await ask_once(address, requests))
    registry.promote(settings, one, by="benchmark")
    await _everywhere(address, requests[0], one)
    return judge(replies, alone, bundles) | {"wrk_errors": wrk.read(printed).errors}


async def _everywhere(address: Address, request: bytes, bundle_id: str) -> None:
    """Waits until every process answers from a bundle."""
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        found = [read((await ask_once(address, [request]))[0]) for _ in range(_FRESH)]
        if {answer and answer[0] for answer in found} == {bundle_id}:
            return
        await asyncio.sleep(1)
    raise SystemExit(f"not every process answers from {bundle_id} after {_PATIENCE:.0f} s")


def read(reply: Reply) -> Answer | None:
    """What a reply says, but for what differs from request to request; `None` where it failed."""
    if reply.failed:
        return None
    told = json.loads(reply.body)
    return told["bundle_id"], json.dumps(told["items"], sort_keys=True)


def answers(replies: Sequence[Reply]) -> dict[int, Answer]:
    """By question what a bundle answers alone.

    Raises:
        SystemExit: a request failed.
    """
    for reply in replies:
        if reply.failed:
            raise SystemExit(f"a request failed with {reply.status}: {reply.body[:300].decode()}")
    return {reply.question: answer for reply in replies if (answer := read(reply))}


def judge(
    replies: Sequence[Reply], alone: Mapping[str, Mapping[int, Answer]], bundles: tuple[str, str]
) -> dict[str, Any]:
    """How many answers failed, are of no bundle or of two, and how many each bundle gave.

    Raises:
        SystemExit: the bundles' own answers are not what they should be, so nothing can be told from them.
    """
    _require_different(alone, bundles)
    found = [(reply.question, read(reply)) for reply in replies]
    given = Counter(answer[0] for _, answer in found if answer)
    mixed = sum(
        answer is not None and alone.get(answer[0], {}).get(question) != answer for question, answer in found
    )
    return {
        "answers": len(replies),
        "failed": sum(answer is None for _, answer in found),
        "mixed": mixed,
        "of_first": given[bundles[0]],
        "of_second": given[bundles[1]],
    }


def _require_different(alone: Mapping[str, Mapping[int, Answer]], bundles: tuple[str, str]) -> None:
    """Each bundle must answer under its own name, with its own titles, and often with other products."""
    one, two = bundles
    for bundle_id, marked in ((one, False), (two, True)):
        for named, items in alone[bundle_id].values():
            titles = [item["title"] for item in json.loads(items)]
            if named != bundle_id or any(title.endswith(MARK) != marked for title in titles):
                raise SystemExit(f"an answer of {bundle_id} alone is of another bundle: {named}, {titles}")
    listed = ([_products(a) for _, a in sorted(alone[bundle_id].items())] for bundle_id in bundles)
    same = sum(mine == other for mine, other in zip(*listed, strict=True))
    if same > _ALIKE * len(alone[one]):
        raise SystemExit(f"both bundles list the same for {same} of {len(alone[one])} questions")


def _products(answer: Answer) -> list[str]:
    return [item["product_id"] for item in json.loads(answer[1])]
