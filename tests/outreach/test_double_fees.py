import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.finders import double_payment
from tests.outreach.worlds import DAY, END, EVERYTHING, Rows, at, found, world
from warehouse.ids import content_id

KIND = "double_payment"
MUSIC = {
    "offer_id": "music",
    "kind": "subscription",
    "name": "Music Plus",
    "fee_minor": 500,
    "fee_days": 10,
    "currency": "USD",
}
OLD = {"entitlement_id": "old", "offer_id": "music", "starts_at": "2017-10-01"}
NEW = {"entitlement_id": "new", "offer_id": "music", "starts_at": "2017-11-05"}


def fees(*held: dict[str, Any], offer: dict[str, Any] | None = None, **changed: Any) -> list[tuple[str, int]]:
    here = world({"offers": [MUSIC | (offer or {})], "entitlements": list(held)})
    rows = found(KIND, here, EVERYTHING.model_copy(update=changed))
    return rows.select("entitlement_id", "amount_minor").sort("entitlement_id").rows()


def test_of_two_subscriptions_to_one_offer_the_later_one_s_last_fee_is_paid_back() -> None:
    row = found(KIND, world({"offers": [MUSIC], "entitlements": [OLD, NEW]})).row(0, named=True)
    assert (row["amount_minor"], row["currency"], row["owed"]) == (500, "USD", "right")
    assert (row["entitlement_id"], row["order_id"], row["line_id"]) == ("new", None, None)
    assert row["opportunity_id"] == content_id(KIND, "new", "2")
    assert row["expires_at"] is None
    evidence = json.loads(row["evidence"])
    assert (evidence["fee_number"], evidence["fee_due_at"]) == (2, "2017-11-25T00:00:00Z")
    assert (evidence["other_entitlement_id"], evidence["offer"]) == ("old", "Music Plus")
    assert evidence["other_expires_at"] is None


@pytest.mark.parametrize(
    ("old", "new", "offer"),
    [
        pytest.param({"customer_id": "bob"}, {}, {}, id="another customer's"),
        pytest.param({"offer_id": "films"}, {}, {}, id="another offer"),
        pytest.param({"expires_at": "2017-11-25"}, {}, {}, id="the first ended as the fee fell due"),
        pytest.param({}, {"expires_at": "2017-10-31", "starts_at": "2017-10-30"}, {}, id="due 31 days ago"),
        pytest.param(
            {}, {"expires_at": "2017-11-01", "starts_at": "2017-10-31T23:59:59"}, {}, id="a second too old"
        ),
        pytest.param({}, {"starts_at": "2017-12-01"}, {}, id="begins the day after"),
        pytest.param({}, {"starts_at": "2017-11-20", "expires_at": "2017-11-20"}, {}, id="never valid"),
        pytest.param({}, {}, {"kind": "benefit"}, id="not a subscription"),
        pytest.param({}, {}, {"fee_minor": None}, id="no fee"),
        pytest.param({}, {}, {"fee_minor": 0}, id="a fee of 0"),
        pytest.param({}, {}, {"fee_days": None}, id="nobody knows how often"),
        pytest.param({}, {}, {"currency": None}, id="a fee in no currency"),
    ],
)
def test_a_look_alike_of_two_subscriptions_is_not_found(
    old: dict[str, Any], new: dict[str, Any], offer: dict[str, Any]
) -> None:
    assert fees(OLD | old, NEW | new, offer=offer) == []


