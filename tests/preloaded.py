"""Processes that start at once: forks of one that has already imported what they need."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# It forks while nothing else runs in it, so no lock is held that nobody would let go of in the fork.
# Importing Polars starts two threads that sleep until memory is short: jemalloc's own, which it starts anew
# in a fork, and one that deletes what was spilled to disk.
_FORKING = """
import gc, json, os, signal, sys
from pathlib import Path

answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
exec(sys.argv[1])
threads = [Path(task, "comm").read_text().strip() for task in Path("/proc/self/task").glob("*")]
assert len(threads) - 1 <= sum(name in ("jemalloc_bg_thd", "polars-ooc-clea") for name in threads), threads
gc.collect()
gc.freeze()  # or each fork would look through all that at its end
for line in sys.stdin:
    asked = json.loads(line)
    fork = os.fork()
    if not fork:
        break
    print(os.waitstatus_to_exitcode(os.waitpid(fork, 0)[1]), file=answers, flush=True)
else:
    sys.exit()
signal.alarm(asked["seconds"])
os.dup2(os.open(asked["in"], os.O_RDONLY), 0)
for number, name in enumerate((asked["out"], asked["err"]), 1):
    os.dup2(os.open(name, os.O_RDWR | os.O_CREAT | os.O_TRUNC), number)
sys.stdin = open(0, closefd=False)
os.environ.clear()
os.environ.update(asked["environment"])
sys.argv = ["-c", *asked["words"]]
exec(asked["script"])
"""
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


class Preloaded:
    """Runs scripts as `python -c` does, each in a process of its own, but without the wait for imports."""

    def __init__(self, server: "subprocess.Popen[str]", folder: Path) -> None:
        self._server, self._folder = server, folder

    def run(
        self, script: str, *words: str, typed: str = "", **environment: str
    ) -> "subprocess.CompletedProcess[str]":
        """Runs a script with these words, and this added to the environment; kills it after five minutes.

        Its standard input is what was `typed`.
        """
        assert self._server.stdin
        assert self._server.stdout
        given, out, err = (self._folder / name for name in ("in", "out", "err"))
        given.write_text(typed)
        asked = {"script": script, "words": words, "environment": {**os.environ, **environment}}
        asked |= {"in": str(given), "out": str(out), "err": str(err), "seconds": 300}
        print(json.dumps(asked), file=self._server.stdin, flush=True)
        code = self._server.stdout.readline()
        assert code, (self._folder / "log").read_text()
        return subprocess.CompletedProcess(words, int(code), out.read_text(), err.read_text())


@contextmanager
def preloaded(imports: str, folder: Path) -> Iterator[Preloaded]:
    """A process that has run `imports`, and whose forks run everything else.

    All of them have its seed of hashes: what must not depend on it has to be compared with another process.
    """
    words, environment = [sys.executable, "-c", _FORKING, imports], os.environ | _ONE_THREAD
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=environment,
            cwd=folder,
        ) as server,
    ):
        yield Preloaded(server, folder)
        assert server.stdin
        server.stdin.close()
