"""`watched_price_drop` and `back_in_stock_cheaper`: one look, told apart by whether it could be had."""

import json
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach import export
from tests.outreach.worlds import DAY, END, EVERYTHING, FALL, Rows, at, consenting, fill, found, night, world
from warehouse.ids import content_id
from warehouse.settings import Settings

WATCHED, BACK = "watched_price_drop", "back_in_stock_cheaper"
PROMOTION = {"price": "1.20", "kind": "promotion", "effective_at": "2017-11-28"}
AWAY: Rows = [
    {"available": False, "effective_at": "2017-11-10"},
    {"available": True, "effective_at": "2017-11-22"},
]
"""Milk cannot be had from 10 to 22 November."""
elsewhere = [row | {"market": "abroad"} for row in AWAY]
other_milk = [row | {"product_id": "oil"} for row in AWAY]


def tables(**changed: Rows) -> dict[str, Rows]:
    """Ann looked at a milk on 20 November that fell from 2.00 to 1.50 on 25 November."""
    return {
        "views": [{}],
        "prices": FALL,
        "products": [{"product_id": "milk", "title": "Fresh milk"}],
    } | changed


def amounts(kind: str, **changed: Rows) -> list[int]:
    return found(kind, world(tables(**changed)))["amount_minor"].to_list()


def test_what_was_looked_at_and_costs_less_now_is_worth_a_word() -> None:
    row = found(WATCHED, world(tables())).row(0, named=True)
    assert (row["owed"], row["amount_minor"], row["currency"], row["held"]) == ("advice", 50, "USD", False)
    assert (row["customer_id"], row["product_id"], row["order_id"]) == ("ann", "milk", None)
    assert row["opportunity_id"] == content_id(WATCHED, "ann", "milk")
    evidence = json.loads(row["evidence"])
    assert (evidence["look"], evidence["looked_at"]) == ("view", "2017-11-20T00:00:00Z")
    assert (evidence["price_then"], evidence["price_then_kind"]) == ("2", "list")
    assert (evidence["price_now"], evidence["price_now_from"]) == ("1.5", "2017-11-25T00:00:00Z")


def test_what_is_back_is_worth_a_word_too_and_the_two_are_never_both_said() -> None:
    row = found(BACK, world(tables(availability=AWAY))).row(0, named=True)
    assert (row["owed"], row["amount_minor"], row["product_id"]) == ("advice", 50, "milk")
    assert row["opportunity_id"] == content_id(BACK, "ann", "milk")
    assert amounts(WATCHED, availability=AWAY) == []
    assert amounts(BACK) == []


@pytest.mark.parametrize("kind", [WATCHED, BACK])
@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"views": [{"viewed_at": "2017-10-31T23:59:59"}]}, id="looked before the window"),
        pytest.param(
            {"purchases": [{"order_id": "1", "purchased_at": "2017-11-20"}]}, id="bought at that moment"
        ),
        pytest.param({"purchases": [{"order_id": "1", "purchased_at": "2017-11-30"}]}, id="bought since"),
        pytest.param(
            {"purchases": [{"order_id": "1", "purchased_at": "2017-11-21", "returned_quantity": "1"}]},
            id="bought since, and returned",
        ),
        pytest.param({"prices": [FALL[0], FALL[1] | {"price": "2.01"}]}, id="it costs more now"),
        pytest.param({"prices": [FALL[0], FALL[1] | {"price": "0"}]}, id="the price now is missing"),
        pytest.param({"prices": FALL[1:]}, id="no price at the look"),
        pytest.param(
            {"prices": [FALL[0] | {"ends_at": "2017-11-20"}, FALL[1]]}, id="the price had ended at the look"
        ),
        pytest.param(
            {"prices": [FALL[0], FALL[1] | {"ends_at": "2017-11-30T23:59:59"}]}, id="the price has ended"
        ),
        pytest.param({"prices": [p | {"market": "abroad"} for p in FALL]}, id="prices of another market"),
        pytest.param({"prices": [p | {"product_id": "oil"} for p in FALL]}, id="prices of another product"),
        pytest.param(
            {"purchases": [{"order_id": "1", "product_id": "oil", "currency": "EUR"}]},
            id="a customer who pays in euros",
        ),
        pytest.param(
            {"prices": [*FALL, {"price": "1.80", "currency": "EUR"}]}, id="a stranger, and two currencies"
        ),
        pytest.param(
            {"customers": [{"customer_id": "ann", "market": "abroad"}]}, id="a customer from abroad"
        ),
        pytest.param(
            {"purchases": [{"order_id": "1", "product_id": "oil", "market": "abroad"}]},
            id="a customer who bought abroad",
        ),
        pytest.param(
            {"products": [{"product_id": "milk", "available_from": "2017-12-01"}]}, id="not on sale yet"
        ),
    ],
)
def test_a_look_alike_is_not_claimed(kind: str, changed: dict[str, Rows]) -> None:
    assert amounts(kind, **({"availability": AWAY} if kind == BACK else {}), **changed) == []


