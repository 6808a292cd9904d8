"""The command line as its users type it: real processes, data on standard output, honest exit codes."""

import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from advocate.cli import app
from advocate.commands import AREAS, commands_of
from tests.advocate.terminal import SEEN, advocate, told
from tests.worlds import DAY, write_feed

pytestmark = pytest.mark.slow
ADVOCATE = Path(sys.executable).with_name("advocate")


def installed(home: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The program as it is installed, started from nothing."""
    return subprocess.run(
        [str(ADVOCATE), "--home", str(home), *words],
        env=os.environ | SEEN | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home after one night of the small grocer."""
    folder = tmp_path_factory.mktemp("cli")
    told(installed(folder / "home", "import", "folder", str(write_feed(folder / "feed")), "--json"))
    told(installed(folder / "home", "nightly", "--day", DAY.isoformat(), "--json"))
    return folder / "home"


@pytest.mark.parametrize(
    "words",
    [["nightly"], ["nightly", "--day", "yesterday"], ["no-such-command"], ["recommend", "c0", "-n", "0"]],
)
def test_wrong_usage_exits_2_and_prints_no_data(home: Path, words: list[str]) -> None:
    done = installed(home, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["import", "folder", "/nowhere"], "there is no folder"),
        (["explain", "nobody", "--day", "2017-11-30"], "nobody"),
        (["export", "decisions", "--day", "2016-01-01", "--out", "x.parquet"], "2016-01-01"),
        (["batch", "show", "no-such-batch"], "no-such-batch"),
        (["evaluate", "--day", DAY.isoformat(), "--out", "/dev/null/page"], "/dev/null/page"),
        (["--home", "/proc/home", "models", "list"], "/proc/home cannot be made"),
    ],
)
def test_a_failure_it_explains_exits_1_without_a_traceback(
    home: Path, tmp_path: Path, words: list[str], says: str
) -> None:
    words = [str(tmp_path / word) if word.startswith("x.") else word for word in words]
    done = advocate(home, *words)
    assert (done.returncode, done.stdout) == (1, "")
    assert says in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("columns", ["40", "200"])
def test_an_id_is_never_torn(home: Path, columns: str) -> None:
    done = installed(home, "models", "list", COLUMNS=columns)
    assert all(
        bundle["bundle_id"] in done.stdout for bundle in told(advocate(home, "models", "list", "--json"))
    )


