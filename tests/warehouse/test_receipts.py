"""Receipts: kept when a step succeeds, as plain JSON, the newest first."""

from datetime import date
from pathlib import Path

import pytest

from warehouse.database import engine_for, reading
from warehouse.models import ReceiptRow
from warehouse.receipts import Receipt, latest, recording
from warehouse.settings import Settings

DAY = date(2017, 11, 30)


def test_a_step_that_succeeds_leaves_its_receipt(any_settings: Settings) -> None:
    with recording(any_settings, "features", DAY) as receipt:
        receipt.rows_in["purchases"] = 3
        receipt.rejected["purchases: quantity: too small"] = 1
    kept = latest(any_settings, "features", DAY)
    assert kept == receipt.as_json()
    assert kept["rows_in"] == {"purchases": 3}
    assert kept["seconds"] >= 0


def test_a_step_that_fails_leaves_none(any_settings: Settings) -> None:
    with pytest.raises(ZeroDivisionError), recording(any_settings, "features", DAY):
        _ = 1 / 0
    assert latest(any_settings, "features", DAY) is None


def test_the_newest_receipt_of_that_step_and_day_is_the_latest(any_settings: Settings) -> None:
    for step, day, note in [
        ("features", DAY, "old"), ("features", DAY, "new"), ("recs", DAY, "other"),
        ("features", date(2017, 12, 1), "later"),
    ]:  # fmt: skip
        with recording(any_settings, step, day) as receipt:
            receipt.notes.append(note)
    kept = latest(any_settings, "features", DAY)
    assert kept is not None
    assert kept["notes"] == ["new"]
    with reading(engine_for(any_settings)) as session:
        assert session.query(ReceiptRow).count() == 4


def test_figures_that_json_does_not_have_are_null_on_every_database(any_settings: Settings) -> None:
    with recording(any_settings, "recs", DAY) as receipt:
        receipt.numbers |= {"ndcg": float("nan"), "loss": float("inf")}
    kept = latest(any_settings, "recs", DAY)
    assert kept is not None
    assert kept["numbers"] == {"ndcg": None, "loss": None}


def test_days_and_paths_are_written_as_text() -> None:
    plain = Receipt("features", DAY, artifacts={"quarantine": Path("/home/q")}).as_json()  # type: ignore[dict-item]
    assert plain["day"] == "2017-11-30"
    assert plain["artifacts"] == {"quarantine": "/home/q"}
