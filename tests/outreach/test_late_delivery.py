import json
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.finders import late_delivery
from tests.outreach.worlds import DAY, END, EVERYTHING, Rows, at, found, world
from warehouse.ids import content_id

KIND = "late_delivery"
LATE = {
    "order_id": "1",
    "line_total_minor": 1000,
    "promised_at": "2017-11-20",
    "delivered_at": "2017-11-22T12:00",
}


def amounts(*lines: dict[str, Any], returns: Rows | None = None, **changed: Any) -> list[int]:
    rules = EVERYTHING.model_copy(update=changed)
    here = world({"purchases": [LATE | line for line in lines], "returns": returns or []})
    return found(KIND, here, rules)["amount_minor"].to_list()


def test_a_line_that_came_two_and_a_half_days_late_gets_three_tenths_back() -> None:
    row = found(KIND, world({"purchases": [LATE]})).row(0, named=True)
    assert row["amount_minor"] == 300
    assert (row["owed"], row["currency"], row["order_id"], row["line_id"]) == ("policy", "USD", "1", "1")
    assert row["product_id"] == "milk"
    assert row["opportunity_id"] == content_id(KIND, "1", "1")
    assert not row["held"]
    evidence = json.loads(row["evidence"])
    assert evidence["promised_at"] == "2017-11-20T00:00:00Z"
    assert evidence["delivered_at"] == "2017-11-22T12:00:00Z"
    assert evidence["started_days_late"] == 3
    assert evidence["line_total_minor"] == 1000


@pytest.mark.parametrize(
    "line",
    [
        pytest.param({"delivered_at": "2017-11-20"}, id="in time"),
        pytest.param({"delivered_at": "2017-11-19"}, id="early"),
        pytest.param({"delivered_at": "2017-11-21"}, id="24 hours late"),
        pytest.param({"promised_at": None}, id="nothing was promised"),
        pytest.param(
            {"promised_at": "2017-10-31T23:59:59.999999", "delivered_at": "2017-11-10"},
            id="promised before the window",
        ),
        pytest.param({"promised_at": "2017-11-30", "delivered_at": None}, id="open, for 24 hours"),
        pytest.param({"promised_at": "2017-12-01", "delivered_at": None}, id="promised for the day after"),
        pytest.param({"kind": "shipping"}, id="shipping is not a product"),
        pytest.param({"kind": "fee"}, id="a fee is not a product"),
        pytest.param({"returned_quantity": "1"}, id="returned"),
        pytest.param({"line_total_minor": 0}, id="nothing was paid"),
        pytest.param({"line_total_minor": 1, "delivered_at": "2017-11-24"}, id="less than half a cent"),
    ],
)
def test_a_look_alike_is_not_found(line: dict[str, Any]) -> None:
    assert amounts(line) == []


@pytest.mark.parametrize(
    ("line", "amount"),
    [
        pytest.param({"delivered_at": "2017-11-21T00:00:00.000001"}, 200, id="just over 24 hours"),
        pytest.param({"delivered_at": "2017-11-22"}, 200, id="48 hours"),
        pytest.param({"delivered_at": "2017-11-22T00:00:00.000001"}, 300, id="just over 48 hours"),
        pytest.param({"delivered_at": "2017-11-25"}, 500, id="five days"),
        pytest.param({"delivered_at": "2017-11-26"}, 500, id="six days, and still half"),
        pytest.param(
            {"promised_at": "2017-11-01", "delivered_at": "2017-11-03"}, 200, id="first moment of the window"
        ),
        pytest.param({"delivered_at": None}, 500, id="has not come yet"),
        pytest.param({"delivered_at": "2017-12-01"}, 500, id="came the day after"),
        pytest.param(
            {"promised_at": "2017-11-29T23:59:59.999999", "delivered_at": None}, 200, id="open for a day"
        ),
        pytest.param({"purchased_at": "2017-01-01"}, 300, id="bought long ago"),
        pytest.param({"line_total_minor": 5}, 2, id="1.5 is rounded up"),
        pytest.param({"line_total_minor": 4}, 1, id="1.2 is rounded down"),
        pytest.param(
            {"quantity": "3", "line_total_minor": 1000, "returned_quantity": "1"},
            200,
            id="two of three kept: 666.67 is not rounded before the share is taken",
        ),
        pytest.param(
            {"quantity": "3", "line_total_minor": 5, "returned_quantity": "2"},
            1,
            id="a third of 5 is 1.67, and three tenths of that are 0.5",
        ),
        pytest.param({"currency": "JPY"}, 300, id="yen"),
        pytest.param({"market": "abroad"}, 300, id="another market"),
    ],
)
def test_the_edges_of_the_rule_are_found(line: dict[str, Any], amount: int) -> None:
    assert amounts(line) == [amount]


