"""How good the answers are that are made on the spot: for strangers' baskets, and for the shop's own lists.

    python -m benchmarks.scoring.quality baskets --home HOME [--cutoff 2017-11-01] [--days 30]
    python -m benchmarks.scoring.quality lists   --home HOME [--day 2017-10-31] [--days 30]

`baskets` needs a home with the demo's purchases. A fifth of the customers is nobody the models have seen.
Half of each of their baskets is given, and the rest is looked for: NDCG@10, with a 95 % interval by basket,
for each kind of visitors, for models of all that customers ever bought, and for popularity.

`lists` needs a home where the night of `--day` was run. Of each category that a customer bought in the days
after, the 200 most bought products are put in order: by `Scorer.score`, by the night's own ranker, which
takes longer than a page may, and by popularity. NDCG of the whole list, by customer.

Both print JSON.
"""

import argparse
import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recs.bundle import folder_of
from recs.history import History
from recs.metrics import Hits, interval, paired
from recs.opened import Opened
from recs.protocol import Ids
from recs.recommenders import ItemItem, read
from recs.recommenders.base import bags, places
from recs.recommenders.ease import product_weights
from recs.registry import of_day
from recs.session import Session
from recs.shop import Shop
from recs.threads import one_blas_thread
from recs.visitors import ITEMS, EaseVisitors, Visit, Visitors, learn
from recs.world import history, number_of
from warehouse.settings import Settings, load_settings

FIFTH, SHORTEST, BASKETS, CUSTOMERS, LONG = 5, 4, 3000, 500, 200


def baskets(settings: Settings, cutoff: date, days: int) -> dict[str, Any]:
    """NDCG@10 of each way to find the rest of a stranger's basket."""
    whole, end = history(settings, cutoff + timedelta(days=days - 1)), number_of(cutoff)
    given, rest = _halves(whole, end)
    found: dict[str, Any] = {"cutoff": cutoff.isoformat(), "baskets": len(given)}
    for name, best in _ways(_without_a_fifth(whole, end)).items():
        made = np.full((len(given), 10), -1, np.int32)
        for place, have in enumerate(given):
            items = best(have)
            made[place, : len(items)] = items
        found[name] = _told(Hits.of(made, rest).ndcg())
    return found


def _ways(seen: History) -> dict[str, Callable[[Ids], Ids]]:
    """By name what finds ten products that go with some; `of_customers` learns from all they ever bought."""
    width, near = seen.catalogue.height, ItemItem().fit(seen)
    share = np.bincount(seen.lines["column"].to_numpy(), minlength=width)
    most = np.sort(np.argsort(-seen.buyers, kind="stable")[:ITEMS]).astype(np.int32)
    with one_blas_thread():
        of_customers = EaseVisitors(most, product_weights(bags(seen, most), 200.0), width)
    kinds = {kind: learn(kind, seen, 0) for kind in ("ease", "ials")} | {"ease of customers": of_customers}

    everything = np.ones(width, np.bool_)

    def among(have: Ids) -> NDArray[np.bool_]:
        allowed = np.ones(width, np.bool_)
        allowed[have] = False
        return allowed

    def going(kind: Visitors) -> Callable[[Ids], Ids]:
        def best(have: Ids) -> Ids:
            visit = Visit(have, np.ones(len(have), np.float32), 10, have)
            return kind.best([visit], everything)[0][0]

        return best

    def neighbours(have: Ids) -> Ids:
        at = places(near.columns, width)[have]
        said = np.asarray(near.similarity[at[at >= 0]].sum(axis=0)).ravel()
        said[~among(have)[near.columns]] = 0
        return near.columns[np.argsort(-said, kind="stable")[:10]]

    def popular(have: Ids) -> Ids:
        return np.argsort(np.where(among(have), -share, 1), kind="stable")[:10].astype(np.int32)

    ways = {name: going(kind) for name, kind in kinds.items()}
    return ways | {"item_item of customers": neighbours, "popularity": popular}


def _without_a_fifth(whole: History, end: int) -> History:
    """All before a day of four fifths of the customers."""
    ids = (whole.interactions.customers, whole.catalogue)
    lines = whole.lines.filter(pl.col("row") % FIFTH != 0, pl.col("day") < end)
    return History.of(end, ids, lines, whole.views.clear(), whole.half_life_days)


