"""The single signals: of a customer's habit with a product, of a customer, and of a product.

Weights are decayed numbers of lines at several half-lives. They are sums of whole multiples of 2⁻³², so they
do not depend on the order of lines or the number of threads.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recs.history import History
from recs.protocol import Scores

HALF_LIVES = (4, 10, 25, 60, 180)
"""Days after which a line counts half, from this week's to half a year's."""

PROMOTION_DAYS = 14
"""How far back "the price now" looks."""

_UNIT = float(2**32)
_ROW = 1 << 20
"""Distance between customers in keys of customer and day; days since 1970 stay below it for ages."""


def weights(end: int, half_lives: tuple[int, ...]) -> list[pl.Expr]:
    """Aggregations of lines to `w<half-life>`, Float32."""
    age = (end - pl.col("day")).cast(pl.Float64) - 0.5
    return [
        ((0.5 ** (age / days) * _UNIT).round().cast(pl.Int64).sum() / _UNIT)
        .cast(pl.Float32)
        .alias(f"w{days}")
        for days in half_lives
    ]


def habit_signals(history: History, people: dict[str, Scores]) -> dict[str, Scores]:
    """Per pair of `history.pairs`: how often, how lately, how regularly and for how much it was bought.

    `due` and `due_median` are the time since the last purchase in usual gaps: 1 is just due. `trip_share` is
    the share of shopping trips since the first purchase that took the product along.
    """
    pairs, trips = history.pairs, _trips(history)
    decayed = (
        history.lines.lazy()
        .group_by("row", "column")
        .agg(weights(history.end, HALF_LIVES))
        .sort("row", "column")
        .collect()
    )
    row = pairs["row"].to_numpy()
    found = {f"w{days}": decayed[f"w{days}"].to_numpy() for days in HALF_LIVES}
    baskets, days, first, last = (_float(pairs[name]) for name in ("baskets", "days", "first", "last"))
    recency, age, median = history.end - last, history.end - first, _float(pairs["gap_median"])
    gap = np.where(days > 1, (last - first) / np.maximum(days - 1, 1), np.nan)
    since = _trips_after(trips, row, pairs["last"].to_numpy() + 1)
    along = _trips_after(trips, row, pairs["first"].to_numpy())
    found |= {
        "baskets": baskets,
        "days": days,
        "recency": recency,
        "age": age,
        "gap": gap,
        "due": recency / gap,
        "gap_median": median,
        "due_median": recency / median,
        "gap_deviation": _float(pairs["gap_deviation"]),
        "rate": days / age,
        "quantity": _float(pairs["quantity"]),
        "paid": _float(pairs["unit_minor"]),
        "trips_since": since,
        "trips_along": along,
        "trip_share": baskets / np.maximum(along, 1),
    }
    for half_life in (25, 60):
        usual = people[f"trips{half_life}"][row]
        found[f"share{half_life}"] = found[f"w{half_life}"] / np.maximum(usual, 1e-3)
    return {name: values.astype(np.float32) for name, values in found.items()}


def customer_signals(history: History) -> dict[str, Scores]:
    """Per row, nobody's included: how often, how lately, how much and how variedly a customer buys."""
    users, lines = history.nobody + 1, history.lines
    trips = (
        lines.lazy()
        .group_by("row", "order")
        .agg(day=pl.col("day").min())
        .group_by("row")
        .agg(*weights(history.end, (25, 60)), trips=pl.len(), last=pl.col("day").max())
        .sort("row")
        .collect()
    )
    row = trips["row"].to_numpy()
    bought = np.bincount(lines["row"].to_numpy(), minlength=users)
    kinds = np.diff(history.interactions.counts.indptr)

    def spread(values: NDArray[np.float64], missing: float) -> NDArray[np.float64]:
        full = np.full(users, missing)
        full[row] = values
        return full

    count = spread(_float(trips["trips"]), 0)
    found = {
        "trips": count,
        "recency": spread(history.end - _float(trips["last"]), np.nan),
        "trips25": spread(_float(trips["w25"]), 0),
        "trips60": spread(_float(trips["w60"]), 0),
        "lines_per_trip": bought / np.maximum(count, 1),
        "distinct": kinds,
        "variety": kinds / np.maximum(bought, 1),
    }
    return {name: np.asarray(values, np.float32) for name, values in found.items()}


def product_signals(history: History, habits: dict[str, Scores]) -> dict[str, Scores]:
    """Per column: how many customers buy it, and again, its trend, its age, its price now and to its usual.

    A customer counts at most once in a weight, so one customer's many purchases make no product popular.
    """
    pairs, items = history.pairs, len(history.catalogue)
    column = pairs["column"].to_numpy()

    def total(values: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.bincount(column, values.astype(np.float64), minlength=items).astype(np.float64)

    found = {f"w{days}": total(np.minimum(habits[f"w{days}"], 1)) for days in HALF_LIVES}
    buyers = history.buyers.astype(np.float64)
    last, first = np.full(items, -np.inf), np.full(items, np.inf)
    np.maximum.at(last, column, _float(pairs["last"]))
    np.minimum.at(first, column, _float(pairs["first"]))
    prices = _prices(history, items)
    found |= {
        "trend4": found["w4"] / np.maximum(found["w25"], 1e-3),
        "trend10": found["w10"] / np.maximum(found["w60"], 1e-3),
        "trend25": found["w25"] / np.maximum(found["w180"], 1e-3),
        "buyers": buyers,
        "again": total((habits["days"] > 1).astype(np.float32)) / np.maximum(buyers, 1),
        "recency": np.where(np.isfinite(last), history.end - last, np.nan),
        "age": np.where(np.isfinite(first), history.end - first, np.nan),
        "price": prices[1],
        "promotion": prices[1] / np.where(prices[0] > 0, prices[0], np.nan),
    }
    return {name: values.astype(np.float32) for name, values in found.items()}


def _prices(history: History, items: int) -> NDArray[np.float64]:
    """The median price paid per unit, (2, I): ever, and in the last `PROMOTION_DAYS`; NaN where not sold."""
    price, lately = pl.col("unit_minor"), pl.col("day") >= history.end - PROMOTION_DAYS
    found = (
        history.lines.lazy()
        .group_by("column")
        .agg(ever=price.median(), now=price.filter(lately).median())
        .sort("column")
        .collect()
    )
    prices = np.full((2, items), np.nan)
    prices[:, found["column"].to_numpy()] = _float(found["ever"]), _float(found["now"])
    return prices


def _trips(history: History) -> NDArray[np.int64]:
    """A key of customer and day for each shopping trip, ascending."""
    trips = history.lines.lazy().group_by("row", "order").agg(day=pl.col("day").min()).collect()
    keys: NDArray[np.int64] = trips["row"].to_numpy().astype(np.int64) * _ROW + trips["day"].to_numpy()
    return np.sort(keys)


def _trips_after(
    trips: NDArray[np.int64], row: NDArray[np.int32], day: NDArray[np.int32]
) -> NDArray[np.float64]:
    """How many trips each customer made from a day on."""
    start = row.astype(np.int64) * _ROW
    found = np.searchsorted(trips, start + _ROW) - np.searchsorted(trips, start + day)
    return found.astype(np.float64)


def _float(values: pl.Series) -> NDArray[np.float64]:
    return values.cast(pl.Float64).fill_null(np.nan).to_numpy()
