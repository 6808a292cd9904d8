"""The folder feed: clear errors, quarantine and an unchanged lake for bad feeds; everything else comes in."""

import hashlib
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from features.contract import CONTRACTS
from features.feeds.folder import read_folder
from features.importing import bring_in
from features.steps import import_feed
from tests.conftest import at
from warehouse import clock
from warehouse.errors import FeedError
from warehouse.lake import Lake
from warehouse.receipts import Receipt
from warehouse.settings import Settings

HEADER = "order_id,line_id,customer_id,product_id,quantity,unit_price,currency,purchased_at"
ONE = "o1,1,00123,p1,2,1.50,EUR,2017-11-30 12:00"
TWO = "o2,1,c2,p2,1,9.99,EUR,2017-11-30 13:00"


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    (tmp_path / "feed").mkdir()
    return tmp_path / "feed"


def write(feed: Path, text: str | bytes, name: str = "purchases.csv") -> None:
    (feed / name).parent.mkdir(exist_ok=True)
    (feed / name).write_bytes(text.encode() if isinstance(text, str) else text)


def csv(*rows: str, header: str = HEADER) -> str:
    return "\n".join((header, *rows)) + "\n"


def take(settings: Settings, feed: Path, now: str = "2018-01-01") -> Receipt:
    with clock.at(at(now)):
        return bring_in(settings, read_folder(feed))


def kept(settings: Settings, table: str, *columns: str) -> list[tuple[Any, ...]]:
    return Lake.of(settings).scan(CONTRACTS[table].table).select(columns).sort(columns).collect().rows()


def digest(settings: Settings) -> dict[str, str]:
    lake = Path(settings.lake_location)
    return {
        str(file.relative_to(lake)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(lake.rglob("*")) if file.is_file()
    }  # fmt: skip


# What comes in ---------------------------------------------------------------------------------


def test_one_csv_of_purchases_is_enough_and_what_it_refers_to_is_created(
    settings: Settings, feed: Path
) -> None:
    write(feed, csv(ONE, TWO))
    receipt = take(settings, feed)
    assert kept(settings, "purchases", "order_id", "customer_id", "line_total_minor") == [
        ("o1", "00123", 300), ("o2", "c2", 999),
    ]  # fmt: skip
    assert kept(settings, "customers", "customer_id") == [("00123",), ("c2",)]
    assert kept(settings, "products", "product_id", "available") == [("p1", True), ("p2", True)]
    assert receipt.rows_in == {"purchases": 2}
    assert receipt.rows_out == {"purchases": 2, "customers": 2, "products": 2}
    assert receipt.numbers["created from references"] == {"customers": 2, "products": 2}


def test_what_is_described_is_not_created_again(settings: Settings, feed: Path) -> None:
    write(feed, csv(ONE, TWO))
    write(feed, "product_id,title\np1,Socks\n", "products.csv")
    take(settings, feed)
    assert kept(settings, "products", "product_id", "title") == [("p1", "Socks"), ("p2", None)]


def test_a_later_description_replaces_a_created_one(settings: Settings, feed: Path) -> None:
    write(feed, csv(ONE))
    take(settings, feed)
    write(feed, "product_id,title,available\np1,Socks,false\n", "products.csv")
    take(settings, feed)
    assert kept(settings, "products", "product_id", "title", "available") == [("p1", "Socks", False)]


def test_references_of_every_table_are_created(settings: Settings, feed: Path) -> None:
    write(feed, csv(ONE))
    write(feed, "customer_id,product_id,viewed_at,kind\nlooker,seen,2017-11-30,view\n", "views.csv")
    take(settings, feed)
    assert kept(settings, "customers", "customer_id") == [("00123",), ("looker",)]
    assert kept(settings, "products", "product_id") == [("p1",), ("seen",)]


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + csv(ONE).encode(),
        csv(ONE).replace("\n", "\r\n").encode(),
        csv(",".join(f'"{value}"' for value in ONE.split(","))).encode(),
        csv(ONE).rstrip("\n").encode(),
        csv(ONE + ",", header=HEADER + ",").encode(),
        csv(ONE + ",,", header=HEADER + ",,").encode(),
        csv(ONE + ",remark", header=HEADER + ",remark").encode(),
    ],
    ids=["BOM", "CRLF", "quoted", "no last newline", "empty column", "two empty columns", "unknown column"],
)
def test_csv_may_be_written_in_the_usual_ways(settings: Settings, feed: Path, content: bytes) -> None:
    write(feed, content)
    assert take(settings, feed).rejected == {}
    assert kept(settings, "purchases", "order_id", "customer_id") == [("o1", "00123")]


