"""Tunes, fits and asks the models of one library; `benchmarks.recs.peers` starts it where that is installed.

    python -m benchmarks.recs.peer_runner LIBRARY FOLDER [--seconds 60] [--seed 0]

`FOLDER/known` holds what was bought before the cutoff: `counts.npz` and `decayed.npz` of `Purchases`.
`FOLDER/earlier` holds the same of an earlier moment, and what was bought next: `<slate>.npz` for each slate.
A random search over the earlier moment finds the parameters that are best for each slate: it tries the
defaults, and what it can within `--seconds` of processor time for each model; a fit that has begun is let
finish. Then each model, with its defaults and tuned, is fitted on what is known and lists its ten best for
every customer. Writes `FOLDER/<library>.json`, a row for each, and `FOLDER/<library>.npz`, their lists. What
customers bought after the cutoff is not there to be seen.
"""

import argparse
import importlib
import json
import random
import sys
import time
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, load_npz

from benchmarks.recs.peer_models import LIBRARIES, Peer, Purchases, Score, fitted

K = 10
SLATES = ("for_you", "buy_again", "discover")
BLOCK = 256
"""Customers scored at once."""

_NO_OPINION = -1e30
_GROUP = 32

Ids = NDArray[np.int32]
Parameters = Mapping[str, Any]


def read(folder: Path) -> Purchases:
    """What was bought before a moment."""
    return Purchases(*(csr_matrix(load_npz(folder / f"{name}.npz")) for name in ("counts", "decayed")))


def listed(score: Score, purchases: Purchases, rows: NDArray[np.int64]) -> dict[str, Ids]:
    """The `K` best products of each slate for each of `rows`: (R, K) columns, -1 for none."""
    lists = {slate: np.full((len(rows), K), -1, np.int32) for slate in SLATES}
    for start in range(0, len(rows), BLOCK):
        asked = rows[start : start + BLOCK]
        scores = np.nan_to_num(score(asked), nan=_NO_OPINION)
        bought = purchases.counts[asked].toarray() > 0
        barred = {"for_you": np.zeros_like(bought), "buy_again": ~bought, "discover": bought}
        for slate in SLATES:
            lists[slate][start : start + BLOCK] = best(np.where(barred[slate], -np.inf, scores))
    return lists


def best(scores: NDArray[np.floating[Any]]) -> Ids:
    """The `K` best columns of each row, equals by column, which is by popularity; -inf is never listed."""
    rows, columns = scores.shape
    groups = columns // _GROUP
    worth = np.isfinite(scores)
    if groups > K:
        # The best of each group are so many different products: what is below the K-th of them is not wanted.
        heads = scores[:, : groups * _GROUP].reshape(rows, _GROUP, groups).max(axis=1)
        worth &= scores >= np.partition(heads, groups - K, axis=1)[:, [groups - K]]
    owner, column = np.nonzero(worth)
    order = np.lexsort((column, -scores[owner, column], owner))
    owner, column = owner[order], column[order]
    place = np.arange(len(owner)) - np.searchsorted(owner, np.arange(rows))[owner]
    ids = np.full((rows, K), -1, np.int32)
    ids[owner[place < K], place[place < K]] = column[place < K]
    return ids


def ndcg(ids: Ids, truth: csr_matrix) -> float:
    """Mean NDCG@K of lists (R, K) over the rows of the truth (R, I) that have any."""
    gains = 1 / np.log2(np.arange(2, K + 2))
    some = np.flatnonzero(np.diff(truth.indptr))
    found = np.take_along_axis(truth[some].toarray(), np.maximum(ids[some], 0), axis=1) * (ids[some] >= 0)
    possible = np.minimum(np.diff(truth.indptr)[some], K)
    return float(np.mean(found @ gains / np.cumsum(gains)[possible - 1]))


def drawn(peer: Peer, seed: int) -> Iterator[dict[str, Any]]:
    """Parameters to try, each once, without end as far as there are any: the defaults, then by chance."""
    yield dict(peer.default)
    chance = random.Random(f"{seed} {peer.name}")
    tried: set[str] = set()
    most = int(np.prod([len(choices) for choices in peer.space.values()]))
    while len(tried) < most:
        parameters = {name: chance.choice(choices) for name, choices in peer.space.items()}
        if (key := json.dumps(parameters)) not in tried:
            tried.add(key)
            yield parameters


