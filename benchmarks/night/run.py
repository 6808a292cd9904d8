"""A whole demo night in a process of its own: import, features, models, slates, opportunities, batch.

    python -m benchmarks.night.run [--rounds 3]

Each round starts in an empty home. Seconds are of the whole process; memory is its peak resident set.
Prints JSON: the medians, and the seconds of each step of the last round.
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
from typing import Any

ADVOCATE = Path(sys.executable).with_name("advocate")


def one_night(home: Path) -> tuple[float, float, dict[str, Any]]:
    """Runs one demo night; returns seconds, peak memory in MiB, and what it printed."""
    started = time.perf_counter()
    with tempfile.TemporaryFile() as printed:
        process = subprocess.Popen([str(ADVOCATE), "--home", str(home), "demo", "--json"], stdout=printed)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        if status != 0:
            raise SystemExit(f"the night ended with status {status}")
        printed.seek(0)
        return seconds, usage.ru_maxrss / 1024, json.load(printed)


def main() -> None:
    """Measures and prints."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--rounds", type=int, default=3)
    rounds = options.parse_args().rounds
    measured = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            measured.append(one_night(Path(folder) / "home"))
    receipts = measured[-1][2]
    steps = [receipts["import"], receipts["consents"], *receipts["night"]["receipts"]]
    result = {
        "rounds": rounds,
        "seconds": round(median(seconds for seconds, _, _ in measured), 1),
        "slowest": round(max(seconds for seconds, _, _ in measured), 1),
        "peak_rss_mib": round(max(memory for _, memory, _ in measured)),
        "steps": [{receipt["step"]: receipt["seconds"]} for receipt in steps],
    }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
