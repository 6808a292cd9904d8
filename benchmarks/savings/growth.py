"""How the cost of finding grows: with older history, and with new events.

    python -m benchmarks.savings.growth [--rows 2_000_000] [--rounds 3]

Makes shops of purchases, views and prices: one of `--rows` over 60 days, then with two and four times the
days of the same traffic (more history, the same new events), then with two and four times the traffic in the
same days (more new events). All finders look at each, in turns, in a process of its own with two threads.
Prints processor seconds, medians of the rounds, and JSON.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks.savings.made import DAY, DAYS, Shop, make
from benchmarks.savings.world import THREADS
from outreach.finders import FINDERS
from outreach.world import world_of
from warehouse.settings import load_settings

TIMES = (2, 4)


def shops(rows: int) -> dict[str, Shop]:
    """The shops by name."""
    goods = rows // 100
    base = {"once": Shop(rows, goods=goods)}
    history = {f"history x{n}": Shop(rows * n, days=DAYS * n, goods=goods) for n in TIMES}
    events = {f"events x{n}": Shop(rows * n, goods=goods) for n in TIMES}
    return base | history | events


def find(folder: Path) -> float:
    """Processor seconds of all finders over the home in a folder."""
    settings = load_settings(home=folder / "home")
    started = time.process_time()
    world = world_of(settings, DAY)
    for finder in FINDERS.values():
        finder.find(world, settings.outreach, DAY).collect(engine="streaming")
    return time.process_time() - started


def measure(folder: Path) -> float:
    """The same in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.savings.growth", "--only", str(folder)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "POLARS_MAX_THREADS": str(THREADS)},
    )
    return float(done.stdout)


def main() -> None:
    """Measures from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.only:
        print(find(given.only))
        return
    with tempfile.TemporaryDirectory(prefix="advocate-growth-") as scratch:
        folders = {name: Path(scratch) / name.replace(" ", "-") for name in shops(given.rows)}
        for name, shop in shops(given.rows).items():
            make(load_settings(home=folders[name] / "home"), folders[name] / "plain", shop)
        runs: dict[str, list[float]] = {name: [] for name in folders}
        for _ in range(given.rounds):
            for name, folder in folders.items():
                runs[name].append(round(measure(folder), 2))
    seconds = {name: median(done) for name, done in runs.items()}
    print("| shop | processor seconds | times the first |\n|---|---|---|")
    for name, took in seconds.items():
        print(f"| {name} | {took} | {took / seconds['once']:.2f} |")
    print(json.dumps({"rows": given.rows, "rounds": given.rounds, "runs": runs}))


if __name__ == "__main__":
    main()
