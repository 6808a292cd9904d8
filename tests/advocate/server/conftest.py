"""A published bundle, and real server processes that serve it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from advocate.database import upgrade
from recs.steps import recommend
from tests.recs.conftest import lines
from tests.recs.worlds import DAY, fill
from tests.warehouse.access.conftest import away
from warehouse.access.keys import issue
from warehouse.settings import Settings, load_settings

ROOT = Path(__file__).parents[3]
__all__ = ["away"]
JSON = "application/problem+json"


def make_home(home: Path) -> Settings:
    """A home of forty customers with slates of five."""
    settings = load_settings(home=home)
    few = {"depth": 5, "min_judged_customers": 10, "als_factors": 4, "tune_seconds": 0}
    small = settings.model_copy(update={"recs": settings.recs.model_copy(update=few)})
    upgrade(small)
    fill(
        small,
        purchases=lines(),
        products=[{"product_id": "milk", "title": "Whole milk", "category": "dairy", "available": True}],
    )
    recommend(small, DAY)
    return settings


@pytest.fixture(scope="package")
def published(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home with a bundle; tests add keys and events to it, nothing else."""
    return make_home(tmp_path_factory.mktemp("published") / "home")


def make_key(settings: Settings, *scopes: str, rate: int = 10_000) -> str:
    """A new key with these scopes."""
    return issue(settings, f"test-{time.monotonic_ns()}", scopes, "a test", rate=rate).secret


@dataclass
class Running:
    """A server process and where it listens."""

    url: str
    port: int
    process: subprocess.Popen[str]
    errors: Path

    def logged(self) -> list[dict[str, Any]]:
        """The lines of JSON it has logged so far."""
        return [json.loads(line) for line in self.errors.read_text().splitlines() if line.startswith("{")]

    def end(self, with_signal: int = signal.SIGTERM) -> int:
        """Sends a signal and waits for the end; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(with_signal)
        return self.process.wait(30)


Serve = Callable[..., Running]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """`serve(settings, *flags)` starts `advocate serve` and waits until it answers."""
    with starting(tmp_path) as start:
        yield start


@contextmanager
def starting(folder: Path) -> Iterator[Serve]:
    """The same, for servers that several tests share; they end with the block."""
    started: list[Running] = []

    def start(settings: Settings, *flags: str) -> Running:
        port = free_port()
        words = ["-m", "advocate.cli", "--home", str(settings.home), "serve", "--port", str(port), *flags]
        errors = folder / f"server-{port}.log"
        with errors.open("w") as sink:
            process = subprocess.Popen(
                [sys.executable, *words], cwd=ROOT, stderr=sink, stdout=subprocess.DEVNULL, text=True
            )
        running = Running(f"http://127.0.0.1:{port}", port, process, errors)
        started.append(running)
        wait_until_alive(running)
        return running

    try:
        yield start
    finally:
        for running in started:
            running.end()


def wait_until_alive(running: Running) -> None:
    """Asks until it answers."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        assert running.process.poll() is None, running.errors.read_text()
        try:
            if httpx.get(f"{running.url}/healthz", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError(f"the server did not start:\n{running.errors.read_text()}")


def free_port() -> int:
    """A port nobody listens on."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def children(pid: int) -> list[int]:
    """The processes that a process has started and that still live."""
    found = subprocess.run(
        ["ps", "--ppid", str(pid), "-o", "pid="], capture_output=True, text=True, check=False
    )
    return [int(line) for line in found.stdout.split()]


def alive(pid: int) -> bool:
    """Whether there is such a process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