def test_nothing_is_concluded_from_a_delivery_nobody_could_have_told() -> None:
    unknown = {name: value for name, value in LATE.items() if name != "delivered_at"}
    assert found(KIND, world({"purchases": [unknown]})).is_empty()
    assert found(KIND, world({"purchases": [unknown | {"delivered_at": None}]})).height == 1


def test_units_returned_before_the_end_do_not_count() -> None:
    line = {"quantity": "2"}
    assert amounts(line, returns=[{"order_id": "1", "returned_at": "2017-11-30"}]) == [150]
    assert amounts(line, returns=[{"order_id": "1", "returned_at": "2017-12-01"}]) == [300]


def test_the_settings_say_how_much_and_how_long() -> None:
    assert amounts({}, late_share=0.07) == [210]
    assert amounts({}, late_most=0.25) == [250]
    assert amounts({}, late_days=10) == []
    assert amounts({}, late_days=11) == [300]


def test_a_later_night_claims_only_what_was_not_promised_before() -> None:
    promised = [
        {"opportunity_id": content_id(KIND, "1", "1"), "currency": "USD", "kind": KIND, "promised_minor": 200}
    ]
    here = world({"purchases": [LATE]}, {"promised": promised})
    assert found(KIND, here)["amount_minor"].to_list() == [100]


@pytest.mark.parametrize(
    ("quantity", "claims"),
    [
        pytest.param("999", [370_370_367_000], id="still exact"),
        pytest.param("999999999999", [], id="beyond 128 bits"),
    ],
)
def test_a_line_too_large_to_compute_exactly_is_not_claimed(quantity: str, claims: list[int]) -> None:
    huge = {"quantity": quantity, "line_total_minor": 10**12}
    assert amounts(huge, late_share=0.123456789) == claims


# Properties ------------------------------------------------------------------------------------


def _moment(hours: float) -> str:
    return (END - timedelta(hours=hours)).replace(tzinfo=None).isoformat()


@st.composite
def lines(draw: st.DrawFn) -> dict[str, Any]:
    quantity = draw(st.decimals("0.001", "500", places=3))
    promised = draw(st.integers(-48, 31 * 24))
    delivered = draw(st.none() | st.integers(-48, 31 * 24))
    return {
        "order_id": "1",
        "quantity": str(quantity),
        "returned_quantity": str(draw(st.decimals("0", quantity, places=3))),
        "line_total_minor": draw(st.integers(0, 1_000_000)),
        "promised_at": _moment(promised),
        "delivered_at": None if delivered is None else _moment(delivered),
    }


def expected(line: dict[str, Any]) -> int:
    """The rule once more, for one line, in plain Python."""
    end = END.replace(tzinfo=None).isoformat()
    if not _moment(30 * 24) <= line["promised_at"] < end:
        return 0
    came = line["delivered_at"]
    until = end if came is None or came >= end else came
    late = _hours(until) - _hours(line["promised_at"])
    share = min(Fraction(-(-late // 24), 10), Fraction(1, 2)) if late > 24 else Fraction(0)
    quantity = Fraction(line["quantity"])
    kept = quantity - Fraction(line["returned_quantity"])
    return int((line["line_total_minor"] * kept / quantity * share + Fraction(1, 2)).__floor__())


def _hours(moment: str) -> int:
    return int((at(moment) - END) // timedelta(hours=1))


@settings(max_examples=60, deadline=None)
@given(lines())
def test_every_amount_is_the_rule_s_and_never_more_than_half_of_what_was_paid(line: dict[str, Any]) -> None:
    got = found(KIND, world({"purchases": [line]}))["amount_minor"].to_list()
    amount = expected(line)
    assert got == ([amount] if amount else [])
    assert all(0 < one <= (line["line_total_minor"] + 1) // 2 for one in got)


@settings(max_examples=30, deadline=None)
@given(st.lists(lines(), min_size=2, max_size=6), st.randoms())
def test_the_order_of_rows_changes_nothing(many: Rows, random: Any) -> None:
    numbered = [line | {"order_id": str(n)} for n, line in enumerate(many)]
    first = found(KIND, world({"purchases": numbered})).sort("opportunity_id")
    again = found(KIND, world({"purchases": random.sample(numbered, len(numbered))})).sort("opportunity_id")
    assert first.equals(again)


def test_the_evidence_alone_is_enough_to_recompute_the_claim() -> None:
    line = LATE | {"quantity": "2.5", "line_total_minor": 777, "returned_quantity": "0.7"}
    claim = late_delivery.find(world({"purchases": [line]}), EVERYTHING, DAY).collect().row(0, named=True)
    facts = json.loads(claim["facts"])
    used = json.loads(facts["settings"])
    share = min(
        Fraction(str(used["late_share"])) * facts["started_days_late"], Fraction(str(used["late_most"]))
    )
    exact = facts["line_total_minor"] * share * Fraction(facts["kept_quantity"]) / Fraction(facts["quantity"])
    assert claim["claim_minor"] == (exact + Fraction(1, 2)).__floor__()
