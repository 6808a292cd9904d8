import json
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach import export, review, steps
from outreach.finders import price_drop
from tests.outreach.worlds import DAY, END, EVERYTHING, FALL, Rows, consenting, fill, found, night, world
from warehouse.ids import content_id
from warehouse.settings import Settings

KIND = "price_drop"
NEXT = DAY + timedelta(days=1)


def claims(purchases: Rows, prices: Rows, returns: Rows | None = None, **inputs: Any) -> list[int]:
    tables = {"purchases": purchases, "prices": prices, "returns": returns or []}
    return found(KIND, world(tables, inputs))["amount_minor"].to_list()


def test_a_line_bought_before_the_price_fell_gets_the_difference() -> None:
    row = found(KIND, world({"purchases": [{"order_id": "1"}], "prices": FALL})).row(0, named=True)
    assert row["amount_minor"] == 50
    assert (row["owed"], row["currency"], row["order_id"], row["line_id"]) == ("policy", "USD", "1", "1")
    assert row["opportunity_id"] == content_id(KIND, "1", "1")
    assert not row["held"]
    evidence = json.loads(row["evidence"])
    assert evidence["list_price_at_purchase"] == "2"
    assert evidence["lowest_list_price"] == "1.5"
    assert evidence["lowest_list_price_from"] == "2017-11-25T00:00:00Z"
    assert evidence["purchased_at"] == "2017-11-20T00:00:00Z"


@pytest.mark.parametrize(
    ("purchase", "prices"),
    [
        pytest.param({}, [{"price": "2.00"}], id="the price did not change"),
        pytest.param({}, [{"price": "1.50", "effective_at": "2017-11-25"}], id="no list price at purchase"),
        pytest.param(
            {},
            [{"price": "2.00", "ends_at": "2017-11-01"}, {"price": "1.50", "effective_at": "2017-11-25"}],
            id="the list price had ended before the purchase",
        ),
        pytest.param(
            {},
            [{"price": "2.00"}, {"price": "1.50", "effective_at": "2017-11-25", "kind": "promotion"}],
            id="a promotion is not a list price",
        ),
        pytest.param(
            {},
            [{"price": "2.00"}, {"price": "1.50", "effective_at": "2017-11-25", "market": "abroad"}],
            id="another market",
        ),
        pytest.param(
            {},
            [{"price": "2.00"}, {"price": "1.50", "effective_at": "2017-11-25", "currency": "EUR"}],
            id="another currency",
        ),
        pytest.param(
            {},
            [{"price": "2.00"}, {"product_id": "oil", "price": "1.50", "effective_at": "2017-11-25"}],
            id="another product",
        ),
        pytest.param(
            {},
            [{"price": "2.00"}, {"price": "1.50", "effective_at": "2017-12-01"}],
            id="the fall comes after the day",
        ),
        pytest.param({"purchased_at": "2017-10-31T23:59:59.999999"}, FALL, id="bought before the window"),
        pytest.param({"purchased_at": "2017-11-25"}, FALL, id="bought at the moment of the fall"),
        pytest.param({"purchased_at": "2017-11-26"}, FALL, id="bought after the fall"),
        pytest.param(
            {},
            [{"price": "2.00"}, {"price": "0", "effective_at": "2017-11-25"}],
            id="a price of 0 is missing",
        ),
        pytest.param(
            {},
            [*FALL, {"price": "0", "effective_at": "2017-11-15"}],
            id="a missing price at purchase, in the place of the one before",
        ),
        pytest.param({"line_total_minor": 150}, FALL, id="paid no more than the lower price"),
        pytest.param({"kind": "shipping"}, FALL, id="shipping is not a product"),
        pytest.param({"returned_quantity": "1"}, FALL, id="returned, without a date"),
        pytest.param(
            {"purchased_at": "2017-11-20"},
            [
                {"price": "1.50"},
                {"price": "2.00", "effective_at": "2017-11-22"},
                {"price": "1.50", "effective_at": "2017-11-25"},
            ],
            id="the price at purchase was already the lower one",
        ),
        pytest.param(
            {}, [{"price": "2.00"}, {"price": "1.91", "effective_at": "2017-11-25"}], id="9 minor units"
        ),
        pytest.param(
            {"quantity": "10", "line_total_minor": 2000},
            [{"price": "2.00"}, {"price": "1.981", "effective_at": "2017-11-25"}],
            id="19 minor units, below 1 % of the line",
        ),
    ],
)
def test_a_look_alike_is_not_claimed(purchase: dict[str, Any], prices: Rows) -> None:
    assert claims([{"order_id": "1"} | purchase], prices) == []


