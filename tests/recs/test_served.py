"""Served lists reach their files whole, whatever happens to the server, and never hold it up."""

import logging
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from recs import archive
from recs.served import Served, ServedLog
from tests.conftest import at
from warehouse.settings import Settings, load_settings

DAY = date(2017, 11, 30)
NOON = at("2017-11-30 12:00")


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    return load_settings(home=tmp_path / "home")


def a_list(number: int = 0, *, when: datetime = NOON, customer: str | None = "c1", ids: str = "ab") -> Served:
    return Served(when, f"r{number}", customer, "recommend", "for_you", "slate", "champion", "b1", tuple(ids))


def files(settings: Settings) -> list[str]:
    folder = archive.folder_of(settings)
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def rows(settings: Settings, first: date = DAY, last: date = DAY) -> pl.DataFrame:
    return archive.read(settings, first, last).collect().sort("at", "request_id")


def keep(settings: Settings, *lists: Served) -> None:
    with closing(ServedLog(settings)) as log:
        for one in lists:
            log.put(one)


def soon(true: Callable[[], bool]) -> bool:
    until = time.monotonic() + 20
    while not true() and time.monotonic() < until:
        time.sleep(0.01)
    return true()


def test_a_list_is_read_as_it_was_shown(home: Settings) -> None:
    shown = Served(
        NOON + timedelta(microseconds=1), "r-1", "Żółw №7", "basket", None, "fold-in", "challenger",
        "2017-11-30-1f0c", ("02", "ß", "01", "鱼"),
    )  # fmt: skip
    visitor = a_list(2, customer=None, ids="")
    keep(home, shown, visitor)
    found = rows(home)
    assert dict(found.schema) == archive.SCHEMA
    assert found.rows() == [(*visitor[:-1], []), (*shown[:-1], list(shown.product_ids))]


def test_before_anything_was_shown_there_are_no_rows_but_all_columns(home: Settings) -> None:
    found = rows(home)
    assert (dict(found.schema), found.height) == (archive.SCHEMA, 0)
    assert archive.positions(archive.read(home, DAY, DAY)).collect().height == 0


def test_positions_count_from_1_in_the_order_shown(home: Settings) -> None:
    keep(home, a_list(1, ids="cab"), a_list(2, ids=""), a_list(3, ids="a"))
    found = archive.positions(archive.read(home, DAY, DAY)).collect().sort("request_id", "position")
    assert found.select("request_id", "position", "product_id").rows() == [
        ("r1", 1, "c"), ("r1", 2, "a"), ("r1", 3, "b"), ("r3", 1, "a"),
    ]  # fmt: skip


def test_lists_lie_under_the_utc_day_they_were_shown_on(home: Settings) -> None:
    midnight = at("2017-12-01")
    eve = datetime.fromisoformat("2017-12-01T00:30:00+01:00")
    keep(home, a_list(1, when=midnight), a_list(2, when=eve))
    assert rows(home)["request_id"].to_list() == ["r2"]
    assert rows(home, DAY, DAY + timedelta(days=1))["at"].to_list() == [eve.astimezone(UTC), midnight]
    assert [name[:15] for name in files(home)] == ["day=2017-11-30/", "day=2017-12-01/"]


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """A disk on which nothing is done until the event is set."""
    ready, write = threading.Event(), archive.add

    def wait(settings: Settings, lists: pl.DataFrame, name: str) -> Iterator[int]:
        assert ready.wait(20)
        yield from write(settings, lists, name)

    monkeypatch.setattr(archive, "add", wait)
    return ready


