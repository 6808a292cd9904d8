"""The server's processes: one, or several that share a socket."""

import contextlib
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial

import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from advocate.serving.logs import configuration
from advocate.serving.measures import FOLDER
from advocate.serving.protocol import Bounded

FLUSH_SECONDS = 2.0
"""Of the time to end, kept for what must still be written; half of the time, where that is less."""


def run(
    create: "partial[FastAPI] | Callable[[], FastAPI]",
    *,
    host: str,
    port: int,
    workers: int,
    grace: float,
    level: str,
) -> None:
    """Serves until a signal says to end.

    Args:
        create: makes the application in each process; it is sent there, so it must be a function of a module.
        host: the address to listen on.
        port: the port.
        workers: processes.
        grace: seconds to finish what was taken, at least 2.
        level: of the log.
    """
    # Uvicorn raises the signal once more when it is done; to end as asked is no failure.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    config = uvicorn.Config(
        create,
        factory=True,
        host=host,
        port=port,
        workers=workers,
        http=Bounded,
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=configuration(level),
        server_header=False,
        timeout_graceful_shutdown=int(grace - min(FLUSH_SECONDS, grace / 2)),
        timeout_worker_healthcheck=30,
    )
    if workers == 1:
        uvicorn.Server(config).run()
        return
    with _shared_figures():
        Multiprocess(config, sockets=[config.bind_socket()]).run()


@contextlib.contextmanager
def _shared_figures() -> Iterator[None]:
    """A folder in which the processes started meanwhile add up their figures.

    This process has imported the library already, and would look for its own figures there in vain.
    """
    folder = tempfile.mkdtemp(prefix="advocate-metrics-")
    os.environ[FOLDER] = folder
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)
