"""The purchase features against the same aggregates in DuckDB, side by side: time, memory, equal results.

    python -m benchmarks.features.run [--copies 16] [--rounds 3]

makes a lake of the demo's purchases times `--copies`, each copy with ids of its own, and runs our step and
`features.sql` over the same Parquet files in turns, each in a process of its own with two threads. Prints a
Markdown table, then the same as JSON. Needs the `demo` and `dev` extras.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from statistics import median
from string import Template
from typing import Any

import polars as pl

from advocate.database import upgrade
from features.contract import CONTRACTS
from features.feeds.complete_journey import read_complete_journey
from features.steps import build_features
from features.wall import admit
from warehouse import clock
from warehouse.lake import Lake, Table
from warehouse.settings import load_settings
from warehouse.shelf import open_shelf

DAY = date(2017, 12, 31)
THREADS = 2
TOLERANCE = 1e-9
FAMILIES = {
    "customer_product_features": ("pairs", ["customer_id", "product_id"]),
    "customer_features": ("customers", ["customer_id"]),
    "product_features": ("products", ["product_id"]),
}


class _NewRows(Lake):
    """A lake that is told, truly, that every row is new: the copies need not be compared with each other."""

    def _fresh(self, table: Table, frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        return frame, frame.head(0).select(table.key)


def make_lake(home: Path, copies: int) -> int:
    """Fills the lake of a new home; returns how many lines it has."""
    settings = load_settings(home=home)
    upgrade(settings)
    raw = read_complete_journey().tables["purchases"]
    lines = admit("purchases", raw, now=clock.now(), zone="UTC").rows
    table, lake = CONTRACTS["purchases"].table, _NewRows(open_shelf(settings.lake_location))
    for copy in range(copies):
        other = lines.with_columns(
            pl.format(f"{copy:02d}-{{}}", name).alias(name)
            for name in ("customer_id", "product_id", "order_id")
        )
        lake.append({table: other}, imported_at=clock.start_of(DAY), source=f"copy {copy}")
    return lines.height * copies


def ours(home: Path) -> None:
    """Our step, as a night runs it."""
    build_features(load_settings(home=home), DAY)


def duckdb(home: Path) -> None:
    """The same tables by DuckDB, from the same files."""
    import duckdb as peer

    statements = Template((Path(__file__).parent / "features.sql").read_text()).substitute(
        lines=f"'{home}/lake/events/purchases/*/*.parquet'",
        end=f"TIMESTAMPTZ '{clock.end_of(DAY).isoformat()}'",
        half_life=load_settings(home=home).features.half_life_days,
        **{peers: f"'{home}/duckdb-{peers}.parquet'" for peers, _ in FAMILIES.values()},
    )
    with peer.connect(config={"threads": THREADS}) as connection:
        connection.execute(statements)


def measure(who: str, home: Path) -> dict[str, float]:
    """Seconds and peak memory of one run, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.features.run", "--only", who, "--home", str(home)],
        env=os.environ | {"POLARS_MAX_THREADS": str(THREADS)},
        stdout=subprocess.PIPE,
        check=True,
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def run_only(who: str, home: Path) -> None:
    """What `measure` starts."""
    started = time.perf_counter()
    {"ours": ours, "duckdb": duckdb}[who](home)
    seconds = time.perf_counter() - started
    # Linux's own high-water mark of this process; getrusage would count the process that started it too.
    status = Path("/proc/self/status").read_text()
    peak = int(status.split("VmHWM:")[1].split()[0]) / 2**20
    json.dump({"seconds": round(seconds, 2), "peak_gib": round(peak, 2)}, sys.stdout)


def differences(home: Path) -> dict[str, int]:
    """How many values differ, by family and column; empty when both made the same tables."""
    lake, found = Lake.of(load_settings(home=home)), {}
    for family, (peers, key) in FAMILIES.items():
        mine, theirs = lake.get(family, DAY), pl.scan_parquet(home / f"duckdb-{peers}.parquet")
        heights = [frame.select(pl.len()).collect().item() for frame in (mine, theirs)]
        if heights[0] != heights[1]:
            found[f"{family} rows"] = abs(heights[0] - heights[1])
            continue
        for name, dtype in mine.collect_schema().items():
            one, two = (frame.sort(key).select(name).collect()[name] for frame in (mine, theirs))
            if count := _unlike(one, two, dtype):
                found[f"{family}.{name}"] = count
    return found


def _unlike(one: pl.Series, two: pl.Series, dtype: pl.DataType) -> int:
    if two.dtype.is_temporal():
        two = two.dt.replace_time_zone("UTC")  # what DuckDB computed has no zone
    both = pl.DataFrame({"one": one, "two": two.cast(dtype)})
    gap = (pl.col("one") - pl.col("two")).abs()
    if dtype.is_float():
        alike = gap <= TOLERANCE * pl.max_horizontal(1.0, pl.col("one").abs())
    elif dtype.is_temporal():
        alike = gap.dt.total_microseconds() <= 1
    else:
        alike = pl.col("one") == pl.col("two")
    same = alike.fill_null(pl.col("one").is_null() & pl.col("two").is_null())
    return both.filter(~same).height


def as_markdown(result: Mapping[str, Any]) -> str:
    """The result as the table that docs/benchmarks.md shows."""
    rows = [f"| {who} | {run['seconds']} | {run['peak_gib']} |" for who, run in result["median"].items()]
    head = ["| | seconds (median) | peak memory (GiB) |", "|---|---|---|"]
    said = f"Ours takes {result['ratio']} × DuckDB's time; {result['lines']:,} lines."
    return "\n".join([*head, *rows, "", said])


def main() -> None:
    """Runs the benchmark from the command line; exits 1 where the two do not make the same tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--copies", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=["ours", "duckdb"], help=argparse.SUPPRESS)
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.only:
        run_only(given.only, given.home)
        return
    with tempfile.TemporaryDirectory(prefix="advocate-benchmark-") as folder:
        home = Path(folder)
        lines = make_lake(home, given.copies)
        runs: dict[str, list[dict[str, float]]] = {"ours": [], "duckdb": []}
        for _ in range(given.rounds):
            for who, done in runs.items():
                done.append(measure(who, home))
        middle = {
            who: {
                "seconds": median(run["seconds"] for run in done),
                "peak_gib": max(run["peak_gib"] for run in done),
            }
            for who, done in runs.items()
        }
        ratio = middle["ours"]["seconds"] / middle["duckdb"]["seconds"]
        result = {
            "lines": lines,
            "copies": given.copies,
            "threads": THREADS,
            "ratio": round(ratio, 2),
            "median": middle,
            "runs": runs,
            "differences": differences(home),
        }
    print(as_markdown(result))
    print(json.dumps(result))
    sys.exit(1 if result["differences"] else 0)


if __name__ == "__main__":
    main()
