"""A whole demo night in a process of its own: import, features, models, slates, opportunities, batch.

    python -m benchmarks.night.run [--rounds 3]

Each round starts in an empty home: a first night, which tunes the models, then a later one, which uses what
was found. Seconds are of the whole process; memory is its peak resident set. Prints JSON: medians of both,
and the seconds of each step of the last round.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

ADVOCATE = Path(sys.executable).with_name("advocate")


DAY = "2017-11-30"


@dataclass(frozen=True)
class Measured:
    """One process: its seconds, its peak memory in MiB, and the receipts of its night."""

    seconds: float
    memory: float
    receipts: list[dict[str, Any]]


def run(home: Path, *words: str) -> Measured:
    """Runs a command that ends in a night."""
    started = time.perf_counter()
    with tempfile.TemporaryFile() as printed:
        process = subprocess.Popen([str(ADVOCATE), "--home", str(home), *words, "--json"], stdout=printed)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        if status != 0:
            raise SystemExit(f"`advocate {' '.join(words)}` ended with status {status}")
        printed.seek(0)
        said = json.load(printed)
        receipts = said.get("night", said)["receipts"]
        return Measured(seconds, usage.ru_maxrss / 1024, receipts)


def summary(rounds: list[Measured]) -> dict[str, Any]:
    """What several rounds of the same night took."""
    return {
        "seconds": round(median(one.seconds for one in rounds), 1),
        "slowest": round(max(one.seconds for one in rounds), 1),
        "peak_rss_mib": round(max(one.memory for one in rounds)),
        "steps": {receipt["step"]: receipt["seconds"] for receipt in rounds[-1].receipts},
    }


def main() -> None:
    """Measures and prints."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--rounds", type=int, default=3)
    rounds = options.parse_args().rounds
    first, later = [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder) / "home"
            first.append(run(home, "demo"))
            later.append(run(home, "nightly", "--day", DAY))
    print(json.dumps({"rounds": rounds, "first": summary(first), "later": summary(later)}, indent=1))


if __name__ == "__main__":
    main()