def test_a_disk_that_hangs_holds_nobody_up_and_what_finds_no_place_is_counted(
    home: Settings, disk: threading.Event
) -> None:
    log = ServedLog(home, capacity=10, seconds=0.01)
    log.put(a_list(0))
    assert soon(lambda: not log._waiting)  # the writer has it in hand
    began = time.monotonic()
    for number in range(1, 1001):
        log.put(a_list(number))
    assert time.monotonic() - began < 1
    assert log.dropped == 990
    assert not log.close(0.05)
    disk.set()
    assert log.close(20)
    assert (log.written, log.dropped, log.failed) == (11, 990, 0)
    assert sorted(rows(home)["request_id"]) == sorted(f"r{number}" for number in range(11))


def test_a_closed_log_takes_nothing_and_counts_it(home: Settings) -> None:
    log = ServedLog(home)
    assert log.close(20)
    log.put(a_list())
    assert (log.written, log.dropped) == (0, 1)
    assert files(home) == []


def test_a_file_is_written_after_the_seconds_and_when_many_wait(home: Settings) -> None:
    with closing(ServedLog(home, seconds=0.05)) as log:
        log.put(a_list())
        assert soon(lambda: log.written == 1)
    with closing(ServedLog(home, seconds=3600, capacity=8)) as log:
        for number in range(3):
            log.put(a_list(number))
        time.sleep(0.1)
        assert log.written == 0
        log.put(a_list(3))
        assert soon(lambda: log.written == 4)
    assert len(files(home)) == 2


