"""A terminal: `advocate` as its users type it, each command in a process of its own that starts at once."""

import atexit
import json
import subprocess
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.preloaded import Preloaded, preloaded

NOW = "2017-12-01T10:00:00Z"
SEEN = {"ADVOCATE_NOW": NOW, "NO_COLOR": "1", "COLUMNS": "200"}
IMPORTS = """
import alembic.command, argon2, dataframely, jinja2, numpy, polars, psycopg, pydantic_settings, rich.table
import sklearn.feature_extraction.text, sqlalchemy.orm, typer.main
import scipy.sparse, scipy.stats, lightgbm, implicit.als, numba, obstore, filelock, babel.dates, babel.numbers
"""
COMMAND = """
import sys
sys.argv[0] = "advocate"
from advocate.cli import main
main()
"""


def advocate(
    home: Path, *words: str, typed: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Runs a command; `typed` is what somebody types into it.

    It is a fork of a process that has imported what others wrote and nothing of ours: each command imports
    that itself. `test_cli.py` starts the program that is installed.
    """
    return _forks().run(COMMAND, "--home", str(home), *words, typed=typed, **(SEEN | environment))


def told(done: subprocess.CompletedProcess[str]) -> Any:
    """What a command that succeeded says in JSON."""
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@cache
def _forks() -> Preloaded:
    """Made at the first command and ended with the tests."""
    stack = ExitStack()
    atexit.register(stack.close)
    folder = stack.enter_context(TemporaryDirectory(prefix="advocate-terminal-"))
    return stack.enter_context(preloaded(IMPORTS, Path(folder)))
