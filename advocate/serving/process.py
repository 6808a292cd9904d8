"""The server's processes: one, or several that share a socket."""

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from functools import partial

import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from advocate.serving.logs import configuration
from advocate.serving.protocol import Bounded

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
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
        grace: seconds to finish what was taken.
        level: of the log.
    """
    folder = tempfile.mkdtemp(prefix="advocate-metrics-")
    os.environ[FOLDER] = folder
    # Uvicorn raises the signal once more when it is done; to end as asked is no failure.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
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
            timeout_graceful_shutdown=max(1, round(grace - min(FLUSH_SECONDS, grace / 2))),
            timeout_worker_healthcheck=30,
        )
        if workers == 1:
            uvicorn.Server(config).run()
        else:
            Multiprocess(config, sockets=[config.bind_socket()]).run()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
