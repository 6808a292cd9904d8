"""What every finder must do, whatever it finds."""

import json

import polars as pl
import pytest

from outreach.finders import FINDERS
from outreach.formats import Reader
from outreach.linting.specimens import specimens
from outreach.opportunities import COLUMNS, OWED, PURPOSE, Opportunities
from outreach.slots import Told, topic_of
from outreach.texts import compose
from outreach.world import World
from tests.outreach.worlds import DAY, EVERYTHING, FALL, Engine, found, shop, world

EXPORTED = [
    "opportunity_id",
    "customer_id",
    "kind",
    "owed",
    "product_id",
    "order_id",
    "line_id",
    "entitlement_id",
    "incident_id",
    "amount_minor",
    "currency",
    "expires_at",
    "held",
    "evidence",
]

CUSTOMERS = ("ann", "bob")
ORDERS = [
    {"purchased_at": "2017-11-20", "promised_at": "2017-11-22", "dispatched_at": "2017-11-23"},
    {"purchased_at": "2017-11-20T00:05", "dispatched_at": "2017-11-23"},
    {"purchased_at": "2017-11-22", "dispatched_at": None, "delivered_at": None},
]
"""Milk ordered twice at once and late, and milk not yet dispatched when its price falls."""

MILK = {"department": "dairy", "category": "milk", "title": "Fresh milk"}
JUG = {"product_id": "jug", "price": "2.00"}
LOOKERS = ("cid", "dee")
"""They look at milk while it cannot be had."""

RICH = shop(*CUSTOMERS) | {
    "products": [
        MILK | {"product_id": "milk", "package_size": "1 L"},
        MILK | {"product_id": "jug", "package_size": "2 L"},
    ],
    "prices": [*FALL, JUG],
    "views": [
        *({"customer_id": c, "viewed_at": "2017-11-23"} for c in CUSTOMERS),
        *({"customer_id": c, "viewed_at": "2017-11-24T06:00"} for c in LOOKERS),
    ],
    "availability": [
        {"available": True},
        {"available": False, "effective_at": "2017-11-24"},
        {"available": True, "effective_at": "2017-11-24T12:00"},
    ],
    "purchases": [
        order | {"order_id": f"{c}{n}", "customer_id": c} for c in CUSTOMERS for n, order in enumerate(ORDERS)
    ],
    "incidents": [
        {"incident_id": c, "customer_id": c, "order_id": f"{c}0", "line_id": "1"} for c in CUSTOMERS
    ]
    + [{"incident_id": f"{c}{n}", "customer_id": c, "severity": 1} for c in CUSTOMERS for n in range(2)],
    "offers": [
        {"value_minor": 50, "currency": "USD"},
        {"offer_id": "music", "kind": "subscription", "fee_minor": 500, "fee_days": 10, "currency": "USD"},
        {"offer_id": "card", "kind": "gift_card", "value_minor": 900, "currency": "USD"},
    ],
    "offer_products": [{}],
    "entitlements": [
        {"entitlement_id": f"{offer} of {c}", "customer_id": c, "offer_id": offer}
        for c in CUSTOMERS
        for offer in ("half", "music")
    ]
    + [
        {
            "entitlement_id": f"card of {c}",
            "customer_id": c,
            "offer_id": "card",
            "uses_allowed": 1,
            "expires_at": "2017-12-24",
        }
        for c in CUSTOMERS
    ],
    "entitlement_uses": [],
    "usage": [],
}

READER = Reader("en_US", "UTC")

every_finder = pytest.mark.parametrize("kind", FINDERS)


@pytest.fixture
def rich() -> World:
    return world(RICH)


def test_the_columns_are_those_the_export_promises() -> None:
    assert list(COLUMNS) == EXPORTED


@every_finder
def test_what_is_found_keeps_the_schema(kind: str, rich: World) -> None:
    rows = found(kind, rich)
    assert rows.height >= 2
    assert rows.columns == EXPORTED
    Opportunities.validate(rows)
    assert set(rows["kind"]) == {kind}
    assert set(rows["owed"]) == FINDERS[kind].owed <= set(OWED)


@every_finder
def test_an_empty_world_has_nothing_to_find(kind: str) -> None:
    rows = found(kind, world({}))
    assert rows.is_empty()
    Opportunities.validate(rows)


