"""A home's tables as of a day, as views of a DuckDB connection, and the settings as its variables."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import polars as pl

from features.contract import CONTRACTS
from features.events import seen
from features.money import EXPONENTS
from outreach.opportunities import exact, per_currency
from warehouse import clock
from warehouse.lake import Lake
from warehouse.settings import OutreachSettings, Settings

RULES = Path(__file__).parent / "rules"
THREADS = 2
KNOWN = ("dispatched_at", "delivered_at")
SHARES = {
    "min_claim": "min_claim_share",
    "late": "late_share",
    "most": "late_most",
    "outlier": "outlier_share",
    "hold": "hold_share",
}
"""Shares of the settings, each kept as two whole numbers: `<name>_num` over `<name>_den`."""


@contextmanager
def opened(settings: Settings, day: date) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that sees what a run for the day may see, and nothing of our rules."""
    lake = Lake.of(settings)
    with TemporaryDirectory(prefix="advocate-recompute-") as folder, connected() as connection:
        for name in CONTRACTS:
            frame = seen(lake, name, day, known=KNOWN if name == "purchases" else ())
            view(connection, name, frame, Path(folder))
        if lake.has("outreach_promised", day):
            view(connection, "promised", lake.get("outreach_promised", day), Path(folder))
        tell(connection, settings.outreach, day)
        for name in ("usage", "entitlement_uses"):
            connection.execute(
                f"SET VARIABLE {name.removeprefix('entitlement_')}_known = ?", [lake.knows(name)]
            )
        yield connection


def connected() -> duckdb.DuckDBPyConnection:
    """An empty database in memory, with two threads."""
    return duckdb.connect(config={"threads": THREADS})


def view(connection: duckdb.DuckDBPyConnection, name: str, frame: pl.LazyFrame, folder: Path) -> None:
    """Makes a frame a view; moments lose their zone, which is always UTC."""
    moments = [column for column, dtype in frame.collect_schema().items() if isinstance(dtype, pl.Datetime)]
    frame.with_columns(pl.col(moments).dt.replace_time_zone(None)).sink_parquet(folder / f"{name}.parquet")
    address = str(folder / f"{name}.parquet").replace("'", "''")
    connection.execute(f"CREATE VIEW {name} AS FROM read_parquet('{address}')")


def tell(connection: duckdb.DuckDBPyConnection, settings: OutreachSettings, day: date) -> None:
    """Sets what the rules ask for with `getvariable`, and the table `currencies`."""
    values: dict[str, int | datetime] = {"end_at": clock.end_of(day).replace(tzinfo=None)}
    for name, setting in settings.model_dump().items():
        if isinstance(setting, int):
            values[name] = setting
    for name, of in SHARES.items():
        share = exact(getattr(settings, of))
        values |= {f"{name}_num": share.numerator, f"{name}_den": share.denominator}
    for name, value in values.items():
        connection.execute(f"SET VARIABLE {name} = ?", [value])
    code = pl.col("currency")
    currencies = pl.DataFrame(
        {"currency": list(EXPONENTS), "per_major": [10**exponent for exponent in EXPONENTS.values()]}
    ).with_columns(
        least_claim_minor=per_currency(code, settings.min_claim_minor),
        cap_claim_minor=per_currency(code, settings.cap_claim_minor),
    )
    connection.register("currencies_here", currencies)
    connection.execute("CREATE TABLE currencies AS FROM currencies_here")


def statement(name: str) -> str:
    """The text of one file of rules."""
    return (RULES / f"{name}.sql").read_text()


def peak_gib() -> float:
    """The most memory this process ever held, in GiB.

    Linux's own high-water mark; getrusage would count the process that started it too.
    """
    status = Path("/proc/self/status").read_text()
    return round(int(status.split("VmHWM:")[1].split()[0]) / 2**20, 2)
