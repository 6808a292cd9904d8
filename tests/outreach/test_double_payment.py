import json
from collections import Counter
from datetime import timedelta
from itertools import groupby
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.finders import double_payment
from tests.outreach.worlds import DAY, END, EVERYTHING, Rows, at, found, world
from warehouse.ids import content_id

KIND = "double_payment"


def order(name: str, *lines: dict[str, Any], at: str = "20T12:00", **every: Any) -> Rows:
    """An order of 20 November, on its way: of one milk, where no line is given."""
    named = {"order_id": name, "purchased_at": f"2017-11-{at}", "dispatched_at": None}
    return [named | {"line_id": str(n)} | line | every for n, line in enumerate(lines or ({},), start=1)]


FIRST = order("a")
LATER = {"at": "20T12:10"}


def orders(*every: Rows, inputs: dict[str, Rows] | None = None, **changed: Any) -> list[tuple[str, int]]:
    here = world({"purchases": [line for rows in every for line in rows]}, inputs)
    rows = found(KIND, here, EVERYTHING.model_copy(update=changed))
    return rows.select("order_id", "amount_minor").sort("order_id").rows()


def test_of_two_equal_orders_within_ten_minutes_the_second_is_paid_back_with_shipping_and_fees() -> None:
    milk = {"product_id": "milk", "quantity": "2", "line_total_minor": 400}
    parcel = {"product_id": "parcel", "kind": "shipping", "line_total_minor": 90}
    fee = {"product_id": "bag", "kind": "fee", "line_total_minor": 7}
    tables = {
        "purchases": [*order("a", milk), *order("b", milk, parcel, fee, **LATER)],
        "products": [{"product_id": "milk", "title": "Fresh milk"}],
    }
    row = found(KIND, world(tables)).row(0, named=True)
    assert row["amount_minor"] == 497
    assert (row["owed"], row["currency"], row["order_id"], row["line_id"]) == ("right", "USD", "b", None)
    assert row["opportunity_id"] == content_id(KIND, "b")
    assert not row["held"]
    evidence = json.loads(row["evidence"])
    assert (evidence["other_order_id"], evidence["item"]) == ("a", "Fresh milk")
    assert evidence["ordered_at"] == "2017-11-20T12:10:00Z"
    assert evidence["other_ordered_at"] == "2017-11-20T12:00:00Z"
    assert evidence["lines"][0] == milk | {"line_id": "1", "kind": "product"}
    assert [line["line_total_minor"] for line in evidence["lines"]] == [400, 90, 7]
    assert [line["line_total_minor"] for line in evidence["other_lines"]] == [400]


def test_what_was_bought_twice_at_a_till_waits_for_a_person() -> None:
    at_till = [
        {name: value for name, value in line.items() if name != "dispatched_at"}
        for line in (*FIRST, *order("b", **LATER))
    ]
    row = found(KIND, world({"purchases": at_till})).row(0, named=True)
    assert (row["order_id"], row["amount_minor"], row["held"]) == ("b", 200, True)
    assert json.loads(row["evidence"])["at_till"] is True


HALVES = ({"line_total_minor": 100}, {"product_id": "oil", "line_total_minor": 100})
TWO = ({"product_id": "milk"}, {"product_id": "oil", "line_total_minor": 300})


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(FIRST, order("b", at="20T12:10:00.000001"), id="just over ten minutes"),
        pytest.param(FIRST, order("b", customer_id="bob", **LATER), id="another customer"),
        pytest.param(FIRST, order("b", market="abroad", **LATER), id="another market"),
        pytest.param(FIRST, order("b", currency="EUR", **LATER), id="another currency"),
        pytest.param(FIRST, order("b", product_id="oil", **LATER), id="another product"),
        pytest.param(FIRST, order("b", quantity="2", **LATER), id="another quantity"),
        pytest.param(FIRST, order("b", line_total_minor=199, **LATER), id="another total"),
        pytest.param(FIRST, order("b", returned_quantity="0.001", **LATER), id="a part came back"),
        pytest.param(order("a", returned_quantity="1"), order("b", **LATER), id="the first came back"),
        pytest.param(order("a", *TWO), order("b", **LATER), id="a line less"),
        pytest.param(FIRST, order("b", *TWO, **LATER), id="a line more"),
        pytest.param(
            order("a", {}, {}, {"product_id": "oil"}),
            order("b", {}, {"product_id": "oil"}, {"product_id": "oil"}, **LATER),
            id="other products twice",
        ),
        pytest.param(
            order("a", {"quantity": "2"}, {"product_id": "oil"}),
            order("b", {}, {"product_id": "oil", "quantity": "2"}, **LATER),
            id="quantities the other way round",
        ),
        pytest.param(
            order("a", *TWO),
            order("b", TWO[0] | {"line_total_minor": 300}, TWO[1] | {"line_total_minor": 200}, **LATER),
            id="totals the other way round",
        ),
        pytest.param(order("a", at="30T12:00"), [], id="only one order"),
        pytest.param(
            order("a", purchased_at="2017-10-31T23:55"),
            order("b", purchased_at="2017-10-31T23:59:59.999999"),
            id="the second before the window",
        ),
        pytest.param(
            order("a", at="30T23:55"), order("b", purchased_at="2017-12-01"), id="the second the day after"
        ),
        pytest.param(
            FIRST,
            order("b", {}, {"kind": "shipping", "market": "abroad"}, **LATER),
            id="an order of two markets",
        ),
        pytest.param(
            FIRST,
            order("b", {}, {"kind": "fee", "currency": "EUR"}, **LATER),
            id="an order of two currencies",
        ),
        pytest.param(
            FIRST,
            order("b", {}, {"kind": "fee", "customer_id": "bob"}, **LATER),
            id="an order of two customers",
        ),
        pytest.param(
            order("a", {"kind": "shipping"}), order("b", {"kind": "shipping"}, **LATER), id="no products"
        ),
        pytest.param(
            FIRST,
            order("b", {}, {"kind": "shipping", "returned_quantity": "1"}, **LATER),
            id="the shipping came back",
        ),
        pytest.param(
            order("a", line_total_minor=0), order("b", line_total_minor=0, **LATER), id="nothing was paid"
        ),
        pytest.param(
            FIRST,
            order("b", *TWO[:1], {"kind": "fee", "purchased_at": "2017-11-20T11:30"}, **LATER),
            id="the second began long before",
        ),
    ],
)
def test_a_look_alike_is_not_found(first: Rows, second: Rows) -> None:
    assert orders(first, second) == []