@pytest.mark.parametrize(
    ("purchase", "prices", "amount"),
    [
        pytest.param({"purchased_at": "2017-11-01"}, FALL, 50, id="the first moment of the window"),
        pytest.param({"purchased_at": "2017-11-24T23:59:59.999999"}, FALL, 50, id="just before the fall"),
        pytest.param(
            {},
            [*FALL, {"price": "3.00", "effective_at": "2017-11-28"}],
            50,
            id="the price went up again afterwards",
        ),
        pytest.param(
            {},
            [{"price": "2.00"}, {"price": "1.50", "effective_at": "2017-11-30T23:59:59"}],
            50,
            id="the fall in the last second of the day",
        ),
        pytest.param(
            {},
            [*FALL, {"price": "0", "effective_at": "2017-11-22"}],
            50,
            id="a missing price before the fall",
        ),
        pytest.param(
            {}, [*FALL, {"price": "0", "effective_at": "2017-11-26"}], 50, id="a missing price after the fall"
        ),
        pytest.param({"line_total_minor": 180}, FALL, 30, id="paid less than the list price"),
        pytest.param(
            {},
            [{"price": "2.00", "ends_at": "2017-11-22"}, {"price": "1.50", "effective_at": "2017-11-25"}],
            50,
            id="the price at purchase ended later",
        ),
        pytest.param(
            {}, [{"price": "2.00"}, {"price": "1.90", "effective_at": "2017-11-25"}], 10, id="10 units"
        ),
        pytest.param(
            {"quantity": "3", "line_total_minor": 600},
            [{"price": "2.00"}, {"price": "1.835", "effective_at": "2017-11-25"}],
            50,
            id="49.5 is rounded up once, on the line",
        ),
        pytest.param(
            {"quantity": "3", "line_total_minor": 600, "returned_quantity": "1"}, FALL, 100, id="2 of 3 kept"
        ),
        pytest.param({"quantity": "0.333", "line_total_minor": 67}, FALL, 17, id="a third of a kilo"),
        pytest.param(
            {"currency": "JPY", "line_total_minor": 200},
            [
                {"price": "200", "currency": "JPY"},
                {"price": "150", "currency": "JPY", "effective_at": "2017-11-25"},
            ],
            50,
            id="yen have no minor unit",
        ),
    ],
)
def test_a_claim_is_exact(purchase: dict[str, Any], prices: Rows, amount: int) -> None:
    assert claims([{"order_id": "1"} | purchase], prices) == [amount]


def test_units_returned_on_a_day_before_the_end_do_not_count() -> None:
    bought = [{"order_id": "1", "quantity": "3", "line_total_minor": 600}]
    assert claims(bought, FALL, [{"order_id": "1", "returned_at": "2017-11-30"}]) == [100]
    assert claims(bought, FALL, [{"order_id": "1", "returned_at": "2017-12-01"}]) == [150]


def test_only_what_was_not_promised_before_is_claimed() -> None:
    subject = content_id(KIND, "1", "1")
    promised = [{"opportunity_id": subject, "currency": "USD", "promised_minor": 30}]
    assert claims([{"order_id": "1"}], FALL, promised=promised) == [20]
    assert claims([{"order_id": "1"}], FALL, promised=[promised[0] | {"promised_minor": 50}]) == []
    assert claims([{"order_id": "1"}], FALL, promised=[promised[0] | {"promised_minor": 60}]) == []
    assert claims([{"order_id": "1"}], FALL, promised=[promised[0] | {"promised_minor": 41}]) == []


@pytest.mark.parametrize(
    ("promised", "amounts", "held"),
    [
        pytest.param({}, [50], [False], id="nothing was promised"),
        pytest.param({"USD": 30}, [20], [False], id="dollars for a line in dollars"),
        pytest.param({"EUR": 30}, [50], [True], id="euros for a line in dollars"),
        pytest.param({"EUR": 30, "USD": 30}, [20], [True], id="both"),
        pytest.param({"EUR": 30, "USD": 50}, [], [], id="all of it in dollars, and euros"),
    ],
)
def test_a_promise_in_another_currency_is_never_subtracted_but_looked_at(
    promised: dict[str, int], amounts: list[int], held: list[bool]
) -> None:
    subject = {"opportunity_id": content_id(KIND, "1", "1")}
    before = [subject | {"currency": c, "promised_minor": minor} for c, minor in promised.items()]
    rows = found(KIND, world({"purchases": [{"order_id": "1"}], "prices": FALL}, {"promised": before}))
    assert (rows["amount_minor"].to_list(), rows["held"].to_list()) == (amounts, held)


