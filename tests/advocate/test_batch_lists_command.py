"""`advocate batch export`, `import` and `digest`."""

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from advocate.cli import app
from outreach import review
from tests.conftest import once
from tests.outreach.worlds import DAY, EVERYTHING, MORNING, fill, night, shop
from warehouse import clock
from warehouse.access import accounts
from warehouse.access.roles import Role
from warehouse.settings import Settings


@pytest.fixture
def desk(settings: Settings) -> Settings:
    """A batch for Ada and Ben."""
    return once(settings.model_copy(update={"outreach": EVERYTHING}), _night_of_two)


def _night_of_two(home: Settings) -> None:
    fill(home, shop("ada", "ben"))
    with clock.at(MORNING):
        night(home)


def says(home: Settings, *words: str, status: int = 0) -> str:
    done = CliRunner().invoke(app, ["--home", str(home.home), "batch", *words])
    assert done.exit_code == status, done.output
    return done.output


def filled_in(home: Settings, file: Path, decisions: dict[str, tuple[str, str]]) -> None:
    """Exports a list and fills it in, by customer."""
    assert json.loads(says(home, "export", "latest", "--out", str(file), "--json")) == {
        "file": str(file),
        "rows": 2,
    }
    rows = list(csv.DictReader(file.read_text("utf-8-sig").splitlines()))
    with file.open("w", newline="") as out:
        writer = csv.DictWriter(out, rows[0])
        writer.writeheader()
        for row in rows:
            row["decision"], row["reason"] = decisions[row["customer_id"]]
            writer.writerow(row)


def test_a_list_goes_out_and_comes_back_decided(desk: Settings, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    filled_in(desk, file, {"ada": ("approve", ""), "ben": ("reject", "too old")})
    told = says(desk, "import", str(file), "--as", "eve")
    assert "1 notices rejected" in told
    assert "1 notices approved" in told
    assert "promised: 0.50 USD" in told
    states = {n["customer_id"]: n["state"] for n in review.show_batch(desk)["notices"]}
    assert states == {"ada": "approved", "ben": "rejected"}


def test_what_is_wrong_is_said_by_row_and_nothing_is_changed(desk: Settings, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    filled_in(desk, file, {"ada": ("approve", ""), "ben": ("reject", "")})
    done = CliRunner().invoke(app, ["--home", str(desk.home), "batch", "import", str(file)])
    assert done.exit_code == 1
    assert "has no reason; rejecting and holding take one" in str(done.exception)
    assert {n["state"] for n in review.show_batch(desk)["notices"]} == {"proposed"}


@pytest.mark.parametrize("ending", ["csv", "xlsx", "parquet"])
def test_each_ending_is_written_whole(desk: Settings, tmp_path: Path, ending: str) -> None:
    out = tmp_path / f"list.{ending}"
    assert "2 rows are in" in says(desk, "export", "latest", "--out", str(out))
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == [out.name]


@pytest.mark.parametrize("words", [("export", "latest", "--out", "x.pdf"), ("import", "/nowhere/x.csv")])
def test_what_cannot_be_done_leaves_nothing(desk: Settings, tmp_path: Path, words: tuple[str, ...]) -> None:
    given = [str(tmp_path / word) if word == "x.pdf" else word for word in words]
    done = CliRunner().invoke(app, ["--home", str(desk.home), "batch", *given])
    assert (done.exit_code, "list" in str(done.exception) or "cannot be read" in str(done.exception)) == (
        1,
        True,
    )
    assert [file for file in tmp_path.iterdir() if file.is_file()] == []


def test_the_digest_says_how_many_were_told(desk: Settings) -> None:
    accounts.add(desk, "ann", Role.ADMIN, by="ann", password=None, email="ann@shop.example")
    told = json.loads(says(desk, "digest", "latest", "--json"))
    assert (told["day"], told["rows_out"]) == (DAY.isoformat(), {"digests": 1})
    assert json.loads(says(desk, "digest", "--json"))["rows_out"] == {"digests": 0}
