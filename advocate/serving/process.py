"""The server's processes: one, or several that share a socket."""

import contextlib
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial

import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from advocate.printing import complain
from advocate.serving.logs import configuration
from advocate.serving.measures import FOLDER
from advocate.serving.protocol import Bounded
from warehouse.errors import AdvocateError

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
    listening = [_bound(host, port)]
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
    complain(f"serving on http://{host}:{port}/docs")
    if workers == 1:
        uvicorn.Server(config).run(sockets=listening)
        return
    with _shared_figures():
        Multiprocess(config, sockets=listening).run()


def _bound(host: str, port: int) -> socket.socket:
    """A socket that listens there.

    Raises:
        AdvocateError: it cannot.
    """
    try:
        family, *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((host, port))
        except OSError:
            listening.close()
            raise
    except OSError as error:
        raise AdvocateError(
            f"port {port} of {host} cannot be listened on: {error.strerror}; choose another with --port"
        ) from error
    listening.set_inheritable(True)
    return listening


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
