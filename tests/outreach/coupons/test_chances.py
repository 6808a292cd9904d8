from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from outreach.coupons.chances import Tables, chances
from outreach.coupons.histories import described, features_of
from outreach.coupons.records import HOLDING, Records
from tests.outreach.worlds import DAY, Rows, at, frame
from warehouse.settings import OutreachSettings, Settings

LEARN = Settings(outreach=OutreachSettings(min_coupon_uses=5))
SHOPPERS = [f"c{number:02d}" for number in range(24)]
NOVEMBER = {"starts_at": "2017-11-21", "expires_at": "2017-12-11"}


def shop() -> dict[str, Rows]:
    """Half of the customers buy milk each week, the others oil; in five campaigns milk buyers used coupons.

    Everybody holds the milk coupon and the oil coupon of each campaign; the sixth is running on the day. One
    in four who buy milk let a coupon lapse.
    """
    tables: dict[str, Rows] = {
        "purchases": [],
        "products": [
            {"product_id": "milk", "title": "Milk", "category": "dairy", "department": "food", "brand": "M"},
            {"product_id": "oil", "title": "Oil", "category": "oils", "department": "food", "brand": "O"},
        ],
        "offers": [],
        "offer_products": [],
        "entitlements": [],
        "entitlement_uses": [],
    }
    for number, who in enumerate(SHOPPERS):
        for week in range(46):
            when = at("2017-01-02") + timedelta(days=7 * week, hours=number)
            bought = "milk" if number % 2 == 0 else "oil"
            order = {"order_id": f"{who} {week}", "customer_id": who, "product_id": bought}
            tables["purchases"].append(order | {"purchased_at": when})
    for month in range(5):
        starts = at("2017-04-01") + timedelta(days=40 * month)
        give(tables, f"{month}", {"starts_at": starts, "expires_at": starts + timedelta(days=20)})
        for number, who in enumerate(SHOPPERS):
            if number % 2 == 0 and (number // 2 + month) % 4:
                use = {
                    "entitlement_id": f"{who} {month} milk",
                    "used_at": starts + timedelta(days=number % 15),
                }
                tables["entitlement_uses"].append(use)
    give(tables, "now", NOVEMBER)
    return tables


def give(tables: dict[str, Rows], campaign: str, times: dict[str, Any]) -> None:
    for product in ("milk", "oil"):
        offer = f"{campaign} {product}"
        tables["offers"].append({"offer_id": offer})
        tables["offer_products"].append({"offer_id": offer, "product_id": product})
        tables["entitlements"] += [
            {"entitlement_id": f"{who} {offer}", "customer_id": who, "offer_id": offer} | times
            for who in SHOPPERS
        ]


def of(tables: dict[str, Rows], day: date = DAY, learn: Settings = LEARN) -> pl.DataFrame:
    return chances(
        Tables(**{name: frame(name, tables[name]).lazy() for name in tables}), day, learn
    ).collect()


def chance(found: pl.DataFrame, entitlement: str) -> float | None:
    (value,) = found.filter(pl.col("entitlement_id") == entitlement)["probability"]
    assert value is None or isinstance(value, float)
    return value


def test_a_coupon_for_what_a_customer_buys_is_likelier_to_be_used() -> None:
    found = of(shop())
    assert found["entitlement_id"].to_list() == sorted(
        f"{c} now {p}" for c in SHOPPERS for p in ("milk", "oil")
    )
    assert found["probability"].is_between(0, 1).all()
    milk, other = chance(found, "c00 now milk"), chance(found, "c01 now milk")
    assert milk is not None
    assert other is not None
    assert milk > 3 * other


@pytest.mark.parametrize(
    ("least", "known"), [pytest.param(45, True, id="enough"), pytest.param(46, False, id="one too few")]
)
def test_with_too_few_known_uses_every_chance_is_unknown(least: int, known: bool) -> None:
    uses = len(shop()["entitlement_uses"])
    assert uses == 45
    found = of(shop(), learn=Settings(outreach=OutreachSettings(min_coupon_uses=least)))
    assert found.height == 48
    assert found["probability"].is_null().all() != known


def test_a_coupon_used_before_or_that_never_lapses_has_no_known_chance() -> None:
    tables = shop()
    tables["entitlement_uses"].append({"entitlement_id": "c00 now milk", "used_at": "2017-11-25"})
    tables["entitlements"] = [
        row | {"expires_at": None} if row["entitlement_id"] == "c01 now milk" else row
        for row in tables["entitlements"]
    ]
    found = of(tables)
    unknown = found.filter(pl.col("probability").is_null())["entitlement_id"].to_list()
    assert unknown == ["c00 now milk", "c01 now milk"]


def test_the_chance_falls_as_the_end_comes_near() -> None:
    days = [date(2017, 11, 21), date(2017, 11, 27), DAY, date(2017, 12, 10)]
    seen = [chance(of(shop(), day), "c00 now milk") for day in days]
    falling = [value for value in seen if value is not None]
    assert falling == sorted(falling, reverse=True)
    assert falling[0] > 2 * falling[2]
    assert falling[-1] == 0  # no coupon was ever used in the last quarter of its life


@pytest.mark.parametrize("kind", ["credit", "gift_card", "benefit", "subscription", "warranty"])
def test_only_coupons_have_a_chance(kind: str) -> None:
    tables = shop()
    tables["offers"] = [row | {"kind": kind} for row in tables["offers"]]
    assert of(tables).is_empty()


def test_a_shop_without_coupons_has_no_chances() -> None:
    none: Rows = []
    assert of(shop() | {"offers": none, "entitlements": none, "entitlement_uses": none}).is_empty()


def test_the_order_of_rows_and_the_number_of_threads_change_nothing() -> None:
    tables = shop()
    with threadpool_limits(1):
        alone = of(tables)
    with threadpool_limits(2):
        assert of({name: rows[::-1] for name, rows in tables.items()}).equals(alone)


LATER = st.integers(0, 40).map(lambda hours: at("2017-12-01") + timedelta(hours=hours))


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(st.sampled_from(SHOPPERS), LATER), min_size=1, max_size=5),
    st.lists(
        st.tuples(st.sampled_from(SHOPPERS), LATER), min_size=1, max_size=5, unique_by=lambda use: use[0]
    ),
)
def test_nothing_that_happens_after_the_day_changes_a_chance(
    purchases: list[tuple[str, Any]], uses: list[tuple[str, Any]]
) -> None:
    tables = shop()
    before = of(tables)
    tables["purchases"] += [
        {
            "order_id": f"later {n}",
            "customer_id": who,
            "product_id": "oil",
            "offer_id": "x",
            "purchased_at": when,
        }
        for n, (who, when) in enumerate(purchases)
    ]
    tables["entitlement_uses"] += [
        {"entitlement_id": f"{who} now milk", "used_at": when} for who, when in uses
    ]
    give(tables, "next", {"starts_at": "2017-12-01", "expires_at": "2017-12-20"})
    assert of(tables).equals(before)