@pytest.mark.parametrize(
    "availability",
    [
        pytest.param([AWAY[0]], id="gone before the look"),
        pytest.param([AWAY[0] | {"effective_at": "2017-11-30"}], id="gone since"),
    ],
)
def test_what_cannot_be_had_now_is_not_advertised(availability: Rows) -> None:
    assert amounts(WATCHED, availability=availability) == []
    assert amounts(BACK, availability=availability) == []
    gone = {"products": [{"product_id": "milk", "available": False}]}
    assert amounts(WATCHED, **gone) == []
    assert amounts(BACK, **gone) == []


@pytest.mark.parametrize(
    ("changed", "amount"),
    [
        pytest.param({"views": [{"viewed_at": "2017-11-01"}]}, 50, id="the first moment of the window"),
        *(pytest.param({"views": [{"kind": kind}]}, 50, id=kind) for kind in ("cart", "wishlist")),
        pytest.param(
            {"views": [{}, {"viewed_at": "2017-11-02"}, {"viewed_at": "2017-11-24T23:59:59"}]},
            50,
            id="the newest look counts",
        ),
        pytest.param(
            {"purchases": [{"order_id": "1", "purchased_at": "2017-11-19"}]}, 50, id="bought before the look"
        ),
        pytest.param(
            {"purchases": [{"order_id": "1", "customer_id": "bob", "purchased_at": "2017-11-21"}]},
            50,
            id="bought by somebody else",
        ),
        pytest.param(
            {"purchases": [{"order_id": "1", "product_id": "oil", "purchased_at": "2017-11-21"}]},
            50,
            id="bought something else",
        ),
        pytest.param({"prices": [*FALL, PROMOTION]}, 80, id="a promotion now"),
        pytest.param({"prices": [FALL[0], PROMOTION]}, 80, id="only a promotion fell"),
        pytest.param(
            {"prices": [PROMOTION | {"effective_at": "2017-11-01", "price": "2.00"}, FALL[1]]},
            50,
            id="only a promotion then",
        ),
        pytest.param(
            {"prices": [*FALL, {"price": "1.70", "kind": "promotion", "ends_at": "2017-11-22"}]},
            20,
            id="a promotion then",
        ),
        pytest.param(
            {"prices": [FALL[0], FALL[1] | {"ends_at": "2017-12-01"}]}, 50, id="the price ends with the day"
        ),
        pytest.param(
            {"prices": [FALL[0], FALL[1] | {"effective_at": "2017-11-20T00:00:01"}]},
            50,
            id="just after the look",
        ),
        pytest.param({"prices": [FALL[0], FALL[1] | {"price": "1.995"}]}, 1, id="half a cent is rounded up"),
        pytest.param(
            {
                "customers": [{"customer_id": "ann", "market": "abroad"}],
                "purchases": [{"order_id": "1", "product_id": "oil"}],
                "prices": [p | {"market": "abroad"} for p in FALL],
            },
            50,
            id="the customer's own market comes first",
        ),
        pytest.param(
            {
                "purchases": [
                    {"order_id": "1", "product_id": "oil", "market": "old", "purchased_at": "2017-11-01"},
                    {"order_id": "0", "product_id": "oil", "market": "new", "currency": "EUR"},
                ],
                "prices": [p | {"market": "new", "currency": "EUR"} for p in FALL],
            },
            50,
            id="then market and currency of the newest line",
        ),
        pytest.param(
            {"products": [{"product_id": "milk", "available": False}], "availability": [{"available": True}]},
            50,
            id="availability in the market says more than the product",
        ),
        pytest.param({"availability": [{"available": True}, *elsewhere]}, 50, id="gone in another market"),
        pytest.param({"availability": [{"available": True}, *other_milk]}, 50, id="another product was gone"),
        pytest.param({"products": []}, 50, id="a product nothing is known of"),
        pytest.param(
            {"products": [{"product_id": "milk", "available_from": "2017-11-20"}]},
            50,
            id="on sale at the look",
        ),
    ],
)
def test_a_price_drop_on_what_was_watched_is_exact(changed: dict[str, Rows], amount: int) -> None:
    assert amounts(WATCHED, **changed) == [amount]


@pytest.mark.parametrize(
    "prices",
    [
        pytest.param([FALL[0], FALL[1] | {"price": "1.996"}], id="less than half a cent"),
        pytest.param(FALL[:1], id="no change"),
        pytest.param([FALL[0], FALL[1] | {"market": "abroad"}], id="a fall in another market"),
        pytest.param(
            [FALL[0], FALL[1] | {"kind": "promotion", "ends_at": "2017-11-30"}], id="a promotion that is over"
        ),
    ],
)
def test_what_costs_as_much_as_then_is_no_price_drop(prices: Rows) -> None:
    assert amounts(WATCHED, prices=prices) == []