def test_a_table_may_be_a_folder_of_files_of_both_kinds_and_any_types(settings: Settings, feed: Path) -> None:
    write(feed, csv(ONE.replace("00123", "7")), "purchases/a.csv")
    typed = {
        "order_id": ["o2"],
        "line_id": [1],
        "customer_id": [7.0],
        "product_id": ["p2"],
        "quantity": [0.5],
    }
    frame = pl.DataFrame(typed).with_columns(
        purchased_at=pl.lit(at("2017-11-30 12:00")), unit_price=Decimal("3.50"), currency=pl.lit("USD")
    )
    frame.write_parquet(feed / "purchases" / "b[1].parquet")
    (feed / "purchases" / "_SUCCESS").touch()
    write(feed, "junk", "purchases/._b.csv")
    take(settings, feed)
    assert kept(settings, "purchases", "order_id", "customer_id", "line_total_minor", "purchased_at") == [
        ("o1", "7", 300, at("2017-11-30 12:00")),
        ("o2", "7", 175, at("2017-11-30 12:00")),
    ]


def test_csv_and_parquet_of_the_same_rows_are_the_same_import(settings: Settings, feed: Path) -> None:
    write(feed, csv(ONE, TWO))
    take(settings, feed)
    before = digest(settings)
    frame = pl.read_csv(feed / "purchases.csv", schema_overrides={"customer_id": pl.String})
    frame = frame.with_columns(pl.col("purchased_at").str.to_datetime("%Y-%m-%d %H:%M"))
    frame.reverse().write_parquet(feed / "purchases.parquet")
    (feed / "purchases.csv").unlink()
    receipt = take(settings, feed)
    assert "nothing has changed" in receipt.notes[-1]
    assert digest(settings) == before


def test_files_that_are_no_table_are_named_and_left_alone(settings: Settings, feed: Path) -> None:
    write(feed, csv(ONE))
    for name in ("README.txt", "refunds.csv", ".hidden.csv"):
        write(feed, "what is this", name)
    (feed / "customers").mkdir()
    assert read_folder(feed).notes == [
        "README.txt is not a table of the feed contract and was not read",
        "customers holds no CSV or Parquet file and was not read",
        "refunds.csv is not a table of the feed contract and was not read",
    ]


def test_moments_are_read_in_the_zone_of_the_feed(settings: Settings, feed: Path) -> None:
    write(feed, csv(ONE))
    berlin = settings.model_copy(
        update={"feed": settings.feed.model_copy(update={"timezone": "Europe/Berlin"})}
    )
    take(berlin, feed)
    assert kept(settings, "purchases", "purchased_at") == [(at("2017-11-30 11:00"),)]


def test_the_step_imports_the_folder_that_settings_name(settings: Settings, feed: Path) -> None:
    assert import_feed(settings) is None
    write(feed, csv(ONE))
    named = settings.model_copy(update={"feed": settings.feed.model_copy(update={"path": str(feed)})})
    receipt = import_feed(named)
    assert receipt is not None
    assert receipt.rows_in == {"purchases": 1}


# Versions --------------------------------------------------------------------------------------


def test_importing_the_same_feed_twice_changes_nothing(settings: Settings, feed: Path) -> None:
    write(feed, csv(ONE, TWO, "bad,1,c,p,0,1,EUR,2017-11-30"))
    first = take(settings, feed)
    before, quarantine = digest(settings), list((settings.home / "quarantine").iterdir())
    second = take(settings, feed, now="2018-02-01")
    assert digest(settings) == before
    assert second.rows_out == {}
    assert second.rejected == first.rejected
    assert list((settings.home / "quarantine").iterdir()) == quarantine


