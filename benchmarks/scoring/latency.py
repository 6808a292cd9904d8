"""How long a shop waits for the `Scorer` in its own process, one thread.

    python -m benchmarks.scoring.latency HOME [--questions 5000] [--call recommend for_basket score]

HOME is a demo home, or one that `python -m benchmarks.scoring.made HOME` made. Every call is for another
customer or basket, drawn at random from those of the current bundle; the first tenth of them is not counted.
Prints a table, then JSON.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.scoring.asking import N, Questions
from recs.bundle import Bundle
from recs.scoring import Scorer
from warehouse.settings import load_settings

BOUNDS = {"recommend": 2.0, "for_basket": 15.0, "score": 3.0}
"""The 99th percentile in ms, at most."""

RANKED = 200
"""Products in a list that a shop wants ranked."""

Call = Callable[[int], object]


def calls(scorer: Scorer, asked: Questions, opened: Bundle) -> dict[str, Call]:
    """Each kind of call, by the number of its question."""
    chance, products = np.random.default_rng(1), opened.products
    size = min(RANKED, len(products))
    lists = [products.gather(chance.choice(len(products), size, replace=False)).to_list() for _ in range(500)]

    def for_basket(number: int) -> object:
        basket, views = asked.baskets[number]
        return scorer.for_basket(basket, views=tuple(views), n=N)

    return {
        "recommend": lambda number: scorer.recommend(asked.customers[number], "for_you", N),
        "for_basket": for_basket,
        "score": lambda number: scorer.score(asked.customers[number], lists[number % len(lists)]),
    }


def timed(call: Call, questions: int) -> dict[str, float]:
    """Percentiles of the calls' milliseconds."""
    took = np.empty(questions)
    for number in range(questions):
        begun = time.perf_counter_ns()
        call(number)
        took[number] = time.perf_counter_ns() - begun
    counted = took[questions // 10 :] / 1e6
    p50, p99 = np.percentile(counted, [50, 99])
    return {"p50_ms": round(p50, 3), "p99_ms": round(p99, 3), "max_ms": round(counted.max(), 3)}


def main() -> None:
    """Measures and prints."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("home", type=Path)
    options.add_argument("--questions", type=int, default=5000)
    options.add_argument("--call", nargs="+", choices=list(BOUNDS), default=list(BOUNDS))
    chosen = options.parse_args()
    settings = load_settings(home=chosen.home)
    scorer = Scorer.open(settings)
    opened = Bundle.open(settings, scorer.bundle_id)
    kinds = calls(scorer, Questions.of(settings, scorer.bundle_id, chosen.questions), opened)
    found = {name: timed(kinds[name], chosen.questions) for name in chosen.call}
    print("| call | p50 (ms) | p99 (ms) | longest (ms) | bound on p99 (ms) |\n|---|---|---|---|---|")
    for name, row in found.items():
        print(f"| `{name}` | {' | '.join(map(str, row.values()))} | {BOUNDS[name]:g} |")
    size = {"customers": len(opened.customers), "products": len(opened.products)}
    print(json.dumps(size | {"questions": chosen.questions} | found))


if __name__ == "__main__":
    main()
