"""Other libraries' models and ours, side by side, on what customers bought in the month after a night.

    python -m benchmarks.recs.peers [--cutoff 2017-11-01] [--days 30] [--seconds 60] [--library implicit ...]
                                    [--feed online-retail FILE] [--home HOME] [--ours FILE]
                                    [--environment FOLDER]

Each library is installed, as `requirements/<library>.txt` pins it, in an environment of its own below
`--environment`, and its models run there on one thread, with the library's defaults and tuned for `--seconds`
of processor time each on an earlier month. They see no more than the purchases before the cutoff. Judged as
`recs.evaluation` judges. Ours is what the night before the cutoff publishes: a file that `advocate export
recommendations` wrote for that day (`--ours`), else that night is run in `--home`, else in an empty home.
Prints a table to standard error and JSON to standard output: for each model and slate NDCG@10 with its 95 %
interval, parameters, processor seconds to fit, and the 95 % interval of ours minus it, customer by customer.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from contextlib import nullcontext
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy.sparse import save_npz

import recs.export
from advocate.database import upgrade
from benchmarks.recs.peer_models import LIBRARIES
from features.feeds.complete_journey import read_complete_journey
from features.feeds.online_retail import read_online_retail
from features.importing import bring_in
from features.steps import build_features
from recs.bundle import SLATES
from recs.evaluation import Fold, K, fold, shown
from recs.metrics import Hits, Values, interval, paired
from recs.protocol import Ids
from recs.recommenders import make
from recs.recommenders.base import MIN_BUYERS
from recs.steps import recommend
from recs.world import history
from warehouse.settings import Settings, load_settings

ROOT = Path(__file__).parents[2]
REQUIREMENTS = Path(__file__).with_name("requirements")
COUNTS = ("popularity", "frequency")
SEED = 0
_ONE_THREAD = dict.fromkeys(
    (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "RAYON_NUM_THREADS",
        "LK_NUM_THREADS",
        "LK_NUM_BACKEND_THREADS",
        "LK_NUM_PROCS",
    ),
    "1",
)

Row = dict[str, Any]
Lists = dict[str, Ids]


def python_of(library: str, environments: Path) -> Path:
    """The Python of a library's environment, made where it is not there or was pinned otherwise.

    Raises:
        subprocess.CalledProcessError: it did not install; `stderr` says why.
    """
    folder, pins = environments / library, REQUIREMENTS / f"{library}.txt"
    python, stamp = folder / "bin" / "python", folder / "installed"
    digest = hashlib.sha256(pins.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return python
    uv = Path(sys.executable).with_name("uv")
    for words in (
        ["venv", "--clear", "--python", sys.executable, str(folder)],
        ["pip", "install", "--python", str(python), "--requirement", str(pins)],
    ):
        subprocess.run([str(uv), "--quiet", *words], check=True, capture_output=True, text=True)
    stamp.write_text(digest)
    return python


def write_known(folder: Path, past: Fold, *, truth: bool) -> Ids:
    """Writes what peers may see of a fold; returns its products, the most bought first, as our columns."""
    folder.mkdir(parents=True)
    buyers, known = past.history.buyers, past.history.interactions
    columns = np.flatnonzero(buyers >= MIN_BUYERS).astype(np.int32)
    columns = columns[np.argsort(-buyers[columns], kind="stable")]
    told = {"counts": known.counts, "decayed": known.weights} | (past.truth if truth else {})
    for name, matrix in told.items():
        of_products = matrix[:-1, columns]  # the last row is nobody's
        of_products.sort_indices()
        save_npz(folder / f"{name}.npz", of_products)
    return columns


def run_library(library: str, folder: Path, environments: Path, seconds: float) -> list[Row]:
    """The rows of a library's models, with lists over the products of `write_known`; one row if it fails."""
    try:
        python = python_of(library, environments)
        words = ["-m", "benchmarks.recs.peer_runner", library, str(folder), "--seconds", str(seconds)]
        subprocess.run(
            [str(python), *words, "--seed", str(SEED)],
            cwd=ROOT,
            env=os.environ | _ONE_THREAD | {"PYTHONWARNINGS": "ignore"},
            stdout=subprocess.DEVNULL,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        why = error.stderr.strip().splitlines()[-1] if error.stderr else f"it ended with {error.returncode}"
        return [{"library": library, "failed": why, "lists": {}}]
    rows: list[Row] = json.loads((folder / f"{library}.json").read_text())
    with np.load(folder / f"{library}.npz", allow_pickle=False) as lists:
        for number, row in enumerate(rows):
            row["lists"] = {s: lists[f"{number}.{s}"] for s in row.get("slates", {})}
    return rows


def ours(settings: Settings, past: Fold, night: date, given: Path | None) -> Row:
    """What a night publishes, as lists over all our columns."""
    if given:
        published = pl.read_parquet(given)
    else:
        build_features(settings, night)
        recommend(settings, night)
        published = recs.export.recommendations(settings, night).collect()
    known = past.history.interactions
    placed = (
        published.filter(pl.col("rank") <= K)
        .join(pl.DataFrame({"customer_id": known.customers}).with_row_index("row"), on="customer_id")
        .join(pl.DataFrame({"product_id": known.products}).with_row_index("column"), on="product_id")
    )
    lists = {slate: np.full((len(known.customers) + 1, K), -1, np.int32) for slate in SLATES}
    for slate, ids in lists.items():
        mine = placed.filter(slate=slate)
        ids[mine["row"].to_numpy(), mine["rank"].to_numpy() - 1] = mine["column"].to_numpy()
    return _of_ours("published", lists)


def counts(settings: Settings, past: Fold, name: str) -> Row:
    """One of our two tables of counts; its lists are of the judged customers only."""
    model = make(name, settings).fit(past.history)
    return _of_ours(name, {slate: shown(model, past, slate) for slate in SLATES})


def _of_ours(model: str, lists: Lists) -> Row:
    return {"library": "advocate", "model": model, "lists": lists, "slates": {slate: {} for slate in SLATES}}


def judged(row: Row, past: Fold) -> dict[str, Values]:
    """NDCG@10 of each judged customer, by slate, taking the lists out of the row."""
    lists: Lists = row.pop("lists")
    found = {}
    for slate, ids in lists.items():
        rows = past.customers(slate)
        found[slate] = Hits.of(ids if len(ids) == len(rows) else ids[rows], past.asked(slate)).ndcg()
    return found


def measure(settings: Settings, given: argparse.Namespace) -> dict[str, Any]:
    """All rows, ours first, then by NDCG@10 of `for_you`."""
    last = given.cutoff + timedelta(days=given.days - 1)
    past = fold(history(settings, last), given.days)
    rows = [ours(settings, past, given.cutoff - timedelta(days=1), given.ours)]
    rows += [counts(settings, past, name) for name in COUNTS]
    with tempfile.TemporaryDirectory(prefix="advocate-peers-") as name:
        folder = Path(name)
        columns = np.append(write_known(folder / "known", past, truth=False), -1)
        write_known(folder / "earlier", fold(past.history, given.days), truth=True)
        for library in given.library:
            peers = run_library(library, folder, given.environment, given.seconds)
            for row in peers:
                row["lists"] = {slate: columns[ids] for slate, ids in row["lists"].items()}
            rows += peers
    values = [judged(row, past) for row in rows]
    for row, found in zip(rows, values, strict=True):
        for slate, ndcg in found.items():
            one, minus = interval(ndcg, SEED), paired(values[0][slate], ndcg, SEED)
            row["slates"][slate] |= {
                f"ndcg@{K}": round(one.mean, 4),
                "interval": [round(one.low, 4), round(one.high, 4)],
                "ours_minus": [round(minus.low, 4), round(minus.high, 4)],
            }
    rows[1:] = sorted(rows[1:], key=lambda row: -_value(row, "for_you"))
    customers = {slate: len(past.customers(slate)) for slate in SLATES}
    asked = {"cutoff": given.cutoff.isoformat(), "days": given.days, "seconds": given.seconds, "seed": SEED}
    return asked | {"products": len(columns) - 1, "customers": customers, "rows": rows}


def _value(row: Row, slate: str) -> float:
    return float(row["slates"][slate][f"ndcg@{K}"]) if "slates" in row else -1.0


def as_markdown(result: dict[str, Any]) -> str:
    """The result as the table that docs/benchmarks.md shows.

    A + marks where the interval of ours minus the model lies above 0. Tried: the sets of parameters a tuned
    model was chosen from: with few of them it is hardly tuned.
    """
    lines = [
        f"| model | {' | '.join(f'`{slate}`' for slate in SLATES)} | seconds | tried |",
        "|---" * 6 + "|",
    ]
    for row in result["rows"]:
        name = " ".join(
            filter(None, (row["library"], row.get("version"), row.get("model"), row.get("variant")))
        )
        if "failed" in row:
            lines.append(f"| {name} | failed: {row['failed']} | | | | |")
            continue
        cells = [_cell(row["slates"][slate]) for slate in SLATES]
        fits = [said["seconds"] for said in row["slates"].values() if "seconds" in said]
        lines.append(
            f"| {name} | {' | '.join(cells)} | {max(fits, default='')} | {row.get('trials') or ''} |"
        )
    return "\n".join(lines)


def _cell(said: dict[str, Any]) -> str:
    low, high = said["interval"]
    return f"{said[f'ndcg@{K}']:.3f} ({low:.3f} … {high:.3f}){' +' if said['ours_minus'][0] > 0 else ''}"


def options() -> argparse.ArgumentParser:
    """What can be asked on the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cutoff", type=date.fromisoformat, default=date(2017, 11, 1))
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--library", nargs="+", choices=LIBRARIES, default=list(LIBRARIES))
    parser.add_argument("--feed", nargs=2, metavar=("online-retail", "FILE"))
    parser.add_argument("--home", type=Path)
    parser.add_argument("--ours", type=Path)
    parser.add_argument(
        "--environment", type=Path, default=Path(tempfile.gettempdir()) / "advocate-peers-environments"
    )
    return parser


def main() -> None:
    """Measures and prints."""
    parser = options()
    given = parser.parse_args()
    if given.feed and given.feed[0] != "online-retail":
        parser.error(f"--feed knows online-retail FILE; got {given.feed[0]!r}")
    with nullcontext(given.home) if given.home else tempfile.TemporaryDirectory() as folder:
        settings = load_settings(home=Path(folder))
        upgrade(settings)
        bring_in(settings, read_online_retail(Path(given.feed[1])) if given.feed else read_complete_journey())
        result = measure(settings, given)
    print(as_markdown(result), file=sys.stderr)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
