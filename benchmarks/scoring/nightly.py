"""The best products of a million customers, written to Parquet: how long, and how much memory.

    python -m benchmarks.scoring.nightly [--customers 1000000] [--products 100000] [--length 64] [--k 20]

Random factors, all of about one norm: the case that can be cut short least. Each customer has 25 products
left out. Memory is the peak resident set of the process less what it was when factors and exclusions were
there; it can only be overstated, for making these has a peak of its own. Prints JSON.
"""

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.scoring.topk import K, exclusions, factors
from recs.topk import ItemIndex, stream, top_k

_STATUS = Path("/proc/self/status")


def resident() -> float:
    """The resident set of this process, MiB."""
    lines = dict(line.split(":", 1) for line in _STATUS.read_text().splitlines())
    return int(lines["VmRSS"].split()[0]) / 1024


def main() -> None:
    """Measures and prints."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--customers", type=int, default=1_000_000)
    options.add_argument("--products", type=int, default=100_000)
    options.add_argument("--length", type=int, default=64)
    options.add_argument("--k", type=int, default=K)
    chosen = options.parse_args()
    chance = np.random.default_rng(0)
    asking = chance.standard_normal((chosen.customers, chosen.length), dtype=np.float32)
    asked = factors("random", chosen.products, chosen.length, chance)
    bought = exclusions(chosen.customers, chosen.products, chance)
    top_k(asking[:20], asked, 1, exclude=bought[:20])  # compiles
    before, begun = resident(), time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="advocate-benchmark-") as folder:
        out = Path(folder) / "lists.parquet"
        stream(asking, ItemIndex.of(asked), chosen.k, exclude=bought).sink_parquet(out, engine="streaming")
        seconds = time.perf_counter() - begun
        rows = pl.scan_parquet(out).select(pl.len()).collect().item()
        size = out.stat().st_size / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        json.dumps(
            {
                "customers": chosen.customers,
                "products": chosen.products,
                "rows": rows,
                "seconds": round(seconds, 1),
                "file_mib": round(size),
                "memory_above_factors_gib": round((peak - before) / 1024, 2),
            }
        )
    )


if __name__ == "__main__":
    main()
