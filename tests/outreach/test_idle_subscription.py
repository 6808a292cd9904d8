import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.finders import double_payment, idle_subscription
from tests.outreach.worlds import DAY, END, EVERYTHING, Rows, at, found, world
from warehouse.ids import content_id

KIND = "idle_subscription"
MUSIC = {
    "offer_id": "music",
    "kind": "subscription",
    "name": "Music Plus",
    "fee_minor": 500,
    "fee_days": 10,
    "currency": "USD",
}
HELD = {"entitlement_id": "e", "offer_id": "music", "starts_at": "2017-11-01"}
"""Three full periods: from 1, 11 and 21 November."""


def tables(**changed: Rows) -> dict[str, Rows]:
    return {"offers": [MUSIC], "entitlements": [HELD], "entitlement_uses": [], "usage": []} | changed


def amounts(inputs: dict[str, Rows] | None = None, **changed: Rows) -> list[int]:
    return found(KIND, world(tables(**changed), inputs))["amount_minor"].to_list()


def used(moment: str, **row: Any) -> Rows:
    return [{"offer_id": "music", "at": moment} | row]


def test_a_subscription_that_was_never_used_gives_back_the_fees_of_its_full_periods() -> None:
    row = found(KIND, world(tables())).row(0, named=True)
    assert (row["amount_minor"], row["currency"], row["owed"]) == (1500, "USD", "policy")
    assert (row["entitlement_id"], row["customer_id"], row["order_id"]) == ("e", "ann", None)
    assert row["opportunity_id"] == content_id(KIND, "e")
    assert row["expires_at"] is None
    assert not row["held"]
    evidence = json.loads(row["evidence"])
    assert (evidence["fee_minor"], evidence["fee_days"], evidence["offer"]) == (500, 10, "Music Plus")
    assert (evidence["first_unused_period"], evidence["unused_periods"]) == (0, 3)
    assert (evidence["unused_from"], evidence["unused_until"]) == (
        "2017-11-01T00:00:00Z",
        "2017-12-01T00:00:00Z",
    )
    assert evidence["last_use"] is None


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"offers": [MUSIC | {"kind": "benefit"}]}, id="not a subscription"),
        pytest.param({"offers": [MUSIC | {"fee_minor": None}]}, id="no fee"),
        pytest.param({"offers": [MUSIC | {"fee_minor": 0}]}, id="a fee of 0"),
        pytest.param({"offers": [MUSIC | {"fee_days": None}]}, id="nobody knows how often"),
        pytest.param({"offers": [MUSIC | {"currency": None}]}, id="a fee in no currency"),
        pytest.param({"offers": [MUSIC | {"fee_days": 16}]}, id="one full period"),
        pytest.param({"entitlements": [HELD | {"starts_at": "2017-11-11T00:00:01"}]}, id="a second short"),
        pytest.param({"entitlements": [HELD | {"starts_at": "2017-12-05"}]}, id="has not begun"),
        pytest.param({"entitlements": [HELD | {"expires_at": "2017-11-30T23:59:59"}]}, id="ended"),
        pytest.param({"usage": used("2017-11-11")}, id="used in the first moment of the second period"),
        pytest.param({"usage": used("2017-11-30T23:59:59")}, id="used in the last moment"),
        pytest.param(
            {"usage": used("2017-11-15", offer_id=None, product_id="song")},
            id="any product, as none is listed",
        ),
        pytest.param({"usage": used("2017-11-15", kind="failure")}, id="somebody tried to use it"),
        pytest.param(
            {
                "offer_products": [{"offer_id": "music", "product_id": "song"}],
                "usage": used("2017-11-15", offer_id=None, product_id="song"),
            },
            id="a product of it",
        ),
        pytest.param(
            {"entitlement_uses": [{"entitlement_id": "e", "used_at": "2017-11-15"}]}, id="a use of the right"
        ),
    ],
)
def test_a_look_alike_is_not_found(changed: dict[str, Rows]) -> None:
    assert amounts(**changed) == []


