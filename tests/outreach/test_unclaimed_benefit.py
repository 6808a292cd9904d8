import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.outreach.worlds import EVERYTHING, Rows, all_found, found, world
from warehouse.ids import content_id

KIND = "unclaimed_benefit"
MILK = {"order_id": "1"}
PARCEL = {
    "order_id": "1",
    "line_id": "s",
    "kind": "shipping",
    "product_id": "parcel",
    "line_total_minor": 499,
}
COUPON = {"value_minor": 50, "currency": "USD"}
PLUS = {"offer_id": "plus", "kind": "benefit", "name": "Shop Plus", "covers": "shipping"}
HELD = {"entitlement_id": "e", "uses_allowed": 1, "expires_at": "2017-12-24"}
MEMBER = {"entitlement_id": "m", "offer_id": "plus"}
LATER = "2017-11-21"


def for_milk(**changed: Rows) -> dict[str, Rows]:
    """A milk bought with a coupon in hand."""
    return {
        "purchases": [MILK],
        "products": [{"product_id": "milk", "title": "Fresh milk"}],
        "offers": [COUPON],
        "offer_products": [{}],
        "entitlements": [HELD],
        "entitlement_uses": [],
    } | changed


def for_shipping(**changed: Rows) -> dict[str, Rows]:
    """A parcel paid for by a member who need not have."""
    return for_milk(purchases=[PARCEL], offers=[PLUS], offer_products=[], entitlements=[MEMBER]) | changed


def amounts(tables: dict[str, Rows], **inputs: Rows) -> list[tuple[str, str, int]]:
    rows = found(KIND, world(tables, inputs)).sort("order_id", "line_id")
    return rows.select("order_id", "entitlement_id", "amount_minor").rows()


def test_a_product_bought_without_the_coupon_in_hand_is_worth_its_value() -> None:
    row = found(KIND, world(for_milk())).row(0, named=True)
    assert (row["owed"], row["amount_minor"], row["currency"], row["held"]) == ("policy", 50, "USD", False)
    assert (row["order_id"], row["line_id"], row["entitlement_id"]) == ("1", "1", "e")
    assert row["opportunity_id"] == content_id(KIND, "1", "1")
    evidence = json.loads(row["evidence"])
    assert (evidence["item"], evidence["offer"]) == ("Fresh milk", "half a dollar off")
    assert (evidence["paid_for_kept_minor"], evidence["use_value_minor"]) == (200, 50)


def test_shipping_that_was_free_for_a_member_is_paid_back_whole() -> None:
    row = found(KIND, world(for_shipping())).row(0, named=True)
    assert (row["amount_minor"], row["line_id"], row["entitlement_id"]) == (499, "s", "m")
    assert json.loads(row["evidence"])["offer"] == "Shop Plus"


@pytest.mark.parametrize(
    "tables",
    [
        pytest.param(for_milk(purchases=[MILK | {"purchased_at": "2017-10-31T23:59:59"}]), id="31 days ago"),
        pytest.param(for_milk(purchases=[MILK | {"offer_id": "other"}]), id="bought with another offer"),
        pytest.param(for_milk(purchases=[MILK | {"returned_quantity": "1"}]), id="returned"),
        pytest.param(for_milk(purchases=[MILK | {"line_total_minor": 0}]), id="nothing was paid"),
        pytest.param(for_milk(purchases=[MILK | {"kind": "fee"}]), id="a fee"),
        pytest.param(
            for_milk(purchases=[MILK | {"kind": "shipping"}]), id="shipping, and it covers products"
        ),
        pytest.param(for_milk(purchases=[MILK | {"product_id": "oil"}]), id="another product"),
        pytest.param(for_milk(purchases=[MILK | {"customer_id": "bob"}]), id="another customer"),
        pytest.param(for_milk(purchases=[MILK | {"currency": "EUR"}]), id="another currency"),
        pytest.param(for_milk(entitlements=[HELD | {"starts_at": LATER}]), id="held from later on"),
        pytest.param(
            for_milk(entitlements=[HELD | {"expires_at": "2017-11-20"}]), id="lapsed at that moment"
        ),
        pytest.param(for_milk(entitlements=[HELD | {"uses_allowed": 0}]), id="no use allowed"),
        pytest.param(
            for_milk(entitlement_uses=[{"entitlement_id": "e", "order_id": "0"}]), id="used up before"
        ),
        pytest.param(
            for_milk(entitlement_uses=[{"entitlement_id": "e", "order_id": "9", "used_at": "2017-11-30"}]),
            id="used up since",
        ),
        pytest.param(
            for_milk(
                entitlements=[HELD | {"uses_allowed": 2}],
                entitlement_uses=[{"entitlement_id": "e", "order_id": "1"}],
            ),
            id="used for this order",
        ),
        pytest.param(
            for_milk(entitlements=[HELD | {"uses_allowed": 2}], entitlement_uses=[{"entitlement_id": "e"}]),
            id="used for nobody knows which order",
        ),
        pytest.param(
            {name: rows for name, rows in for_milk().items() if name != "entitlement_uses"},
            id="nobody says what was used",
        ),
        pytest.param(for_milk(offers=[{}]), id="a coupon of unknown value"),
        pytest.param(for_milk(offers=[{"value_minor": 50}]), id="a value in no currency"),
        pytest.param(for_milk(offers=[COUPON | {"covers": "shipping"}]), id="a coupon for shipping"),
        *(
            pytest.param(for_milk(offers=[COUPON | {"kind": kind}]), id=f"a {kind} for products")
            for kind in ("credit", "gift_card", "subscription", "warranty")
        ),
        *(
            pytest.param(for_shipping(offers=[PLUS | {"kind": kind}]), id=f"a {kind} for shipping")
            for kind in ("credit", "gift_card")
        ),
        pytest.param(
            for_shipping(purchases=[PARCEL | {"kind": "product"}]), id="a product, it covers shipping"
        ),
        pytest.param(for_shipping(purchases=[PARCEL | {"kind": "fee"}]), id="a fee is not shipping"),
        pytest.param(
            for_shipping(offers=[PLUS | {"covers": None}]), id="covers products where it says nothing"
        ),
        pytest.param(
            for_shipping(offers=[PLUS | {"value_minor": 300, "currency": "EUR"}]), id="shipping in euros"
        ),
        pytest.param(
            for_shipping(entitlements=[MEMBER | {"value_minor": 900, "currency": "USD"}]),
            id="a value for unlimited uses",
        ),
    ],
)
def test_a_look_alike_is_not_claimed(tables: dict[str, Rows]) -> None:
    assert amounts(tables) == []


