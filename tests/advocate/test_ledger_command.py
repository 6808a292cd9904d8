"""`advocate ledger`, as representatives and finance type it."""

from pathlib import Path

import polars as pl
import pytest

from outreach.references import shortened
from tests.advocate.terminal import advocate, told
from tests.worlds import write_feed

pytestmark = pytest.mark.slow
LATER = "2017-12-03T10:00:01Z"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ledger")
    told(advocate(folder / "home", "import", "folder", str(write_feed(folder / "feed")), "--json"))
    return folder / "home"


def test_a_credit_is_granted_paid_by_finance_and_proven(home: Path, tmp_path: Path) -> None:
    words = ["ledger", "open", "--customer", "c0", "--amount", "5.00", "--currency", "EUR", "--why", "wet"]
    done = advocate(home, *words, "--as", "rep")
    assert "is open, 5.00 EUR of it open" in done.stdout
    opened = told(advocate(home, *words, "--as", "rep", "--json"))
    assert isinstance(opened, dict)
    one = opened["promise_id"]
    (row,) = told(advocate(home, "ledger", "list", "--customer", "c0", "--json"))
    assert (row["promise_id"], row["age"], row["opened_by"]) == (one, "fresh", "rep")
    assert one in advocate(home, "ledger", "list").stdout
    named = shortened(one).lower().replace("-", " ")
    (row,) = told(advocate(home, "ledger", "list", "--reference", named, "--json"))
    assert row["promise_id"] == one
    assert told(advocate(home, "ledger", "list", "--reference", "0000-0000-0000", "--json")) == []
    assert "is no reference" in advocate(home, "ledger", "list", "--reference", "12%").stderr

    files = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for file in files:
        assert "1 rows are in" in advocate(home, "ledger", "export", "--out", str(file)).stdout
    assert files[0].read_bytes() == files[1].read_bytes()
    payout = pl.read_csv(files[0], infer_schema=False)
    assert payout["amount"].to_list() == ["5.00"]

    paid = payout.select("promise_id", "amount", "currency", payment_reference=pl.lit("bank 1"))
    paid.with_columns(paid_at=pl.lit("2017-12-01T09:00:00Z")).write_csv(tmp_path / "paid.csv")
    receipt = told(advocate(home, "ledger", "import", str(tmp_path / "paid.csv"), "--as", "fin", "--json"))
    assert isinstance(receipt, dict)
    assert receipt["rows_out"] == {"payments": 1}
    assert told(advocate(home, "ledger", "list", "--customer", "c0", "--json")) == []
    (row,) = told(advocate(home, "ledger", "list", "--customer", "c0", "--state", "kept", "--json"))
    assert row["paid_minor"] == 500
    checked = advocate(home, "ledger", "check")
    assert checked.returncode == 0
    assert "promised = paid + open + voided" in checked.stdout


def test_a_word_is_kept_and_a_promise_is_paid_in_part_and_taken_back(home: Path) -> None:
    words = ["ledger", "open", "--customer", "c1", "--promise", "we call", "--due", "2017-12-05"]
    word = told(advocate(home, *words, "--json"))
    assert isinstance(word, dict)
    assert word["due_at"].startswith("2017-12-06 00:00")
    assert "kept" in advocate(home, "ledger", "keep", word["promise_id"], "--why", "called").stdout
    assert "reopened" in advocate(home, "ledger", "reopen", word["promise_id"], "--why", "line cut").stdout
    words = ["ledger", "open", "--customer", "c1", "--amount", "7", "--currency", "EUR", "--why", "late"]
    credit = told(advocate(home, *words, "--json"))
    assert isinstance(credit, dict)
    pay = ["ledger", "pay", credit["promise_id"], "--reference", "bank 2", "--amount", "2.50"]
    assert "4.50 EUR of it open" in advocate(home, *pay).stdout
    assert "known already" in advocate(home, *pay).stdout
    late = advocate(home, "ledger", "check", ADVOCATE_NOW=LATER)
    assert (late.returncode, "breach" in late.stdout) == (1, True)
    assert "breach" in advocate(home, "ledger", "list", ADVOCATE_NOW=LATER).stdout
    void = advocate(home, "ledger", "void", credit["promise_id"], "--reason", "agreed on less")
    assert "is voided, 0.00 EUR of it open" in void.stdout


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["open", "--customer", "c0", "--amount", "5"], 2, "give --amount, --currency and --why"),
        (["open", "--customer", "c0", "--amount", "5", "--currency", "EUR"], 2, "needs its reason"),
        (["open", "--customer", "c0", "--amount", "25.01", "--currency", "EUR", "--why", "x"], 1, "above"),
        (["open", "--customer", "c0", "--amount", "1.005", "--currency", "EUR", "--why", "x"], 1, "whole"),
        (["open", "--customer", "c0", "--amount", "nan", "--currency", "EUR", "--why", "x"], 1, "whole"),
        (["open", "--customer", "c0", "--amount", "five", "--currency", "EUR", "--why", "x"], 1, "like 5.00"),
        (["open", "--customer", "c0", "--amount", "5", "--currency", "XXX", "--why", "x"], 1, "ISO 4217"),
        (
            ["open", "--customer", "nobody", "--promise", "x", "--due", "2018-01-01"],
            1,
            "'nobody' is not known",
        ),
        (["pay", "nothing", "--reference", "x"], 1, "no promise 'nothing'"),
        (["export", "--out", "/nowhere/x.csv"], 1, "cannot be written"),
        (["import", "/nowhere/x.csv"], 1, "there is no file"),
    ],
)
def test_what_cannot_be_done_is_said(home: Path, words: list[str], code: int, says: str) -> None:
    done = advocate(home, "ledger", *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert says in done.stderr
