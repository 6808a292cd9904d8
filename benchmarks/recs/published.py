"""What a night published for the demo's households, against what they bought in the month after it.

    python -m benchmarks.recs.published [--day 2017-11-30] [--days 31] [--home HOME]

Without `--home` it imports the demo's purchases into an empty home and runs the night first. The days after
the night are seen by nobody but this. Prints JSON: per slate NDCG@10 and recall@10 of the exported lists,
averaged over customers who bought such a product, and how often a list breaks a rule.
"""

import argparse
import json
import tempfile
from contextlib import nullcontext
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import recs.export
from advocate.demo import bring_in_demo
from features.events import bought
from features.interactions import Interactions
from features.steps import build_features
from recs.evaluation import K, ndcg_and_recall, truths
from recs.steps import recommend
from recs.world import history, number_of
from warehouse.lake import Lake
from warehouse.settings import Settings, load_settings


def measure(settings: Settings, day: date, days: int) -> dict[str, Any]:
    """Metrics and broken rules of the recommendations a night published for `day`."""
    lake = Lake.of(settings)
    later = history(settings, day + timedelta(days=days))
    known = later.before(number_of(day) + 1)
    after = later.lines.filter(pl.col("day") >= known.end).select("row", "column").unique()
    lists = recs.export.recommendations(settings, day).collect()
    slates = {}
    for slate, truth in truths(known, after).items():
        rows = np.flatnonzero(np.diff(truth.indptr))
        ndcg, recall = ndcg_and_recall(
            _columns(lists.filter(slate=slate), known.interactions)[rows], truth[rows]
        )
        slates[slate] = {
            f"ndcg@{K}": round(float(ndcg.mean()), 4),
            f"recall@{K}": round(float(recall.mean()), 4),
            "customers": len(rows),
        }
    return {"day": day.isoformat(), "days": days, "slates": slates, "broken": _broken(lake, lists, day)}


def _columns(lists: pl.DataFrame, known: Interactions) -> Any:
    """The first `K` products of each customer of the matrix as column numbers, -1 for none."""
    ids = np.full((len(known.customers), K), -1, np.int32)
    placed = (
        lists.filter(pl.col("rank") <= K)
        .join(pl.DataFrame({"customer_id": known.customers}).with_row_index("row"), on="customer_id")
        .join(pl.DataFrame({"product_id": known.products}).with_row_index("column"), on="product_id")
    )
    ids[placed["row"].to_numpy(), placed["rank"].to_numpy() - 1] = placed["column"].to_numpy()
    return ids


def _broken(lake: Lake, lists: pl.DataFrame, day: date) -> dict[str, int]:
    """How many rows break a rule that no list may break."""
    had = bought(lake, day).select("customer_id", "product_id").unique().collect(engine="streaming")
    on = ["customer_id", "product_id"]
    return {
        "discovered but bought before": lists.filter(slate="discover").join(had, on=on, how="semi").height,
        "to buy again but never bought": lists.filter(slate="buy_again").join(had, on=on, how="anti").height,
        "repeated": lists.height - lists.unique(["customer_id", "slate", "product_id"]).height,
        "two of one rank": lists.height - lists.unique(["customer_id", "slate", "rank"]).height,
        "unknown product": lists.join(had, on="product_id", how="anti").height,
    }


def main() -> None:
    """Measures and prints."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--day", type=date.fromisoformat, default=date(2017, 11, 30))
    options.add_argument("--days", type=int, default=31)
    options.add_argument("--home", type=Path)
    chosen = options.parse_args()
    with nullcontext(chosen.home) if chosen.home else tempfile.TemporaryDirectory() as folder:
        settings = load_settings(home=Path(folder))
        if not chosen.home:
            bring_in_demo(settings)
            build_features(settings, chosen.day)
            recommend(settings, chosen.day)
        print(json.dumps(measure(settings, chosen.day, chosen.days), indent=1))


if __name__ == "__main__":
    main()
