"""The finders that rest on prices, against the same rules in DuckDB: seconds, ratio, memory, equal claims.

    python -m benchmarks.savings.speed [--rows 100_000_000] [--rounds 3] [--folder DIR]

makes purchases and views, `--rows` of both together, and a hundredth as many changed prices: as a home's
lake for us, as plain Parquet files for DuckDB. With `--folder` they are kept and used again. Both find the
claims of `price_guarantee`, `price_drop` and `watched_price_drop` (as far as they are registered) in turns,
in processes of their own with two threads; ours also write ids and evidence. Exits 1 where they do not find
the same claims.
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

import polars as pl

from benchmarks.savings.made import DAY, Shop, make
from benchmarks.savings.world import THREADS, connected, peak_gib, statement, tell
from features.contract import CONTRACTS
from outreach.finders import FINDERS
from outreach.world import world_of
from warehouse import clock
from warehouse.settings import load_settings

KINDS = [kind for kind in ("price_guarantee", "price_drop", "watched_price_drop") if kind in FINDERS]
SIDES = ("ours", "duckdb")
COMPARED = ["order_id", "line_id", "product_id", "customer_id", "claim_minor", "currency"]


def ours(folder: Path) -> None:
    """Our finders, over the lake."""
    settings = load_settings(home=folder / "home")
    world = world_of(settings, DAY)
    for kind in KINDS:
        found = FINDERS[kind].find(world, settings.outreach, DAY)
        found.collect(engine="streaming").write_parquet(folder / f"ours-{kind}.parquet")


def duckdb(folder: Path) -> None:
    """The same rules as SQL, over the plain files."""
    settings = load_settings(home=folder / "home")
    with connected() as connection:
        for name, contract in CONTRACTS.items():
            files = str(folder / "plain" / name / "*.parquet").replace("'", "''")
            at = contract.table.at
            connection.execute(
                f"CREATE VIEW {name} AS SELECT *{_known(name)} FROM read_parquet('{files}') "
                + (f"WHERE \"{at}\" < getvariable('end_at')" if at else "")
            )
        tell(connection, settings.outreach, DAY)
        for name in ("base", "price_lines", *(["looks"] if "watched_price_drop" in KINDS else [])):
            connection.execute(statement(name))
        for kind in KINDS:
            out = str(folder / f"duckdb-{kind}.parquet").replace("'", "''")
            connection.execute(f"COPY ({statement(kind)}) TO '{out}'")


def _known(name: str) -> str:
    """What `Lake.scan` adds, and the later facts it hides."""
    if name != "purchases":
        return ""
    hidden = ", ".join(
        f"CASE WHEN {column} < getvariable('end_at') THEN {column} END AS {column}"
        for column in ("dispatched_at", "delivered_at")
    )
    return f" REPLACE ({hidden}), true AS dispatched_at_known, false AS delivered_at_known"


def measure(who: str, folder: Path) -> dict[str, float]:
    """Seconds, processor seconds of all threads, and peak memory of one run, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.savings.speed", "--only", who, "--folder", str(folder)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "POLARS_MAX_THREADS": str(THREADS)},
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def run_only(who: str, folder: Path) -> None:
    """What `measure` starts."""
    started, worked = time.perf_counter(), time.process_time()
    {"ours": ours, "duckdb": duckdb}[who](folder)
    seconds, cpu = time.perf_counter() - started, time.process_time() - worked
    json.dump({"seconds": round(seconds, 2), "cpu": round(cpu, 2), "peak_gib": peak_gib()}, sys.stdout)


def claims_of(who: str, kind: str, folder: Path) -> pl.LazyFrame:
    """What one side claims of a kind: amounts that reach the minimum, in a form both sides share."""
    found = pl.scan_parquet(folder / f"{who}-{kind}.parquet")
    names = found.collect_schema().names()
    least = pl.col("least_minor").fill_null(1) if "least_minor" in names else pl.lit(1)
    return found.filter(pl.col("claim_minor") >= least).select(
        (pl.col(name) if name in names else pl.lit(None))
        .cast(pl.Int64 if name == "claim_minor" else pl.String)
        .alias(name)
        for name in COMPARED
    )


def differences(folder: Path) -> dict[str, dict[str, int]]:
    """Per kind: claims of each side, and how many only one of them has."""
    found: dict[str, dict[str, int]] = {}
    for kind in KINDS:
        one, two = (claims_of(who, kind, folder) for who in SIDES)
        counts = [
            frame.select(pl.len())
            for frame in (
                one,
                two,
                one.join(two, on=COMPARED, how="anti", nulls_equal=True),
                two.join(one, on=COMPARED, how="anti", nulls_equal=True),
            )
        ]
        numbers = [counted.item() for counted in pl.collect_all(counts, engine="streaming")]
        found[kind] = dict(zip(("ours", "duckdb", "only_ours", "only_duckdb"), numbers, strict=True))
    return found


def run(folder: Path, rows: int, rounds: int) -> dict[str, Any]:
    """Makes the data where it is not there, and measures both sides in turns."""
    started = time.perf_counter()
    said = folder / f"made-{rows}.json"
    if not said.is_file():
        if (folder / "home").exists():
            raise SystemExit(f"{folder} holds other or unfinished data; name an empty folder, or remove it")
        made = make(load_settings(home=folder / "home"), folder / "plain", Shop(rows))
        said.write_text(json.dumps(made))
    making = time.perf_counter() - started
    runs: dict[str, list[dict[str, float]]] = {who: [] for who in SIDES}
    for _ in range(rounds):
        for who, done in runs.items():
            done.append(measure(who, folder))
    seconds, cpu = (
        {who: median(one[what] for one in done) for who, done in runs.items()} for what in ("seconds", "cpu")
    )
    return {
        "rows": rows,
        "tables": json.loads(said.read_text()),
        "made_in": round(making, 1),
        "day": str(clock.start_of(DAY).date()),
        "kinds": KINDS,
        "threads": THREADS,
        "ratio": round(seconds["ours"] / seconds["duckdb"], 2),
        "cpu_ratio": round(cpu["ours"] / cpu["duckdb"], 2),
        "seconds": seconds,
        "cpu": cpu,
        "peak_gib": {who: max(one["peak_gib"] for one in done) for who, done in runs.items()},
        "runs": runs,
        "claims": differences(folder),
    }


def as_markdown(result: dict[str, Any]) -> str:
    """The result as the table that docs/benchmarks.md shows."""
    head = ["| | seconds (median) | processor seconds | peak memory (GiB) |", "|---|---|---|---|"]
    columns = ("seconds", "cpu", "peak_gib")
    rows = [f"| {who} | " + " | ".join(f"{result[name][who]}" for name in columns) + " |" for who in SIDES]
    kinds = ", ".join(result["kinds"])
    said = f"Ours takes {result['ratio']} × DuckDB's time for {kinds}; {result['rows']:,} rows."
    return "\n".join([*head, *rows, "", said])


def main() -> None:
    """Measures from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=100_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--only", choices=SIDES, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.only:
        run_only(given.only, given.folder)
        return
    with tempfile.TemporaryDirectory(prefix="advocate-speed-") as scratch:
        result = run(given.folder or Path(scratch), given.rows, given.rounds)
    print(as_markdown(result))
    print(json.dumps(result))
    apart = sum(one["only_ours"] + one["only_duckdb"] for one in result["claims"].values())
    sys.exit(1 if apart else 0)


if __name__ == "__main__":
    main()