def test_a_holding_is_described_by_what_was_known_before_its_first_day() -> None:
    records = records_of(shop())
    began = records.holdings.filter(pl.col("campaign") == "2")
    moment = began["starts_at"].item(0)
    past = Records(
        records.lines.filter(pl.col("purchased_at") < moment),
        records.products,
        records.offer_products,
        records.holdings.filter(pl.col("starts_at") <= moment).with_columns(
            used_at=pl.when(pl.col("used_at") < moment).then("used_at")
        ),
    )
    features = features_of(described(records, began))
    assert described(records, began).select(features).equals(described(past, began).select(features))


def test_due_measures_the_last_purchase_by_the_usual_time_between_two_and_three_days() -> None:
    records = records_of(shop())
    began = records.holdings.filter(pl.col("campaign") == "now")
    row = described(records, began).row(by_predicate=pl.col("holding_id") == "c00 now milk", named=True)
    assert row["own_gap"] == pytest.approx(7)
    assert row["own_recency"] == pytest.approx(8)  # the last milk was bought on 13 November
    assert row["own_due"] == pytest.approx(0.8)


def records_of(tables: dict[str, Rows]) -> Records:
    frames = {name: frame(name, rows) for name, rows in tables.items()}
    held = frames["entitlements"].join(frames["entitlement_uses"], on="entitlement_id", how="left")
    return Records(
        frames["purchases"]
        .with_columns(with_offer=pl.col("offer_id").is_not_null())
        .select("customer_id", "order_id", "product_id", "purchased_at", "with_offer"),
        frames["products"].select("product_id", "title", "category", "department", "brand"),
        frames["offer_products"],
        held.select(
            holding_id="entitlement_id",
            customer_id="customer_id",
            offer_id="offer_id",
            campaign=pl.col("offer_id").str.split(" ").list.first(),
            starts_at="starts_at",
            ends_at="expires_at",
            used_at="used_at",
        ).select(HOLDING),
    )
