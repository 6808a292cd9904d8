import json
from typing import Any

import pytest

from outreach import export
from tests.outreach.worlds import DAY, EVERYTHING, Rows, at, consenting, fill, found, night, world
from warehouse.ids import content_id
from warehouse.settings import Settings

KIND = "unused_entitlement"
HABIT: Rows = [
    {"order_id": "1", "purchased_at": "2017-10-01"},
    {"order_id": "2", "purchased_at": "2017-11-20"},
]
COUPON: dict[str, Any] = {"value_minor": 50, "currency": "USD"}
HELD = {"entitlement_id": "e", "uses_allowed": 1, "expires_at": "2017-12-24"}


def tables(**changed: Rows) -> dict[str, Rows]:
    return {
        "purchases": HABIT,
        "products": [{"product_id": "milk", "title": "Fresh milk"}],
        "offers": [COUPON],
        "offer_products": [{}],
        "entitlements": [HELD],
    } | changed


def test_a_coupon_for_something_bought_twice_is_worth_a_reminder() -> None:
    row = found(KIND, world(tables())).row(0, named=True)
    assert (row["owed"], row["amount_minor"], row["currency"]) == ("advice", 50, "USD")
    assert (row["entitlement_id"], row["product_id"], row["order_id"]) == ("e", "milk", None)
    assert row["expires_at"].isoformat() == "2017-12-24T00:00:00+00:00"
    evidence = json.loads(row["evidence"])
    assert evidence["baskets"] == 2
    assert evidence["uses"] == 0
    assert evidence["offer"] == "half a dollar off"


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"purchases": HABIT[:1]}, id="bought once"),
        pytest.param({"purchases": [HABIT[0], HABIT[0] | {"line_id": "2"}]}, id="twice in one basket"),
        pytest.param(
            {"purchases": [HABIT[1], {"order_id": "0", "purchased_at": "2017-09-01"}]}, id="91 days ago"
        ),
        pytest.param(
            {"purchases": [line | {"customer_id": "bob"} for line in HABIT]}, id="another customer's habit"
        ),
        pytest.param({"purchases": [line | {"product_id": "oil"} for line in HABIT]}, id="another product"),
        pytest.param({"entitlements": [HELD | {"starts_at": "2017-12-01"}]}, id="not valid yet"),
        pytest.param(
            {"entitlements": [HELD | {"expires_at": "2017-11-30T23:59:59"}]}, id="lapsed within the day"
        ),
        pytest.param(
            {"entitlements": [HELD | {"expires_at": "2017-11-30T23:00"}]}, id="lapsed at midnight in Berlin"
        ),
        pytest.param({"entitlement_uses": [{"entitlement_id": "e"}]}, id="used up"),
        pytest.param({"entitlements": [HELD | {"uses_allowed": 0}]}, id="no use allowed"),
        *(
            pytest.param({"offers": [COUPON | {"kind": kind}]}, id=f"a {kind} is not advice")
            for kind in ("subscription", "warranty")
        ),
        *(
            pytest.param(
                {"offers": [COUPON | {"kind": kind, "covers": "shipping"}]}, id=f"a {kind} for shipping"
            )
            for kind in ("coupon", "benefit")
        ),
    ],
)
def test_a_look_alike_is_not_found(changed: dict[str, Rows]) -> None:
    assert found(KIND, world(tables(**changed))).is_empty()


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(
            {"purchases": [HABIT[1], {"order_id": "0", "purchased_at": "2017-09-02"}]}, id="90 days ago"
        ),
        pytest.param({"entitlements": [HELD | {"expires_at": "2017-12-01"}]}, id="lapses as the day ends"),
        pytest.param(
            {"entitlements": [HELD | {"expires_at": "2017-12-01T05:00"}]}, id="lapses at midnight in New York"
        ),
        pytest.param({"entitlements": [HELD | {"expires_at": None}]}, id="never lapses"),
        pytest.param({"entitlements": [HELD | {"uses_allowed": None}]}, id="unlimited uses"),
        pytest.param(
            {
                "purchases": [line | {"offer_id": "other"} for line in HABIT],
                "entitlement_uses": [{"entitlement_id": "e", "used_at": "2017-12-01"}],
            },
            id="used the day after",
        ),
        pytest.param({"offer_products": []}, id="for any product"),
        pytest.param({"offers": [COUPON | {"kind": "benefit"}]}, id="a benefit"),
        pytest.param({"offers": [COUPON | {"covers": "product"}]}, id="said to be for products"),
    ],
)
def test_the_edges_of_the_rule_are_found(changed: dict[str, Rows]) -> None:
    assert found(KIND, world(tables(**changed)))["amount_minor"].to_list() == [50]