def test_a_line_whose_currency_was_corrected_after_a_promise_is_held(any_home: Settings) -> None:
    line = {"order_id": "1"}
    fill(any_home, {"purchases": [line], "prices": FALL, "consents": consenting("ann")})
    night(any_home)
    review.approve(any_home, "latest", by="eve")
    euro = [price | {"currency": "EUR"} for price in FALL]
    fill(any_home, {"purchases": [line | {"currency": "EUR"}], "prices": euro})
    night(any_home, NEXT)
    claim = export.opportunities(any_home, NEXT).collect()
    assert claim.select("amount_minor", "currency", "held").rows() == [(50, "EUR", True)]
    assert "promised you" not in export.notices(any_home, NEXT).collect()["text"][0]


def test_a_line_counts_for_the_hold_rule_whatever_was_promised_of_it() -> None:
    subject = content_id(KIND, "1", "1")
    promised = [{"opportunity_id": subject, "currency": "USD", "promised_minor": 50}]
    tables = {"purchases": [{"order_id": "1"}, {"order_id": "2", "line_total_minor": 159}], "prices": FALL}
    here = world(tables, {"promised": promised})
    assert found(KIND, here).is_empty()
    assert price_drop.find(here, EVERYTHING, DAY).collect()["order_id"].to_list() == ["1"]


def test_a_wrong_price_list_that_comes_in_over_two_nights_is_held(home: Settings) -> None:
    careful = home.model_copy(update={"outreach": EVERYTHING.model_copy(update={"hold_share": 0.05})})
    hours = [{"order_id": f"{n}", "purchased_at": f"2017-11-20T0{n}:00:00"} for n in range(2)]
    lines = [order | {"product_id": product} for product in ("milk", "oil") for order in hours]
    others = [{"order_id": "jam", "line_id": f"{n}", "product_id": "jam"} for n in range(36)]
    oil = [price | {"product_id": "oil"} for price in FALL]
    bought = [line | {"line_id": line["product_id"]} for line in lines] + others
    fill(careful, {"purchases": bought, "prices": [*FALL, oil[0]], "consents": consenting("ann")})
    night(careful)  # 2 of 40 lines are exactly 5 %
    assert review.approve(careful, "latest", by="eve").changed == 1
    fill(careful, {"prices": [oil[1] | {"effective_at": "2017-12-01"}]})
    receipt = steps.find(careful, NEXT)
    assert "price_drop would claim 4 of 40 lines" in receipt.warnings[0]
    assert (
        export.opportunities(careful, NEXT).collect().select("product_id", "held").rows()
        == [("oil", True)] * 2
    )


def test_the_lowest_of_several_prices_counts_with_its_first_moment() -> None:
    prices = [
        {"price": "2.00"},
        {"price": "1.40", "effective_at": "2017-11-21"},
        {"price": "1.20", "effective_at": "2017-11-22"},
        {"price": "1.30", "effective_at": "2017-11-23"},
        {"price": "1.20", "effective_at": "2017-11-24"},
        {"price": "1.90", "effective_at": "2017-11-25"},
    ]
    row = found(KIND, world({"purchases": [{"order_id": "1"}], "prices": prices})).row(0, named=True)
    assert row["amount_minor"] == 80
    assert json.loads(row["evidence"])["lowest_list_price_from"] == "2017-11-22T00:00:00Z"


def test_a_currency_without_a_minimum_is_held() -> None:
    only_euro = EVERYTHING.model_copy(update={"min_claim_minor": {"EUR": 10}})
    assert found(KIND, world({"purchases": [{"order_id": "1"}], "prices": FALL}), only_euro)[
        "held"
    ].to_list() == [True]


@pytest.mark.parametrize("digits", range(9, 13))
def test_a_line_too_large_to_compute_exactly_is_not_claimed(digits: int) -> None:
    huge = {"order_id": "1", "quantity": "9" * digits, "line_total_minor": 200 * int("9" * digits)}
    assert claims([huge], FALL) == []


def test_a_large_line_is_still_exact() -> None:
    large = {"order_id": "1", "quantity": "89638.999999", "line_total_minor": 17_927_800}
    assert claims([large], FALL) == [4_481_950]


def test_a_feed_without_prices_claims_nothing() -> None:
    assert claims([{"order_id": "1"}], []) == []


# Properties ------------------------------------------------------------------------------------

quantities = st.decimals("0.001", "500", places=3)
prices = st.just("0") | st.decimals("0.0001", "400", places=4)
hours = st.integers(1, 29 * 24)