@pytest.mark.parametrize(
    ("changed", "amount"),
    [
        pytest.param({"prices": FALL[:1]}, 0, id="at the same price"),
        pytest.param({}, 50, id="for less"),
        pytest.param(
            {"availability": [AWAY[0] | {"effective_at": "2017-11-20"}, AWAY[1]]},
            50,
            id="gone at that moment",
        ),
        pytest.param(
            {"availability": [AWAY[0], AWAY[1] | {"effective_at": "2017-11-30T23:59:59"}]},
            50,
            id="back in the last second of the day",
        ),
        pytest.param(
            {"products": [{"product_id": "milk", "available_from": "2017-11-21"}], "availability": []},
            50,
            id="looked at before it was on sale",
        ),
    ],
)
def test_what_is_back_is_exact_and_may_save_nothing(changed: dict[str, Rows], amount: int) -> None:
    assert amounts(BACK, **{"availability": AWAY} | changed) == [amount]


def test_it_lapses_with_the_price_it_names() -> None:
    ends = tables(prices=[FALL[0], PROMOTION | {"ends_at": "2017-12-03"}])
    assert found(WATCHED, world(ends))["expires_at"].to_list() == [at("2017-12-03")]
    assert found(WATCHED, world(tables()))["expires_at"].to_list() == [None]


def test_a_price_that_looks_like_a_mistake_waits_for_a_person() -> None:
    for price, held in (("1.00", False), ("0.99", True)):
        fell = tables(prices=[FALL[0] | {"effective_at": "2017-06-01"}, FALL[1] | {"price": price}])
        assert found(WATCHED, world(fell))["held"].to_list() == [held]
        assert found(BACK, world(fell | {"availability": AWAY}))["held"].to_list() == [held]


def test_a_currency_without_a_minimum_is_held() -> None:
    euro = EVERYTHING.model_copy(update={"min_saving_minor": {"EUR": 0}})
    assert found(WATCHED, world(tables()), euro)["held"].to_list() == [True]


def test_of_looks_at_one_moment_the_strongest_is_told() -> None:
    row = found(WATCHED, world(tables(views=[{}, {"kind": "wishlist"}, {"kind": "cart"}]))).row(0, named=True)
    assert json.loads(row["evidence"])["look"] == "wishlist"


def test_what_is_back_at_the_same_price_is_told_without_an_amount(home: Settings) -> None:
    fill(home, tables(prices=FALL[:1], availability=AWAY, consents=consenting("ann")))
    night(home)
    notice = export.notices(home, DAY).collect().row(0, named=True)
    assert "You had looked at “Fresh milk” on November 20, 2017" in notice["text"]
    assert "It is available again, at the same price: $2.00." in notice["text"]
    assert "save" not in notice["subject"]


# Properties ------------------------------------------------------------------------------------

hours = st.integers(1, 29 * 24)
prices = st.just("0") | st.decimals("0.0001", "40", places=4).map(str)


def moment(hours_ago: int) -> str:
    return (END - timedelta(hours=hours_ago)).replace(tzinfo=None).isoformat()


@st.composite
def price_lists(draw: st.DrawFn) -> Rows:
    ago = draw(st.lists(hours, max_size=5, unique=True))
    return [{"price": draw(prices)}, *({"price": draw(prices), "effective_at": moment(h)} for h in ago)]


def price_at(listed: Rows, when: str) -> Decimal:
    begun = [p for p in listed if p.get("effective_at", "2017-01-01") <= when]
    return Decimal(max(begun, key=lambda p: p.get("effective_at", "2017-01-01"))["price"])


@settings(max_examples=30, deadline=None)
@given(price_lists(), st.lists(hours, min_size=1, max_size=3), st.booleans(), st.randoms())
def test_every_amount_is_the_rule_s_and_follows_from_no_order_of_rows(
    listed: Rows, looks: list[int], gone: bool, random: Any
) -> None:
    kind = BACK if gone else WATCHED
    availability = [{"available": not gone}, {"available": True, "effective_at": "2017-11-30T23:30:00"}]
    views = [{"viewed_at": moment(h)} for h in looks]
    then, now = price_at(listed, moment(min(looks))), price_at(listed, "2017-12-01")
    exact = ((then - now) * 100).quantize(Decimal(1), ROUND_HALF_UP)
    said = then > 0 and now > 0 and then >= now and (gone or exact > 0)
    first = found(kind, world(tables(views=views, prices=listed, availability=availability)))
    assert first["amount_minor"].to_list() == ([int(exact)] if said else [])
    mixed = {"views": random.sample(views, len(views)), "prices": random.sample(listed, len(listed))}
    again = found(kind, world(tables(**mixed, availability=availability)))
    assert first.equals(again)
