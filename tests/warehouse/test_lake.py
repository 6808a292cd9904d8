"""The lake: imports are all or nothing, versions win by age, and the past stays the past. Folder and S3."""

import hashlib
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pyarrow.parquet import read_metadata

from tests.conftest import at
from tests.warehouse.conftest import Python
from warehouse.errors import ConflictError, LakeError, NotFoundError
from warehouse.lake import Lake, Table
from warehouse.shelf import open_shelf

MOMENT = pl.Datetime("us", "UTC")
VISITS = Table(
    "visits",
    {"visit_id": pl.String, "came_at": MOMENT, "left_at": MOMENT, "note": pl.String, "paid": pl.Int64},
    key=("visit_id",),
    at="came_at",
    later=("left_at",),
)
PEOPLE = Table("people", {"name": pl.String, "town": pl.String}, key=("name",))
WISHES = Table("wishes", {"name": pl.String, "wish": pl.String, "at": MOMENT}, at="at")
RULES = Table("rules", {"rule": pl.String, "from_at": MOMENT}, key=("rule",), at="from_at", lasts=True)
DAY = date(2017, 11, 30)

KILLED = """
import os, signal, sys
import polars as pl
from tests.warehouse.test_lake import PEOPLE, VISITS, at, visits
from warehouse.lake import Lake
from warehouse.shelf import Shelf, open_shelf
def die(*arguments):
    os.kill(os.getpid(), signal.SIGKILL)
write, sink = Shelf.write_frame, Shelf._sink
def write_and_die(*arguments):
    write(*arguments)
    die()
def sink_and_die(*arguments):
    sink(*arguments)
    die()
match sys.argv[2]:
    case "in the first file":
        Shelf._sink = staticmethod(sink_and_die)
    case "after the first file":
        Shelf.write_frame = write_and_die
    case "at the commit":
        Shelf.create = die
people = pl.DataFrame({"name": ["Ann"], "town": ["Rome"]})
Lake(open_shelf(sys.argv[1])).append(
    {PEOPLE: people, VISITS: visits(("v1", "2017-11-02"), ("v9", "2017-12-02"))},
    imported_at=at("2017-12-05"), source="killed",
)
"""


def visits(*rows: tuple[str, str], **columns: Any) -> pl.DataFrame:
    """Visits by id and moment; further columns by keyword."""
    given = {"visit_id": [r[0] for r in rows], "came_at": [at(r[1]) for r in rows], **columns}
    return pl.DataFrame(given, schema_overrides={n: VISITS.schema[n] for n in given})


def add(lake: Lake, *frames: pl.DataFrame, table: Table = VISITS, day: str = "2017-12-01") -> None:
    for frame in frames:
        lake.append({table: frame}, imported_at=at(day), source="test")


def rows(frame: pl.LazyFrame, *columns: str) -> list[Any]:
    found = frame.select(columns).sort(columns).collect().rows()
    return [row[0] for row in found] if len(columns) == 1 else found


def digests(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*")) if file.is_file()
    }  # fmt: skip


# Appending and scanning ------------------------------------------------------------------------


def test_an_empty_lake_has_the_columns_and_no_rows(lake: Lake) -> None:
    assert lake.version == "empty"
    assert lake.commits() == []
    assert lake.scan(VISITS).collect().schema == pl.Schema(VISITS.schema)
    assert "imported_at" in lake.scan(VISITS, versions=True).collect_schema()


def test_rows_that_were_appended_are_scanned_across_months(lake: Lake) -> None:
    add(lake, visits(("v1", "2017-10-31 23:59"), ("v2", "2017-11-01"), ("v3", "2017-12-24")))
    assert rows(lake.scan(VISITS), "visit_id") == ["v1", "v2", "v3"]
    assert len(lake.commits()[0].tables["visits"].files) == 3


def test_columns_that_no_import_brought_are_null(lake: Lake) -> None:
    add(lake, visits(("v1", "2017-11-01")))
    add(lake, visits(("v2", "2017-11-02"), note=["late"]))
    assert rows(lake.scan(VISITS), "visit_id", "note", "paid") == [("v1", None, None), ("v2", "late", None)]


def test_the_newest_version_of_a_row_wins_also_in_another_month(lake: Lake) -> None:
    add(lake, visits(("v1", "2017-11-01"), ("v2", "2017-11-01"), paid=[1, 2]))
    add(lake, visits(("v1", "2017-12-01"), paid=[3]))
    assert rows(lake.scan(VISITS), "visit_id", "paid", "came_at") == [
        ("v1", 3, at("2017-12-01")),
        ("v2", 2, at("2017-11-01")),
    ]


