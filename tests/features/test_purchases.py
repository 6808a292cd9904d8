"""The purchase features: tiny worlds with visible answers, and what must hold in every world."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as checked
from hypothesis import strategies as st

from features import purchases
from features.contract import CONTRACTS
from features.events import bought, kept
from features.families import CustomerFeatures, CustomerProductFeatures, ProductFeatures
from features.steps import build_features
from tests.conftest import at
from warehouse.lake import Lake
from warehouse.receipts import latest
from warehouse.settings import Settings
from warehouse.shelf import open_shelf

DAY = date(2017, 11, 30)
END = at("2017-12-01")
FAMILIES = ("customer_features", "product_features", "customer_product_features")
PURCHASES = CONTRACTS["purchases"].table


def line(moment: str | datetime, **changes: Any) -> dict[str, Any]:
    """A line that Ann bought: one unit of tea for 1.00 EUR, in an order of that moment."""
    when = at(moment) if isinstance(moment, str) else moment
    usual = {
        "order_id": f"o {when:%F %T}", "line_id": "1", "customer_id": "ann", "product_id": "tea",
        "quantity": 1, "line_total_minor": 100, "currency": "EUR", "purchased_at": when, "kind": "product",
        "market": "north",
    }  # fmt: skip
    return usual | changes


def frame(lines: list[dict[str, Any]], table: str = "purchases") -> pl.DataFrame:
    schema = CONTRACTS[table].table.schema
    names = {name for row in lines for name in row}
    return pl.DataFrame(
        [row | {"quantity": Decimal(str(row["quantity"]))} for row in lines],
        schema={name: schema[name] for name in schema if name in names},
    )


def features(*lines: dict[str, Any], half_life: int = 10) -> dict[str, pl.DataFrame]:
    """The three families as of the end of 2017-11-30."""
    rows = frame(list(lines)).lazy()
    pairs = purchases.customer_product(rows, END, half_life).collect()
    made = {
        "customer_product_features": CustomerProductFeatures.validate(pairs),
        "customer_features": CustomerFeatures.validate(purchases.customer(rows, pairs.lazy(), END).collect()),
        "product_features": ProductFeatures.validate(purchases.product(pairs.lazy(), END).collect()),
    }
    return {name: pl.DataFrame(found) for name, found in made.items()}


def only(found: pl.DataFrame) -> dict[str, Any]:
    assert found.height == 1
    return found.row(0, named=True)


# Visible answers -------------------------------------------------------------------------------

WORLD = [
    line("2017-11-10 12:00", order_id="o1"),
    line("2017-11-10 12:00", order_id="o1", line_id="2", product_id="cake", quantity=2, line_total_minor=500),
    line("2017-11-20 12:00", order_id="o2", quantity=3, line_total_minor=240),
    line("2017-11-30 12:00", order_id="o3", market="south"),
    line("2017-11-30 18:00", order_id="o4", customer_id="bob", line_total_minor=90),
]


def test_a_customer_and_a_product() -> None:
    pairs = features(*WORLD)["customer_product_features"]
    assert pairs.select("customer_id", "product_id").rows() == [
        ("ann", "cake"),
        ("ann", "tea"),
        ("bob", "tea"),
    ]
    tea = pairs.row(1, named=True)
    assert tea == {
        "customer_id": "ann", "product_id": "tea", "lines": 3, "baskets": 3, "days": 3, "quantity": 5.0,
        "currency": "EUR", "spend_minor": 440, "paid_minor": 88.0, "first_at": at("2017-11-10 12:00"),
        "last_at": at("2017-11-30 12:00"), "recency_days": 0.5,
        "weight": pytest.approx(0.5**2 + 0.5**1 + 0.5**0, abs=1e-9), "gap_days": 10.0,
        "due_at": at("2017-12-10 12:00"),
    }  # fmt: skip
    cake = pairs.row(0, named=True)
    assert (cake["gap_days"], cake["due_at"], cake["paid_minor"], cake["weight"]) == (None, None, 250.0, 0.25)


def test_a_customer() -> None:
    ann = features(*WORLD)["customer_features"].row(0, named=True)
    assert ann == {
        "customer_id": "ann", "market": "south", "lines": 4, "baskets": 3, "days": 3, "products": 2,
        "quantity": 7.0, "currency": "EUR", "spend_minor": 940, "first_at": at("2017-11-10 12:00"),
        "last_at": at("2017-11-30 12:00"), "recency_days": 0.5, "weight": pytest.approx(2.0, abs=1e-9),
        "gap_days": 10.0, "due_at": at("2017-12-10 12:00"),
    }  # fmt: skip


def test_a_product() -> None:
    tea = features(*WORLD)["product_features"].row(1, named=True)
    assert tea == {
        "product_id": "tea", "customers": 2, "customers_again": 1, "lines": 4, "baskets": 4, "quantity": 6.0,
        "currency": "EUR", "spend_minor": 530, "paid_minor": pytest.approx(530 / 6),
        "first_at": at("2017-11-10 12:00"), "last_at": at("2017-11-30 18:00"), "recency_days": 0.25,
        "weight": pytest.approx(2.75, abs=1e-9), "gap_days": 10.0,
    }  # fmt: skip


@pytest.mark.parametrize(("age", "weight"), [(0, 1.0), (10, 0.5), (20, 0.25), (100, 2**-10), (3650, 0.0)])
def test_a_line_counts_half_after_each_half_life(age: int, weight: float) -> None:
    moment = END - timedelta(days=age, seconds=1)
    assert only(features(line(moment))["customer_product_features"])["weight"] == weight


def test_two_orders_on_one_day_are_two_baskets_one_day_and_no_gap() -> None:
    pair = only(features(line("2017-11-10 09:00"), line("2017-11-10 18:00"))["customer_product_features"])
    assert (pair["baskets"], pair["days"], pair["gap_days"], pair["due_at"]) == (2, 1, None, None)


def test_two_lines_of_one_order_are_one_basket() -> None:
    pair = only(features(line("2017-11-10"), line("2017-11-10", line_id="2"))["customer_product_features"])
    assert (pair["lines"], pair["baskets"]) == (2, 1)


def test_money_is_that_of_the_newest_currency_only() -> None:
    found = features(
        line("2017-11-10", quantity=2, line_total_minor=300, currency="USD"), line("2017-11-11", quantity=4)
    )
    for family in FAMILIES:
        row = only(found[family])
        assert (row["currency"], row["spend_minor"], row["quantity"]) == ("EUR", 100, 6.0)
        assert row.get("paid_minor", 25.0) == 25.0


def test_a_pair_bought_in_another_currency_than_the_customers_own_has_no_price() -> None:
    pairs = features(line("2017-11-10", currency="USD"), line("2017-11-11", product_id="cake"))
    tea = pairs["customer_product_features"].row(1, named=True)
    assert (tea["currency"], tea["spend_minor"], tea["paid_minor"]) == ("EUR", 0, None)


def test_of_two_currencies_at_one_moment_the_later_in_the_alphabet_is_the_customers_own() -> None:
    found = features(line("2017-11-10", currency="USD"), line("2017-11-10", line_id="2"))
    assert only(found["customer_features"])["currency"] == "USD"


def test_units_for_nothing_count_in_the_price_paid() -> None:
    free = line("2017-11-10", customer_id="bob", line_total_minor=0)
    found = features(line("2017-11-10"), free)
    assert only(found["product_features"])["paid_minor"] == 50.0
    assert only(features(free)["product_features"])["paid_minor"] == 0.0


def test_without_purchases_there_are_no_features(settings: Settings) -> None:
    receipt = build_features(settings, DAY)
    assert receipt.rows_out == dict.fromkeys(receipt.rows_out, 0)
    for family in FAMILIES:
        assert Lake.of(settings).get(family, DAY).collect().is_empty()


# The lake and the day --------------------------------------------------------------------------


def filled(home: Path, lines: list[dict[str, Any]], returns: list[dict[str, Any]] | None = None) -> Lake:
    lake = Lake(open_shelf(str(home / "lake")))
    tables = {PURCHASES: frame(lines)}
    if returns:
        tables[CONTRACTS["returns"].table] = frame(returns, "returns")
    lake.append(tables, imported_at=END, source="test")
    return lake


def built(settings: Settings, lines: list[dict[str, Any]]) -> dict[str, bytes]:
    filled(settings.home, lines)
    build_features(settings, DAY)
    return written(settings)


def written(settings: Settings) -> dict[str, bytes]:
    night = settings.home / "lake" / "nights" / DAY.isoformat()
    return {name: (night / f"{name}.parquet").read_bytes() for name in FAMILIES}


def test_shipping_and_fees_are_no_purchases(settings: Settings) -> None:
    lines = [line("2017-11-10", kind=kind, line_id=kind) for kind in ("product", "shipping", "fee")]
    filled(settings.home, lines)
    assert build_features(settings, DAY).rows_in == {"purchases": 1}


def test_the_step_writes_the_three_families_and_says_so_in_its_receipt(settings: Settings) -> None:
    built(settings, WORLD)
    kept_receipt = latest(settings, "features", DAY)
    assert kept_receipt is not None
    assert kept_receipt["rows_out"] == {
        "customer_features": 2, "product_features": 2, "customer_product_features": 3,
    }  # fmt: skip
    assert kept_receipt["numbers"]["lake"] == Lake.of(settings).version


def test_built_again_the_files_are_the_same_to_the_byte(settings: Settings) -> None:
    first = built(settings, WORLD)
    build_features(settings, DAY)
    assert written(settings) == first


def test_ranges_of_customers_give_the_same_bytes_as_one(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [
        line(at("2017-01-01") + timedelta(days=n % 300), order_id=f"o{n}", customer_id=f"c{n % 17}",
             product_id=f"p{n % 7}", line_total_minor=n)
        for n in range(500)
    ]  # fmt: skip
    whole = built(settings, lines)
    monkeypatch.setattr(purchases, "SHARD_LINES", 60)
    assert len(list(purchases.collect_ids(frame(lines).lazy()).ranges())) > 5
    build_features(settings, DAY)
    assert written(settings) == whole


def test_what_came_back_by_the_end_of_the_day_was_not_kept(tmp_path: Path) -> None:
    lines = [
        line("2017-11-10", order_id=order, quantity=3, returned_quantity=undated)
        for order, undated in (
            ("dated", None),
            ("undated", Decimal(2)),
            ("both", Decimal(1)),
            ("later", None),
        )
    ]
    back = {"line_id": "1", "quantity": 1}
    returns = [
        back | {"order_id": "dated", "returned_at": at("2017-11-11")},
        back | {"order_id": "dated", "returned_at": at("2017-11-12")},
        back | {"order_id": "both", "returned_at": at("2017-11-12"), "quantity": 9},
        back | {"order_id": "later", "returned_at": at("2017-12-01")},
    ]
    found = kept(filled(tmp_path, lines, returns), DAY).select("order_id", "kept_quantity").sort("order_id")
    assert found.collect().rows() == [
        ("both", Decimal(0)), ("dated", Decimal(1)), ("later", Decimal(3)), ("undated", Decimal(1)),
    ]  # fmt: skip


# What always holds -----------------------------------------------------------------------------

_moments = st.datetimes(datetime(2017, 11, 1), datetime(2017, 12, 20)).map(  # noqa: DTZ001  made UTC here
    lambda moment: moment.replace(tzinfo=END.tzinfo)
)
_bought = st.fixed_dictionaries(
    {
        "moment": _moments, "customer_id": st.sampled_from(["ann", "bob", "00123"]),
        "product_id": st.sampled_from("xyz"),
        "quantity": st.decimals("0.5", 9, places=2), "line_total_minor": st.integers(0, 10_000),
        "currency": st.sampled_from(["EUR", "USD"]), "kind": st.sampled_from(["product", "fee"]),
        "market": st.sampled_from(["north", "south"]), "delivered_at": st.none() | _moments,
        "order_id": st.sampled_from(["o1", "o2", "o3", "o4"]),
    }
)  # fmt: skip


def _lines(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        line(row["moment"], line_id=str(number), **{name: v for name, v in row.items() if name != "moment"})
        for number, row in enumerate(rows)
    ]


def _of_the_day(lake: Lake) -> dict[str, pl.DataFrame]:
    lines = bought(lake, DAY)
    pairs = purchases.customer_product(lines, END, 10).collect()
    return {
        "pairs": pairs,
        "customers": purchases.customer(lines, pairs.lazy(), END).collect(),
        "products": purchases.product(pairs.lazy(), END).collect(),
        "kept": kept(lake, DAY).sort("order_id", "line_id").collect(),
    }


@checked(deadline=None, max_examples=40)
@given(st.lists(_bought, min_size=1, max_size=12), st.lists(_bought, max_size=6), st.data())
def test_nothing_after_the_end_of_the_day_changes_anything(
    tmp_path_factory: pytest.TempPathFactory,
    before: list[dict[str, Any]],
    more: list[dict[str, Any]],
    data: st.DataObject,
) -> None:
    earlier = [row for row in _lines(before) if row["purchased_at"] < END] or [line("2017-11-05")]
    cut = [
        row | {"delivered_at": row.get("delivered_at") if (row.get("delivered_at") or END) < END else None}
        for row in earlier
    ]
    later = [
        row | {"purchased_at": max(row["purchased_at"], END), "line_id": f"later {row['line_id']}"}
        for row in _lines(more)
    ]
    sold = data.draw(st.lists(st.sampled_from(earlier), max_size=3, unique_by=lambda row: row["line_id"]))
    returns = [
        {"order_id": row["order_id"], "line_id": row["line_id"], "returned_at": END, "quantity": 1}
        for row in sold
    ]
    lines = data.draw(st.permutations(earlier + later))
    known = filled(tmp_path_factory.mktemp("known"), cut)
    all_ = filled(tmp_path_factory.mktemp("all"), lines, returns)
    then, now = _of_the_day(known), _of_the_day(all_)
    for name, expected in then.items():
        assert expected.equals(now[name]), name


@checked(deadline=None, max_examples=40)
@given(st.lists(_bought, min_size=1, max_size=20), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(rows: list[dict[str, Any]], chance: Any) -> None:
    lines = _lines(rows)
    shuffled = list(lines)
    chance.shuffle(shuffled)
    one = purchases.customer_product(frame(lines).lazy(), at("2018-01-01"), 10).collect()
    two = purchases.customer_product(frame(shuffled).lazy(), at("2018-01-01"), 10).collect()
    assert one.equals(two)
    CustomerProductFeatures.validate(one)
    assert one["lines"].sum() == len(lines)