@pytest.mark.parametrize(
    ("changed", "amount"),
    [
        pytest.param({"entitlements": [HELD | {"starts_at": "2017-11-11"}]}, 1000, id="two periods"),
        pytest.param({"offers": [MUSIC | {"fee_days": 15}]}, 1000, id="two periods of 15 days"),
        pytest.param({"offers": [MUSIC | {"fee_days": 14}]}, 1000, id="and a part of a third"),
        pytest.param({"entitlements": [HELD | {"expires_at": "2017-12-01"}]}, 1500, id="ends with the day"),
        pytest.param({"usage": used("2017-11-01")}, 1000, id="used in its first moment"),
        pytest.param({"usage": used("2017-11-10T23:59:59")}, 1000, id="used in the last of its first period"),
        pytest.param({"usage": used("2017-10-31T23:59:59")}, 1500, id="used before it began"),
        pytest.param({"usage": used("2017-12-01")}, 1500, id="used the day after"),
        pytest.param({"usage": used("2017-11-15", customer_id="bob")}, 1500, id="used by somebody else"),
        pytest.param({"usage": used("2017-11-15", offer_id="films")}, 1500, id="another offer was used"),
        pytest.param(
            {
                "offer_products": [{"offer_id": "music", "product_id": "song"}],
                "usage": used("2017-11-15", offer_id=None, product_id="film"),
            },
            1500,
            id="a product of something else",
        ),
        pytest.param(
            {
                "offer_products": [{"offer_id": "films", "product_id": "film"}],
                "entitlements": [HELD, {"entitlement_id": "f", "offer_id": "films"}],
                "offers": [MUSIC, MUSIC | {"offer_id": "films", "fee_minor": 1}],
                "usage": used("2017-11-05", offer_id=None, product_id="film"),
            },
            1002,
            id="a film is a use of both, for music lists nothing",
        ),
        pytest.param(
            {"entitlement_uses": [{"entitlement_id": "f", "used_at": "2017-11-15"}]}, 1500, id="another right"
        ),
        pytest.param(
            {"entitlement_uses": [{"entitlement_id": "e", "used_at": "2017-12-01"}]},
            1500,
            id="the right was used the day after",
        ),
        pytest.param(
            {
                "usage": [*used("2017-11-02"), *used("2017-11-03", offer_id=None, product_id="song")],
                "entitlement_uses": [{"entitlement_id": "e", "used_at": "2017-11-04"}],
            },
            1000,
            id="all uses in one period",
        ),
    ],
)
def test_the_edges_of_the_rule_are_found(changed: dict[str, Rows], amount: int) -> None:
    assert sum(amounts(**changed)) == amount


@pytest.mark.parametrize("missing", ["usage", "entitlement_uses"])
def test_nothing_is_concluded_from_uses_nobody_could_have_told(missing: str) -> None:
    told = {name: rows for name, rows in tables().items() if name != missing}
    assert found(KIND, world(told)).is_empty()


def test_the_settings_say_how_many_periods_are_idle() -> None:
    def under(periods: int) -> list[int]:
        rules = EVERYTHING.model_copy(update={"idle_periods": periods})
        return found(KIND, world(tables()), rules)["amount_minor"].to_list()

    assert under(3) == [1500]
    assert under(4) == []


TWIN = HELD | {"entitlement_id": "a", "starts_at": "2017-10-31"}
"""Held before, so that the fees of `e` are paid twice."""


def by_right(inputs: dict[str, Rows] | None = None, **changed: Rows) -> dict[str, int]:
    rows = found(KIND, world(tables(**changed), inputs))
    return dict(rows.select("entitlement_id", "amount_minor").rows())


def test_a_fee_that_is_paid_back_as_paid_twice_tonight_is_subtracted() -> None:
    assert by_right(entitlements=[HELD, TWIN]) == {"e": 1000, "a": 1500}


def test_fees_promised_as_paid_twice_before_are_subtracted_once() -> None:
    def promised(number: str, **changed: Any) -> dict[str, Any]:
        return {
            "opportunity_id": content_id(double_payment.KIND, "e", number),
            "kind": double_payment.KIND,
            "entitlement_id": "e",
            "currency": "USD",
            "promised_minor": 500,
        } | changed

    both = [HELD, TWIN]
    assert by_right({"promised": [promised("2")]}, entitlements=both) == {"e": 1000, "a": 1500}
    assert by_right({"promised": [promised("1"), promised("2")]}, entitlements=both) == {"e": 500, "a": 1500}
    assert by_right({"promised": [promised("1")]}) == {"e": 1000}
    assert by_right({"promised": [promised("1", currency="EUR")]}) == {"e": 1500}
    assert by_right({"promised": [promised("1", entitlement_id="a")]}) == {"e": 1500}
    assert by_right({"promised": [promised("1", kind="price_drop")]}) == {"e": 1500}
    assert by_right({"promised": [promised(n) for n in "012"]}) == {}


def test_a_later_night_claims_only_the_fees_since() -> None:
    promised = [{"opportunity_id": content_id(KIND, "e"), "currency": "USD", "promised_minor": 1000}]
    assert amounts({"promised": promised}) == [500]


@pytest.mark.parametrize(
    ("products", "item", "offer"),
    [
        pytest.param([], None, "Music Plus", id="for anything"),
        pytest.param(["song"], "A song", "Music Plus", id="for one product"),
        pytest.param(["song", "opera"], None, "Music Plus", id="for two products"),
        pytest.param(["hidden"], None, None, id="for a product that must not be named"),
        pytest.param(["song", "hidden"], None, None, id="one of two must not be named"),
    ],
)
def test_a_subscription_is_named_where_its_products_may_be(
    products: list[str], item: str | None, offer: str | None
) -> None:
    shop = tables(
        offer_products=[{"offer_id": "music", "product_id": p} for p in products],
        products=[
            {"product_id": "song", "title": "A song"},
            {"product_id": "opera", "title": "An opera"},
            {"product_id": "hidden", "title": "Secret", "sensitive": True},
        ],
    )
    evidence = json.loads(found(KIND, world(shop))["evidence"][0])
    assert (evidence["item"], evidence["offer"]) == (item, offer)


