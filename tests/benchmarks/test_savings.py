"""The SQL of each kind finds a case that can be seen by eye, and not what lies one condition away."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from benchmarks.savings.recompute import OWED, compare, settled
from benchmarks.savings.world import connected, tell, view
from features.contract import CONTRACTS
from outreach.inputs import SCHEMAS
from warehouse.ids import content_id
from warehouse.settings import OutreachSettings

DAY = date(2025, 6, 30)
Rows = list[dict[str, Any]]


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def frame(schema: dict[str, Any], rows: Rows) -> pl.LazyFrame:
    """Rows of one table; moments as text, decimals as text, columns that are not named empty."""
    typed = [{name: _value(schema[name], value) for name, value in row.items()} for row in rows]
    return pl.DataFrame(typed, schema=schema).lazy()


def _value(dtype: Any, value: Any) -> Any:
    if isinstance(dtype, pl.Datetime) and isinstance(value, str):
        return moment(value)
    return Decimal(value) if isinstance(dtype, pl.Decimal) and value is not None else value


@pytest.fixture
def found(tmp_path: Path) -> Any:
    """Gives what the SQL finds of a kind in a world: its tables by name, promises, and settings."""

    def find(
        kind: str, *, kinds: list[str] | None = None, promised: Rows | None = None, **world: Rows
    ) -> Rows:
        with connected() as connection:
            for name, contract in CONTRACTS.items():
                schema = dict(contract.table.schema)
                if name == "purchases":
                    schema |= {"dispatched_at_known": pl.Boolean(), "delivered_at_known": pl.Boolean()}
                view(connection, name, frame(schema, world.get(name, [])), tmp_path)
            view(connection, "promised", frame(dict(SCHEMAS["promised"]), promised or []), tmp_path)
            tell(connection, OutreachSettings(hold_share=1), DAY)
            connection.execute("SET VARIABLE usage_known = true; SET VARIABLE uses_known = true")
            rows = settled(connection, kinds or [kind])
        return rows.filter(pl.col("kind") == kind).sort("opportunity_id").to_dicts()

    return find


def line(**given: Any) -> dict[str, Any]:
    return {
        "order_id": "o1", "line_id": "1", "customer_id": "anna", "product_id": "tea", "quantity": "2",
        "line_total_minor": 1000, "currency": "EUR", "purchased_at": "2025-06-10T10:00", "kind": "product",
        "market": "north", "dispatched_at_known": False, "delivered_at_known": False,
    } | given  # fmt: skip


def price(value: str, at: str, **given: Any) -> dict[str, Any]:
    return {
        "product_id": "tea", "market": "north", "currency": "EUR", "kind": "list", "effective_at": at,
        "price": value,
    } | given  # fmt: skip


FELL = [price("5", "2025-01-01T00:00"), price("4", "2025-06-15T00:00")]


@pytest.mark.parametrize(
    ("bought", "prices", "amount"),
    [
        (line(), FELL, 200),
        (line(returned_quantity="1"), FELL, 100),
        (line(returned_quantity="2"), FELL, None),
        (line(purchased_at="2025-05-31T23:59:59"), FELL, None),
        (line(purchased_at="2025-06-01T00:00"), FELL, 200),
        (line(market="south"), FELL, None),
        (line(currency="USD"), FELL, None),
        (line(line_total_minor=801), FELL, None),
        (line(line_total_minor=810), FELL, 10),
        (line(), [FELL[0], price("4", "2025-06-15T00:00", kind="promotion")], None),
        (line(), [*FELL, price("0", "2025-06-20T00:00")], 200),
        (line(), [price("5", "2025-01-01T00:00", ends_at="2025-06-01T00:00"), FELL[1]], None),
        (line(dispatched_at_known=True), FELL, None),
        (line(dispatched_at_known=True, dispatched_at="2025-06-12T00:00"), FELL, 200),
        (line(dispatched_at_known=True, dispatched_at="2025-06-16T00:00"), FELL, None),
    ],
)  # fmt: skip
def test_price_drop(found: Any, bought: dict[str, Any], prices: Rows, amount: int | None) -> None:
    claims = found("price_drop", purchases=[bought], prices=prices)
    assert [row["amount_minor"] for row in claims] == ([] if amount is None else [amount])


@pytest.mark.parametrize(
    ("bought", "amounts"),
    [
        (line(dispatched_at_known=True), [200]),
        (line(dispatched_at_known=True, dispatched_at="2025-06-16T00:00"), [200]),
        (line(dispatched_at_known=True, dispatched_at="2025-06-14T00:00"), []),
        (line(), []),
    ],
)
def test_price_guarantee(found: Any, bought: dict[str, Any], amounts: list[int]) -> None:
    claims = found("price_guarantee", purchases=[bought], prices=FELL)
    assert [row["amount_minor"] for row in claims] == amounts


def test_guarantee_and_drop_together_come_to_the_larger_and_promises_are_subtracted(found: Any) -> None:
    prices = [*FELL, price("3", "2025-06-20T00:00")]
    bought = line(dispatched_at_known=True, dispatched_at="2025-06-18T00:00")
    both = ["price_guarantee", "price_drop"]
    claims = [found(kind, kinds=both, purchases=[bought], prices=prices)[0]["amount_minor"] for kind in both]
    assert claims == [200, 200]
    promised = [
        {
            "opportunity_id": content_id("price_guarantee", "o1", "1"), "currency": "EUR",
            "promised_minor": 150,
            "customer_id": "anna", "kind": "price_guarantee", "owed": "right",
            "order_id": "o1", "line_id": "1",
        }
    ]  # fmt: skip
    claims = [
        found(kind, kinds=both, purchases=[bought], prices=prices, promised=promised)[0]["amount_minor"]
        for kind in both
    ]
    assert claims == [50, 200]


@pytest.mark.parametrize(
    ("again", "amounts"),
    [
        ({"purchased_at": "2025-06-10T10:10"}, [1000]),
        ({"purchased_at": "2025-06-10T10:10:01"}, []),
        ({"purchased_at": "2025-06-10T10:05", "quantity": "3"}, []),
        ({"purchased_at": "2025-06-10T10:05", "returned_quantity": "1"}, []),
        ({"purchased_at": "2025-06-10T10:05", "customer_id": "ben"}, []),
    ],
)
def test_double_payment_of_an_order(found: Any, again: dict[str, Any], amounts: list[int]) -> None:
    claims = found("double_payment", purchases=[line(), line(order_id="o2") | again])
    assert [(row["order_id"], row["amount_minor"]) for row in claims] == [("o2", a) for a in amounts]


def test_double_payment_of_a_subscription_is_its_last_fee(found: Any) -> None:
    offers = [
        {
            "offer_id": "films",
            "kind": "subscription",
            "name": "F",
            "fee_minor": 900,
            "fee_days": 30,
            "currency": "EUR",
        }
    ]
    rights = [
        {"entitlement_id": name, "customer_id": "anna", "offer_id": "films", "starts_at": at}
        for name, at in (("e1", "2025-01-01T00:00"), ("e2", "2025-04-20T00:00"))
    ]
    (claim,) = found("double_payment", offers=offers, entitlements=rights)
    assert (claim["entitlement_id"], claim["amount_minor"]) == ("e2", 900)
    assert claim["opportunity_id"] == content_id("double_payment", "e2", "2")


@pytest.mark.parametrize(
    ("severity", "given", "amounts"),
    [
        (2, {}, []),
        (3, {}, [500]),
        (4, {}, [1000]),
        (5, {"amount_minor": 300, "currency": "EUR"}, [300]),
        (5, {"resolved_at": "2025-06-30T00:00"}, []),
        (5, {"occurred_at": "2025-06-16T23:59"}, []),
    ],
)
def test_failed_experience(found: Any, severity: int, given: dict[str, Any], amounts: list[int]) -> None:
    incident = {
        "incident_id": "i1", "customer_id": "anna", "kind": "broken", "severity": severity, "order_id": "o1",
        "line_id": "1", "occurred_at": "2025-06-20T00:00",
    } | given  # fmt: skip
    claims = found("failed_experience", purchases=[line()], incidents=[incident])
    assert [row["amount_minor"] for row in claims] == amounts


@pytest.mark.parametrize(("last", "amounts"), [("failure", [1000]), ("play", [])])
def test_failed_plays(found: Any, last: str, amounts: list[int]) -> None:
    usage = [
        {"customer_id": "anna", "product_id": "tea", "kind": kind, "at": f"2025-06-20T1{hour}:00"}
        for hour, kind in enumerate(["failure", "failure", last])
    ]
    claims = found("failed_experience", purchases=[line()], usage=usage)
    assert [row["amount_minor"] for row in claims] == amounts


@pytest.mark.parametrize(
    ("delivered", "amounts"),
    [
        ("2025-06-13T00:00", []),
        ("2025-06-13T00:00:01", [200]),
        ("2025-06-14T00:00", [200]),
        ("2025-06-14T00:01", [300]),
        (None, [500]),
    ],
)
def test_late_delivery(found: Any, delivered: str | None, amounts: list[int]) -> None:
    bought = line(delivered_at_known=True, promised_at="2025-06-12T00:00", delivered_at=delivered)
    claims = found("late_delivery", purchases=[bought])
    assert [row["amount_minor"] for row in claims] == amounts


COUPON = {"offer_id": "tea", "kind": "coupon", "name": "T", "value_minor": 150, "currency": "EUR"}
RIGHT = {
    "entitlement_id": "e1", "customer_id": "anna", "offer_id": "tea", "starts_at": "2025-06-01T00:00",
    "expires_at": "2025-08-01T00:00", "uses_allowed": 1,
}  # fmt: skip


def test_unclaimed_benefit_goes_to_the_oldest_order_and_counts_as_a_use(found: Any) -> None:
    bought = [line(), line(order_id="o2", purchased_at="2025-06-11T10:00")]
    kinds = ["unclaimed_benefit", "unused_entitlement"]
    world = {"purchases": bought, "offers": [COUPON], "entitlements": [RIGHT]}
    claims = found("unclaimed_benefit", kinds=kinds, **world)
    assert [(row["order_id"], row["amount_minor"]) for row in claims] == [("o1", 150)]
    assert found("unused_entitlement", kinds=kinds, **world) == []
    assert len(found("unused_entitlement", **world)) == 1


def test_a_gift_card_that_lapses_is_worth_its_balance(found: Any) -> None:
    offer = {"offer_id": "card", "kind": "gift_card", "name": "C"}
    card = RIGHT | {
        "offer_id": "card", "expires_at": "2025-07-30T23:59", "value_minor": 2000, "currency": "EUR"
    }  # fmt: skip
    uses = [{"entitlement_id": "e1", "used_at": "2025-06-05T00:00", "value": "4.50"}]
    world = {"offers": [offer], "entitlement_uses": uses}
    (claim,) = found("unused_entitlement", entitlements=[card], **world)
    assert claim["amount_minor"] == 1550
    assert (
        found("unused_entitlement", entitlements=[card | {"expires_at": "2025-07-31T00:00"}], **world) == []
    )


@pytest.mark.parametrize(
    ("used", "amounts"), [(None, [2700]), ("2025-04-15T00:00", [1800]), ("2025-05-20T00:00", [])]
)
def test_idle_subscription(found: Any, used: str | None, amounts: list[int]) -> None:
    offer = {
        "offer_id": "tea",
        "kind": "subscription",
        "name": "T",
        "fee_minor": 900,
        "fee_days": 30,
        "currency": "EUR",
    }
    right = RIGHT | {"starts_at": "2025-04-01T00:00"}
    usage = [{"customer_id": "anna", "offer_id": "tea", "kind": "use", "at": used}] if used else []
    claims = found("idle_subscription", offers=[offer], entitlements=[right], usage=usage)
    assert [row["amount_minor"] for row in claims] == amounts


@pytest.mark.parametrize(
    ("had_then", "bought", "watched", "back"),
    [(True, False, [100], []), (False, False, [], [100]), (True, True, [], [])],
)
def test_looks(found: Any, had_then: bool, bought: bool, watched: list[int], back: list[int]) -> None:
    world = {
        "views": [
            {"customer_id": "anna", "product_id": "tea", "viewed_at": "2025-06-10T10:00", "kind": "wishlist"}
        ],
        "customers": [{"customer_id": "anna", "market": "north"}],
        "products": [{"product_id": "tea", "available": True}],
        "availability": [
            {
                "product_id": "tea",
                "market": "north",
                "effective_at": "2025-06-01T00:00",
                "available": had_then,
            },
            {"product_id": "tea", "market": "north", "effective_at": "2025-06-20T00:00", "available": True},
        ],
        "prices": FELL,
        "purchases": [line(market="south")] if bought else [],
    }
    assert [row["amount_minor"] for row in found("watched_price_drop", **world)] == watched
    assert [row["amount_minor"] for row in found("back_in_stock_cheaper", **world)] == back


def test_cheaper_same_is_the_larger_package_on_what_was_bought(found: Any) -> None:
    products = [
        {"product_id": "tea", "size": "100 g", "brand": "Ada"},
        {"product_id": "big", "size": "1 kg", "brand": "Bo"}
    ]  # fmt: skip
    about = [
        {
            "product_id": one["product_id"], "title": f"{one['brand']} Green Tea {one['size']}",
            "category": "tea",
            "department": "grocery", "brand": one["brand"], "package_size": one["size"], "available": True,
        }
        for one in products
    ]  # fmt: skip
    prices = [price("2", "2025-01-01T00:00"), price("15", "2025-01-01T00:00", product_id="big")]
    orders = [line(order_id=f"o{number}") for number in range(3)]
    (claim,) = found("cheaper_same", products=about, prices=prices, purchases=orders)
    assert (claim["product_id"], claim["amount_minor"]) == ("tea", 300)
    assert found("cheaper_same", products=about, prices=prices, purchases=orders[:2]) == []


@pytest.mark.parametrize(("before", "customers"), [(2, ["anna"]), (3, [])])
def test_recurring_trouble(found: Any, before: int, customers: list[str]) -> None:
    days = ["2025-06-02", "2025-06-12", "2025-06-22", "2025-05-01", "2025-05-02", "2025-05-03"][: 3 + before]
    incidents = [
        {
            "incident_id": day,
            "customer_id": "anna",
            "kind": "late",
            "severity": 1,
            "occurred_at": f"{day}T00:00",
        }
        for day in days
    ]
    assert [row["customer_id"] for row in found("recurring_trouble", incidents=incidents)] == customers


def test_one_line_has_one_purse(found: Any) -> None:
    bought = line(delivered_at_known=True, promised_at="2025-06-12T00:00")
    incident = {
        "incident_id": "i1", "customer_id": "anna", "kind": "broken", "severity": 5, "order_id": "o1",
        "line_id": "1", "occurred_at": "2025-06-20T00:00", "amount_minor": 800, "currency": "EUR",
    }  # fmt: skip
    kinds = ["failed_experience", "late_delivery"]
    world = {"purchases": [bought], "incidents": [incident]}
    assert [found(kind, kinds=kinds, **world)[0]["amount_minor"] for kind in kinds] == [800, 200]


def test_a_person_has_ten_claims_by_policy_a_year_the_largest_first(found: Any) -> None:
    bought = [
        line(order_id=f"o{n:02d}", line_total_minor=1000 + 10 * n, delivered_at_known=True,
             promised_at="2025-06-12T00:00")
        for n in range(12)
    ]  # fmt: skip
    claims = found("late_delivery", purchases=bought)
    assert sorted(row["amount_minor"] for row in claims) == [505 + 5 * n for n in range(1, 11)]


def test_a_price_below_half_of_its_history_waits_for_a_person(found: Any) -> None:
    low = [FELL[0], price("2.49", "2025-06-15T00:00")]
    assert [row["held"] for row in found("price_drop", purchases=[line()], prices=low)] == [True]
    half = [FELL[0], price("2.50", "2025-06-15T00:00")]
    assert [row["held"] for row in found("price_drop", purchases=[line()], prices=half)] == [False]


def test_the_comparison_shows_what_only_one_side_has(found: Any) -> None:
    rows = pl.DataFrame(found("price_drop", purchases=[line()], prices=FELL), infer_schema_length=None)
    other = rows.with_columns(amount_minor=pl.col("amount_minor") + 1)
    same = compare(rows, rows)["price_drop"]
    assert (same["night"], same["only_night"], same["only_sql"]) == (1, [], [])
    differs = compare(rows, other)["price_drop"]
    assert [row["amount_minor"] for row in (*differs["only_night"], *differs["only_sql"])] == [200, 201]


def test_every_kind_has_its_sql() -> None:
    rules = Path(__file__).parents[2] / "benchmarks" / "savings" / "rules"
    assert [kind for kind in OWED if not (rules / f"{kind}.sql").is_file()] == []
