"""The outreach half of a night for many customers: all finders, decisions, messages; seconds and memory.

    python -m benchmarks.savings.night [--customers 1_000_000] [--folder DIR]

Simulates a retailer and imports its first night; with `--folder` both are kept and used again. Each step then
runs in a process of its own with two threads: `find` is all finders with ids, evidence and settling, `decide`
and `prepare_batch` what follows. Prints a table, what was found, and JSON.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from advocate.database import upgrade
from benchmarks.savings.simulated import SAID
from benchmarks.savings.world import THREADS, peak_gib
from features.feeds.folder import read_folder
from features.importing import bring_in
from features.simulator import Plan, simulate
from outreach import steps
from outreach.promises.uses import reconcile
from outreach.recovery import follow_up
from warehouse import clock
from warehouse.settings import Settings, load_settings

ORDER = (reconcile, steps.find, follow_up, steps.decide, steps.prepare_batch)
STEPS = {step.__name__: step for step in ORDER}


def opened(folder: Path) -> Settings:
    """The home in a folder."""
    return load_settings(home=folder / "home", outreach=SAID)


def make(folder: Path, customers: int) -> dict[str, Any]:
    """Simulates and imports where that was not done yet.

    Returns:
        the day, and rows of each table.
    """
    said = folder / f"made-{customers}.json"
    if not said.is_file():
        if (folder / "home").exists():
            raise SystemExit(f"{folder} holds other or unfinished data; name an empty folder, or remove it")
        made = simulate(Plan(customers, nights=1), folder / "shop")
        settings = opened(folder)
        upgrade(settings)
        (night,) = made.nights
        rows: dict[str, int] = {}
        with clock.at(morning_after(night["day"])):
            for name in night["imports"]:
                receipt = bring_in(settings, read_folder(made.folder / name))
                rows |= {table: rows.get(table, 0) + count for table, count in receipt.rows_out.items()}
        said.write_text(json.dumps({"day": str(night["day"]), "rows": rows}))
    kept: dict[str, Any] = json.loads(said.read_text())
    return kept


def morning_after(day: date) -> datetime:
    """When a night of a day runs."""
    return datetime.combine(day, time(7), tzinfo=UTC) + timedelta(days=1)


def measure(name: str, folder: Path, day: str) -> dict[str, Any]:
    """One step in a process of its own."""
    words = ["--only", name, "--folder", str(folder), "--day", day]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.savings.night", *words],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "POLARS_MAX_THREADS": str(THREADS)},
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def run_only(name: str, folder: Path, day: date) -> None:
    """What `measure` starts."""
    with clock.at(morning_after(day)):
        receipt = STEPS[name](opened(folder), day)
    told = {"seconds": receipt.seconds, "peak_gib": peak_gib(), "rows_out": receipt.rows_out}
    found = receipt.numbers.get("opportunities", {})
    json.dump(told | {"warnings": receipt.warnings, "found": found}, sys.stdout)


def as_markdown(result: dict[str, Any]) -> str:
    """The result as the tables that docs/benchmarks.md shows."""
    head = ["| step | seconds | peak memory (GiB) |", "|---|---|---|"]
    rows = [f"| {name} | {one['seconds']:.1f} | {one['peak_gib']} |" for name, one in result["steps"].items()]
    kinds = ["", "| found | opportunities | customers |", "|---|---|---|"]
    found = result["steps"]["find"]["found"]
    kinds += [f"| {kind} | {one['opportunities']:,} | {one['customers']:,} |" for kind, one in found.items()]
    return "\n".join([*head, *rows, *kinds])


def main() -> None:
    """Measures from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--only", choices=STEPS, help=argparse.SUPPRESS)
    parser.add_argument("--day", type=date.fromisoformat, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.only:
        run_only(given.only, given.folder, given.day)
        return
    with tempfile.TemporaryDirectory(prefix="advocate-night-") as scratch:
        folder = given.folder or Path(scratch)
        made = make(folder, given.customers)
        measured = {name: measure(name, folder, made["day"]) for name in STEPS}
    result = {"customers": given.customers, **made, "steps": measured}
    print(as_markdown(result))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
