"""The comparison of a night with the truth calls everything by its right name."""

from typing import Any

import polars as pl
import pytest

from benchmarks.savings.simulated import compared, summary
from features.simulator import TRUTH

FOUND = {
    name: dtype for name, dtype in TRUTH.items() if name not in ("night", "day", "expected", "case", "misses")
}
CLAIM = {"kind": "price_drop", "owed": "policy", "customer_id": "c1", "order_id": "o1", "line_id": "1"} | {
    "amount_minor": 200,
    "currency": "EUR",
    "held": False,
}


def verdicts(truth: list[dict[str, Any]], found: list[dict[str, Any]]) -> list[str]:
    rows = compared(
        pl.DataFrame([{"case": "x", "expected": True} | row for row in truth], schema=TRUTH, orient="row"),
        pl.DataFrame(found, schema=FOUND, orient="row"),
    )
    return rows["verdict"].sort().to_list()


LOOK = CLAIM | {"expected": False, "amount_minor": None, "currency": None, "misses": "same market"}


@pytest.mark.parametrize(
    ("truth", "found", "verdict"),
    [
        ([CLAIM], [CLAIM], "exact"),
        ([CLAIM], [], "missed"),
        ([CLAIM], [CLAIM | {"amount_minor": 201}], "wrong"),
        ([CLAIM], [CLAIM | {"held": True}], "wrong"),
        ([CLAIM], [CLAIM | {"customer_id": "c2"}], "wrong"),
        ([], [CLAIM], "extra"),
        ([LOOK], [CLAIM], "look-alike"),
        ([LOOK], [], "rightly not"),
    ],
)
def test_one_case_has_one_verdict(
    truth: list[dict[str, Any]], found: list[dict[str, Any]], verdict: str
) -> None:
    assert verdicts(truth, found) == [verdict]


def test_what_is_found_twice_is_once_too_much() -> None:
    assert verdicts([CLAIM], [CLAIM, CLAIM]) == ["exact", "extra"]


def test_a_claim_for_another_line_is_missed_and_extra() -> None:
    assert verdicts([CLAIM], [CLAIM | {"line_id": "2"}]) == ["extra", "missed"]


def test_kinds_are_counted() -> None:
    rows = compared(
        pl.DataFrame([CLAIM | {"case": "x", "expected": True}], schema=TRUTH, orient="row"),
        pl.DataFrame([CLAIM], schema=FOUND, orient="row"),
    )
    counts = {"planted": 1, "exact": 1, "wrong": 0, "missed": 0, "extra": 0}
    assert summary(rows) == [{"kind": "price_drop", **counts, "look_alikes": 0, "look_alikes_found": 0}]
