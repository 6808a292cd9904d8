"""`advocate evaluate` tells people how good each model is, and leaves them a page to look at."""

from pathlib import Path

import pytest

from tests.advocate.terminal import advocate, told
from tests.worlds import DAY, write_feed

pytestmark = pytest.mark.slow
FEW = {"ADVOCATE_RECS__MIN_JUDGED_CUSTOMERS": "10", "ADVOCATE_RECS__TUNE_SECONDS": "0"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home after one night of the small grocer."""
    folder = tmp_path_factory.mktemp("evaluate")
    told(advocate(folder / "home", "import", "folder", str(write_feed(folder / "feed")), "--json"))
    told(advocate(folder / "home", "nightly", "--day", DAY.isoformat(), "--json", **FEW))
    return folder / "home"


def test_models_are_listed_best_first_per_slate_and_the_page_is_where_it_says(
    home: Path, tmp_path: Path
) -> None:
    done = advocate(home, "evaluate", "--day", DAY.isoformat(), "--out", str(tmp_path / "quality"), **FEW)
    assert done.returncode == 0, done.stderr
    page = tmp_path / "quality" / "quality.html"
    assert f"to look at: {page}" in done.stdout
    assert "<svg" in page.read_text()
    table = done.stdout.split("for_you\n")[1].split("\n\n")[0].splitlines()
    assert table[0].split()[:2] == ["model", "NDCG@10"]
    figures = [float(line.split()[1]) for line in table[1:]]
    assert figures == sorted(figures, reverse=True)
    assert table[1].rstrip().endswith("serves")


def test_with_json_the_receipt_holds_every_figure_and_no_page_is_written(home: Path) -> None:
    receipt = told(advocate(home, "evaluate", "--day", DAY.isoformat(), "--json", **FEW))
    assert isinstance(receipt, dict)
    figures = receipt["numbers"]["metrics"]["frequency"]["for_you"]
    assert figures["intervals"]["ndcg@10"][0] <= figures["ndcg@10"]
    assert receipt["artifacts"] == {}


def test_too_few_customers_are_said_and_no_table_is_shown(home: Path) -> None:
    done = advocate(home, "evaluate", "--day", DAY.isoformat())
    assert done.returncode == 0
    assert "for_you could not be judged: 30 customers" in done.stdout
    assert "NDCG@10" not in done.stdout
