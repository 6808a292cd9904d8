"""Which of all the advice there is goes into a message."""

import pytest
from polars.testing import assert_frame_equal

from tests.outreach.test_decisions import advised, changed, decided
from tests.outreach.worlds import Rows, consenting
from warehouse.ids import content_id


def coupons(values: tuple[int | None, ...]) -> dict[str, Rows]:
    """Ann keeps buying oil and jam, and holds a coupon of each value for both."""
    tables = advised("ann")
    named = [(f"{p}{v}", p, v) for p in ("oil", "jam") for v in values]
    tables["purchases"] += [
        {"order_id": f"{p}{n}", "product_id": p, "purchased_at": f"2017-11-{20 + n}"}
        for p in ("oil", "jam")
        for n in range(2)
    ]
    tables["offers"] = [
        {"offer_id": name, "value_minor": v, "currency": None if v is None else "USD"} for name, _, v in named
    ]
    tables["offer_products"] = [{"offer_id": name, "product_id": p} for name, p, _ in named]
    tables["entitlements"] = [
        {"entitlement_id": name, "customer_id": "ann", "offer_id": name} for name, _, _ in named
    ]
    return tables


def test_advice_names_only_the_best_few_and_each_product_once() -> None:
    tables = coupons((10, 20, 30))
    done = decided(tables, config=changed(advice_items=5))
    assert done.decisions.select("opportunities", "value_minor").row(0) == (2, 60)
    assert decided(tables, config=changed(advice_items=1)).decisions["value_minor"].to_list() == [30]


@pytest.mark.parametrize(
    ("chances", "value"),
    [
        ({"oil30": 0.1, "jam20": 0.9, "jam30": 0.5, "oil20": 0.5, "oil10": 0.5, "jam10": 0.5}, 20),
        ({"oil30": 0.1, "jam30": 0.1, "oil20": 0.1, "jam20": 0.1, "oil10": 0.1}, 10),  # jam10: all of it
        ({}, 30),
    ],
)
def test_of_advice_the_largest_expected_saving_is_told_first(chances: dict[str, float], value: int) -> None:
    one = changed(advice_items=1)
    assert (
        decided(coupons((10, 20, 30)), config=one, chances=chances).decisions["value_minor"].item() == value
    )


@pytest.mark.parametrize(("likely", "unlikely"), [("oilNone", "jamNone"), ("jamNone", "oilNone")])
def test_of_coupons_without_a_value_the_likelier_is_told_first(likely: str, unlikely: str) -> None:
    done = decided(coupons((None,)), config=changed(advice_items=1), chances={likely: 0.3, unlikely: 0.2})
    assert done.members["opportunity_id"].to_list() == [content_id("unused_entitlement", likely)]


def test_what_is_owed_does_not_depend_on_chances() -> None:
    """Ann holds three credits that lapse; there is room for one piece of advice."""
    names = ("c1", "c2", "c3")
    tables: dict[str, Rows] = {
        "customers": [{"customer_id": "ann"}],
        "consents": consenting("ann"),
        "offers": [{"offer_id": "credit", "kind": "credit", "value_minor": None, "currency": None}],
        "entitlements": [
            {"entitlement_id": name, "offer_id": "credit", "value_minor": 900, "currency": "USD"}
            | {"expires_at": "2017-12-15", "uses_allowed": None}
            for name in names
        ],
        "entitlement_uses": [],
    }
    one = changed(advice_items=1)
    with_, without = (
        decided(tables, config=one, chances=known) for known in (dict.fromkeys(names, 0.0), None)
    )
    assert with_.decisions.select("opportunities", "value_minor").row(0) == (3, 2700)
    assert_frame_equal(with_.decisions, without.decisions)
    assert_frame_equal(with_.members, without.members)