@pytest.mark.parametrize(
    ("old", "new", "number"),
    [
        pytest.param({"expires_at": "2017-11-25T00:00:01"}, {}, 2, id="a second of overlap"),
        pytest.param({}, {"starts_at": "2017-11-01", "expires_at": "2017-11-02"}, 0, id="30 days ago"),
        pytest.param({}, {"expires_at": "2017-11-25"}, 1, id="ended before its third fee fell due"),
        pytest.param({}, {"expires_at": "2017-11-25T00:00:01"}, 2, id="ended just after"),
        pytest.param({}, {"starts_at": "2017-11-21"}, 0, id="the second fee is due the day after"),
        pytest.param({}, {"starts_at": "2017-11-20T23:59:59"}, 1, id="the second fee was due in the day"),
        pytest.param({}, {"starts_at": "2017-10-02"}, 5, id="held for long"),
        pytest.param({"starts_at": "2017-11-05", "entitlement_id": "a"}, {}, 2, id="of one moment"),
    ],
)
def test_the_edges_of_two_subscriptions_are_found(
    old: dict[str, Any], new: dict[str, Any], number: int
) -> None:
    rows = found(KIND, world({"offers": [MUSIC], "entitlements": [OLD | old, NEW | new]}))
    assert rows["opportunity_id"].to_list() == [content_id(KIND, "new", str(number))]
    assert rows["amount_minor"].to_list() == [500]


def test_of_three_subscriptions_two_are_paid_back() -> None:
    assert fees(OLD, NEW, NEW | {"entitlement_id": "newer", "starts_at": "2017-11-06"}) == [
        ("new", 500),
        ("newer", 500),
    ]


def test_the_next_fee_is_a_claim_of_its_own() -> None:
    promised = [
        {
            "opportunity_id": content_id(KIND, "new", "1"),
            "currency": "USD",
            "kind": KIND,
            "promised_minor": 500,
        }
    ]
    here = world({"offers": [MUSIC], "entitlements": [OLD, NEW]}, {"promised": promised})
    assert found(KIND, here)["amount_minor"].to_list() == [500]


def test_the_settings_say_how_old_a_fee_may_be() -> None:
    assert fees(OLD, NEW, double_payment_days=5) == []
    assert fees(OLD, NEW, double_payment_days=6) == [("new", 500)]


def test_the_evidence_alone_is_enough_to_recompute_the_claim() -> None:
    here = world({"offers": [MUSIC], "entitlements": [OLD, NEW]})
    claim = double_payment.find(here, EVERYTHING, DAY).collect().row(0, named=True)
    facts = json.loads(claim["facts"])
    begin, due = (at(facts[name].removesuffix("Z")) for name in ("starts_at", "fee_due_at"))
    assert due == begin + timedelta(days=facts["fee_days"]) * facts["fee_number"]
    assert at(facts["other_starts_at"].removesuffix("Z")) <= begin
    assert claim["claim_minor"] == facts["fee_minor"]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-5, 90), st.none() | st.integers(0, 60)), min_size=1, max_size=5),
    st.randoms(),
)
def test_every_claim_is_the_rule_s_whatever_the_order_of_rows(
    spans: list[tuple[int, int | None]], random: Any
) -> None:
    held: Rows = []
    for n, (ago, lasts) in enumerate(spans):
        begin = END - timedelta(days=ago)
        ends = None if lasts is None else (begin + timedelta(days=lasts)).replace(tzinfo=None).isoformat()
        starts = begin.replace(tzinfo=None).isoformat()
        held.append(OLD | {"entitlement_id": str(n), "starts_at": starts, "expires_at": ends})
    got = fees(*random.sample(held, len(held)))
    assert got == [(right["entitlement_id"], 500) for right in held if _is_second(right, held)]


def _is_second(right: dict[str, Any], held: Rows) -> bool:
    """The rule once more, fee by fee, in plain Python."""
    begin, until = at(right["starts_at"]), min(_end(right), END)
    due = [begin + timedelta(days=10 * n) for n in range(10) if begin + timedelta(days=10 * n) < until]
    if not due or due[-1] < END - timedelta(days=30):
        return False
    before = (right["starts_at"], right["entitlement_id"])
    earlier = [one for one in held if (one["starts_at"], one["entitlement_id"]) < before]
    return any(_end(one) > due[-1] for one in earlier)


def _end(right: dict[str, Any]) -> datetime:
    return END + timedelta(days=999) if right["expires_at"] is None else at(right["expires_at"])