@st.composite
def lines(draw: st.DrawFn) -> dict[str, Any]:
    quantity = draw(quantities)
    return {
        "order_id": "1",
        "quantity": str(quantity),
        "returned_quantity": str(draw(st.decimals("0", quantity, places=3))),
        "line_total_minor": draw(st.integers(0, 1_000_000)),
        "purchased_at": (END - timedelta(hours=draw(hours))).replace(tzinfo=None).isoformat(),
    }


@st.composite
def price_lists(draw: st.DrawFn) -> Rows:
    moments = draw(st.lists(hours, max_size=6, unique=True))
    later = [
        {
            "price": str(draw(prices)),
            "effective_at": (END - timedelta(hours=h)).replace(tzinfo=None).isoformat(),
        }
        for h in moments
    ]
    return [{"price": str(draw(prices)), "effective_at": "2017-01-01"}, *later]


def expected(line: dict[str, Any], listed: Rows) -> int | None:
    """The rule once more, for one line, in plain Python."""
    bought = line["purchased_at"]
    then = max((p for p in listed if p["effective_at"] <= bought), key=lambda p: p["effective_at"])
    after = [Decimal(p["price"]) for p in listed if p["effective_at"] > bought]
    low = min([price for price in after if price > 0], default=None)
    if low is None or low >= Decimal(then["price"]):
        return None
    quantity = Fraction(line["quantity"])
    kept = quantity - Fraction(line["returned_quantity"])
    exact = (Fraction(line["line_total_minor"]) - Fraction(low) * 100 * quantity) * kept / quantity
    amount = int((exact + Fraction(1, 2)).__floor__())
    return amount if amount >= 10 and amount * 100 >= line["line_total_minor"] else None


@settings(max_examples=60, deadline=None)
@given(lines(), price_lists())
def test_every_amount_is_the_rule_s_and_never_more_than_was_paid(line: dict[str, Any], listed: Rows) -> None:
    got = claims([line], listed)
    amount = expected(line, listed)
    assert got == ([] if amount is None else [amount])
    assert all(0 < one <= line["line_total_minor"] for one in got)


@settings(max_examples=30, deadline=None)
@given(st.lists(lines(), min_size=2, max_size=5), price_lists(), st.randoms())
def test_the_order_of_rows_changes_nothing(many: Rows, listed: Rows, random: Any) -> None:
    numbered = [line | {"order_id": str(n)} for n, line in enumerate(many)]
    first = found(KIND, world({"purchases": numbered, "prices": listed})).sort("opportunity_id")
    shuffled, mixed = random.sample(numbered, len(numbered)), random.sample(listed, len(listed))
    again = found(KIND, world({"purchases": shuffled, "prices": mixed})).sort("opportunity_id")
    assert first.equals(again)


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 50), st.integers(100, 100_000), st.data())
def test_partial_returns_add_up_within_rounding(units: int, total: int, data: st.DataObject) -> None:
    back = data.draw(st.integers(1, units - 1))
    whole = {"order_id": "1", "quantity": str(units), "line_total_minor": total}
    listed = [{"price": "9999"}, {"price": "0.01", "effective_at": "2017-11-25"}]
    kept = claims([whole | {"returned_quantity": str(back)}], listed)
    rest = claims([whole | {"returned_quantity": str(units - back)}], listed)
    everything = claims([whole], listed)
    if kept and rest and everything:
        assert abs(kept[0] + rest[0] - everything[0]) <= 1


def test_the_evidence_alone_is_enough_to_recompute_the_amount() -> None:
    line = {"order_id": "1", "quantity": "2.5", "line_total_minor": 777, "returned_quantity": "0.7"}
    listed = [{"price": "3.10"}, {"price": "2.1234", "effective_at": "2017-11-25"}]
    row = found(KIND, world({"purchases": [line], "prices": listed})).row(0, named=True)
    e = {
        k: Decimal(str(v)) if k != "settings" else v
        for k, v in json.loads(row["evidence"]).items()
        if _number(v)
    }
    claim = (
        (e["line_total_minor"] - 100 * e["lowest_list_price"] * e["quantity"])
        * e["kept_quantity"]
        / e["quantity"]
    )
    assert int(claim.quantize(Decimal(1), ROUND_HALF_UP)) - e["already_promised_minor"] == row["amount_minor"]
    assert isinstance(row["evidence"], str)
    assert pl.Series([row["amount_minor"]]).dtype == pl.Int64


def _number(value: Any) -> bool:
    try:
        Decimal(str(value))
    except ArithmeticError:
        return False
    return True
