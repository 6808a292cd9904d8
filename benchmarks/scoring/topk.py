"""Exact top-k against `implicit`, over many shapes: from one customer to tens of thousands.

    python -m benchmarks.scoring.topk [--rounds 5] [--most 4e10] [--kind random skewed]
                                      [--users …] [--items …] [--factors …]
                                      [--peer implicit|faiss] [--blas]

Both sides get the same float32 factors, leave out the same 25 products of each customer and use every core;
our index is prepared before. Rounds alternate; the ratio is the median of the peer's seconds over ours.
Shapes with more than `--most` multiplications are left out. Prints a Markdown table, then
the worst ratio as JSON.
"""

import argparse
import itertools
import json
import time
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from statistics import median

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recs.topk import ItemIndex, top_k

Factors = NDArray[np.float32]

USERS, ITEMS, FACTORS, K = (1, 16, 256, 4096, 65_536), (1_000, 10_000, 100_000, 1_000_000), (16, 64, 256), 20
EXCLUDED = 25
_LEAST_SECONDS = 0.02
"""What one timed round takes at least: a short question is asked again and again."""


def factors(kind: str, items: int, length: int, chance: np.random.Generator) -> Factors:
    """(I, F) factors: all of about one norm, or of norms that fall like popularity."""
    found = chance.standard_normal((items, length), dtype=np.float32)
    if kind == "skewed":
        found *= (np.arange(1, items + 1, dtype=np.float32) ** -0.5)[chance.permutation(items), None]
    return found


def exclusions(customers: int, products: int, chance: np.random.Generator) -> csr_matrix:
    """A (U, I) pattern of `EXCLUDED` products for each customer."""
    step = products // EXCLUDED  # one in each range of so many: never the same twice
    columns = chance.integers(0, step, (customers, EXCLUDED), dtype=np.int32)
    columns += np.arange(EXCLUDED, dtype=np.int32) * np.int32(step)
    indptr = np.arange(customers + 1, dtype=np.int64) * EXCLUDED
    ones = np.ones(columns.size, np.float32)
    return csr_matrix((ones, columns.ravel(), indptr), shape=(customers, products))


def seconds(ask: Callable[[], object]) -> float:
    """How long one question takes."""
    asked, begun = 0, time.perf_counter()
    while True:
        ask()
        asked += 1
        spent = time.perf_counter() - begun
        if spent >= _LEAST_SECONDS:
            return spent / asked


def implicit(asking: Factors, asked: Factors, bought: csr_matrix) -> Callable[[], object]:
    """`implicit`'s way."""
    peer, everyone = AlternatingLeastSquares(factors=asked.shape[1]), np.arange(len(asking))
    peer.user_factors, peer.item_factors = asking, asked
    return lambda: peer.recommend(everyone, bought, N=K, filter_already_liked_items=True)


def faiss(asking: Factors, asked: Factors, bought: csr_matrix) -> Callable[[], object]:  # noqa: ARG001
    """The flat index of faiss, which leaves nobody's products out: so many more are asked for, unfiltered."""
    index = import_module("faiss").IndexFlatIP(asked.shape[1])
    index.add(asked)
    return lambda: index.search(asking, K + EXCLUDED)


PEERS = {"implicit": implicit, "faiss": faiss}


def compare(
    kind: str, users: int, items: int, length: int, chosen: argparse.Namespace
) -> tuple[float, float]:
    """The median seconds of ours and the median ratio, for one shape."""
    chance = np.random.default_rng(0)
    asking = chance.standard_normal((users, length), dtype=np.float32)
    asked = factors(kind, items, length, chance)
    bought = exclusions(users, items, chance)
    index = replace(ItemIndex.of(asked), rounded=None) if chosen.blas else ItemIndex.of(asked)
    theirs = PEERS[chosen.peer](asking, asked, bought)

    def ours() -> object:
        return top_k(asking, index, K, exclude=bought)

    ours(), theirs()
    found = [(seconds(ours), seconds(theirs)) for _ in range(chosen.rounds)]
    return median(mine for mine, _ in found), median(other / mine for mine, other in found)


def main() -> None:
    """Measures and prints."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--most", type=float, default=4e10, help="multiplications in one shape, at most")
    options.add_argument("--peer", choices=PEERS, default="implicit", help="faiss: install faiss-cpu first")
    options.add_argument("--blas", action="store_true", help="as on a processor without 8-bit products")
    for name, usual in (("users", USERS), ("items", ITEMS), ("factors", FACTORS)):
        options.add_argument(f"--{name}", type=int, nargs="+", default=usual)
    options.add_argument("--kind", nargs="+", default=["random", "skewed"], choices=["random", "skewed"])
    chosen = options.parse_args()
    print("| factors | customers | products | length | ours (ms) | times faster |\n|---|---|---|---|---|---|")
    ratios = {}
    for kind, users, items, length in itertools.product(
        chosen.kind, chosen.users, chosen.items, chosen.factors
    ):
        if users * items * length > chosen.most:
            continue
        mine, ratio = compare(kind, users, items, length, chosen)
        print(f"| {kind} | {users:,} | {items:,} | {length} | {mine * 1e3:,.2f} | {ratio:.2f} |", flush=True)
        ratios[f"{kind} {users} {items} {length}"] = ratio
    if not ratios:
        raise SystemExit(f"no shape has as few as {chosen.most:.0e} multiplications; raise --most")
    worst = min(ratios, key=ratios.__getitem__)
    print(json.dumps({"shapes": len(ratios), "worst": worst, "ratio": round(ratios[worst], 2)}))


if __name__ == "__main__":
    main()
