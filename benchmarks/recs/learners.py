"""Which library should learn the second stage: LightGBM or scikit-learn's HistGradientBoosting.

    python -m benchmarks.recs.learners --home HOME [--day 2017-10-31]

Both learn from the same examples of the past, one thread each, with the same number and size of trees, and
rank the same candidates on the newest fold of `--day`. HOME holds the demo's purchases
(`advocate --home HOME import complete-journey`). Prints JSON: NDCG@10 per slate, seconds to learn
and to rank.
"""

import argparse
import json
import time
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from recs.evaluation import fold, measure
from recs.fitting import Fits
from recs.protocol import Scores
from recs.ranker import Ranker
from recs.ranker.training import ROUNDS, Booster, Examples, learn, signal_names, windows
from recs.world import history
from warehouse.settings import load_settings


class HistGradientBoosting:
    """scikit-learn's, under the same verb as `Booster`."""

    text = ""

    def __init__(self, found: Examples, seed: int) -> None:
        from sklearn.ensemble import HistGradientBoostingClassifier

        self.model = HistGradientBoostingClassifier(
            learning_rate=0.06, max_iter=ROUNDS, max_leaf_nodes=31, min_samples_leaf=200, max_bins=63,
            max_features=0.5, l2_regularization=5, early_stopping=False, random_state=seed,
        )  # fmt: skip
        self.model.fit(found.signals, found.bought, sample_weight=found.weight)

    def probability(self, signals: Scores) -> Scores:
        """The probability of a purchase for each row of signals, (P,)."""
        return np.asarray(self.model.predict_proba(signals)[:, 1], np.float32)


def main() -> None:
    """Measures and prints."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--home", type=Path, required=True)
    options.add_argument("--day", type=date.fromisoformat, default=date(2017, 10, 31))
    chosen = options.parse_args()
    settings = load_settings(home=chosen.home)
    past = fold(history(settings, chosen.day), settings.recs.judge_days)
    fits = Fits(settings)
    ranker = fits.get(Ranker.name, past.history)
    assert isinstance(ranker, Ranker)
    found = Examples.joined(
        [ranker.examples(past.history, end) for end in windows(past.history, ranker.days)]
    )
    result: dict[str, Any] = {"examples": len(found.bought)}
    for name in ("lightgbm", "scikit-learn"):
        started = time.perf_counter()
        learner: Booster | HistGradientBoosting | None
        with threadpool_limits(1):
            if name == "lightgbm":
                learner = learn(found, signal_names(ranker.pool), settings.seed)
            else:
                learner = HistGradientBoosting(found, settings.seed)
            learned = time.perf_counter()
            assert learner is not None
            ranker.use(learner)
            ndcg = {slate: measure(ranker, past, slate)["ndcg@10"] for slate in past.truth}
        result[name] = {
            "learn_seconds": round(learned - started, 1),
            "rank_seconds": round(time.perf_counter() - learned, 1),
            "ndcg@10": {slate: round(value, 4) for slate, value in ndcg.items()},
        }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
