"""The Complete Journey, the real data of the package: what is taken, what is refused, and the list prices."""

from datetime import date

import polars as pl
import pytest

from advocate.database import upgrade
from features.contract import CONTRACTS
from features.feeds import complete_journey
from features.feeds.complete_journey import _prices, read_complete_journey
from features.importing import bring_in
from features.volume import shortfalls
from tests.conftest import at
from warehouse.errors import FeedError
from warehouse.lake import Lake
from warehouse.receipts import Receipt
from warehouse.settings import load_settings

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, Receipt]:
    settings = load_settings(home=tmp_path_factory.mktemp("home"))
    upgrade(settings)
    receipt = bring_in(settings, read_complete_journey())
    return Lake.of(settings), receipt


def count(lake: Lake, table: str) -> int:
    counted: int = lake.scan(CONTRACTS[table].table).select(pl.len()).collect().item()
    return counted


def test_every_line_is_taken_but_those_of_no_quantity_or_a_negative_amount(
    imported: tuple[Lake, Receipt],
) -> None:
    lake, receipt = imported
    assert receipt.rows_in["purchases"] == 1_469_307
    assert count(lake, "purchases") == receipt.rows_out["purchases"] == 1_459_909
    assert receipt.rejected["purchases: quantity: too small"] == 8_869
    refused = pl.read_parquet(f"{receipt.artifacts['quarantine']}/purchases.parquet")
    negative = refused.filter(~pl.col("reasons").list.contains("quantity: too small"))
    assert negative.height == 529
    assert set(negative["reasons"].list.join(", ")) == {"line_total: too small"}
    assert negative["line_total"].str.starts_with("-").all()


def test_households_and_products_are_those_of_the_package_and_those_referred_to(
    imported: tuple[Lake, Receipt],
) -> None:
    lake, receipt = imported
    assert count(lake, "customers") == 2_469
    assert receipt.rows_in["products"] == 92_331
    assert count(lake, "products") == 92_331 + receipt.numbers["created from references"]["products"]
    assert receipt.numbers["created from references"] == {"products": 3}


def test_copies_of_coupon_rows_count_once_and_no_right_comes_from_a_type_a_campaign(
    imported: tuple[Lake, Receipt],
) -> None:
    lake, receipt = imported
    assert receipt.numbers["copies"] == {"offer_products": 3_406}
    data = complete_journey.data_folder()
    kinds = pl.read_parquet(data / "campaign_descriptions.parquet")
    type_a = kinds.filter(pl.col("campaign_type") == "Type A")["campaign_id"].cast(pl.String).to_list()
    rights = lake.scan(CONTRACTS["entitlements"].table).select(pl.col("offer_id").str.split("-").list.first())
    campaigns = set(rights.collect()["offer_id"])
    assert campaigns
    assert not campaigns & set(type_a)


def test_times_are_utc_and_ids_keep_their_numbers_as_text(imported: tuple[Lake, Receipt]) -> None:
    lines = imported[0].scan(CONTRACTS["purchases"].table)
    found = lines.select(
        first=pl.col("purchased_at").min(), ids=pl.col("customer_id").str.contains(r"^\d+$").all()
    )
    assert found.collect().rows() == [(at("2017-01-01 11:53:26"), True)]


def test_no_day_of_the_last_half_year_looks_short(imported: tuple[Lake, Receipt]) -> None:
    assert shortfalls(imported[0], date(2017, 11, 30)) == []


def test_the_note_says_that_nobody_can_be_contacted(imported: tuple[Lake, Receipt]) -> None:
    assert "no recorded consent" in imported[1].notes[0]


def test_the_demo_extra_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(complete_journey, "find_spec", lambda _: None)
    with pytest.raises(FeedError, match="install the demo extra"):
        read_complete_journey()


@pytest.mark.parametrize(
    ("shelf", "quantity", "price"),
    [
        (["1.99", "1.99"], 1, "1.99"),
        (["1.99", "1.99", "1.50", "1.99", "1.99"], 1, "1.99"),
        (["1.99", "1.99", "1.50", "1.99"], 1, None),  # sold by weight, or so it looks
        (["1.99"], 1, None),
        (["1.99", "1.99"], 2, None),
        (["0.00", "0.00"], 1, None),
    ],
)
def test_a_list_price_is_the_most_frequent_of_at_least_two_single_units(
    shelf: list[str], quantity: int, price: str | None
) -> None:
    lines = pl.LazyFrame({"shelf": shelf}).select(
        pl.col("shelf").cast(pl.Decimal(18, 6)),
        product_id=pl.lit("p"), store_id=pl.lit("s"), quantity=pl.lit(quantity),
        is_offer=pl.lit(value=False), transaction_timestamp=pl.lit("2017-11-30 12:00").str.to_datetime(),
    )  # fmt: skip
    found = _prices(lines).collect()
    if price is None:
        assert found.is_empty()
    else:
        assert found["price"].cast(pl.Decimal(18, 2)).cast(pl.String).to_list() == [price]
        assert found["effective_at"].to_list() == [at("2017-11-30")]
        assert found["kind"].to_list() == ["list"]


@pytest.mark.parametrize("offers", [[True, True], [True, False]])
def test_a_shelf_price_with_a_loyalty_discount_is_a_promotion_of_that_day(offers: list[bool]) -> None:
    lines = pl.LazyFrame({"is_offer": offers}).select(
        "is_offer", product_id=pl.lit("p"), store_id=pl.lit("s"), quantity=pl.lit(1),
        shelf=pl.lit("1.99").cast(pl.Decimal(18, 6)),
        transaction_timestamp=pl.lit("2017-11-30 12:00").str.to_datetime(),
    )  # fmt: skip
    found = _prices(lines).collect()
    assert found.select("kind", "effective_at", "ends_at").rows() == [
        ("promotion", at("2017-11-30"), at("2017-12-01"))
    ]
