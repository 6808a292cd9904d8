"""UCI Online Retail: files of each kind give the same purchases, and the real one counts as it should."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import xlsxwriter

from features.contract import CONTRACTS
from features.feeds.online_retail import read_online_retail
from features.importing import bring_in
from tests.conftest import at
from warehouse.errors import FeedError
from warehouse.lake import Lake
from warehouse.receipts import Receipt
from warehouse.settings import Settings

SHARED = Path(os.environ.get("ADVOCATE_SHARED_DATA") or Path(__file__).parents[2] / ".." / "shared" / "data")
REAL = SHARED / "online_retail.parquet"

NAMES = (
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
)
LINES: list[tuple[Any, ...]] = [
    ("536365", "85123A", "HEART HOLDER", 6, "2010-12-01 08:26", 2.55, 17850, "United Kingdom"),
    ("536365", "85123A", "HEART HOLDER", 6, "2010-12-01 08:26", 2.55, 17850, "United Kingdom"),  # a copy
    ("536365", "85123A", "HEART HOLDER", 60, "2010-12-01 08:26", 2.1, 17850, "United Kingdom"),
    ("536365", "71053", "LANTERN", 6, "2010-12-01 08:26", 3.39, 17850, "United Kingdom"),
    ("536366", "POST", "POSTAGE", 1, "2010-12-01 08:28", 18.0, 12583, "France"),
    ("536367", "M", "Manual", 1, "2010-12-01 08:34", 5.0, 12583, "France"),
    ("C536379", "D", "Discount", -1, "2010-12-01 09:41", 27.5, 14527, "United Kingdom"),
    ("536414", "22139", None, 56, "2010-12-01 11:52", 0.0, None, "United Kingdom"),
    ("536415", "22139", "TEA SET £", 1, "2010-12-01 11:57", 0.0, 12838, "United Kingdom"),
]
PURCHASES = [
    ("536365", "71053-1", "17850", "71053", 2034, "product", at("2010-12-01 08:26")),
    ("536365", "85123A-1", "17850", "85123A", 1530, "product", at("2010-12-01 08:26")),
    ("536365", "85123A-2", "17850", "85123A", 12600, "product", at("2010-12-01 08:26")),
    ("536366", "POST-1", "12583", "POST", 1800, "shipping", at("2010-12-01 08:28")),
    ("536367", "M-1", "12583", "M", 500, "fee", at("2010-12-01 08:34")),
]


def frame() -> pl.DataFrame:
    made = pl.DataFrame(LINES, schema=NAMES, orient="row", infer_schema_length=None)
    return made.with_columns(pl.col("InvoiceDate").str.to_datetime("%Y-%m-%d %H:%M"))


def as_parquet(folder: Path) -> Path:
    frame().write_parquet(folder / "retail.parquet")
    return folder / "retail.parquet"


def _csv(date: str, encoding: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        text = frame().with_columns(pl.col("InvoiceDate").dt.strftime(date)).write_csv()
        (folder / "retail.csv").write_bytes(text.encode(encoding))
        return folder / "retail.csv"

    return write


def as_xlsx(folder: Path) -> Path:
    """As Excel keeps it: invoice and stock codes are numbers where they look like numbers."""
    file = folder / "Online Retail.xlsx"
    with xlsxwriter.Workbook(file) as book:
        sheet, moment = book.add_worksheet(), book.add_format({"num_format": "m/d/yyyy h:mm"})
        sheet.write_row(0, 0, NAMES)
        for number, row in enumerate(frame().rows(), 1):
            for place, value in enumerate(row):
                if NAMES[place] == "InvoiceDate":
                    sheet.write_datetime(number, place, value, moment)
                elif isinstance(value, str) and value.isdigit():
                    sheet.write_number(number, place, int(value))
                else:
                    sheet.write(number, place, value)
    return file


def as_second_edition(folder: Path) -> Path:
    renamed = {"InvoiceNo": "Invoice", "UnitPrice": "Price", "CustomerID": "Customer ID"}
    frame().rename(renamed).with_columns(pl.col("Customer ID").cast(pl.Float64)).write_parquet(
        folder / "ii.parquet"
    )
    return folder / "ii.parquet"


KINDS: dict[str, Callable[[Path], Path]] = {
    "Parquet": as_parquet,
    "XLSX": as_xlsx,
    "ISO CSV": _csv("%Y-%m-%d %H:%M:%S", "utf-8"),
    "American CSV": _csv("%-m/%-d/%Y %-H:%M", "utf-8"),
    "short American CSV": _csv("%-m/%-d/%y %-H:%M", "utf-8"),
    "Latin-1 CSV": _csv("%-m/%-d/%Y %-H:%M", "latin-1"),
    "second edition": as_second_edition,
}


def take(settings: Settings, file: Path) -> tuple[Lake, Receipt]:
    receipt = bring_in(settings, read_online_retail(file))
    return Lake.of(settings), receipt


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_file_gives_the_same_purchases(settings: Settings, tmp_path: Path, kind: str) -> None:
    lake, receipt = take(settings, KINDS[kind](tmp_path))
    columns = ("order_id", "line_id", "customer_id", "product_id", "line_total_minor", "kind", "purchased_at")
    lines = lake.scan(CONTRACTS["purchases"].table).select(columns).sort(columns)
    assert lines.collect().rows() == PURCHASES
    assert receipt.rejected == {
        "purchases: a cancellation, without the line it cancels": 1,
        "purchases: no customer": 1,
        "purchases: nothing was paid": 1,
    }
    assert receipt.numbers["copies"] == {"purchases": 1}


@pytest.mark.parametrize("date", [None, "%Y-%m-%d %H:%M:%S", "%-m/%-d/%y %-H:%M"])
def test_a_price_that_lasts_is_a_list_price_whatever_the_moments_look_like(
    settings: Settings, tmp_path: Path, date: str | None
) -> None:
    lines = pl.DataFrame({"day": [1, 8, 15], "CustomerID": [1, 2, 3]}).select(
        InvoiceNo=pl.format("53636{}", "CustomerID"), StockCode=pl.lit("71053"),
        Description=pl.lit("LANTERN"), Quantity=pl.lit(3),
        InvoiceDate=pl.datetime(2010, 12, "day", 8, 26), UnitPrice=pl.lit(3.39),
        CustomerID="CustomerID", Country=pl.lit("France"),
    )  # fmt: skip
    if date:
        lines.with_columns(pl.col("InvoiceDate").dt.strftime(date)).write_csv(tmp_path / "retail.csv")
    else:
        lines.write_parquet(tmp_path / "retail.parquet")
    lake, _ = take(settings, next(tmp_path.glob("retail.*")))
    prices = lake.scan(CONTRACTS["prices"].table).collect()
    assert prices.select("product_id", "market", "currency", "kind", "effective_at").rows() == [
        ("71053", "default", "GBP", "list", at("2010-12-15 08:26"))
    ]
    assert prices["price"].cast(pl.String).to_list() == ["3.390000"]


def test_products_and_customers_are_described_by_what_is_seen_most(
    settings: Settings, tmp_path: Path
) -> None:
    lake, _ = take(settings, as_parquet(tmp_path))
    products = (
        lake.scan(CONTRACTS["products"].table).select("product_id", "title").sort("product_id").collect()
    )
    assert products.rows() == [("71053", "LANTERN"), ("85123A", "HEART HOLDER"), ("M", None), ("POST", None)]
    customers = lake.scan(CONTRACTS["customers"].table).select("customer_id", "country").sort("customer_id")
    assert customers.collect().rows() == [("12583", "France"), ("17850", "United Kingdom")]


def test_the_order_of_rows_in_the_file_does_not_matter(settings: Settings, tmp_path: Path) -> None:
    take(settings, as_parquet(tmp_path))
    frame().reverse().write_parquet(tmp_path / "reversed.parquet")
    assert "nothing has changed" in take(settings, tmp_path / "reversed.parquet")[1].notes[-1]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("retail.parquet", b"no parquet", r"retail\.parquet cannot be read"),
        ("retail.xlsx", b"no workbook", r"retail\.xlsx cannot be read"),
        ("retail.csv", b"", r"retail\.csv cannot be read"),
        ("retail.csv", b"InvoiceNo,StockCode\n1,2\n", "has no column Quantity, .*; is it the UCI"),
        ("retail.txt", b"", r"retail\.txt is neither \.csv, \.xlsx nor \.parquet"),
    ],
)  # fmt: skip
def test_another_file_is_refused(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FeedError, match=said):
        read_online_retail(tmp_path / name)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FeedError, match=r"there is no file .*nowhere\.csv"):
        read_online_retail(tmp_path / "nowhere.csv")


@pytest.mark.slow
@pytest.mark.skipif(not REAL.is_file(), reason=f"{REAL} is absent; ADVOCATE_SHARED_DATA names its folder")
def test_the_real_file_gives_the_purchases_that_an_independent_count_finds(settings: Settings) -> None:
    lake, receipt = take(settings, REAL)
    taken, copies = receipt.rows_out["purchases"], receipt.numbers["copies"]["purchases"]
    assert taken + copies + sum(receipt.rejected.values()) == 541_909
    assert (taken, copies) == (392_688, 5_192)
    assert receipt.rejected == {
        "purchases: no customer": 135_080,
        "purchases: a cancellation, without the line it cancels": 8_905,
        "purchases: nothing was paid": 40,
        "purchases: unit_price: not an amount in whole minor units": 4,
    }
    raw = pl.read_parquet(REAL)
    cancelled = raw.filter(pl.col("InvoiceNo").str.starts_with("C"))
    assert cancelled.height == 9_288
    assert cancelled["CustomerID"].is_not_null().sum() == 8_905
    assert raw.is_duplicated().sum() > raw.height - raw.n_unique() == 5_268 >= copies
    # The same rows as the check of the slates counts, which knows nothing of this code.
    counted = raw.filter(
        pl.col("CustomerID").is_not_null(), pl.col("Quantity") > 0, pl.col("UnitPrice") > 0,
        ~pl.col("InvoiceNo").str.starts_with("C"), pl.col("StockCode").str.contains(r"^\d{5}[A-Za-z]*$"),
    )  # fmt: skip
    prices = lake.scan(CONTRACTS["prices"].table).collect()
    assert (prices.height, prices["product_id"].n_unique()) == (85_293, 2_826)
    products = lake.scan(CONTRACTS["purchases"].table).filter(pl.col("kind") == "product").collect()
    assert counted.height == 396_337
    assert products.height == counted.n_unique()
    assert products["customer_id"].n_unique() == counted["CustomerID"].n_unique() == 4_334
    paid = counted.unique().select((pl.col("Quantity") * pl.col("UnitPrice") * 100).round().sum()).item()
    assert products["line_total_minor"].sum() == paid
