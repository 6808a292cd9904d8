"""A dry run of a changed setting, beside the steps of the night that it computes again.

    python -m benchmarks.savings.rehearsal [--customers 100_000] [--folder DIR]

Simulates a retailer, runs one night, then tries a setting that only decisions read and one that finders read.
Prints seconds, how often the night's `find` and `decide` that is, milliseconds per thousand customers, and
the peak memory of each dry run, which has a process of its own.
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

from benchmarks.savings.night import ORDER, make, morning_after, opened
from benchmarks.savings.world import THREADS, peak_gib
from outreach.rehearsal import rehearse
from warehouse import clock

TRIED: dict[str, dict[str, Any]] = {
    "outreach.cap_contacts": {"outreach.cap_contacts": 1},
    "outreach.guarantee_days": {"outreach.guarantee_days": 14},
}


def run_night(folder: Path, day: date) -> float:
    """Runs the steps of the night up to its decisions; seconds of `find` and `decide`."""
    settings, seconds = opened(folder), 0.0
    with clock.at(morning_after(day)):
        for step in ORDER[:-1]:
            receipt = step(settings, day)
            if step.__name__ in ("find", "decide"):
                seconds += receipt.seconds
    return seconds


def try_one(name: str, folder: Path, day: date) -> dict[str, Any]:
    """One dry run, in this process."""
    began = time.perf_counter()
    found = rehearse(opened(folder), TRIED[name], day).difference
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "peak_gib": peak_gib(), "customers": found.customers}


def measured(what: str, folder: Path, day: str) -> Any:
    """One of these in a process of its own, with two threads."""
    words = ["--only", what, "--folder", str(folder), "--day", day]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.savings.rehearsal", *words],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "POLARS_MAX_THREADS": str(THREADS)},
    )
    return json.loads(done.stdout)


def report(folder: Path, customers: int) -> None:
    """Measures, and prints a table."""
    day = make(folder, customers)["day"]
    night = measured("night", folder, day)
    print(f"find and decide of {customers:,} customers: {night:.1f} s")
    print("| tried | seconds | times find and decide | ms per 1,000 customers | peak memory (GiB) |")
    print("|---|---|---|---|---|")
    for name in TRIED:
        one = measured(name, folder, day)
        each = one["seconds"] / customers * 1e6
        ratio = one["seconds"] / night
        print(f"| `{name}` | {one['seconds']:.1f} | {ratio:.2f} | {each:.0f} | {one['peak_gib']:.2f} |")
        print(f"    {one['customers']}", file=sys.stderr)


def main() -> None:
    """Reads the options and measures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--only", choices=["night", *TRIED])
    parser.add_argument("--day", type=date.fromisoformat)
    options = parser.parse_args()
    if options.only == "night":
        print(json.dumps(run_night(options.folder, options.day)))
    elif options.only:
        print(json.dumps(try_one(options.only, options.folder, options.day)))
    elif options.folder:
        report(options.folder, options.customers)
    else:
        with tempfile.TemporaryDirectory() as folder:
            report(Path(folder), options.customers)


if __name__ == "__main__":
    main()