@every_finder
def test_evidence_is_json_that_repeats_the_amount_and_the_settings(kind: str, rich: World) -> None:
    for row in found(kind, rich).iter_rows(named=True):
        evidence = json.loads(row["evidence"])
        assert evidence["amount_minor"] == row["amount_minor"]
        assert evidence["currency"] == row["currency"]
        assert json.loads(evidence["settings"])["day"] == DAY.isoformat()


@every_finder
def test_ids_follow_from_the_subject_and_not_from_amounts_or_dates(kind: str, rich: World) -> None:
    cheaper = RICH | {
        "purchases": [line | {"line_total_minor": 190} for line in RICH["purchases"]],
        "prices": [{"price": "2.00"}, {"price": "1.20", "effective_at": "2017-11-26"}, JUG],
        "offers": [
            offer | {"value_minor": 70, "fee_minor": 600, "name": "another name"} for offer in RICH["offers"]
        ],
    }
    before, after = (
        found(kind, rich).sort("opportunity_id"),
        found(kind, world(cheaper)).sort("opportunity_id"),
    )
    assert before["opportunity_id"].equals(after["opportunity_id"])
    if FINDERS[kind].told:
        assert not before["amount_minor"].equals(after["amount_minor"])
    else:
        assert before["amount_minor"].to_list() == [None] * before.height


@every_finder
def test_the_same_world_gives_the_same_rows(kind: str, rich: World) -> None:
    engines: list[Engine] = ["streaming", "streaming", "in-memory", "in-memory"]
    first, *others = [found(kind, rich, engine=engine).sort("opportunity_id") for engine in engines]
    assert all(first.equals(other) for other in others)


@every_finder
def test_sensitive_products_are_not_named(kind: str) -> None:
    for change in ({"sensitive": True}, {"category": "PREGNANCY TESTS"}, {"title": None}):
        rows = found(kind, world(RICH | {"products": [product | change for product in RICH["products"]]}))
        assert rows.height >= 2 or (kind == "cheaper_same" and change == {"title": None})
        assert {json.loads(text)["item"] for text in rows["evidence"]} <= {None}
        assert not any("Fresh milk" in text for text in rows["evidence"])


@every_finder
def test_what_is_found_can_be_told_with_its_amount(kind: str, rich: World) -> None:
    for row in found(kind, rich).iter_rows(named=True):
        if not FINDERS[kind].told:
            continue
        told = Told(row["opportunity_id"], kind, row["amount_minor"], row["currency"], row["evidence"])
        message = compose(PURPOSE[row["owed"]], [told], READER, EVERYTHING)
        amount = READER.money(row["amount_minor"], row["currency"])
        for words in (message.subject, message.text, message.html):
            assert amount in words
        assert message.template == f"en/v1 {PURPOSE[row['owed']]} {kind}"


@every_finder
def test_specimens_know_no_more_than_evidence_does(kind: str, rich: World) -> None:
    for row in found(kind, rich).iter_rows(named=True):
        if FINDERS[kind].told:
            evidence = json.loads(row["evidence"])
            told = Told(row["opportunity_id"], kind, row["amount_minor"], row["currency"], row["evidence"])
            for specimen in specimens()[topic_of(told)]:
                assert json.loads(specimen.told.evidence).keys() <= evidence.keys()


def test_a_word_inside_another_word_is_not_sensitive() -> None:
    rows = found("price_drop", world(RICH | {"products": [{"product_id": "milk", "title": "Sliced bread"}]}))
    assert {json.loads(text)["item"] for text in rows["evidence"]} == {"Sliced bread"}


def test_price_drop_examines_the_lines_of_its_window_whether_returned_or_not() -> None:
    lines = [
        {"order_id": "in", "returned_quantity": "1"},
        {"order_id": "first", "purchased_at": "2017-11-01"},
        {"order_id": "before", "purchased_at": "2017-10-31T23:59:59"},
        {"order_id": "shipping", "kind": "shipping"},
    ]
    examined = FINDERS["price_drop"].examined
    assert examined is not None
    rows = examined(world({"purchases": lines, "prices": FALL}), EVERYTHING, DAY).select(pl.len()).collect()
    assert rows.item() == 2
