"""All figures of the lists that several models would have shown the same customers, as JSON values."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recs.diversity import capped, mmr
from recs.history import History
from recs.metrics import Hits, Interval, Values, coverage, diversity, gini, intervals, novelty
from recs.protocol import Ids, Mask, Scores

SEGMENTS = ("new", "light", "heavy")
"""`new` customers had been in the shop on fewer than three days, `heavy` ones on more days than three
quarters of all who ever bought, `light` ones are the rest."""

NEW_DAYS = 3

AS_RANKED, CAPS, WEIGHTS = "as ranked", (3, 2, 1), (0.1, 0.3, 0.5)
"""How a list may stand: as it was ranked, with so many of a category at most, or by MMR of such a weight."""


@dataclass(frozen=True)
class Panel:
    """The judged customers of one slate, and what figures need to know of them and of the products.

    Attributes:
        truth: (U, I) 1 where the customer then bought the product, something in each row.
        eligible: (I,) the products that count.
        buyers: (I,) how many customers had bought each.
        shoppers: how many customers had bought anything.
        kinds: (I, 2) int32 category and department of each product, -1 where unknown.
        segments: for each of `SEGMENTS` which customers are of it, (U,).
    """

    truth: csr_matrix
    eligible: Mask
    buyers: NDArray[np.int64]
    shoppers: int
    kinds: NDArray[np.int32]
    segments: dict[str, Mask]

    @classmethod
    def of(cls, history: History, rows: NDArray[np.int64], truth: csr_matrix, eligible: Mask) -> "Panel":
        """The panel of some rows of what was known.

        Args:
            history: what was known before.
            rows: (U,) the judged customers.
            truth: their rows of the truth.
            eligible: see the attribute.
        """
        return cls(
            truth=truth,
            eligible=eligible,
            buyers=history.buyers,
            shoppers=int((np.diff(history.interactions.counts.indptr) > 0).sum()),
            kinds=history.kinds,
            segments={name: mask[rows] for name, mask in segments(history).items()},
        )


def segments(history: History) -> dict[str, Mask]:
    """For each of `SEGMENTS` which rows are of it; every row is of one."""
    counted = history.lines.group_by("row").agg(pl.col("day").n_unique())
    days = np.zeros(history.nobody + 1, np.int64)
    days[counted["row"].to_numpy()] = counted["day"].to_numpy()
    often = np.quantile(days[days > 0], 0.75, method="lower") if days.any() else 0
    new = days < NEW_DAYS
    heavy = ~new & (days > often)
    return {"new": new, "light": ~new & ~heavy, "heavy": heavy}


def figures(panel: Panel, lists: dict[str, Ids], baseline: str, seed: int) -> dict[str, dict[str, Any]]:
    """How good each model's lists are.

    Args:
        panel: whom the lists were for.
        lists: by model (U, k) columns, best first, -1 for none.
        baseline: the model the others are compared with.
        seed: of the intervals.

    Returns:
        for each model, null for what cannot be said: `ndcg@k`, `recall@k`, `map@k`, `novelty` (bits) and
        `diversity` (0 … 1), their 95 % `intervals`, how many `customers` they average, `coverage` and `gini`
        (0 … 1); for each of its `segments` the `customers`, their mean `ndcg@k` and its `interval`; and the
        `difference` of `ndcg@k` to the baseline `against`, with its `interval`.
    """
    valued = {name: _per_customer(panel, ids) for name, ids in lists.items()}
    compared = {name: values | _against(values, valued[baseline]) for name, values in valued.items()}
    # All at once, so that every figure is of the same draws of customers.
    columns = [column for values in compared.values() for column in values.values()]
    drawn = iter(intervals(np.column_stack(columns), seed))
    return {
        name: _as_json(panel, lists[name], baseline, {key: next(drawn) for key in values})
        for name, values in compared.items()
    }


def mixed(panel: Panel, ids: Ids, scores: Scores, k: int, seed: int) -> dict[str, dict[str, Any]]:
    """What less of the same would cost: the figures of lists as ranked, and put in more diverse orders.

    Args:
        panel: whom the lists were for.
        ids: (U, m) columns, best first, -1 for none; m > k, for the orders to find others in.
        scores: (U, m) of a model.
        k: how many are shown.
        seed: of the intervals.

    Returns:
        by order what `figures` says; empty where no category is known.
    """
    if (panel.kinds[:, 0] < 0).all():
        return {}
    orders = {f"cap {cap}": capped(ids, panel.kinds[:, 0], cap) for cap in CAPS}
    orders |= {f"MMR {weight}": mmr(ids, scores, panel.kinds, weight, k) for weight in WEIGHTS}
    lists = {order: np.take_along_axis(ids, places, axis=1) for order, places in orders.items()}
    shown = {order: found[:, :k] for order, found in ({AS_RANKED: ids} | lists).items()}
    return figures(panel, shown, AS_RANKED, seed)


def accuracy(ids: Ids, truth: csr_matrix) -> dict[str, Values]:
    """`ndcg@k`, `recall@k` and `map@k` of lists (U, k), each (U,)."""
    hits, k = Hits.of(ids, truth), ids.shape[1]
    return {f"ndcg@{k}": hits.ndcg(), f"recall@{k}": hits.recall(), f"map@{k}": hits.average_precision()}


def _per_customer(panel: Panel, ids: Ids) -> dict[str, Values]:
    """Each metric of each list, and its NDCG once more by segment: NaN for customers of another."""
    found = accuracy(ids, panel.truth)
    ndcg = next(iter(found.values()))
    found |= {"novelty": novelty(ids, panel.buyers, panel.shoppers)}
    found |= {"diversity": diversity(ids, panel.kinds[:, 0])}
    return found | {part: np.where(mask, ndcg, np.nan) for part, mask in panel.segments.items()}


def _against(values: dict[str, Values], baseline: dict[str, Values]) -> dict[str, Values]:
    """The difference of the first metric."""
    first = next(iter(values))
    return {"difference": values[first] - baseline[first]}


def _as_json(panel: Panel, ids: Ids, baseline: str, found: dict[str, Interval]) -> dict[str, Any]:
    ndcg = next(iter(found))
    metrics = {key: one for key, one in found.items() if key not in {*panel.segments, "difference"}}
    return {
        "customers": len(ids),
        **{metric: plain(one.mean) for metric, one in metrics.items()},
        "coverage": plain(coverage(ids, panel.eligible)),
        "gini": plain(gini(ids, panel.eligible)),
        "intervals": {metric: _ends(one) for metric, one in metrics.items()},
        "segments": {
            part: {
                "customers": int(mask.sum()),
                ndcg: plain(found[part].mean),
                "interval": _ends(found[part]),
            }
            for part, mask in panel.segments.items()
        },
        "difference": {
            "against": baseline,
            ndcg: plain(found["difference"].mean),
            "interval": _ends(found["difference"]),
        },
    }


def plain(number: float) -> float | None:
    """A number for JSON, rounded to six digits; null for NaN."""
    return None if np.isnan(number) else round(float(number), 6)


def _ends(one: Interval) -> list[float | None] | None:
    """The ends of an interval for JSON; null where there is none."""
    return None if np.isnan(one.mean) else [plain(one.low), plain(one.high)]
