import json
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.outreach.worlds import EVERYTHING, Rows, at, found, world
from warehouse.ids import content_id

KIND = "cheaper_same"
DAIRY = {"department": "dairy", "category": "milk"}
SMALL = DAIRY | {
    "product_id": "small",
    "title": "Acme Whole Milk 1 L",
    "brand": "Acme",
    "package_size": "1 L",
}
LARGE = DAIRY | {"product_id": "large", "title": "Whole milk", "brand": "Farm", "package_size": "2 L"}
DEAR = {"product_id": "small", "price": "2.00"}
CHEAP = {"product_id": "large", "price": "3.00"}
HABIT: Rows = [
    {"order_id": str(n), "product_id": "small", "purchased_at": day}
    for n, day in enumerate(("2017-09-02", "2017-10-15", "2017-11-30"))
]


def tables(**changed: Rows) -> dict[str, Rows]:
    """Three small milks at 2.00 a litre, where a large one costs 1.50 a litre."""
    return {"purchases": HABIT, "products": [SMALL, LARGE], "prices": [DEAR, CHEAP]} | changed


def amounts(**changed: Rows) -> list[int]:
    return found(KIND, world(tables(**changed)))["amount_minor"].to_list()


def test_a_larger_size_that_costs_less_by_the_litre_is_worth_a_word() -> None:
    row = found(KIND, world(tables())).row(0, named=True)
    assert (row["owed"], row["amount_minor"], row["currency"], row["held"]) == ("advice", 150, "USD", False)
    assert (row["customer_id"], row["product_id"], row["order_id"]) == ("ann", "small", None)
    assert row["opportunity_id"] == content_id(KIND, "ann", "small", "default", "USD")
    evidence = json.loads(row["evidence"])
    assert (evidence["item"], evidence["other_item"]) == ("Acme Whole Milk 1 L", "Whole milk")
    assert (evidence["orders"], evidence["kept_quantity_millionths"]) == (3, 3_000_000)
    assert (evidence["size"], evidence["other_size"], evidence["measure"]) == (1_000_000, 2_000_000, "volume")


def large(**changed: Any) -> dict[str, Rows]:
    return {"products": [SMALL, LARGE | changed]}


def both(**changed: Any) -> dict[str, Rows]:
    return {"products": [SMALL | changed, LARGE | changed]}


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"purchases": HABIT[1:]}, id="bought twice"),
        pytest.param(
            {"purchases": [HABIT[0] | {"purchased_at": "2017-09-01T23:59:59"}, *HABIT[1:]]}, id="91 days ago"
        ),
        pytest.param(
            {"purchases": [*HABIT[:2], HABIT[1] | {"line_id": "2"}]}, id="three times in two orders"
        ),
        pytest.param(
            {"purchases": [HABIT[0] | {"returned_quantity": "1"}, *HABIT[1:]]}, id="one of them returned"
        ),
        pytest.param({"purchases": [HABIT[0] | {"market": "abroad"}, *HABIT[1:]]}, id="one of them abroad"),
        pytest.param({"purchases": [HABIT[0] | {"currency": "EUR"}, *HABIT[1:]]}, id="one of them in euros"),
        pytest.param(
            {"purchases": [HABIT[0] | {"customer_id": "bob"}, *HABIT[1:]]}, id="one of them somebody else's"
        ),
        pytest.param({"purchases": [line | {"kind": "fee"} for line in HABIT]}, id="a fee"),
        pytest.param({"prices": [DEAR, CHEAP | {"price": "4.00"}]}, id="as dear by the litre"),
        pytest.param({"prices": [DEAR, CHEAP | {"price": "4.01"}]}, id="dearer by the litre"),
        pytest.param({"prices": [DEAR, CHEAP | {"kind": "promotion"}]}, id="only a promotion is cheaper"),
        pytest.param({"prices": [DEAR, CHEAP | {"market": "abroad"}]}, id="cheaper in another market"),
        pytest.param({"prices": [DEAR, CHEAP | {"currency": "EUR"}]}, id="cheaper in another currency"),
        pytest.param({"prices": [CHEAP]}, id="no list price of what is bought"),
        pytest.param(
            {"prices": [DEAR, CHEAP | {"ends_at": "2017-11-30T23:59:59"}]}, id="the price has ended"
        ),
        pytest.param(
            {"prices": [DEAR, CHEAP, CHEAP | {"price": "0", "effective_at": "2017-11-01"}]},
            id="the price is missing by now",
        ),
        pytest.param(large(category="cream"), id="another category"),
        pytest.param(large(department="baby"), id="another department"),
        pytest.param(both(category=None), id="unknown category"),
        pytest.param(both(department=None), id="unknown department"),
        pytest.param(large(title="Skimmed milk"), id="another thing"),
        pytest.param(both(title="Acme", brand="Acme"), id="titles that say nothing"),
        pytest.param(large(package_size="2 kg"), id="weight is not volume"),
        pytest.param(large(package_size=None), id="unknown size"),
        pytest.param(large(package_size="2 PK/1 L"), id="a size that may mean two things"),
        pytest.param(
            {"products": [SMALL | {"package_size": "16 OZ"}, LARGE | {"package_size": "2 LB"}]},
            id="ounces may be fluid",
        ),
        pytest.param(large(available=False), id="the other cannot be had"),
        pytest.param(large(available_from="2017-12-01"), id="the other is not on sale yet"),
        pytest.param(
            {"availability": [{"product_id": "large", "available": False}]},
            id="the other is gone in this market",
        ),
    ],
)
def test_a_look_alike_is_not_claimed(changed: dict[str, Rows]) -> None:
    assert amounts(**changed) == []