def _halves(whole: History, end: int) -> tuple[list[Ids], csr_matrix]:
    """The given half of each stranger's basket, and the other one as rows (B, I)."""
    asked = whole.lines.filter(pl.col("row") % FIFTH == 0, pl.col("day") >= end)
    found = asked.group_by("order").agg(pl.col("column").unique().sort()).sort("order")["column"].to_list()
    chance = np.random.default_rng(0)
    long: list[Ids] = [np.array(basket, np.int32) for basket in found if len(basket) >= SHORTEST]
    chosen = [chance.permutation(long[n]) for n in chance.permutation(len(long))[:BASKETS]]
    rest = [np.sort(basket[len(basket) // 2 :]) for basket in chosen]
    indptr = np.cumsum([0, *(len(part) for part in rest)])
    ones = np.ones(int(indptr[-1]), np.float32)
    truth = csr_matrix((ones, np.concatenate(rest), indptr), shape=(len(rest), whole.catalogue.height))
    return [basket[: len(basket) // 2] for basket in chosen], truth


def lists(settings: Settings, day: date, days: int) -> dict[str, Any]:
    """NDCG of whole categories as each way puts them in order."""
    opened = Opened(settings, of_day(settings, day))
    whole, end, shop = history(settings, day + timedelta(days=days)), number_of(day) + 1, opened.live.shop
    ranker = read("ranker", folder_of(settings, opened.bundle.bundle_id) / "models")
    bought = whole.lines.filter(pl.col("day") >= end).group_by("row").agg(pl.col("column").unique())
    rows = np.random.default_rng(0).permutation(bought.height)[:CUSTOMERS]
    values: dict[str, list[float]] = {"score": [], "ranker": [], "popularity": []}
    for row, columns in bought[rows].iter_rows():
        truth = np.sort(np.array(columns, np.int32))
        kept: dict[str, list[float]] = {name: [] for name in values}
        for page in _pages(shop, truth):
            who = np.array([row])
            said = ranker.evidence(who, np.zeros(len(page), np.int64), page)
            share = shop.buyers[page]
            orders = {
                "score": opened.live.appraise(row, page, Session.none())[0].items,
                "ranker": page[np.lexsort((-share, -said))],
                "popularity": page[np.argsort(-share, kind="stable")],
            }
            mine = truth[np.isin(truth, page)]
            asked = csr_matrix((np.ones(len(mine)), mine, [0, len(mine)]), shape=(1, len(shop.buyers)))
            for name, items in orders.items():
                kept[name].append(float(Hits.of(items[None], asked).ndcg()[0]))
        for name, ndcg in kept.items():
            values[name] += [float(np.mean(ndcg))] if ndcg else []
    found = {name: np.array(ndcg) for name, ndcg in values.items()}
    against = paired(found["score"], found["ranker"], seed=0)
    told = {name: _told(ndcg) for name, ndcg in found.items()}
    return told | {"score - ranker": [round(value, 4) for value in against], "customers": len(found["score"])}


def _pages(shop: Shop, truth: Ids) -> list[Ids]:
    """The most bought products of each category of which some were bought, at least 20 of them."""
    categories = np.unique(shop.kinds[truth, 0])
    found: list[Ids] = []
    for category in categories[categories >= 0][:5]:
        page: Ids = np.flatnonzero(shop.kinds[:, 0] == category).astype(np.int32)
        page = page[np.argsort(-shop.buyers[page], kind="stable")][:LONG]
        if len(page) >= 20 and np.isin(truth, page).any():
            found.append(page)
    return found


def _told(ndcg: NDArray[np.float64]) -> dict[str, Any]:
    mean, low, high = interval(ndcg, seed=0)
    return {"ndcg": round(mean, 4), "interval": [round(low, 4), round(high, 4)]}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["baskets", "lists"])
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--cutoff", type=date.fromisoformat, default=date(2017, 11, 1))
    parser.add_argument("--day", type=date.fromisoformat, default=date(2017, 10, 31))
    parser.add_argument("--days", type=int, default=30)
    asked = parser.parse_args()
    settings = load_settings(home=asked.home)
    if asked.what == "baskets":
        found = baskets(settings, asked.cutoff, asked.days)
    else:
        found = lists(settings, asked.day, asked.days)
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