def test_a_later_import_of_a_key_is_a_new_version_and_absent_rows_stay(
    settings: Settings, feed: Path
) -> None:
    write(feed, csv(ONE, TWO))
    take(settings, feed)
    write(feed, csv(ONE.replace("1.50", "2.50")))
    receipt = take(settings, feed)
    assert receipt.rows_out == {"purchases": 1}
    assert kept(settings, "purchases", "order_id", "line_total_minor") == [("o1", 500), ("o2", 999)]


# What is refused -------------------------------------------------------------------------------

Broken = Callable[[Path], object]


def _parquet(**changes: Any) -> Broken:
    def write_it(feed: Path) -> None:
        frame = pl.read_csv(csv(ONE).encode(), schema_overrides={"customer_id": pl.String})
        frame.with_columns(**changes).write_parquet(feed / "purchases.parquet")

    return write_it


def _truncated(feed: Path) -> None:
    _parquet()(feed)
    file = feed / "purchases.parquet"
    file.write_bytes(file.read_bytes()[:-20])


def _damaged_inside(feed: Path) -> None:
    _parquet(note=pl.lit("x" * 5000))(feed)
    file = feed / "purchases.parquet"
    content = bytearray(file.read_bytes())
    content[8:200] = b"\xff" * 192
    file.write_bytes(bytes(content))


def _twice(feed: Path) -> None:
    write(feed, csv(ONE))
    _parquet()(feed)


BROKEN: dict[str, tuple[Broken, str]] = {
    "no file": (lambda _: None, "holds no table of the feed contract"),
    "empty file": (lambda feed: write(feed, ""), r"purchases\.csv is empty"),
    "blank file": (lambda feed: write(feed, "\n\n"), "purchases cannot be read: empty CSV"),
    "header only": (lambda feed: write(feed, csv()), "nothing could be imported: the tables hold no rows"),
    "missing column": (
        lambda feed: write(feed, csv("o1,1", header="order_id,line_id")),
        "the column customer_id, product_id, .* is missing; the file has order_id, line_id",
    ),
    "semicolons": (lambda feed: write(feed, csv(ONE).replace(",", ";")), "missing; the file has order_id;"),
    "column twice": (
        lambda feed: write(feed, csv(ONE + ",7", header=HEADER + ",quantity")),
        r"purchases\.csv has the column quantity twice",
    ),
    "ragged": (lambda feed: write(feed, csv(ONE, TWO + ",more")), r"purchases\S* cannot be read.*found more"),
    "Latin-1": (
        lambda feed: write(feed, csv(ONE, TWO.replace("p2", "Tür")).encode("latin-1")),
        r"purchases\.csv is not UTF-8 \(line 3, byte 10\).*iconv",
    ),
    "UTF-16": (lambda feed: write(feed, csv(ONE).encode("utf-16")), r"is not UTF-8 \(line 1, byte 1\)"),
    "UTF-16 unmarked": (lambda feed: write(feed, csv(ONE).encode("utf-16-le")), "cannot be read|is missing"),
    "not Parquet": (lambda feed: write(feed, "PAR1, not", "purchases.parquet"), "cannot be read as Parquet"),
    "cut Parquet": (_truncated, "cannot be read as Parquet"),
    "damaged Parquet": (_damaged_inside, "purchases cannot be read"),
    "Parquet of lists": (_parquet(quantity=pl.concat_list("quantity")), "quantity has the type List"),
    "Parquet of structures": (_parquet(quantity=pl.struct("quantity")), "quantity has the type Struct"),
    "Parquet of bytes": (_parquet(order_id=pl.lit(b"o1")), "order_id has the type Binary"),
    "Parquet of times": (
        _parquet(purchased_at=pl.time(12)),
        "nothing could be imported: 1 × purchases: purchased_at: unreadable",
    ),
    "the same table twice": (_twice, r"twice; keep one of purchases\.csv and purchases\.parquet"),
    "all rows bad": (
        lambda feed: write(feed, csv(ONE.replace("EUR", "EURO"))),
        "nothing could be imported: 1 × purchases: currency: unreadable .*quarantine",
    ),
    "one bad table": (
        lambda feed: (write(feed, csv(ONE)), write(feed, "product,title\np1,Socks\n", "products.csv")),
        "products: the column product_id is missing",
    ),
}  # fmt: skip


