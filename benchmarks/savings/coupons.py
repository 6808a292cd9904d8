"""How well the chance of a use ranks the Complete Journey's coupons, against counting.

    python -m benchmarks.savings.coupons [--start 2017-10-01] [--end DAY] [--types A B C] [--json]

Judged is every pair of household and coupon of the campaigns that begin on `--start` or later (and end before
`--end`, if given); the model learns from campaigns that ended before `--start` only. The default is what
docs/benchmarks.md reports; the model was chosen with `--start 2017-07-01 --end 2017-10-01`.
"""

import argparse
import json
from datetime import date, datetime
from typing import Any

import numpy as np
import polars as pl

from benchmarks.savings.households import read_records
from benchmarks.savings.ranks import TOPS, Numbers, measure
from outreach.coupons.chances import learned_chances
from outreach.coupons.histories import described
from outreach.coupons.records import Records
from recs.metrics import Interval
from warehouse import clock
from warehouse.settings import Settings

BASELINES = {"purchase frequency": "own_orders", "past redemptions": "customer_uses"}


def main() -> None:
    """Measures and prints."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--start", type=date.fromisoformat, default=date(2017, 10, 1))
    options.add_argument("--end", type=date.fromisoformat)
    options.add_argument("--types", nargs="+", choices=("A", "B", "C"), default=["A", "B", "C"])
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    start = clock.start_of(chosen.start)
    end = clock.start_of(chosen.end) if chosen.end else None
    result = judge(read_records(tuple(f"Type {t}" for t in chosen.types)), start, end)
    print(json.dumps(result) if chosen.json else _table(result), flush=True)


def judge(records: Records, start: datetime, end: datetime | None) -> dict[str, Any]:
    """Judges the model and the baselines on the campaigns that begin at `start` or later."""
    settings = Settings()
    judged = records.holdings.filter(pl.col("starts_at") >= start)
    if end is not None:
        judged = judged.filter(pl.col("ends_at") <= end)
    found = learned_chances(records, judged, start, settings)
    if found is None:
        raise SystemExit(f"too few coupons of campaigns that ended before {start:%Y-%m-%d} were used")
    counted = described(records, judged).select(
        pl.col(name).fill_null(0).alias(label) for label, name in BASELINES.items()
    )
    scores = {"advocate": found["probability"].to_numpy()} | {
        label: counted[label].to_numpy() for label in BASELINES
    }
    used = found["used_at"].is_not_null().to_numpy()
    households, campaigns = (_numbers(found[name]) for name in ("customer_id", "campaign"))
    return {
        "pairs": len(used),
        "redeemed": int(used.sum()),
        "expected": _expected(used, scores["advocate"]),
        "models": {
            name: measure(used, score, households, campaigns, settings.seed) for name, score in scores.items()
        },
    }


def _expected(used: "np.ndarray[Any, np.dtype[np.bool_]]", chances: Numbers) -> dict[str, list[float]]:
    """How many uses the probabilities promise, and how many there were: of the first, and of all."""
    order = np.argsort(-chances, kind="stable")
    tops = {f"first {top:,}": order[:top] for top in TOPS} | {"all": order}
    return {
        name: [round(float(chances[part].sum()), 1), int(used[part].sum())] for name, part in tops.items()
    }


def _numbers(names: pl.Series) -> "np.ndarray[Any, np.dtype[np.int64]]":
    return np.unique(names.to_numpy(), return_inverse=True)[1].astype(np.int64)


def _table(result: dict[str, Any]) -> str:
    lines = [
        f"{result['pairs']:,} pairs, {result['redeemed']:,} redeemed",
        "",
        "| ranked by | AUC | AUC within campaigns | " + " | ".join(f"first {top:,}" for top in TOPS) + " |",
        "|---|---|---|" + "---|" * len(TOPS),
    ]
    for name, figures in result["models"].items():
        cells = [_cell(figure, 3 if key.startswith("auc") else 0) for key, figure in figures.items()]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines += ["", "| advocate's probabilities | uses expected | uses |", "|---|---|---|"]
    lines += [f"| {name} | {round(most)} | {uses} |" for name, (most, uses) in result["expected"].items()]
    return "\n".join(lines)


def _cell(figure: Interval, places: int) -> str:
    mean, low, high = (f"{value:,.{places}f}" for value in figure)
    return f"{mean} ({low} … {high})"


if __name__ == "__main__":
    main()
