"""An S3 that speaks HTTP, a lake on a folder and on that S3, and other processes."""

import os
import subprocess
import sys
import urllib.request
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from warehouse.lake import Lake
from warehouse.shelf import open_shelf

Python = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The address of an S3 emulator that lives as long as the test run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # botocore's own, at import
        from moto.server import ThreadedMotoServer

        server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
        server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a lake in a new, empty bucket."""
    for name, value in {
        "AWS_ENDPOINT_URL": s3_server,
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "someone",
        "AWS_SECRET_ACCESS_KEY": "something",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    bucket = f"lake-{uuid4().hex}"
    urllib.request.urlopen(urllib.request.Request(f"{s3_server}/{bucket}", method="PUT")).close()
    return f"s3://{bucket}/shop/lake"


@pytest.fixture(params=["folder", "s3"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty place for a lake, once a folder and once S3."""
    address: str = request.getfixturevalue("s3") if request.param == "s3" else str(tmp_path / "lake")
    return address


@pytest.fixture
def lake(location: str) -> Lake:
    """An empty lake, once in a folder and once on S3."""
    return Lake(open_shelf(location))


@pytest.fixture
def python() -> Iterator[Python]:
    """Starts other Python processes: `python(code, *arguments)`; none outlives the test."""
    running: list[subprocess.Popen[str]] = []

    def start(code: str, *arguments: str) -> "subprocess.Popen[str]":
        running.append(
            subprocess.Popen(
                [sys.executable, "-c", code, *arguments],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=dict(os.environ),
            )
        )
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.communicate()