@pytest.mark.parametrize("known", [False, True], ids=["first import", "later import"])
@pytest.mark.parametrize("what", BROKEN)
def test_a_feed_that_cannot_be_taken_is_a_clear_error_and_an_unchanged_lake(
    settings: Settings, feed: Path, tmp_path: Path, what: str, known: bool
) -> None:
    if known:
        (tmp_path / "earlier").mkdir()
        write(tmp_path / "earlier", csv(TWO))
        take(settings, tmp_path / "earlier")
    before = digest(settings)
    make, said = BROKEN[what]
    make(feed)
    with pytest.raises(FeedError, match=said):
        take(settings, feed)
    assert digest(settings) == before
    assert bool(before) is known


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        FeedError, match=r"there is no folder .*nowhere; give the folder that holds purchases"
    ):
        read_folder(tmp_path / "nowhere")


@pytest.mark.parametrize("purchases", [None, csv(ONE.replace(",2,", ",0,"))])
def test_a_first_import_needs_purchases_and_a_later_one_does_not(
    settings: Settings, feed: Path, purchases: str | None
) -> None:
    write(feed, "customer_id\nc9\n", "customers.csv")
    if purchases:
        write(feed, purchases)
    with pytest.raises(FeedError, match="a first import needs purchases"):
        take(settings, feed)
    assert digest(settings) == {}
    write(feed, csv(ONE))
    take(settings, feed)
    write(feed, csv())
    write(feed, "customer_id\nc10\n", "customers.csv")
    assert take(settings, feed).rows_out == {"customers": 1}


def test_bad_rows_go_to_quarantine_with_reasons_and_the_others_come_in(
    settings: Settings, feed: Path
) -> None:
    bad = [ONE.replace("o1", "o3").replace(",2,", ",0,"), ONE.replace("o1", "o4").replace("EUR", "")]
    write(feed, csv(ONE, *bad))
    receipt = take(settings, feed)
    assert kept(settings, "purchases", "order_id") == [("o1",)]
    assert receipt.rejected == {"purchases: currency: missing": 1, "purchases: quantity: too small": 1}
    refused = pl.read_parquet(Path(receipt.artifacts["quarantine"]) / "purchases.parquet")
    assert refused["order_id"].to_list() == ["o3", "o4"]
    assert refused["reasons"].to_list() == [["quantity: too small"], ["currency: missing"]]


def test_a_refused_row_creates_no_customer_and_no_product(settings: Settings, feed: Path) -> None:
    write(feed, csv(ONE, TWO.replace(",1,9.99", ",0,9.99")))
    take(settings, feed)
    assert kept(settings, "customers", "customer_id") == [("00123",)]
    assert kept(settings, "products", "product_id") == [("p1",)]


@pytest.mark.parametrize(
    ("changes", "customer"),
    [
        ({"customer_id": pl.lit(123)}, "123"), ({"customer_id": pl.lit(123.0)}, "123"),
        ({"customer_id": pl.lit("c").cast(pl.Categorical)}, "c"),
        ({"unit_price": pl.lit(Decimal("1.5000"))}, "00123"),
        ({"quantity": pl.lit(2).cast(pl.UInt8)}, "00123"),
        ({"purchased_at": pl.lit(date(2017, 11, 30))}, "00123"), ({"promised_at": pl.lit(None)}, "00123"),
        ({"quantity": pl.lit(2.0).cast(pl.Float32)}, "00123"),
    ],
)  # fmt: skip
def test_parquet_of_other_plain_types_comes_in(
    settings: Settings, feed: Path, changes: dict[str, pl.Expr], customer: str
) -> None:
    _parquet(**changes)(feed)
    assert take(settings, feed).rejected == {}
    assert kept(settings, "purchases", "customer_id", "line_total_minor") == [(customer, 300)]