def test_a_row_may_go_back_to_what_it_was(lake: Lake) -> None:
    for paid in (1, 2, 1):
        add(lake, visits(("v1", "2017-11-01"), paid=[paid]))
    assert rows(lake.scan(VISITS), "paid") == [1]
    assert len(lake.commits()) == 3


def test_every_version_is_kept_with_its_import(lake: Lake) -> None:
    add(lake, visits(("v1", "2017-11-01"), paid=[1]), day="2017-12-01")
    add(lake, visits(("v1", "2017-11-01"), paid=[2]), day="2017-12-02")
    assert rows(lake.scan(VISITS, versions=True), "paid", "imported_at") == [
        (1, at("2017-12-01")),
        (2, at("2017-12-02")),
    ]


def test_rows_absent_from_a_later_import_stay(lake: Lake) -> None:
    add(lake, pl.DataFrame({"name": ["Ann", "Bob"]}), pl.DataFrame({"name": ["Cid"]}), table=PEOPLE)
    assert rows(lake.scan(PEOPLE), "name") == ["Ann", "Bob", "Cid"]


def test_keys_of_null_and_null_content_are_compared_like_values(lake: Lake) -> None:
    people = pl.DataFrame({"name": ["Ann"], "town": [None]}, schema=PEOPLE.schema)
    add(lake, people, people, table=PEOPLE)
    assert len(lake.commits()) == 1
    add(lake, pl.DataFrame({"name": ["Ann"], "town": ["Rome"]}), table=PEOPLE)
    assert rows(lake.scan(PEOPLE), "name", "town") == [("Ann", "Rome")]


def test_appending_the_same_rows_again_changes_nothing(lake: Lake) -> None:
    frame = visits(("v1", "2017-11-01"), ("v2", "2017-12-01"), paid=[1, None])
    add(lake, frame)
    version = lake.version
    again = lake.append({VISITS: frame.reverse()}, imported_at=at("2018-01-01"), source="again")
    assert again is None
    assert lake.version == version


def test_only_what_is_new_is_written(lake: Lake) -> None:
    add(lake, visits(("v1", "2017-11-01")), visits(("v1", "2017-11-01"), ("v2", "2017-11-02")))
    assert [c.tables["visits"].rows for c in lake.commits()] == [1, 1]
    assert [c.tables["visits"].superseding for c in lake.commits()] == [0, 0]


def test_a_table_without_a_key_holds_each_whole_row_once(lake: Lake) -> None:
    wishes = pl.DataFrame({"name": ["Ann", "Ann"], "wish": ["tea", "rum"], "at": [at("2017-11-01")] * 2})
    add(lake, wishes, wishes.head(1), table=WISHES)
    assert rows(lake.scan(WISHES), "wish") == ["rum", "tea"]


def test_several_tables_arrive_in_one_commit(lake: Lake) -> None:
    frames = {PEOPLE: pl.DataFrame({"name": ["Ann"]}), VISITS: visits(("v1", "2017-11-01"))}
    commit = lake.append(frames, imported_at=at("2017-12-01"), source="both")
    assert commit is not None
    assert commit == lake.commits()[0]
    assert (commit.source, commit.imported_at, set(commit.tables)) == (
        "both", at("2017-12-01"), {"people", "visits"},
    )  # fmt: skip
    assert lake.version == commit.commit_id


# As of a moment --------------------------------------------------------------------------------


def test_as_of_a_moment_later_rows_are_absent_and_later_facts_empty(lake: Lake) -> None:
    add(
        lake,
        visits(
            ("before", "2017-11-29"), ("over", "2017-11-29"), ("exactly", "2017-11-30"),
            left_at=[at("2017-11-29 12:00"), at("2017-11-30"), None],
        ),
    )  # fmt: skip
    assert rows(lake.scan(VISITS, before=at("2017-11-30")), "visit_id", "left_at") == [
        ("before", at("2017-11-29 12:00")),
        ("over", None),
    ]


def test_a_table_without_a_time_of_its_own_looks_the_same_at_any_moment(lake: Lake) -> None:
    add(lake, pl.DataFrame({"name": ["Ann"]}), table=PEOPLE)
    assert rows(lake.scan(PEOPLE, before=at("1999-01-01")), "name") == ["Ann"]


