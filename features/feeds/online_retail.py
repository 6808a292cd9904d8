"""UCI Online Retail (also II): a gift wholesaler's invoices, as the CSV, XLSX or Parquet it is spread as."""

from pathlib import Path

import polars as pl

from features.feeds import Delivery
from features.feeds.receipt_prices import list_prices
from features.reading import read_decimal, read_text
from warehouse.errors import FeedError

CURRENCY = "GBP"
_NAMES = {"Invoice": "InvoiceNo", "Price": "UnitPrice", "Customer ID": "CustomerID"}
_NEEDED = (
    "InvoiceNo",
    "StockCode",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Description",
    "Country",
)
_SHIPPING = ("POST", "DOT", "C2")
_SLASHED = ("%m/%d/%y %H:%M", "%m/%d/%Y %H:%M")  # two digits first: %Y would read 10 as the year 10

_NOTES = [
    "prices fall with quantity here, and no list is kept: a list price is what customers paid for one to "
    "three units, where it lasted for two weeks; until then the one before stays in force",
    "customers have no e-mail address, no time zone and no recorded consent",
]


def read_online_retail(path: Path) -> Delivery:
    """The file as tables of the feed contract.

    Raises:
        FeedError: the file is missing, of another kind, or lacks a column.
    """
    lines = _read(path).rename(_NAMES, strict=False)
    missing = [name for name in _NEEDED if name not in lines.collect_schema()]
    if missing:
        raise FeedError(f"{path.name} has no column {', '.join(missing)}; is it the UCI Online Retail file?")
    lines = _tidy(lines)
    reason = (
        pl.when(pl.col("CustomerID").is_null())
        .then(pl.lit("no customer"))
        .when(pl.col("InvoiceNo").str.starts_with("C"))
        .then(pl.lit("a cancellation, without the line it cancels"))
        .when(pl.col("price") <= 0)
        .then(pl.lit("nothing was paid"))
    )
    kept = lines.filter(reason.is_null())
    is_product = pl.col("StockCode").str.contains(r"^\d{5}[A-Za-z]*$")
    purchases = kept.select(
        order_id="InvoiceNo",
        line_id="line_id",
        customer_id="CustomerID",
        product_id="StockCode",
        quantity="Quantity",
        unit_price="UnitPrice",
        currency=pl.lit(CURRENCY),
        purchased_at="InvoiceDate",
        kind=pl.when(is_product)
        .then(pl.lit("product"))
        .when(pl.col("StockCode").is_in(_SHIPPING))
        .then(pl.lit("shipping"))
        .otherwise(pl.lit("fee")),
    )
    return Delivery(
        "online-retail",
        {
            "purchases": purchases,
            "prices": _list_prices(kept.filter(is_product)),
            "products": _most_frequent(kept.filter(is_product), "StockCode", "Description").rename(
                {"StockCode": "product_id", "Description": "title"}
            ),
            "customers": _most_frequent(kept, "CustomerID", "Country").rename(
                {"CustomerID": "customer_id", "Country": "country"}
            ),
        },
        refused={"purchases": lines.with_columns(reason=reason).filter(pl.col("reason").is_not_null())},
        notes=list(_NOTES),
    )


def _list_prices(lines: pl.LazyFrame) -> pl.LazyFrame:
    """What the receipts say of list prices; the shop is one market (docs/decisions/0015)."""
    moment = pl.col("InvoiceDate")
    is_text = lines.collect_schema()["InvoiceDate"] == pl.String
    day = moment.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False) if is_text else moment.dt.date()
    bought = lines.select(
        "quantity",
        customer_id="CustomerID",
        product_id="StockCode",
        unit_price="price",
        day=day,
        at=moment,
    )
    return list_prices(bought.filter(pl.col("day").is_not_null())).with_columns(currency=pl.lit(CURRENCY))


def _tidy(lines: pl.LazyFrame) -> pl.LazyFrame:
    """Ids as text, moments as ISO text or typed, and a line id that copies of a line share.

    Invoices number no lines. A line is told from others of its invoice by its content, so that an exact
    copy is one, and the order of rows in the file does not matter.
    """
    schema = lines.collect_schema()
    moment = pl.col("InvoiceDate")
    if schema["InvoiceDate"] == pl.String:
        slashed = [moment.str.to_datetime(pattern, strict=False, time_unit="us") for pattern in _SLASHED]
        moment = pl.coalesce(*(found.dt.strftime("%Y-%m-%d %H:%M") for found in slashed), moment)
    content = pl.concat_str(
        [pl.col(name).cast(pl.String) for name in ("Description", "quantity", "InvoiceDate", "price")],
        separator="\x1f",
        ignore_nulls=True,
    )
    return lines.with_columns(
        pl.col("InvoiceNo", "StockCode").cast(pl.String).str.strip_chars(),
        read_text(pl.col("CustomerID"), schema["CustomerID"], "").str.replace(r"\.0$", ""),
        InvoiceDate=moment,
        price=read_decimal(pl.col("UnitPrice"), schema["UnitPrice"], ""),
        quantity=read_decimal(pl.col("Quantity"), schema["Quantity"], ""),
    ).with_columns(
        line_id=pl.concat_str(
            "StockCode", content.rank("dense").over("InvoiceNo", "StockCode").cast(pl.String), separator="-"
        )
    )


def _most_frequent(rows: pl.LazyFrame, key: str, value: str) -> pl.LazyFrame:
    """One row per key with the value seen most; of two the first in the alphabet."""
    return (
        rows.group_by(key, value)
        .agg(times=pl.len())
        .sort(key, "times", value, descending=[False, True, False], nulls_last=True)
        .unique(key, keep="first", maintain_order=True)
        .select(key, value)
    )


def _read(path: Path) -> pl.LazyFrame:
    if not path.is_file():
        raise FeedError(f"there is no file {path}")
    try:
        match path.suffix.lower():
            case ".parquet":
                lines = pl.scan_parquet(path, hive_partitioning=False, glob=False)
                lines.collect_schema()
                return lines
            case ".csv":
                return _read_csv(path)
            case ".xlsx":
                return _read_xlsx(path)
    except (pl.exceptions.PolarsError, ValueError, OSError) as error:
        raise FeedError(f"{path.name} cannot be read: {str(error).splitlines()[0]}") from error
    raise FeedError(f"{path.name} is neither .csv, .xlsx nor .parquet")


def _read_xlsx(path: Path) -> pl.LazyFrame:
    try:
        from fastexcel import FastExcelError
    except ImportError as error:
        raise FeedError("reading .xlsx needs the demo extra: pip install 'advocate[demo]'") from error
    try:
        sheets = pl.read_excel(path, sheet_id=0, infer_schema_length=None)
    except FastExcelError as error:
        raise FeedError(f"{path.name} cannot be read: {str(error).splitlines()[0]}") from error
    return pl.concat([sheet.cast(pl.String) for sheet in sheets.values()]).lazy()


def _read_csv(path: Path) -> pl.LazyFrame:
    """The file as CSV goes round in Latin-1 (its pound signs are one byte) more often than in UTF-8."""
    content = path.read_bytes()
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        content = content.decode("iso-8859-1").encode()
    return pl.read_csv(content, infer_schema=False).lazy()
