"""The list price fell between an order and its dispatch."""

import json
from typing import Any

import pytest

from tests.outreach.worlds import EVERYTHING, FALL, Rows, all_found, found, world
from warehouse.ids import content_id

KIND = "price_guarantee"
OPEN = {"order_id": "1", "dispatched_at": None}
SENT = {"order_id": "1", "dispatched_at": "2017-11-28"}


def claims(purchase: dict[str, Any], prices: Rows = FALL, **more: Any) -> list[int]:
    return found(KIND, world({"purchases": [purchase], "prices": prices}), **more)["amount_minor"].to_list()


def test_an_order_that_waits_while_its_price_falls_gets_the_difference() -> None:
    row = found(KIND, world({"purchases": [OPEN], "prices": FALL})).row(0, named=True)
    assert (row["amount_minor"], row["owed"], row["held"]) == (50, "right", False)
    assert row["opportunity_id"] == content_id(KIND, "1", "1")
    evidence = json.loads(row["evidence"])
    assert evidence["lowest_list_price"] == "1.5"
    assert evidence["lowest_list_price_from"] == "2017-11-25T00:00:00Z"
    assert evidence["dispatched_at"] is None


@pytest.mark.parametrize(
    ("purchase", "prices"),
    [
        pytest.param({"order_id": "1"}, FALL, id="nothing is known of dispatch"),
        pytest.param(SENT | {"dispatched_at": "2017-11-25"}, FALL, id="sent at the moment of the fall"),
        pytest.param(SENT | {"dispatched_at": "2017-11-24"}, FALL, id="sent before the fall"),
        pytest.param(OPEN | {"purchased_at": "2017-11-25"}, FALL, id="ordered at the moment of the fall"),
        pytest.param(OPEN | {"returned_quantity": "1"}, FALL, id="returned"),
        pytest.param(OPEN | {"kind": "shipping"}, FALL, id="shipping"),
        pytest.param(OPEN | {"line_total_minor": 150}, FALL, id="paid no more than the lower price"),
        pytest.param(
            SENT | {"purchased_at": "2017-10-01", "dispatched_at": "2017-10-31T23:59:59.999999"},
            [{"price": "2.00"}, {"price": "1.50", "effective_at": "2017-10-10"}],
            id="sent before the window",
        ),
        pytest.param(OPEN, [FALL[0], FALL[1] | {"kind": "promotion"}], id="a promotion is not a list price"),
        pytest.param(OPEN, [FALL[0], FALL[1] | {"market": "abroad"}], id="another market"),
        pytest.param(OPEN, [FALL[0], FALL[1] | {"currency": "EUR"}], id="another currency"),
        pytest.param(OPEN, [FALL[0], FALL[1] | {"effective_at": "2017-12-01"}], id="after the day"),
        pytest.param(OPEN, [FALL[0], FALL[1] | {"price": "0"}], id="a price of 0 is missing"),
        pytest.param(OPEN, FALL[1:], id="no list price at the order"),
        pytest.param(
            OPEN,
            [{"price": "1.50"}, {"price": "2.00", "effective_at": "2017-11-21"}, FALL[1]],
            id="ordered at the lower price",
        ),
    ],
)
def test_a_look_alike_is_not_claimed(purchase: dict[str, Any], prices: Rows) -> None:
    assert claims(purchase, prices) == []


@pytest.mark.parametrize(
    ("purchase", "prices", "amount"),
    [
        pytest.param(SENT, FALL, 50, id="sent after the fall"),
        pytest.param(
            SENT | {"dispatched_at": "2017-11-25T00:00:00.000001"}, FALL, 50, id="sent just after the fall"
        ),
        pytest.param(
            SENT | {"purchased_at": "2017-10-01", "dispatched_at": "2017-11-01"},
            [{"price": "2.00"}, {"price": "1.50", "effective_at": "2017-10-10"}],
            50,
            id="sent in the first moment of the window",
        ),
        pytest.param(
            OPEN | {"purchased_at": "2017-03-01"},
            [{"price": "2.00"}, {"price": "1.50", "effective_at": "2017-03-10"}],
            50,
            id="open for months",
        ),
        pytest.param(
            SENT | {"dispatched_at": "2017-12-01"}, FALL, 50, id="sent after the day, which is not sent"
        ),
        pytest.param(OPEN, [FALL[0], FALL[1] | {"price": "1.99"}], 1, id="a single cent"),
        pytest.param(
            OPEN | {"quantity": "4", "line_total_minor": 800, "returned_quantity": "1"},
            FALL,
            150,
            id="three of four kept",
        ),
    ],
)
def test_the_edges_of_the_rule_are_found(purchase: dict[str, Any], prices: Rows, amount: int) -> None:
    assert claims(purchase, prices) == [amount]


def test_the_lowest_price_before_dispatch_counts_and_later_ones_are_the_drop_s() -> None:
    prices = [*FALL, {"price": "1.20", "effective_at": "2017-11-28"}]
    both = all_found(world({"purchases": [SENT], "prices": prices})).sort("kind")
    assert both.select("kind", "amount_minor").rows() == [("price_drop", 30), ("price_guarantee", 50)]


def test_while_an_order_waits_all_is_the_guarantee_s() -> None:
    prices = [*FALL, {"price": "1.20", "effective_at": "2017-11-28"}]
    only = all_found(world({"purchases": [OPEN], "prices": prices}))
    assert only.select("kind", "amount_minor").rows() == [("price_guarantee", 80)]


@pytest.mark.parametrize(("price", "held"), [("1.00", False), ("0.999999", True)])
def test_a_price_below_half_the_usual_one_waits_for_a_person(price: str, held: bool) -> None:
    usual = [
        {"price": "9.00", "effective_at": "2016-11-24T23:59:59"},  # more than a year before
        {"price": "2.00", "effective_at": "2016-11-25"},
        {"price": "2.00", "effective_at": "2017-02-01"},
        {"price": "9.00", "effective_at": "2017-03-01"},
        {"price": "2.00", "effective_at": "2017-04-01"},
    ]
    prices = [*usual, {"price": price, "effective_at": "2017-11-25"}]
    row = found(KIND, world({"purchases": [OPEN], "prices": prices})).row(0, named=True)
    assert row["held"] == held


def test_a_price_without_history_is_no_outlier() -> None:
    prices = [
        {"price": "2.00", "effective_at": "2016-11-24"},
        {"price": "0.01", "effective_at": "2017-11-25"},
    ]
    row = found(KIND, world({"purchases": [OPEN], "prices": prices})).row(0, named=True)
    assert (row["amount_minor"], row["held"]) == (199, False)


def test_guarantees_have_no_minimum() -> None:
    high = EVERYTHING.model_copy(update={"min_claim_minor": {"default": 1000}, "min_claim_share": 1.0})
    assert found(KIND, world({"purchases": [OPEN], "prices": FALL}), high)["amount_minor"].to_list() == [50]