@pytest.mark.parametrize(
    ("changed", "amount"),
    [
        pytest.param(
            {"prices": [DEAR, CHEAP | {"ends_at": "2017-12-01"}]}, 150, id="the price ends with the day"
        ),
        pytest.param(
            {"prices": [DEAR, CHEAP | {"effective_at": "2017-11-30T23:59:59"}]},
            150,
            id="since the last second",
        ),
        pytest.param({"prices": [DEAR, CHEAP | {"price": "3.99"}]}, 2, id="1.5 is rounded up once"),
        pytest.param({"products": [SMALL | {"available": False}, LARGE]}, 150, id="the dear one is gone"),
        pytest.param(
            {"purchases": [HABIT[0] | {"quantity": "3", "returned_quantity": "1"}, *HABIT[1:]]},
            200,
            id="what was kept counts",
        ),
        pytest.param(
            {"purchases": [*HABIT, HABIT[2] | {"order_id": "9", "purchased_at": "2017-12-01"}]},
            150,
            id="bought the day after",
        ),
        pytest.param(
            {"products": [SMALL | {"package_size": "500 g"}, LARGE | {"package_size": "2 kg"}]},
            375,
            id="grams and kilograms",
        ),
        pytest.param(
            {"products": [SMALL | {"package_size": "1 QT"}, LARGE | {"package_size": "GALLON"}]},
            375,
            id="quarts and gallons",
        ),
        pytest.param(
            {"products": [SMALL, LARGE | {"package_size": "1 L"}], "prices": [DEAR, CHEAP | {"price": "1"}]},
            300,
            id="another brand of the same size",
        ),
        pytest.param(
            {"availability": [{"product_id": "large", "available": False, "market": "abroad"}]},
            150,
            id="the other is gone in another market",
        ),
    ],
)
def test_a_saving_is_exact(changed: dict[str, Rows], amount: int) -> None:
    assert amounts(**changed) == [amount]


def test_of_several_the_one_that_costs_least_is_named_and_of_equals_the_smallest_id() -> None:
    more = [
        LARGE | {"product_id": name, "package_size": size} for name, size in (("huge", "3 L"), ("jug", "3 L"))
    ]
    prices = [DEAR, CHEAP, {"product_id": "jug", "price": "3.00"}, {"product_id": "huge", "price": "3.00"}]
    row = found(KIND, world(tables(products=[SMALL, LARGE, *more], prices=prices))).row(0, named=True)
    assert (json.loads(row["evidence"])["other_product_id"], row["amount_minor"]) == ("huge", 300)