def tuned(peer: Peer, folder: Path, seconds: float, seed: int) -> tuple[dict[str, Parameters], int]:
    """For each slate the parameters that were best on the earlier moment; and how many were tried."""
    purchases = read(folder)
    truth = {slate: csr_matrix(load_npz(folder / f"{slate}.npz")) for slate in SLATES}
    rows = np.flatnonzero(np.diff(truth["for_you"].indptr))
    found: dict[str, tuple[float, Parameters]] = {}
    until, trials = float("inf"), 0
    for parameters in drawn(peer, seed):
        if time.process_time() > until:
            break
        lists = listed(fitted(peer, purchases, parameters, seed), purchases, rows)
        for slate, ids in lists.items():
            value = ndcg(ids, truth[slate][rows])
            if slate not in found or value > found[slate][0]:
                found[slate] = (value, parameters)
        if not trials:
            until = time.process_time() + seconds  # the defaults are tried besides
        trials += 1
    return {slate: parameters for slate, (_, parameters) in found.items()}, trials


class Answers:
    """The lists of one peer for every customer, fitted once for each set of parameters."""

    def __init__(self, peer: Peer, purchases: Purchases, seed: int) -> None:
        self.peer, self.purchases, self.seed = peer, purchases, seed
        self.made: dict[str, tuple[float, dict[str, Ids]]] = {}

    def of(self, parameters: Parameters) -> tuple[float, dict[str, Ids]]:
        """The processor seconds that the fit took, and the lists of each slate."""
        key = json.dumps(parameters)
        if key not in self.made:
            started = time.process_time()
            score = fitted(self.peer, self.purchases, parameters, self.seed)
            seconds = round(time.process_time() - started, 1)
            self.made[key] = seconds, listed(score, self.purchases, np.arange(self.purchases.counts.shape[0]))
        return self.made[key]


def rows_of(
    peer: Peer, folder: Path, seconds: float, seed: int
) -> Iterator[tuple[dict[str, Any], dict[str, Ids]]]:
    """A row for the defaults and one tuned, each with its lists; what fails says so in its row."""
    answers = Answers(peer, read(folder / "known"), seed)
    for variant in ("default", "tuned") if peer.space else ("default",):
        row: dict[str, Any] = {"model": peer.name, "variant": variant}
        try:
            chosen, trials = dict.fromkeys(SLATES, peer.default), 0
            if variant == "tuned":
                chosen, trials = tuned(peer, folder / "earlier", seconds, seed)
            found = {slate: answers.of(chosen[slate]) for slate in SLATES}
        except Exception as error:  # noqa: BLE001 - whatever a peer raises is its result
            yield row | {"failed": f"{type(error).__name__}: {error}"}, {}
            continue
        said = {s: {"parameters": chosen[s], "seconds": found[s][0]} for s in SLATES}
        yield row | {"trials": trials, "slates": said}, {s: found[s][1][s] for s in SLATES}


def main() -> None:
    """Runs every model of a library."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("library", choices=LIBRARIES)
    options.add_argument("folder", type=Path)
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--seed", type=int, default=0)
    given = options.parse_args()
    library = LIBRARIES[given.library]
    importlib.import_module(library.module)
    name = {"library": library.package, "version": version(library.package)}
    rows: list[dict[str, Any]] = []
    lists: dict[str, Ids] = {}
    for peer in library.peers:
        for row, found in rows_of(peer, given.folder, given.seconds, given.seed):
            print(
                given.library,
                row["model"],
                row["variant"],
                row.get("failed", ""),
                file=sys.stderr,
                flush=True,
            )
            lists |= {f"{len(rows)}.{slate}": ids for slate, ids in found.items()}
            rows.append(name | row)
    np.savez(given.folder / f"{given.library}.npz", **lists)  # type: ignore[arg-type]
    (given.folder / f"{given.library}.json").write_text(json.dumps(rows))


if __name__ == "__main__":
    main()
