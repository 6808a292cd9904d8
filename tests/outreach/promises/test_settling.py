"""Finance: what is to be paid goes out once, what was paid comes in once, whatever is in the file."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from outreach.promises import checking, desk, payouts
from outreach.promises.paying_in import import_payments
from outreach.promises.payouts import for_spreadsheets
from tests.outreach.promises.shops import HOUR, NOON, amounts, promised, standing
from warehouse import clock
from warehouse.errors import FeedError
from warehouse.receipts import Receipt
from warehouse.settings import Settings

PAID_AT = "2017-12-01T15:00:00Z"


def exported(home: Settings) -> tuple[payouts.Export, pl.DataFrame]:
    frames: list[pl.DataFrame] = []
    with clock.at(NOON + HOUR):
        done = payouts.export(home, frames.append, by="fin")
    return done, frames[0]


def paid(reference: str, promise: str, amount: Any = "5.00", **other: Any) -> dict[str, Any]:
    row = {"payment_reference": reference, "promise_id": promise, "amount": amount, "currency": "USD"}
    return row | {"paid_at": PAID_AT} | other


def imported(home: Settings, folder: Path, *rows: dict[str, Any]) -> Receipt:
    file = folder / "paid.csv"
    pl.DataFrame(list(rows)).write_csv(file)
    with clock.at(NOON + 4 * HOUR):
        return import_payments(home, file, by="fin")


def test_an_export_lists_what_is_open_and_twice_gives_the_same(any_home: Settings) -> None:
    one, other = promised(any_home), promised(any_home, "bob", 1234, "JPY")
    promised(any_home, "cid", None)
    desk.pay(any_home, one, reference="bank 1", by="fin", amount_minor=200)
    done, first = exported(any_home)
    assert (done.rows, done.new, done.waiting) == (2, 2, 0)
    assert first.columns == ["export_id", "promise_id", "customer_id", "amount", "currency", "reason"]
    rows = {row[1]: row for row in first.iter_rows()}
    assert rows[one] == (done.export_id, one, "ann", "3.00", "USD", "goodwill: a credit")
    assert rows[other][3:5] == ("1234", "JPY")
    again, second = exported(any_home)
    assert second.equals(first)
    assert (again.rows, again.new, again.export_id) == (2, 0, None)


def test_what_was_exported_before_keeps_its_export_until_it_is_opened_again(any_home: Settings) -> None:
    one = promised(any_home)
    before, _ = exported(any_home)
    other = promised(any_home, "bob")
    after, frame = exported(any_home)
    ids = dict(frame.select("promise_id", "export_id").iter_rows())
    assert ids == {one: before.export_id, other: after.export_id}
    assert before.export_id != after.export_id
    desk.pay(any_home, one, reference="bank 1", by="fin")
    desk.reopen(any_home, one, by="fin", why="account closed", reference="bank 1")
    third, frame = exported(any_home)
    ids = dict(frame.select("promise_id", "export_id").iter_rows())
    assert ids == {one: third.export_id, other: after.export_id}


def test_an_export_that_could_not_be_written_hands_nothing_out(any_home: Settings) -> None:
    promised(any_home)

    def full(_: pl.DataFrame) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        payouts.export(any_home, full, by="fin")
    assert exported(any_home)[0].new == 1


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_text_of_a_customer_becomes_a_formula(home: Settings, start: str) -> None:
    promised(home, f"{start}HYPERLINK(1)", said="sorry")
    _, frame = exported(home)
    assert frame["customer_id"].item() == f"{start}HYPERLINK(1)"
    safe = for_spreadsheets(frame)
    assert safe["customer_id"].item() == f"'{start}HYPERLINK(1)"
    assert safe.drop("customer_id").equals(frame.drop("customer_id"))


def test_what_finance_paid_closes_promises_once(any_home: Settings, tmp_path: Path) -> None:
    one, other = promised(any_home), promised(any_home, "bob", 700)
    rows = paid("bank 1", one), paid("bank 2", other, "3.00"), paid("bank 1", one)
    receipt = imported(any_home, tmp_path, *rows)
    assert (receipt.rows_in, receipt.rows_out, receipt.rejected) == ({"payments": 3}, {"payments": 2}, {})
    assert receipt.numbers == {"known already": 0, "exact copies": 1, "paid_minor": {"USD": 800}}
    assert (standing(any_home, one).state, standing(any_home, other).open_minor) == ("kept", 400)
    again = imported(any_home, tmp_path, *rows)
    assert (again.rows_out, again.numbers["known already"]) == ({"payments": 0}, 2)
    assert (amounts(any_home), amounts(any_home, "bob")) == ((500, 500, 0, 0), (700, 300, 400, 0))
    with clock.at(NOON):
        assert checking.check(any_home).findings == []


def test_what_does_not_fit_goes_to_quarantine_and_the_rest_is_taken(
    any_home: Settings, tmp_path: Path
) -> None:
    one, word = promised(any_home), promised(any_home, "cid", None)
    desk.pay(any_home, promised(any_home, "bob"), reference="bank 0", by="fin")
    receipt = imported(
        any_home,
        tmp_path,
        paid("bank 0", one),
        paid("bank 1", one, "4.00"),
        paid("bank 2", one, "1.01"),
        paid("bank 3", one, "1.00", currency="EUR"),
        paid("bank 4", "nowhere"),
        paid("bank 5", one, "1.005"),
        paid("bank 6", one, "0"),
        paid("bank 7", one, "1.00", paid_at="yesterday"),
        paid("bank 8", one, "1.00"),
        paid("bank 8", one, "0.50"),
        paid("bank 9", word, "1.00"),
    )
    assert receipt.rejected == {
        "payments: same key, different content": 2,
        "payments: paid_at: unreadable": 1,
        "payments: amount: not an amount in whole minor units": 1,
        "payments: same reference, other content": 1,
        "payments: more than is open": 1,
        "payments: other currency than the promise (USD)": 1,
        "payments: unknown promise": 1,
        "payments: amount not above 0": 1,
        "payments: promise without money": 1,
    }
    assert (receipt.rows_in["payments"], receipt.rows_out["payments"]) == (11, 1)
    assert amounts(any_home) == (500, 400, 100, 0)
    kept = pl.read_parquet(Path(receipt.artifacts["quarantine"]) / "payments.parquet")
    assert kept.height == 10
    refused = kept.filter(pl.col("payment_reference") == "bank 2").row(0, named=True)
    assert (refused["amount"], refused["reasons"]) == ("1.01", ["more than is open"])
    assert "10 payments were not taken" in receipt.warnings[0]


def test_of_two_payments_that_together_are_too_much_the_earlier_is_taken(
    home: Settings, tmp_path: Path
) -> None:
    one = promised(home)
    later = paid("a", one, "3.00"), paid("b", one, "3.00", paid_at="2017-12-01T14:00:00Z")
    imported(home, tmp_path, *later)
    assert amounts(home) == (500, 300, 200, 0)
    desk.pay(home, one, reference="b", by="fin")  # known: changes nothing
    assert amounts(home) == (500, 300, 200, 0)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("paid.csv", None, "there is no file"),
        ("paid.txt", "x", "ends in .csv or .parquet"),
        ("paid.csv", "payment_reference,promise_id,amount,currency\n1,2,3,USD\n", "paid_at is missing"),
    ],
)
def test_a_file_that_cannot_be_read_changes_nothing(
    home: Settings, tmp_path: Path, name: str, content: str | None, says: str
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(FeedError, match=says):
        import_payments(home, tmp_path / name, by="fin")


DIE = """
import os, signal, sys
from pathlib import Path
from sqlalchemy import event
from sqlalchemy.engine import Engine
from outreach.promises.paying_in import import_payments
from warehouse.settings import load_settings