def test_prices_that_differ_by_less_than_a_float_can_tell_are_told_apart() -> None:
    near = LARGE | {"product_id": "a", "package_size": "9.999 kg"}
    kilo = [SMALL | {"package_size": "1 kg"}, LARGE | {"package_size": "10 kg"}, near]
    prices = [
        DEAR | {"price": "900000"},
        CHEAP | {"price": "1000000.000001"},
        {"product_id": "a", "price": "999900.000001"},
    ]
    row = found(KIND, world(tables(products=kilo, prices=prices))).row(0, named=True)
    assert json.loads(row["evidence"])["other_product_id"] == "large"


def test_habits_in_two_markets_are_two_claims() -> None:
    abroad = [line | {"order_id": f"a{n}", "market": "abroad"} for n, line in enumerate(HABIT)]
    prices = [price | {"market": market} for market in ("default", "abroad") for price in (DEAR, CHEAP)]
    assert amounts(purchases=HABIT + abroad, prices=prices) == [150, 150]


def test_it_lapses_with_the_price_it_names() -> None:
    rows = found(KIND, world(tables(prices=[DEAR, CHEAP | {"ends_at": "2017-12-05"}])))
    assert rows["expires_at"].to_list() == [at("2017-12-05")]


def test_a_price_that_looks_like_a_mistake_waits_for_a_person() -> None:
    for price, held in (("1.50", False), ("1.49", True)):
        fell = [DEAR, CHEAP, CHEAP | {"price": price, "effective_at": "2017-11-25"}]
        assert found(KIND, world(tables(prices=fell)))["held"].to_list() == [held]


def test_a_currency_without_a_minimum_is_held() -> None:
    euro = EVERYTHING.model_copy(update={"min_saving_minor": {"EUR": 0}})
    assert found(KIND, world(tables()), euro)["held"].to_list() == [True]


def test_what_is_too_large_to_compute_exactly_is_not_claimed() -> None:
    huge = [line | {"quantity": "999999999999"} for line in HABIT]
    assert amounts(purchases=huge, prices=[DEAR | {"price": "8000000"}, CHEAP]) == []


# Properties ------------------------------------------------------------------------------------

sizes = st.integers(1, 30_000)
prices = st.decimals("0.0001", "40", places=4)
quantities = st.decimals("0.001", "20", places=3)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(quantities, min_size=3, max_size=4),
    st.lists(st.tuples(sizes, prices), min_size=2, max_size=4),
    st.randoms(),
)
def test_every_amount_is_the_rule_s_and_follows_from_no_order_of_rows(
    kept: list[Any], offered: list[tuple[int, Any]], random: Any
) -> None:
    products = [
        DAIRY | {"product_id": f"{n}", "title": "Milk", "package_size": f"{s} ml"}
        for n, (s, _) in enumerate(offered)
    ]
    listed = [{"product_id": f"{n}", "price": str(price)} for n, (_, price) in enumerate(offered)]
    bought = [{"order_id": f"{n}", "product_id": "0", "quantity": str(q)} for n, q in enumerate(kept)]
    per_ml = [Fraction(price) / size for size, price in offered]
    exact = sum(map(Fraction, kept)) * offered[0][0] * (per_ml[0] - min(per_ml)) * 100
    amount = int((exact + Fraction(1, 2)).__floor__())
    first = found(KIND, world({"purchases": bought, "products": products, "prices": listed}))
    assert first["amount_minor"].to_list() == ([amount] if amount > 0 else [])
    if amount > 0:
        evidence = json.loads(first["evidence"][0])
        assert evidence["other_product_id"] == str(per_ml.index(min(per_ml)))
    mixed = {
        "purchases": random.sample(bought, len(bought)),
        "products": random.sample(products, len(products)),
        "prices": random.sample(listed, len(listed)),
    }
    assert found(KIND, world(mixed)).equals(first)