def test_many_threads_lose_nothing(home: Settings) -> None:
    log = ServedLog(home, capacity=100_000, seconds=0.01)
    names = [[f"{thread}-{number}" for number in range(3000)] for thread in range(4)]

    def show(mine: list[str]) -> None:
        for name in mine:
            log.put(a_list()._replace(request_id=name))

    threads = [threading.Thread(target=show, args=(mine,)) for mine in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert log.close(20)
    assert (log.written, log.dropped, log.failed) == (12_000, 0, 0)
    assert sorted(rows(home)["request_id"]) == sorted(name for mine in names for name in mine)


def test_a_disk_that_fails_is_counted_and_said_once_without_anybodys_id_and_later_lists_are_written(
    home: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    in_the_way = archive.folder_of(home)
    in_the_way.parent.mkdir(parents=True)
    in_the_way.touch()
    with caplog.at_level(logging.WARNING), closing(ServedLog(home, seconds=0.01)) as log:
        for number in (1, 2):
            log.put(a_list(number, customer="ann@example.org"))
            assert soon(lambda: log.failed == number)  # noqa: B023 called in this round
        in_the_way.unlink()
        log.put(a_list(3))
        assert soon(lambda: log.written == 1)
    assert (log.failed, log.dropped) == (2, 0)
    (said,) = (record.getMessage() for record in caplog.records)
    assert "1 served lists could not be written" in said
    assert "ann" not in said
    assert rows(home)["request_id"].to_list() == ["r3"]


def test_a_list_that_no_file_can_hold_is_counted_and_not_quoted(
    home: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(ServedLog(home)) as log:
        log.put(a_list(customer="ann\ud800"))
    assert (log.written, log.failed) == (0, 1)
    assert "UnicodeEncodeError" in caplog.text
    assert "ann" not in caplog.text


WRITER = """
import os, signal, sys
from datetime import datetime, UTC
from pathlib import Path
from recs.served import Served, ServedLog
from warehouse.settings import load_settings

home, name, lists, kill = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4] == "kill"
log = ServedLog(load_settings(home=home), seconds=0.02)
when = datetime(2017, 11, 30, 12, tzinfo=UTC)

def put(number):
    log.put(Served(when, f"{name}{number}", "c", "similar", None, "s", "champion", "b", ("p",)))

put(0)
while not log.written:
    pass
if kill:
    sys.addaudithook(lambda event, _: os.kill(os.getpid(), signal.SIGKILL) if event == "os.rename" else None)
for number in range(1, lists):
    put(number)
assert log.close(20)
"""


def writer(home: Settings, name: str, lists: int, *, kill: bool = False) -> subprocess.Popen[bytes]:
    words = [str(home.home), name, str(lists), "kill" if kill else "live"]
    return subprocess.Popen([sys.executable, "-c", WRITER, *words])


def test_two_processes_write_side_by_side(home: Settings) -> None:
    running = [writer(home, name, 300) for name in ("a", "b")]
    assert [process.wait(60) for process in running] == [0, 0]
    assert sorted(rows(home)["request_id"]) == sorted(f"{name}{n}" for name in "ab" for n in range(300))


def test_a_writer_killed_before_its_file_is_in_place_leaves_no_half_file(home: Settings) -> None:
    assert writer(home, "a", 300, kill=True).wait(60) == -signal.SIGKILL
    assert sum(name.endswith(".partial") for name in files(home)) == 1
    assert rows(home)["request_id"].to_list() == ["a0"]


# What the night does ------------------------------------------------------------------------------


def test_days_older_than_the_setting_go_and_all_others_stay(home: Settings) -> None:
    recs = home.recs.model_copy(update={"served_days": 10})
    home = home.model_copy(update={"recs": recs})
    for age in (0, 1, 10, 11, 500):
        keep(home, a_list(age, when=NOON - timedelta(days=age)))
    (archive.folder_of(home) / "day=2016-07-18.parquet").write_bytes(b"an old whole day")
    assert archive.sweep(home, DAY) == []
    assert rows(home, date(2016, 1, 1))["request_id"].to_list() == ["r10", "r1", "r0"]
    assert {name[:14] for name in files(home)} == {"day=2017-11-20", "day=2017-11-29", "day=2017-11-30"}


def test_a_day_that_is_over_becomes_one_file_and_what_killed_writers_left_goes(home: Settings) -> None:
    keep(home, a_list(1))
    keep(home, a_list(2, ids="xyz"))
    left = archive.folder_of(home) / "day=2017-11-30" / "x.parquet.1f.partial"
    left.touch()
    before = rows(home)
    assert archive.sweep(home, DAY + timedelta(days=1)) == []
    assert len(files(home)) == 3  # servers may still hold lists of yesterday
    assert archive.sweep(home, DAY + timedelta(days=2)) == []
    assert files(home) == ["day=2017-11-30.parquet"]
    assert_frame_equal(rows(home), before)
    assert archive.sweep(home, DAY + timedelta(days=2)) == []
    assert_frame_equal(rows(home), before)


@pytest.mark.parametrize("event", ["os.rename", "shutil.rmtree"])
def test_killed_while_a_day_is_put_together_no_list_is_lost_and_none_counts_twice(
    home: Settings, event: str
) -> None:
    keep(home, a_list(1))
    keep(home, a_list(2))
    before = rows(home)
    code = (
        "import os, signal, sys; from pathlib import Path; from datetime import date\n"
        "from recs.archive import sweep; from warehouse.settings import load_settings\n"
        "kill = lambda event, _: os.kill(os.getpid(), signal.SIGKILL) if event == sys.argv[2] else None\n"
        "sys.addaudithook(kill); sweep(load_settings(home=Path(sys.argv[1])), date(2017, 12, 2))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(home.home), event], check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(files(home)) == 3
    assert_frame_equal(rows(home), before)
    assert archive.sweep(home, DAY + timedelta(days=2)) == []
    assert files(home) == ["day=2017-11-30.parquet"]
    assert_frame_equal(rows(home), before)


def test_a_damaged_day_is_warned_of_and_stays_and_the_others_are_put_together(home: Settings) -> None:
    for age in (2, 3):
        keep(home, a_list(age, when=NOON - timedelta(days=age)))
    broken = archive.folder_of(home) / "day=2017-11-28" / "broken.parquet"
    broken.write_bytes(b"not Parquet")
    (warning,) = archive.sweep(home, DAY)
    assert "the served lists of 2017-11-28" in warning
    assert broken.exists()
    assert "day=2017-11-27.parquet" in files(home)
