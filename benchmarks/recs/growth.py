"""How the cost of a night's recommendations grows with purchases: once, four times, sixteen times the demo.

    python -m benchmarks.recs.growth [--copies 1 4 16] [--day 2017-11-30]

Simulated customers: each copy holds the demo's households under ids of their own, in the same shop with the
same products. Every size has a home of its own; features are built first, then the step `recommend` runs in a
process of its own without tuning. Prints a Markdown table, then the same as JSON: lines, seconds, memory.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from advocate.database import upgrade
from benchmarks.features.run import _NewRows
from features.contract import CONTRACTS
from features.feeds.complete_journey import read_complete_journey
from features.steps import build_features
from features.wall import admit
from recs.steps import recommend
from warehouse import clock
from warehouse.settings import Settings, load_settings
from warehouse.shelf import open_shelf


def make_home(home: Path, copies: int, day: date) -> int:
    """Fills a home with copies of the households and builds its features; returns how many lines it has."""
    settings = untuned(home)
    upgrade(settings)
    feed = read_complete_journey().tables
    rows = {
        name: admit(name, feed[name], now=clock.now(), zone="UTC").rows for name in ("purchases", "products")
    }
    lake = _NewRows(open_shelf(settings.lake_location))
    lake.append(
        {CONTRACTS["products"].table: rows["products"]}, imported_at=clock.start_of(day), source="shop"
    )
    for copy in range(copies):
        other = rows["purchases"].with_columns(
            pl.format(f"{copy:02d}-{{}}", name).alias(name) for name in ("customer_id", "order_id")
        )
        table = CONTRACTS["purchases"].table
        lake.append({table: other}, imported_at=clock.start_of(day), source=f"copy {copy}")
    build_features(settings, day)
    return rows["purchases"].height * copies


def untuned(home: Path) -> Settings:
    """The home's settings, without tuning."""
    settings = load_settings(home=home)
    return settings.model_copy(update={"recs": settings.recs.model_copy(update={"tune_seconds": 0})})


def measure(home: Path, day: date) -> dict[str, Any]:
    """Runs the step in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.recs.growth", "--home", str(home), "--day", day.isoformat()]
    started = time.perf_counter()
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise SystemExit(f"the night ended with status {status}")
    return {
        "seconds": round(time.perf_counter() - started, 1),
        "peak_gib": round(usage.ru_maxrss / 1024**2, 2),
    }


def main() -> None:
    """Measures and prints."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--copies", type=int, nargs="+", default=[1, 4, 16])
    options.add_argument("--day", type=date.fromisoformat, default=date(2017, 11, 30))
    options.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.home:
        recommend(untuned(chosen.home), chosen.day)
        return
    found = []
    print("| households | lines | seconds | per million lines | peak memory (GiB) |\n|---|---|---|---|---|")
    for copies in chosen.copies:
        with tempfile.TemporaryDirectory(prefix="advocate-benchmark-") as folder:
            lines = make_home(Path(folder), copies, chosen.day)
            run = {"copies": copies, "lines": lines} | measure(Path(folder), chosen.day)
        per = round(run["seconds"] / lines * 1e6, 1)
        print(f"| {copies} × | {lines:,} | {run['seconds']} | {per} | {run['peak_gib']} |", flush=True)
        found.append(run)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
