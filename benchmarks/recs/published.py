"""What a night published, against what its customers bought in the month after it.

    python -m benchmarks.recs.published [--day 2017-11-30] [--days 31] [--home HOME] [--against]
    python -m benchmarks.recs.published --less few|short|bare
    python -m benchmarks.recs.published --online-retail FILE --day 2011-10-31

Without `--home` it imports the demo's purchases (or the UCI Online Retail file) into an empty home and runs
the night first; `--less` keeps of them those of 300 customers, those of the four months before the night,
or purchases alone without any product data. The days after the night are seen by nobody but this. Prints
JSON: per slate NDCG@10 and recall@10 of the exported lists, averaged over customers who bought such a
product, and how often a list breaks a rule. `--against` fits every single model on what the night knew,
with the night's parameters, and adds for each slate its NDCG@10 and the mean and 95 % interval of the
paired difference.
"""

import argparse
import json
import tempfile
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import recs.export
from advocate.database import upgrade
from features.events import bought
from features.feeds import Delivery
from features.feeds.complete_journey import read_complete_journey
from features.feeds.online_retail import read_online_retail
from features.importing import bring_in
from features.interactions import Interactions
from features.steps import build_features
from recs.bundle import SLATES
from recs.evaluation import Fold, K, fold
from recs.evaluation import lists as ranked_lists
from recs.fitting import Fits
from recs.metrics import Hits, paired
from recs.recommenders import NAMES
from recs.recommenders.base import MIN_BUYERS
from recs.steps import recommend
from recs.tuning import Tuning, known
from recs.world import history, load
from warehouse.lake import Lake
from warehouse.settings import Settings, load_settings

FEW, MONTHS = 300, 4


def measure(settings: Settings, day: date, days: int, *, against: bool = False) -> dict[str, Any]:
    """Metrics and broken rules of the recommendations a night published for `day`."""
    lake = Lake.of(settings)
    past = fold(history(settings, day + timedelta(days=days)), days)
    lists = recs.export.recommendations(settings, day).collect()
    ours = {
        slate: _columns(lists.filter(slate=slate), past.history.interactions)[past.customers(slate)]
        for slate in SLATES
    }
    hits = {slate: Hits.of(ids, past.asked(slate)) for slate, ids in ours.items() if len(ids)}
    found: dict[str, Any] = {
        slate: {
            f"ndcg@{K}": round(float(hit.ndcg().mean()), 4),
            f"recall@{K}": round(float(hit.recall().mean()), 4),
            "customers": len(hit.possible),
        }
        for slate, hit in hits.items()
    }
    if against:
        for slate, compared in _compared(settings, day, past, hits).items():
            found[slate]["against"] = compared
    return {"day": day.isoformat(), "days": days, "slates": found, "broken": _broken(lake, lists, day)}


def _compared(
    settings: Settings, day: date, past: Fold, ours: Mapping[str, Hits]
) -> dict[str, dict[str, dict[str, float]]]:
    """By slate and single model its NDCG, and how much better the published lists are.

    Single models are asked only about the products that count, those with `MIN_BUYERS` buyers, for the ranker
    puts the others last.
    """
    found: dict[str, dict[str, dict[str, float]]] = {slate: {} for slate in ours}
    counted = past.history.buyers >= MIN_BUYERS
    fits = Fits(settings, (known(settings, load(settings, day)) or Tuning()).models)
    for name in NAMES:
        ranked = ranked_lists(fits.get(name, past.history), past, list(ours), K, counted)
        for slate, hits in ours.items():
            theirs = Hits.of(ranked[slate][0], past.asked(slate)).ndcg()
            better = paired(hits.ndcg(), theirs, settings.seed)
            found[slate][name] = {
                f"ndcg@{K}": round(float(theirs.mean()), 4),
                **{part: round(value, 4) for part, value in better._asdict().items()},
            }
    return found


def less_of(delivery: Delivery, kind: str, day: date) -> Delivery:
    """A delivery with fewer customers, fewer months, or nothing but purchases."""
    bought_lines = delivery.tables["purchases"]
    if kind == "few":
        drawn = pl.col("customer_id").hash(seed=1).rank("dense") <= FEW
        ids = bought_lines.select(pl.col("customer_id").unique()).filter(drawn)
        bought_lines = bought_lines.join(ids, on="customer_id", how="semi")
    if kind == "short":
        first = pl.lit(day).dt.offset_by(f"-{MONTHS}mo").dt.strftime("%Y-%m-%d")
        bought_lines = bought_lines.filter(pl.col("purchased_at").cast(pl.String) > first)
    tables = {} if kind == "bare" else dict(delivery.tables)
    return replace(delivery, tables=tables | {"purchases": bought_lines})


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
    options.add_argument("--online-retail", type=Path)
    options.add_argument("--less", choices=["few", "short", "bare"])
    options.add_argument("--against", action="store_true")
    chosen = options.parse_args()
    with nullcontext(chosen.home) if chosen.home else tempfile.TemporaryDirectory() as folder:
        settings = load_settings(home=Path(folder))
        if not chosen.home:
            upgrade(settings)
            delivery = (
                read_online_retail(chosen.online_retail) if chosen.online_retail else read_complete_journey()
            )
            bring_in(settings, less_of(delivery, chosen.less, chosen.day) if chosen.less else delivery)
            build_features(settings, chosen.day)
            recommend(settings, chosen.day)
        print(json.dumps(measure(settings, chosen.day, chosen.days, against=chosen.against), indent=1))


if __name__ == "__main__":
    main()