# All or nothing --------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", ["in the first file", "after the first file", "at the commit"])
def test_a_killed_import_is_invisible_and_swept_by_the_next(
    location: str, python: Python, moment: str
) -> None:
    shelf, lake = open_shelf(location), Lake(open_shelf(location))
    add(lake, visits(("v1", "2017-11-01")))
    before = shelf.list("")
    killed = python(KILLED, location, moment)
    killed.communicate(timeout=60)
    assert killed.returncode == -9
    left = set(shelf.list("", unfinished=True)) - set(before)
    assert left or (moment == "in the first file" and location.startswith("s3:"))  # else it shows nothing
    assert rows(lake.scan(VISITS), "visit_id", "came_at") == [("v1", at("2017-11-01"))]
    assert lake.scan(PEOPLE).collect().is_empty()
    add(lake, visits(("v2", "2017-11-03")))
    assert not left & set(shelf.list("", unfinished=True))
    assert rows(lake.scan(VISITS), "visit_id") == ["v1", "v2"]


def test_of_two_imports_at_once_the_second_is_told_to_run_again(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(lake, visits(("v1", "2017-11-01")))
    stale = lake.commits()
    add(lake, visits(("v2", "2017-11-02")))
    kept = lake.version
    monkeypatch.setattr(lake, "commits", lambda: stale)
    with pytest.raises(ConflictError, match="run this again"):
        add(lake, visits(("v3", "2017-11-03")))
    monkeypatch.undo()
    assert lake.version == kept


@pytest.mark.parametrize(
    ("content", "said"),
    [(b'{"format": 2}', "format 2, this version reads 1"), (b"{", "cannot be read")],
)
def test_a_commit_of_another_kind_is_refused(location: str, content: bytes, said: str) -> None:
    open_shelf(location).create("commits/000001.json", content)
    with pytest.raises(LakeError, match=said):
        Lake(open_shelf(location)).scan(VISITS)


def test_the_same_content_gives_the_same_bytes_in_two_homes(tmp_path: Path) -> None:
    frame = visits(
        *((f"v{n}", f"2017-{n % 12 + 1:02d}-01") for n in range(200)),
        note=[f"a note of some length, number {n}" if n % 3 else None for n in range(200)],
        paid=[n if n % 5 else None for n in range(200)],
    )
    garbage = pl.when(pl.col("paid") != 99_999).then(pl.col("paid")).alias("paid")
    made_otherwise = (
        pl.concat([visits(("gone", "2017-01-01"), note=["gone"], paid=[0]), frame.reverse()])
        .filter(pl.col("visit_id") != "gone")
        .with_columns(pl.col("paid").fill_null(99_999))
        .with_columns(garbage)
    )
    for home, given in (("one", frame), ("two", made_otherwise)):
        lake = Lake(open_shelf(str(tmp_path / home)))
        add(lake, given, visits(("v1", "2017-01-02")))
        lake.put("seen", DAY, lake.scan(VISITS).sort("visit_id"))
    assert digests(tmp_path / "one") == digests(tmp_path / "two")


# Pruning ---------------------------------------------------------------------------------------


def test_pruning_forgets_whole_months_and_nights_before_a_day(lake: Lake) -> None:
    add(lake, visits(("old", "2017-09-30"), ("edge", "2017-10-01"), ("new", "2017-11-30")))
    for day in (date(2017, 10, 14), date(2017, 10, 15)):
        lake.put("seen", day, pl.DataFrame({"n": [1]}))
    assert lake.prune(date(2017, 10, 15)) == 2
    assert rows(lake.scan(VISITS), "visit_id") == ["edge", "new"]
    assert not lake.has("seen", date(2017, 10, 14))
    assert lake.has("seen", date(2017, 10, 15))


def test_pruning_keeps_what_has_no_time_and_what_lasts(lake: Lake) -> None:
    add(lake, pl.DataFrame({"name": ["Ann"]}), table=PEOPLE)
    add(lake, pl.DataFrame({"rule": ["no mail"], "from_at": [at("2001-01-01")]}), table=RULES)
    assert lake.prune(date(2017, 12, 1)) == 0
    assert rows(lake.scan(RULES, before=at("2017-12-01")), "rule") == ["no mail"]
    assert rows(lake.scan(PEOPLE), "name") == ["Ann"]


def test_a_lake_with_everything_pruned_can_be_read_and_filled_again(lake: Lake) -> None:
    add(lake, visits(("v1", "2017-01-01"), ("v2", "2017-02-01")))
    lake.prune(date(2017, 12, 1))
    assert lake.scan(VISITS).collect().is_empty()
    assert lake.scan(VISITS, versions=True).collect().is_empty()
    add(lake, visits(("v3", "2017-12-02")))
    assert rows(lake.scan(VISITS), "visit_id") == ["v3"]


def test_pruning_does_not_bring_replaced_rows_back(lake: Lake) -> None:
    add(lake, visits(("v1", "2017-11-05"), paid=[1]))
    add(lake, visits(("v1", "2017-01-05"), paid=[2]))  # the correction lies in an older month
    lake.prune(date(2017, 11, 1))
    assert lake.scan(VISITS).collect().is_empty()


def test_a_kill_while_pruning_leaves_no_dangling_file(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    add(lake, visits(("old", "2017-01-01"), ("new", "2017-11-30")))

    def killed(_: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(lake._shelf, "delete", killed)
        with pytest.raises(KeyboardInterrupt):
            lake.prune(date(2017, 11, 1))
    assert rows(lake.scan(VISITS), "visit_id") == ["new"]
    add(lake, visits(("newer", "2017-12-01")))
    assert not [path for path in lake._shelf.list("events/") if "month=2017-01" in path]


# What steps derive -----------------------------------------------------------------------------


@pytest.mark.parametrize("lazy", [False, True])
def test_what_is_put_is_got_and_replaced_whole(lake: Lake, lazy: bool) -> None:
    for number in (1, 2):
        frame = pl.DataFrame({"n": [number, number]})
        address = lake.put("seen", DAY, frame.lazy() if lazy else frame)
    assert address.endswith("nights/2017-11-30/seen.parquet")
    assert lake.get("seen", DAY).collect()["n"].to_list() == [2, 2]


def test_the_days_of_what_was_put_are_known_newest_first(lake: Lake) -> None:
    for day in (date(2017, 11, 9), DAY, date(2016, 12, 31)):
        lake.put("seen", day, pl.DataFrame({"n": [1]}))
    lake.put("seen_rerun", date(2018, 1, 1), pl.DataFrame({"n": [1]}))
    assert lake.days("seen") == [DAY, date(2017, 11, 9), date(2016, 12, 31)]
    assert lake.days("unseen") == []


def test_rows_may_lie_in_small_groups_for_whoever_looks_for_one(lake: Lake) -> None:
    frame = pl.DataFrame({"n": range(100)})
    address = lake.put("seen", DAY, frame, row_group=10)
    rows = lake.get("seen", DAY).collect()
    assert rows["n"].to_list() == list(range(100))
    if not address.startswith("s3:"):
        assert read_metadata(address).num_row_groups == 10


def test_what_was_not_put_is_not_there(lake: Lake) -> None:
    assert not lake.has("seen", DAY)
    with pytest.raises(
        NotFoundError, match="no seen for 2017-11-30; run `advocate nightly --day 2017-11-30`"
    ):
        lake.get("seen", DAY)


def test_a_put_that_fails_leaves_what_was_there(lake: Lake) -> None:
    lake.put("seen", DAY, pl.DataFrame({"n": ["1"]}))
    broken = pl.LazyFrame({"n": ["x"]}).select(pl.col("n").cast(pl.Int64))
    with pytest.raises(pl.exceptions.PolarsError):
        lake.put("seen", DAY, broken)
    assert lake.get("seen", DAY).collect()["n"].to_list() == ["1"]
    assert [p for p in lake._shelf.list("", unfinished=True) if p.endswith(".partial")] == []


def test_a_frame_without_rows_keeps_its_columns(lake: Lake) -> None:
    lake.put("seen", DAY, pl.DataFrame(schema={"n": pl.Int64}))
    assert lake.get("seen", DAY).collect().schema == {"n": pl.Int64}


# Places ----------------------------------------------------------------------------------------


def test_a_home_may_have_brackets_and_blanks_in_its_name(tmp_path: Path) -> None:
    lake = Lake(open_shelf(str(tmp_path / "my [shop] *? ü #1" / "lake")))
    add(lake, visits(("v1", "2017-11-01"), paid=[1]), visits(("v1", "2017-11-01"), paid=[2]))
    lake.put("seen", DAY, lake.scan(VISITS))
    assert rows(lake.get("seen", DAY), "paid") == [2]


@pytest.mark.parametrize("address", ["gs://bucket/lake", "http://example.test/lake"])
def test_other_places_are_refused(address: str) -> None:
    with pytest.raises(LakeError, match="neither a folder nor an s3"):
        open_shelf(address)


def test_a_file_where_the_lake_should_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lake").write_text("not a folder")
    with pytest.raises(LakeError, match="could not be opened"):
        open_shelf(str(tmp_path / "lake"))


def test_a_bucket_that_is_not_there_is_named(s3: str) -> None:
    missing = s3.replace("s3://lake-", "s3://no-such-")
    with pytest.raises(LakeError, match=missing):
        Lake(open_shelf(missing)).commits()
