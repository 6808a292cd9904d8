"""A lake on a folder and on S3, and other processes."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from warehouse.lake import Lake
from warehouse.shelf import open_shelf

Python = Callable[..., "subprocess.Popen[str]"]


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
