"""The wall before the tables that are not purchases: the same promises, other rules."""

from typing import Any

import polars as pl
import pytest

from features.contract import CONTRACTS
from tests.features.test_wall import NOT_WHOLE, reasons, through

OFFER = {"offer_id": "o", "kind": "coupon", "name": "ten off"}
PRICE = {"product_id": "p", "currency": "EUR", "effective_at": "2019-01-01", "price": "1.999"}
CONSENT = {"customer_id": "c", "channel": "email", "purpose": "marketing", "recorded_at": "2017-01-01"}
CUSTOMER = {"customer_id": "c"}
RIGHT = {"entitlement_id": "e", "customer_id": "c", "offer_id": "o", "starts_at": "2019-01-01"}
INCIDENT = {
    "incident_id": "i",
    "customer_id": "c",
    "kind": "late",
    "occurred_at": "2017-01-01",
    "severity": "3",
}


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("prices", PRICE), ("prices", PRICE | {"price": "0", "ends_at": "2019-01-02"}),
        ("consents", CONSENT | {"granted": "yes"}), ("consents", CONSENT | {"granted": False}),
        ("customers", CUSTOMER | {"email": "jörg@example.test", "phone": "+49 (30) 1-2", "locale": "de_DE"}),
        ("customers", CUSTOMER | {"email": None, "minor": "1", "timezone": "Europe/Berlin"}),
        ("products", {"product_id": "p", "title": "Socks\t🧦", "available": "f"}),
        ("offers", OFFER), ("offers", OFFER | {"value": "1.50", "currency": "EUR", "fee_days": "30.0"}),
        ("entitlements", RIGHT | {"expires_at": "2020-01-01", "uses_allowed": "0"}),
        ("incidents", INCIDENT | {"amount": "5", "currency": "JPY"}),
    ],
)  # fmt: skip
def test_good_rows_of_other_tables_are_taken(table: str, row: dict[str, Any]) -> None:
    result = through(pl.DataFrame([row]), table)
    assert (result.rows.height, result.reasons) == (1, {})


@pytest.mark.parametrize(
    ("table", "row", "reason"),
    [
        ("prices", PRICE | {"price": "-1"}, "price: too small"),
        ("prices", PRICE | {"ends_at": "2018-12-31"}, "ends after it starts"),
        ("prices", PRICE | {"kind": "sale"}, "kind: not one of the known words"),
        ("consents", CONSENT | {"granted": "maybe"}, "granted: unreadable"),
        ("consents", CONSENT | {"granted": ""}, "granted: missing"),
        ("consents", CONSENT | {"granted": "t", "channel": "fax"}, "channel: not one of the known words"),
        ("consents", CONSENT | {"granted": "t", "recorded_at": "2019-01-01"}, "recorded_at: in the future"),
        ("customers", CUSTOMER | {"email": "nobody"}, "email: malformed"),
        ("customers", CUSTOMER | {"email": "a@b\r\nBcc: x@y"}, "email: malformed"),
        ("customers", CUSTOMER | {"email": "a@b,x@y"}, "email: malformed"),
        ("customers", CUSTOMER | {"email": "a,x@y"}, "email: malformed"),
        ("customers", CUSTOMER | {"email": '"a"<x@y>'}, "email: malformed"),
        ("customers", CUSTOMER | {"phone": "call me"}, "phone: malformed"),
        ("customers", CUSTOMER | {"timezone": "Berlin"}, "timezone: unreadable"),
        ("customers", CUSTOMER | {"locale": "../de"}, "locale: malformed"),
        ("customers", CUSTOMER | {"locale": "de-" + "-".join(["abcdefgh"] * 9)}, "locale: too long"),
        ("products", {"product_id": "p", "title": "a\nb"}, "title: has control characters"),
        ("products", {"product_id": "p", "title": "a\u2028b"}, "title: has control characters"),
        ("products", {"product_id": "p", "title": "x" * 4001}, "title: too long"),
        ("offers", OFFER | {"value": "1.50"}, "value: an amount without a currency"),
        ("offers", OFFER | {"value": "1.50", "currency": None}, "value: an amount without a currency"),
        ("offers", OFFER | {"fee": "1.505", "currency": "EUR"}, f"fee: {NOT_WHOLE}"),
        ("offers", OFFER | {"fee_days": "1.5"}, "fee_days: unreadable"),
        ("offers", OFFER | {"kind": "raffle"}, "kind: not one of the known words"),
        ("entitlements", RIGHT | {"expires_at": "2018-01-01"}, "expires after it starts"),
        ("entitlements", RIGHT | {"uses_allowed": "-1"}, "uses_allowed: too small"),
        ("incidents", INCIDENT | {"severity": "6"}, "severity: too large"),
        ("incidents", INCIDENT | {"severity": "0"}, "severity: too small"),
    ],
)
def test_bad_rows_of_other_tables_are_refused_for_that_one_reason(
    table: str, row: dict[str, Any], reason: str
) -> None:
    assert reasons(pl.DataFrame([row]), table) == [reason]


@pytest.mark.parametrize("table", CONTRACTS)
def test_a_table_without_rows_is_no_error(table: str) -> None:
    schema = CONTRACTS[table].schema
    names = {(c.metadata or {}).get("raw", name) for name, c in schema.columns().items()}
    result = through(pl.DataFrame(schema=dict.fromkeys(names, pl.String)), table)
    assert (result.rows_in, result.rows.height, result.reasons) == (0, 0, {})