@pytest.mark.parametrize(
    ("first", "second", "later"),
    [
        pytest.param(FIRST, order("b", **LATER), "b", id="ten minutes"),
        pytest.param(FIRST, order("b"), "b", id="at one moment, the larger id"),
        pytest.param(order("b"), order("a", **LATER), "a", id="the later is the second, whatever its id"),
        pytest.param(
            order("a", purchased_at="2017-10-31T23:50"),
            order("b", purchased_at="2017-11-01"),
            "b",
            id="first moment of the window, the first before it",
        ),
        pytest.param(order("a", at="30T23:50"), order("b", at="30T23:59:59.999999"), "b", id="last moment"),
        pytest.param(
            order("a", *HALVES), order("b", *reversed(HALVES), **LATER), "b", id="lines in another order"
        ),
        pytest.param(
            order("a", {"quantity": "1.50"}), order("b", {"quantity": "1.5"}, **LATER), "b", id="1.50 is 1.5"
        ),
        pytest.param(
            order("a", {}, {"kind": "shipping"}),
            order("b", **LATER),
            "b",
            id="shipping was paid for the first",
        ),
        pytest.param(
            FIRST,
            order("b", {}, {"kind": "fee", "line_total_minor": 0, "purchased_at": "2017-11-21"}, **LATER),
            "b",
            id="a line was added a day later",
        ),
    ],
)
def test_the_edges_of_the_rule_are_found(first: Rows, second: Rows, later: str) -> None:
    assert orders(first, second) == [(later, 200)]


def test_units_returned_before_the_end_count_as_returned() -> None:
    for moment, claims in (("2017-11-30T23:59:59", 0), ("2017-12-01", 1)):
        back = [{"order_id": "b", "returned_at": moment}]
        here = world({"purchases": [*FIRST, *order("b", **LATER)], "returns": back})
        assert found(KIND, here).height == claims


def test_of_three_equal_orders_two_are_paid_back() -> None:
    minutes = ("20T12:00", "20T12:08", "20T12:16")
    assert orders(*(order(name, at=moment) for name, moment in zip("abc", minutes, strict=True))) == [
        ("b", 200),
        ("c", 200),
    ]
    assert orders(order("a"), order("b"), order("c")) == [("b", 200), ("c", 200)]


def test_an_order_between_two_equal_ones_does_not_part_them() -> None:
    oil = order("b", product_id="oil", at="20T12:05")
    assert orders(order("a"), oil, order("c", **LATER)) == [("c", 200)]
    returned = order("b", returned_quantity="1", at="20T12:05")
    assert orders(order("a"), returned, order("c", **LATER)) == [("c", 200)]


def test_an_order_that_began_before_the_window_is_not_taken_for_the_rest_of_it() -> None:
    begun = order("b", {"product_id": "oil", "purchased_at": "2017-10-01"}, {}, at="01T00:03")
    assert orders(order("a", at="01T00:00"), begun) == []
    assert orders(order("a", at="01T00:00"), begun, order("c", at="01T00:06")) == [("c", 200)]


