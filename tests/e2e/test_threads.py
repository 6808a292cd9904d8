"""The same night gives the same bundle on one core with one thread and on all cores with two."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from recs import registry
from tests.worlds import DAY, write_feed
from warehouse.settings import load_settings

pytestmark = pytest.mark.slow

RUN = """
import os, sys
if sys.argv[3] == "1" and hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
from datetime import date
from pathlib import Path
from advocate.database import upgrade
from advocate.night import run_night
from features.feeds.folder import read_folder
from features.importing import bring_in
from warehouse.settings import load_settings

settings = load_settings(home=Path(sys.argv[1]))
upgrade(settings)
bring_in(settings, read_folder(Path(sys.argv[2])))
assert not run_night(settings, date.fromisoformat(sys.argv[4])).failed
"""
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS")


def test_a_bundle_does_not_depend_on_how_many_threads_made_it(tmp_path: Path) -> None:
    feed, made = write_feed(tmp_path / "feed", customers=300, products=100), {}
    for threads in ("1", "2"):
        home = tmp_path / threads
        environment = os.environ | dict.fromkeys(THREADS, threads) | {"ADVOCATE_RECS__TUNE_SECONDS": "0"}
        words = [sys.executable, "-c", RUN, str(home), str(feed), threads, DAY.isoformat()]
        subprocess.run(words, env=environment, check=True, capture_output=True, text=True, timeout=300)
        made[threads] = registry.of_day(load_settings(home=home), DAY)
    assert made["1"] == made["2"]