def test_a_terminal_that_lacks_a_character_is_shown_the_rest(home: Path) -> None:
    done = installed(home, "models", "show", "2017-11-30-ä", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no bundle 2017-11-30-\\xe4" in done.stderr


def test_results_that_cannot_be_written_are_a_failure(home: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [str(ADVOCATE), "--home", str(home), "models", "list"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("what", ["recommendations", "opportunities", "decisions", "notices"])
@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_every_table_can_be_exported_by_its_ending(
    home: Path, tmp_path: Path, what: str, ending: str
) -> None:
    out = tmp_path / f"{what}.{ending}"
    done = told(advocate(home, "export", what, "--day", DAY.isoformat(), "--out", str(out), "--json"))
    frame = pl.read_parquet(out) if ending == "parquet" else pl.read_csv(out)
    assert done == {"file": str(out), "rows": frame.height}
    assert frame.height > 0
    assert [file.name for file in tmp_path.iterdir()] == [out.name]


def test_the_planted_price_drop_is_found_with_its_exact_amount(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "o.parquet"
    told(advocate(home, "export", "opportunities", "--day", DAY.isoformat(), "--out", str(out), "--json"))
    found = pl.read_parquet(out).filter(kind="price_drop")
    assert found.select("customer_id", "product_id", "amount_minor", "currency", "owed").rows() == [
        ("c0", "p0", 50, "EUR", "policy")
    ]


def test_every_customer_is_recommended_something_and_so_is_an_unknown_one(home: Path) -> None:
    for customer in ("c0", "c29", "never seen"):
        items = told(advocate(home, "recommend", customer, "-n", "5", "--json"))
        assert isinstance(items, list)
        assert [item["rank"] for item in items] == [1, 2, 3, 4, 5]
        assert all(item["reason"] for item in items)


def test_a_batch_is_reviewed_approved_and_sent_once(home: Path) -> None:
    batches = told(advocate(home, "batch", "list", "--json"))
    assert isinstance(batches, list)
    batch = batches[0]["batch_id"]
    shown = told(advocate(home, "batch", "show", batch, "--json"))
    assert isinstance(shown, dict)
    told(advocate(home, "batch", "approve", batch, "--as", "maria", "--json"))
    later = {"ADVOCATE_NOW": "2017-12-01T12:00:00Z"}
    advocate(home, "pause", "--as", "maria")
    paused = advocate(home, "send", **later)
    assert paused.returncode == 1
    assert "maria" in paused.stderr
    advocate(home, "resume", "--as", "maria")
    told(advocate(home, "send", "--json", **later))
    sent = sorted((home / "outbox").glob("*/*.json"))
    told(advocate(home, "send", "--json", **later))
    assert sorted((home / "outbox").glob("*/*.json")) == sent
    assert len(sent) == len(shown["notices"])


def test_a_customer_can_be_told_why(home: Path) -> None:
    told_c0 = told(advocate(home, "explain", "c0", "--day", DAY.isoformat(), "--json"))
    assert isinstance(told_c0, dict)
    assert told_c0["outcome"] == "proposed"


def test_models_are_listed_shown_promoted_and_rolled_back(home: Path) -> None:
    listed = told(advocate(home, "models", "list", "--json"))
    assert isinstance(listed, list)
    assert [bundle["current"] for bundle in listed] == [True]
    served = listed[0]["bundle_id"]
    shown = told(advocate(home, "models", "show", served, "--json"))
    assert isinstance(shown, dict)
    assert shown["serving"] == {"for_you": "frequency", "buy_again": "frequency", "discover": "popularity"}
    assert shown["gate"]["verdict"] == shown["verdict"] == "counts"
    assert Path(shown["quality"]).is_file()
    for_people = advocate(home, "models", "show", served)
    assert served in for_people.stdout
    assert "quality.html" in for_people.stdout
    promoted = told(advocate(home, "models", "promote", served, "--as", "maria", "--json"))
    assert isinstance(promoted, dict)
    assert promoted["bundle_id"] == served
    for words in (["promote", "ghost"], ["show", "ghost"], ["rollback"]):
        done = advocate(home, "models", *words)
        assert (done.returncode, done.stdout) == (1, "")
        assert "bundle" in done.stderr


def test_tuning_a_shop_with_too_few_customers_says_so(home: Path) -> None:
    receipt = told(advocate(home, "tune", "--seconds", "5", "--json"))
    assert isinstance(receipt, dict)
    assert receipt["day"] == DAY.isoformat()
    assert "too little history" in receipt["notes"][0]
    assert advocate(home, "tune", "--seconds", "0").returncode == 2


def test_every_command_explains_itself() -> None:
    for words in ([], ["import"], ["nightly"], ["batch"], ["send"], ["export"], ["models"], ["tune"]):
        done = CliRunner().invoke(app, [*words, "--help"])
        assert done.exit_code == 0
        assert "Usage" in done.stdout


def test_a_command_imports_only_what_it_needs(tmp_path: Path) -> None:
    words = ["-X", "importtime", "-m", "advocate.cli", "--home", str(tmp_path), "keys", "list", "--json"]
    for imported in ({"alembic"}, set()):  # The first one makes the database.
        done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=True)
        found = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
        assert "sqlalchemy" in found
        assert found & {"alembic", "numba", "polars", "scipy", "sklearn", "lightgbm", "jinja2"} == imported


def test_every_area_adds_the_commands_that_it_is_asked_for() -> None:
    assert {area: set(commands_of(area)) for area in AREAS} == {
        area: set(names) for area, names in AREAS.items()
    }