left = int(sys.argv[1])

def write(connection, cursor, statement, *_):
    global left
    if statement.startswith("INSERT"):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

event.listen(Engine, "after_cursor_execute", write)
event.listen(Engine, "commit", lambda c: write(c, None, "INSERT"))
home = load_settings(home=Path(sys.argv[2]), database_url=sys.argv[3] or None)
import_payments(home, Path(sys.argv[4]), by="fin")
"""


@pytest.mark.slow
def test_an_import_killed_anywhere_took_all_or_nothing_and_can_be_repeated(
    any_home: Settings, tmp_path: Path
) -> None:
    promises = [promised(any_home, f"c{number}", 500) for number in range(20)]
    rows = [paid(f"bank {number}", one) for number, one in enumerate(promises)] + [paid("x", "nowhere")]
    file = tmp_path / "paid.csv"
    pl.DataFrame(rows).write_csv(file)
    seen = set()
    for effect in range(1, 20):
        words = [str(effect), str(any_home.home), any_home.database_url, str(file)]
        done = subprocess.run([sys.executable, "-c", DIE, *words], env=dict(os.environ), check=False)
        seen.add(sum(standing(any_home, one).state == "kept" for one in promises))
        with clock.at(NOON):
            assert checking.check(any_home).findings == []
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL
    assert effect > 3
    assert seen == {0, 20}
    receipt = import_payments(any_home, file, by="fin")
    assert (receipt.rows_out["payments"], receipt.numbers["known already"]) == (0, 20)
    assert len(list((any_home.home / "quarantine" / "payments").glob("[!.]*"))) == 1