def test_there_is_one_reminder_per_entitlement_for_the_strongest_habit() -> None:
    more = [{"order_id": str(n), "product_id": p} for n, p in enumerate(("oil", "oil", "oil", "jam", "jam"))]
    both = world(tables(purchases=more, offer_products=[{"product_id": "jam"}, {"product_id": "oil"}]))
    assert found(KIND, both)["product_id"].to_list() == ["oil"]
    anything = world(tables(purchases=more, offer_products=[]))
    assert found(KIND, anything)["product_id"].to_list() == ["oil"]


def test_of_equal_habits_the_first_product_counts() -> None:
    more = [{"order_id": str(n), "product_id": p} for n, p in enumerate(("oil", "oil", "jam", "jam"))]
    assert found(KIND, world(tables(purchases=more, offer_products=[])))["product_id"].to_list() == ["jam"]


@pytest.mark.parametrize(
    ("offer", "held", "amount", "currency"),
    [
        pytest.param({}, {"value_minor": 500, "currency": "USD"}, 500, "USD", id="the entitlement's value"),
        pytest.param(
            {}, {"value_minor": 500, "currency": "EUR", "uses_allowed": 3}, 167, "EUR", id="shared by uses"
        ),
        pytest.param(
            {}, {"value_minor": 500, "currency": "USD", "uses_allowed": None}, None, None, id="unlimited"
        ),
        pytest.param({}, {}, None, None, id="unknown"),
        pytest.param({"value_minor": 50}, {}, None, None, id="a value in no currency"),
        pytest.param(
            COUPON, {"value_minor": 900, "currency": "EUR"}, 50, "USD", id="the offer's value first"
        ),
    ],
)
def test_the_amount_is_the_value_of_one_use_where_known(
    offer: dict[str, Any], held: dict[str, Any], amount: int | None, currency: str | None
) -> None:
    row = found(KIND, world(tables(offers=[offer], entitlements=[HELD | held]))).row(0, named=True)
    assert (row["amount_minor"], row["currency"]) == (amount, currency)


def test_a_currency_without_a_minimum_is_held() -> None:
    euro = EVERYTHING.model_copy(update={"min_saving_minor": {"EUR": 0}})
    assert found(KIND, world(tables()), euro)["held"].to_list() == [True]


CARD: dict[str, Any] = {"kind": "gift_card", "name": "a card"}
BALANCE = {"entitlement_id": "e", "expires_at": "2017-12-24", "value_minor": 900, "currency": "USD"}


def cards(**changed: Rows) -> dict[str, Rows]:
    """A gift card of 9.00 that lapses on Christmas Eve, and nothing bought."""
    return {"offers": [CARD], "entitlements": [BALANCE], "entitlement_uses": []} | changed


def test_a_gift_card_that_lapses_soon_is_owed_its_balance() -> None:
    spent = [
        {"entitlement_id": "e", "value": "2.50"},
        {"entitlement_id": "e", "value": "1", "used_at": "2017-11-30"},
    ]
    row = found(KIND, world(cards(entitlement_uses=spent))).row(0, named=True)
    assert (row["owed"], row["amount_minor"], row["currency"], row["held"]) == ("right", 550, "USD", False)
    assert (row["entitlement_id"], row["product_id"], row["order_id"]) == ("e", None, None)
    evidence = json.loads(row["evidence"])
    assert (evidence["value_at_start_minor"], evidence["spent_millionths"]) == (900, 3_500_000)
    assert (evidence["offer"], evidence["offer_kind"], evidence["item"]) == ("a card", "gift_card", None)


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"entitlements": [BALANCE | {"expires_at": None}]}, id="never lapses"),
        pytest.param({"entitlements": [BALANCE | {"expires_at": "2017-12-31"}]}, id="lapses in 30 days"),
        pytest.param({"entitlements": [BALANCE | {"expires_at": "2017-11-30T23:59:59"}]}, id="has lapsed"),
        pytest.param({"entitlements": [BALANCE | {"starts_at": "2017-12-01"}]}, id="not valid yet"),
        pytest.param({"entitlements": [BALANCE | {"value_minor": None}]}, id="unknown value"),
        pytest.param({"entitlements": [BALANCE | {"currency": None}]}, id="a value in no currency"),
        pytest.param(
            {
                "offers": [CARD | {"value_minor": 300, "currency": "USD"}],
                "entitlements": [BALANCE | {"value_minor": None, "uses_allowed": None}],
            },
            id="the offer's value without a number of uses",
        ),
        pytest.param({"entitlement_uses": [{"entitlement_id": "e", "value": "9"}]}, id="all spent"),
        pytest.param(
            {"entitlement_uses": [{"entitlement_id": "e", "value": "10"}]}, id="more than all spent"
        ),
        pytest.param({"entitlement_uses": [{"entitlement_id": "e"}]}, id="nobody knows what was spent"),
        *(
            pytest.param({"offers": [CARD | {"kind": kind}]}, id=f"a {kind} is no money of one's own")
            for kind in ("coupon", "benefit", "subscription", "warranty")
        ),
    ],
)
def test_a_balance_that_is_not_owed_or_not_known_is_not_claimed(changed: dict[str, Rows]) -> None:
    assert found(KIND, world(cards(**changed))).is_empty()


