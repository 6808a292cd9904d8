"""Servers as the processes they would be."""

import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from benchmarks.scoring.steady import Address

ROUTES = ("async", "def")
"""The kinds of route that a peer can have; see `benchmarks.scoring.peer_server`."""

ROOT = Path(__file__).parents[2]
_PATIENCE = 120.0
"""Seconds in which a server must be ready."""

_GRACE = 20.0
_LAST = 2000
"""Bytes of what a server said last that are shown when something fails."""


RATE = 100_000
"""Requests per second that the key of a measurement grants."""


def ours(home: Path, port: int, workers: int) -> list[str]:
    """The command that starts ours."""
    return [*_advocate(home), "serve", "--port", str(port), "--workers", str(workers)]


@contextmanager
def key(home: Path) -> Iterator[str]:
    """An API key that is as good as without limit, revoked afterwards."""
    name = f"benchmark-{uuid4().hex[:8]}"
    adding = ["keys", "add", name, "--scope", "recommend", "--rate", str(RATE)]
    made = subprocess.run([*_advocate(home), *adding], check=True, stdout=subprocess.PIPE, text=True)
    try:
        yield made.stdout.strip()
    finally:
        subprocess.run([*_advocate(home), "keys", "revoke", name], check=True, stdout=subprocess.DEVNULL)


def _advocate(home: Path) -> list[str]:
    return [str(Path(sys.executable).with_name("advocate")), "--home", str(home)]


def peer(folder: Path, port: int, workers: int, route: str) -> list[str]:
    """The command that starts the peer, on the same bundle."""
    command = [sys.executable, "-m", "benchmarks.scoring.peer_server", str(folder), "--port", str(port)]
    return [*command, "--workers", str(workers), "--route", route]


def cpu_seconds(group: int) -> float:
    """What the processes of a group have used of processors so far."""
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended meanwhile
        if int(fields[2]) == group:
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


@contextmanager
def serving(
    command: Sequence[str], port: int, *, ready: str = "/readyz", environment: Mapping[str, str] | None = None
) -> Iterator[tuple[Address, int]]:
    """A server that is ready, and its process group; it and its workers are stopped afterwards.

    Args:
        command: what starts it.
        port: where it listens.
        ready: the path that answers once it is ready.
        environment: beside ours.
    """
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=said,
            stderr=said,
            start_new_session=True,
            env={**os.environ, **(environment or {})},
        )
        try:
            _wait(process, f"http://127.0.0.1:{port}{ready}")
            yield Address("127.0.0.1", port), process.pid
        except BaseException:
            said.seek(max(said.seek(0, os.SEEK_END) - _LAST, 0))
            sys.stderr.write(said.read().decode(errors="replace"))
            raise
        finally:
            _stop(process)


def _wait(process: subprocess.Popen[bytes], url: str) -> None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        if process.poll() is not None:
            raise SystemExit(f"the server ended with {process.returncode}: {process.args!r}")
        try:
            with urllib.request.urlopen(url, timeout=_PATIENCE):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.2)
    raise SystemExit(f"the server is not ready after {_PATIENCE:.0f} s: {url}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