# Properties ------------------------------------------------------------------------------------

hours = st.integers(-24, 90 * 24)


def _moment(ago: int) -> str:
    return (END - timedelta(hours=ago)).replace(tzinfo=None).isoformat()


@st.composite
def shops(draw: st.DrawFn) -> dict[str, Rows]:
    offers = [
        MUSIC
        | {"offer_id": offer, "fee_minor": draw(st.integers(1, 999)), "fee_days": draw(st.integers(1, 40))}
        for offer in ("music", "films")
    ]
    rights = [
        HELD | {"entitlement_id": str(n), "offer_id": draw(st.sampled_from(["music", "films"]))}
        for n in range(draw(st.integers(1, 3)))
    ]
    usage = [
        {
            "offer_id": draw(st.sampled_from([None, "music", "films"])),
            "product_id": draw(st.sampled_from([None, "film", "song"])),
            "at": _moment(draw(hours)),
        }
        for _ in range(draw(st.integers(0, 3)))
    ]
    uses = [{"entitlement_id": "0", "used_at": _moment(draw(hours))} for _ in range(draw(st.integers(0, 1)))]
    return {
        "offers": offers,
        "offer_products": [{"offer_id": "films", "product_id": "film"}],
        "entitlements": [right | {"starts_at": _moment(draw(hours))} for right in rights],
        "entitlement_uses": uses,
        "usage": usage,
    }


def expected(shop: dict[str, Rows]) -> dict[str, int]:
    """The fees of unused periods, counted one by one in plain Python; nothing is paid twice here."""
    offers = {offer["offer_id"]: offer for offer in shop["offers"]}
    want = {}
    for right in shop["entitlements"]:
        offer = offers[right["offer_id"]]
        uses = [
            u["used_at"] for u in shop["entitlement_uses"] if u["entitlement_id"] == right["entitlement_id"]
        ]
        uses += [
            u["at"]
            for u in shop["usage"]
            if u["offer_id"] == offer["offer_id"]
            or u["product_id"] == "film"
            or (u["product_id"] and offer["offer_id"] == "music")
        ]
        began, idle = at(right["starts_at"]), 0
        while began + timedelta(days=offer["fee_days"]) <= END:
            following = began + timedelta(days=offer["fee_days"])
            idle = 0 if any(began <= at(use) < following for use in uses) else idle + 1
            began = following
        now = any(began <= at(use) < END for use in uses)
        if began <= END and idle >= 2 and not now:
            want[right["entitlement_id"]] = idle * offer["fee_minor"]
    return want


@settings(max_examples=60, deadline=None)
@given(shops())
def test_every_claim_is_the_fees_of_the_periods_since_the_last_use(shop: dict[str, Rows]) -> None:
    one_each = shop | {"entitlements": list({r["offer_id"]: r for r in shop["entitlements"]}.values())}
    claims = idle_subscription.find(world(one_each), EVERYTHING, DAY).collect()
    assert dict(claims.select("entitlement_id", "claim_minor").rows()) == expected(one_each)


@settings(max_examples=30, deadline=None)
@given(shops(), st.randoms())
def test_the_order_of_rows_changes_nothing(shop: dict[str, Rows], random: Any) -> None:
    mixed = {name: random.sample(rows, len(rows)) for name, rows in shop.items()}
    first, again = (found(KIND, world(t)).sort("opportunity_id") for t in (shop, mixed))
    assert first.equals(again)


@settings(max_examples=30, deadline=None)
@given(shops())
def test_no_claim_is_above_the_fees_that_fell_due(shop: dict[str, Rows]) -> None:
    offers = {offer["offer_id"]: offer for offer in shop["offers"]}
    rights = {right["entitlement_id"]: right for right in shop["entitlements"]}
    for right, amount in found(KIND, world(shop)).select("entitlement_id", "amount_minor").rows():
        offer = offers[rights[right]["offer_id"]]
        paid = (
            (END - at(rights[right]["starts_at"])) // timedelta(days=offer["fee_days"]) * offer["fee_minor"]
        )
        assert 0 < amount <= paid


def test_the_evidence_alone_is_enough_to_recompute_the_claim() -> None:
    shop = tables(entitlements=[HELD, TWIN], usage=used("2017-11-02"))
    claims = idle_subscription.find(world(shop), EVERYTHING, DAY).collect()
    assert claims.height == 2
    for claim in claims.iter_rows(named=True):
        facts = json.loads(claim["facts"])
        period = timedelta(days=facts["fee_days"])
        idle = (_time(facts["unused_until"]) - _time(facts["unused_from"])) // period
        assert claim["claim_minor"] == idle * facts["fee_minor"] - facts["paid_twice_minor"]
        assert _time(facts["unused_from"]) - period <= _time(facts["last_use"]) < _time(facts["unused_from"])


def _time(moment: str) -> Any:
    return at(moment.removesuffix("Z"))
