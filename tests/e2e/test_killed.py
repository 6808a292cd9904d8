"""A night killed before any of its lasting effects, and run again, is the night it would have been."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import outreach.export
import recs.export
from features.contract import CONTRACTS
from features.feeds.folder import read_folder
from features.importing import bring_in
from features.live import Event, record, since
from tests.preloaded import Preloaded, preloaded
from tests.worlds import DAY, END, write_feed
from warehouse import clock
from warehouse.lake import Lake
from warehouse.settings import Settings, load_settings

pytestmark = pytest.mark.slow

# A lasting effect is a rename, a small file of the lake (an import's commit is one) or a database commit. The
# process kills itself just before the n-th one.
DIE = """
import os, signal, sys
from sqlalchemy import event
from sqlalchemy.engine import Engine

left = int(sys.argv[1])

def effect():
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(lambda name, _: effect() if name == "os.rename" else None)
event.listen(Engine, "commit", lambda _: effect())

from warehouse.shelf import Shelf

def counted(method):
    def before(*arguments, **options):
        effect()
        return method(*arguments, **options)
    return before

for name in ("create", "replace", "delete"):
    setattr(Shelf, name, counted(getattr(Shelf, name)))
"""

NIGHT = """
from datetime import date
from pathlib import Path
from advocate.database import upgrade
from advocate.night import run_night
from features.feeds.folder import read_folder
from features.importing import bring_in
from warehouse.settings import load_settings

settings = load_settings(home=Path(sys.argv[2]))
upgrade(settings)
bring_in(settings, read_folder(Path(sys.argv[3])))
failed = run_night(settings, date.fromisoformat(sys.argv[4])).failed
sys.exit(1 if failed else 0)
"""

IMPORTS = """
import advocate.night, features.feeds.folder, features.importing
import alembic.command, sklearn.feature_extraction.text
"""

NOW = {
    "ADVOCATE_NOW": "2017-12-01T03:00:00Z",
    "ADVOCATE_OUTREACH__OPT_OUT": "Answer STOP",
    "ADVOCATE_OUTREACH__POSTAL_ADDRESS": "1 High Street, Springfield",
}

LIVE = """
from pathlib import Path
from features.steps import import_live
from warehouse.settings import load_settings

import_live(load_settings(home=Path(sys.argv[2])))
"""


@pytest.fixture(scope="module")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Preloaded]:
    with preloaded(IMPORTS, tmp_path_factory.mktemp("forks")) as made:
        yield made


@pytest.fixture(scope="module")
def feed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_feed(tmp_path_factory.mktemp("feed"))


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory, feed: Path) -> Settings:
    """A home after a night in a process of its own, whose seed of hashes is not that of the forks."""
    settings = load_settings(home=tmp_path_factory.mktemp("calm") / "home")
    subprocess.run(
        [sys.executable, "-c", DIE + NIGHT, "0", str(settings.home), str(feed), DAY.isoformat()],
        env=os.environ | NOW,
        check=True,
    )
    return settings


def die_in(forks: Preloaded, script: str, home: Path, kill_before: int, *words: str) -> int:
    """Runs a script that kills itself before its n-th lasting effect; gives 0 where it ended."""
    done = forks.run(DIE + script, str(kill_before), str(home), *words, **NOW)
    assert done.returncode in (0, -9), done.stderr[-3000:]
    return done.returncode


def tables(settings: Settings, day: date) -> dict[str, pl.DataFrame]:
    return {
        "recommendations": recs.export.recommendations(settings, day).collect(),
        "opportunities": outreach.export.opportunities(settings, day).collect(),
        "decisions": outreach.export.decisions(settings, day).collect(),
        "notices": outreach.export.notices(settings, day).collect(),
    }


def parquet_bytes(home: Path) -> dict[str, str]:
    found = sorted(home.glob("lake/**/*.parquet")) + sorted(home.glob("bundles/**/*"))
    return {
        str(file.relative_to(home)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in found
        if file.is_file()
    }


def test_a_night_killed_before_each_of_its_effects_in_turn_ends_as_if_never_killed(
    forks: Preloaded, calm: Settings, feed: Path, tmp_path: Path
) -> None:
    hunted, kills = load_settings(home=tmp_path / "hunted"), 0
    while die_in(forks, NIGHT, hunted.home, kills + 1, str(feed), DAY.isoformat()) != 0:
        kills += 1
        assert kills < 100, "the night never ends"
    assert kills >= 8, "fewer effects than steps: the hook saw nothing"
    expected = tables(calm, DAY)
    assert expected["notices"].height >= 2
    for name, frame in tables(hunted, DAY).items():
        assert_frame_equal(frame, expected[name])
    assert parquet_bytes(hunted.home) == parquet_bytes(calm.home)
    assert json.dumps(sorted(parquet_bytes(calm.home))).count("partial") == 0


def test_the_same_night_twice_gives_the_same_bytes(forks: Preloaded, calm: Settings, feed: Path) -> None:
    first, tables_then = parquet_bytes(calm.home), tables(calm, DAY)
    assert die_in(forks, NIGHT, calm.home, 0, str(feed), DAY.isoformat()) == 0
    assert parquet_bytes(calm.home) == first
    for name, frame in tables(calm, DAY).items():
        assert_frame_equal(frame, tables_then[name])


def test_live_events_reach_the_lake_once_wherever_their_import_is_killed(
    forks: Preloaded, settings: Settings
) -> None:
    bring_in(settings, read_folder(write_feed(settings.home / "feed")))
    for days, product in ((4, "p1"), (3, "p2"), (0, "p3")):
        moment = END - timedelta(days=days)
        with clock.at(moment):
            record(settings, [Event("c1", product, "view", moment), Event("new", product, "buy", moment)])
    seen, kills = [lake_and_database(settings)], 0
    while die_in(forks, LIVE, settings.home, kills + 1) != 0:
        kills += 1
        assert kills < 30, "the import never ends"
        seen.append(lake_and_database(settings))
    assert ([], ["p1", "p2", "p3"]) in seen[1:], "never killed before the lake had them"
    assert (["p1", "p2", "p3"], ["p1", "p2", "p3"]) in seen, "never killed between the lake and forgetting"
    assert lake_and_database(settings) == (["p1", "p2", "p3"], ["p3"])


def lake_and_database(settings: Settings) -> tuple[list[str], list[str]]:
    """The products of the views in the lake, and of those that are still in the database."""
    views = Lake.of(settings).scan(CONTRACTS["views"].table).collect()
    kept = [row.event for row in since(settings, 0)]
    return views["product_id"].sort().to_list(), [event.product_id for event in kept if event.kind == "view"]