@pytest.mark.parametrize(
    ("tables", "amount"),
    [
        pytest.param(for_milk(purchases=[MILK | {"purchased_at": "2017-11-01"}]), 50, id="30 days ago"),
        pytest.param(
            for_milk(entitlements=[HELD | {"starts_at": "2017-11-20"}]), 50, id="held from that moment on"
        ),
        pytest.param(
            for_milk(entitlements=[HELD | {"expires_at": "2017-11-20T00:00:01"}]), 50, id="lapsed since"
        ),
        pytest.param(for_milk(entitlements=[HELD | {"expires_at": None}]), 50, id="never lapses"),
        pytest.param(for_milk(entitlements=[HELD | {"uses_allowed": None}]), 50, id="unlimited uses"),
        pytest.param(
            for_milk(entitlement_uses=[{"entitlement_id": "e", "order_id": "9", "used_at": "2017-12-01"}]),
            50,
            id="used the day after",
        ),
        pytest.param(
            for_milk(entitlement_uses=[{"entitlement_id": "other", "order_id": "1"}]),
            50,
            id="something else was used for this order",
        ),
        pytest.param(for_milk(offer_products=[]), 50, id="for any product"),
        pytest.param(for_milk(offers=[COUPON | {"kind": "benefit"}]), 50, id="a benefit"),
        pytest.param(for_milk(offers=[COUPON | {"covers": "product"}]), 50, id="said to be for products"),
        pytest.param(for_milk(offers=[COUPON | {"value_minor": 900}]), 200, id="at most what was paid"),
        pytest.param(
            for_milk(
                purchases=[MILK | {"quantity": "3", "returned_quantity": "2"}],
                offers=[COUPON | {"value_minor": 900}],
            ),
            67,
            id="at most what was paid for what was kept, rounded half up",
        ),
        pytest.param(
            for_milk(
                offers=[{}],
                entitlements=[HELD | {"value_minor": 100, "currency": "USD", "uses_allowed": 3}],
            ),
            33,
            id="the entitlement's value, shared by its uses",
        ),
        *(
            pytest.param(for_shipping(offers=[PLUS | {"kind": kind}]), 499, id=f"a {kind} for shipping")
            for kind in ("coupon", "subscription", "warranty")
        ),
        pytest.param(
            for_shipping(offers=[PLUS | {"value_minor": 300, "currency": "USD"}]),
            300,
            id="shipping up to 3.00",
        ),
        pytest.param(for_shipping(offer_products=[{"offer_id": "plus"}]), 499, id="shipping of any product"),
    ],
)
def test_a_claim_is_exact(tables: dict[str, Rows], amount: int) -> None:
    assert [one[-1] for one in amounts(tables)] == [amount]


def several(lines: Rows, *, allowed: int | None = 1) -> dict[str, Rows]:
    return for_milk(purchases=lines, entitlements=[HELD | {"uses_allowed": allowed}])


THREE = [MILK | {"order_id": str(n), "purchased_at": f"2017-11-{20 - n}"} for n in range(3)]


def test_an_entitlement_is_used_for_as_many_orders_as_it_has_uses_the_oldest_first() -> None:
    assert [order for order, _, _ in amounts(several(THREE, allowed=2))] == ["1", "2"]
    assert [order for order, _, _ in amounts(several(THREE, allowed=None))] == ["0", "1", "2"]
    at_once = [line | {"purchased_at": LATER} for line in THREE]
    assert [order for order, _, _ in amounts(several(at_once))] == ["0"]