def test_an_order_of_several_products_is_not_named_after_one_of_them() -> None:
    tables = {
        "purchases": [*order("a", *TWO), *order("b", *TWO, **LATER)],
        "products": [{"product_id": "milk", "title": "Fresh milk"}, {"product_id": "oil", "title": "Oil"}],
    }
    assert json.loads(found(KIND, world(tables))["evidence"][0])["item"] is None


def test_the_settings_say_how_far_apart_and_how_long() -> None:
    pair = (FIRST, order("b", **LATER))
    assert orders(*pair, double_payment_minutes=9) == []
    assert orders(FIRST, order("b"), double_payment_minutes=0) == [("b", 200)]
    assert orders(*pair, double_payment_days=10) == []
    assert orders(*pair, double_payment_days=11) == [("b", 200)]


def test_what_was_promised_of_a_line_is_not_paid_back_again() -> None:
    promised = {
        "opportunity_id": "price",
        "kind": "price_drop",
        "order_id": "b",
        "line_id": "1",
        "currency": "USD",
        "promised_minor": 50,
    }
    assert orders(FIRST, order("b", **LATER), inputs={"promised": [promised]}) == [("b", 150)]


# Properties ------------------------------------------------------------------------------------


@st.composite
def many_orders(draw: st.DrawFn) -> Rows:
    """Orders of two customers, close together, around the beginning of the window."""
    begin = END - timedelta(days=30, minutes=20)
    rows = []
    for name in "abcdef"[: draw(st.integers(2, 6))]:
        who = draw(st.sampled_from(["ann", "ann", "bob"]))
        market = draw(st.sampled_from(["default", "default", "default", "abroad"]))
        for line in range(1, draw(st.integers(1, 2)) + 1):
            moment = begin + timedelta(minutes=draw(st.integers(0, 45)))
            rows += [
                {
                    "order_id": name,
                    "line_id": str(line),
                    "customer_id": who,
                    "market": market,
                    "product_id": draw(st.sampled_from(["milk", "milk", "oil"])),
                    "quantity": draw(st.sampled_from(["1", "1", "0.5"])),
                    "returned_quantity": draw(st.sampled_from(["0", "0", "0", "0.5"])),
                    "line_total_minor": draw(st.sampled_from([0, 200, 200, 200])),
                    "kind": draw(st.sampled_from(["product", "product", "product", "shipping"])),
                    "purchased_at": moment.replace(tzinfo=None).isoformat(),
                }
            ]
    return rows


def expected(rows: Rows) -> dict[str, int]:
    """The rule once more: every order beside every other, in plain Python."""
    every = [list(lines) for _, lines in groupby(sorted(rows, key=_order), key=_order)]
    whole = [lines for lines in every if all(line["returned_quantity"] == "0" for line in lines)]
    want = {}
    for later in whole:
        moment, name = _moment(later), later[0]["order_id"]
        paid = sum(line["line_total_minor"] for line in later)
        for other in whole:
            before = (_moment(other), other[0]["order_id"]) < (moment, name)
            near = moment - _moment(other) <= timedelta(minutes=10)
            recent = moment >= END - timedelta(days=30)
            if before and near and recent and paid and _same(later) == _same(other) and _same(later)[0]:
                want[name] = paid
    return want


def _order(line: dict[str, Any]) -> str:
    return str(line["order_id"])


def _moment(lines: Rows) -> Any:
    return min(at(line["purchased_at"]) for line in lines)


def _same(lines: Rows) -> tuple[Any, ...]:
    products = [line for line in lines if line["kind"] == "product"]
    bought = Counter((line["product_id"], line["quantity"], line["line_total_minor"]) for line in products)
    return bought, lines[0]["customer_id"], lines[0]["market"]


@settings(max_examples=60, deadline=None)
@given(many_orders())
def test_every_claim_is_the_rule_s_and_all_that_was_paid(rows: Rows) -> None:
    claims = double_payment.find(world({"purchases": rows}), EVERYTHING, DAY).collect()
    assert dict(claims.select("order_id", "claim_minor").rows()) == expected(rows)


@settings(max_examples=30, deadline=None)
@given(many_orders(), st.randoms())
def test_the_order_of_rows_changes_nothing(rows: Rows, random: Any) -> None:
    mixed = random.sample(rows, len(rows))
    first, again = (found(KIND, world({"purchases": r})).sort("opportunity_id") for r in (rows, mixed))
    assert first.equals(again)


def test_the_evidence_alone_is_enough_to_recompute_the_claim() -> None:
    rows = [*order("a", *TWO), *order("b", *TWO, {"kind": "fee", "line_total_minor": 30}, **LATER)]
    claim = double_payment.find(world({"purchases": rows}), EVERYTHING, DAY).collect().row(0, named=True)
    lines = json.loads(claim["facts"])["lines"]
    assert claim["claim_minor"] == sum(line["line_total_minor"] for line in lines) == 530