def test_a_balance_is_not_known_where_nobody_says_what_was_used() -> None:
    unknown = {name: rows for name, rows in cards().items() if name != "entitlement_uses"}
    assert found(KIND, world(unknown)).is_empty()


@pytest.mark.parametrize(
    ("changed", "amount"),
    [
        pytest.param(
            {"entitlements": [BALANCE | {"expires_at": "2017-12-01"}]}, 900, id="lapses as the day ends"
        ),
        pytest.param(
            {"entitlements": [BALANCE | {"expires_at": "2017-12-30T23:59:59"}]}, 900, id="just within 30 days"
        ),
        pytest.param({"offers": [CARD | {"kind": "credit"}]}, 900, id="a credit"),
        pytest.param({"offers": [CARD | {"covers": "shipping"}]}, 900, id="for shipping"),
        pytest.param(
            {"entitlement_uses": [{"entitlement_id": "e", "value": "9", "used_at": "2017-12-01"}]},
            900,
            id="spent the day after",
        ),
        pytest.param(
            {"entitlement_uses": [{"entitlement_id": "e", "value": "0.005"}]},
            900,
            id="899.5 is rounded up once",
        ),
        pytest.param(
            {
                "offers": [CARD | {"value_minor": 300, "currency": "EUR"}],
                "entitlements": [BALANCE | {"value_minor": None, "uses_allowed": 2}],
            },
            600,
            id="the offer's value for all its uses",
        ),
    ],
)
def test_a_balance_is_exact(changed: dict[str, Rows], amount: int) -> None:
    assert found(KIND, world(cards(**changed)))["amount_minor"].to_list() == [amount]


def test_what_was_promised_of_a_balance_is_not_promised_again() -> None:
    subject = {"opportunity_id": content_id(KIND, "e"), "currency": "USD"}
    amounts = [
        found(KIND, world(cards(), {"promised": [subject | {"promised_minor": before}]}))[
            "amount_minor"
        ].to_list()
        for before in (400, 900)
    ]
    assert amounts == [[500], []]


def test_a_card_for_what_must_not_be_named_is_not_named() -> None:
    hidden = [{"product_id": "milk", "title": "Fresh milk", "sensitive": True}]
    row = found(KIND, world(cards(offer_products=[{}], products=hidden))).row(0, named=True)
    assert json.loads(row["evidence"])["offer"] is None


def test_own_money_is_told_as_service_and_a_coupon_as_advice(home: Settings) -> None:
    both = tables(
        offers=[COUPON, CARD | {"offer_id": "card"}],
        entitlements=[HELD, BALANCE | {"entitlement_id": "card", "offer_id": "card"}],
        entitlement_uses=[{"entitlement_id": "another", "order_id": "1"}],
        consents=consenting("ann"),
    )
    both["purchases"] = [line | {"offer_id": "other"} for line in HABIT]
    fill(home, both)
    night(home)
    notice = export.notices(home, DAY).collect().row(0, named=True)
    assert (notice["purpose"], notice["amount_minor"]) == ("service", 900)
    assert (
        "You have $9.00 left on your gift card “a card”. You can use it until December 23, 2017"
        in notice["text"]
    )
    assert "giving back" not in notice["subject"] + notice["text"]


def test_a_coupon_that_ends_with_the_day_shortens_no_message(home: Settings) -> None:
    products, ends = ("milk", "oil"), ("2017-12-01", "2017-12-24")
    coupons = tables(
        purchases=[line | {"product_id": p, "line_id": p} for line in HABIT for p in products],
        offers=[COUPON | {"offer_id": p} for p in products],
        offer_products=[{"offer_id": p, "product_id": p} for p in products],
        entitlements=[
            {"entitlement_id": p, "offer_id": p, "expires_at": end}
            for p, end in zip(products, ends, strict=True)
        ],
        consents=consenting("ann"),
    )
    fill(home, coupons)
    night(home)
    notices = export.notices(home, DAY).collect()
    assert notices.select("amount_minor", "send_by").rows() == [(50, at("2017-12-24"))]