def test_an_entitlement_is_used_once_per_order_for_the_line_of_which_it_covers_most() -> None:
    lines = [MILK | {"line_id": str(n), "line_total_minor": paid} for n, paid in enumerate((30, 40, 40))]
    rows = found(KIND, world(several(lines, allowed=None)))
    assert rows.select("line_id", "amount_minor").rows() == [("1", 40)]


def test_a_line_takes_the_entitlement_that_covers_most_and_of_equals_the_smallest_id() -> None:
    offers = [COUPON, COUPON | {"offer_id": "more", "value_minor": 70}]
    entitlements = [HELD, HELD | {"entitlement_id": "d"}, HELD | {"entitlement_id": "z", "offer_id": "more"}]
    both = for_milk(offers=offers, entitlements=entitlements, offer_products=[])
    assert amounts(both) == [("1", "z", 70)]
    assert amounts(both | {"entitlements": entitlements[:2]}) == [("1", "d", 50)]


def promise(order: str, minor: int = 50) -> dict[str, Any]:
    return {
        "opportunity_id": content_id(KIND, order, "1"),
        "currency": "USD",
        "promised_minor": minor,
        "kind": KIND,
        "owed": "policy",
        "customer_id": "ann",
        "order_id": order,
        "line_id": "1",
        "entitlement_id": "e",
        "first_at": "2017-11-25",
    }


def test_what_was_promised_before_keeps_its_use() -> None:
    assert amounts(several(THREE), promised=[promise("0")]) == []
    assert amounts(several(THREE, allowed=2), promised=[promise("0")]) == [("2", "e", 50)]
    assert amounts(several(THREE), promised=[promise("long ago")]) == []
    assert amounts(several(THREE, allowed=2), promised=[promise("long ago")]) == [("2", "e", 50)]


def test_a_use_promised_for_a_line_is_had_by_no_other_line_of_its_order() -> None:
    beside = MILK | {"line_id": "2", "line_total_minor": 500}
    came_back = MILK | {"returned_quantity": "1"}
    for first in (MILK, came_back):
        assert amounts(several([first, beside], allowed=2), promised=[promise("1")]) == []
    assert amounts(several([came_back, beside], allowed=2)) == [("1", "e", 50)]


def test_a_promise_whose_use_was_recorded_since_takes_no_second_one() -> None:
    recorded = several(THREE, allowed=2) | {"entitlement_uses": [{"entitlement_id": "e", "order_id": "0"}]}
    assert amounts(recorded, promised=[promise("0")]) == [("2", "e", 50)]


def test_a_use_that_a_claim_takes_is_not_left_to_be_reminded_of() -> None:
    habit = [MILK | {"order_id": "0", "offer_id": "other", "purchased_at": "2017-11-10"}, MILK]
    kinds = {allowed: set(all_found(world(several(habit, allowed=allowed)))["kind"]) for allowed in (1, 2)}
    assert kinds == {1: {KIND}, 2: {KIND, "unused_entitlement"}}


def test_a_product_that_must_not_be_named_hides_its_coupon() -> None:
    hidden = for_milk(products=[{"product_id": "milk", "title": "Fresh milk", "sensitive": True}])
    evidence = json.loads(found(KIND, world(hidden))["evidence"][0])
    assert (evidence["item"], evidence["offer"]) == (None, None)


def test_policy_is_capped() -> None:
    capped = EVERYTHING.model_copy(update={"cap_claim_minor": {"default": 20}})
    assert found(KIND, world(for_milk()), capped)["amount_minor"].to_list() == [20]


# Properties ------------------------------------------------------------------------------------


@st.composite
def orders(draw: st.DrawFn) -> Rows:
    return [
        {
            "order_id": str(order),
            "line_id": str(line),
            "purchased_at": f"2017-11-{draw(st.integers(1, 28)):02}",
            "line_total_minor": draw(st.integers(0, 120)),
            "quantity": "2",
            "returned_quantity": draw(st.sampled_from(["0", "1", "2"])),
        }
        for order in range(draw(st.integers(1, 4)))
        for line in range(draw(st.integers(1, 3)))
    ]


@settings(max_examples=25, deadline=None)
@given(orders(), st.none() | st.integers(0, 3), st.randoms())
def test_claims_are_within_what_was_paid_and_the_uses_and_follow_from_no_order_of_rows(
    lines: Rows, allowed: int | None, random: Any
) -> None:
    rows = found(KIND, world(several(lines, allowed=allowed))).sort("opportunity_id")
    paid = {(one["order_id"], one["line_id"]): one["line_total_minor"] for one in lines}
    for order, line, amount in rows.select("order_id", "line_id", "amount_minor").iter_rows():
        assert 0 < amount <= min(50, paid[order, line])
    assert rows["order_id"].is_unique().all()
    assert allowed is None or rows.height <= allowed
    mixed = several(random.sample(lines, len(lines)), allowed=allowed)
    assert found(KIND, world(mixed)).sort("opportunity_id").equals(rows)
