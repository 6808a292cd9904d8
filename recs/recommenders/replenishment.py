"""Replenishment: is a product due for a customer, by how long they and others go without it.

The time since a purchase is cut into spans. In each span a pair has a rate: how many purchases end a wait per
day of waiting. The product's rate over all customers, scaled by how much faster or slower than others this
customer comes back for it, is what is expected of the pair; what was seen of the pair itself moves it from
there (a piecewise constant hazard with gamma priors, whose posterior means these are). Waits that are not
over count as waiting without an end, so a product that a customer gave up is not due for ever.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recs.history import History
from recs.recommenders.habits import HabitModel

SPANS = np.array([0, 5, 10, 17, 24, 35, 50, 75, 120, 200], np.float64)
"""Where spans of waiting begin, in days; the last has no end."""

_ENDS = np.append(SPANS[1:], 1e9)
_AT_ONCE = 65_536
"""Pairs in a block; one has a few MiB."""

Numbers = NDArray[np.float64]


class Replenishment(HabitModel):
    """Ranks what a customer bought by the probability that they buy it again within `window` days.

    Args:
        window: days after the end of the history.
        half_life_days: the age at which a wait counts half.
        product: how many purchases the rates of all products are worth beside a product's own.
        pace: how many purchases the product's rates are worth beside the customer's own pace.
        pair: how many purchases that is worth, in each span, beside the pair's own.
    """

    name = "replenishment"

    def __init__(
        self,
        *,
        window: int = 28,
        half_life_days: int = 120,
        product: float = 30.0,
        pace: float = 1.0,
        pair: float = 1.0,
    ) -> None:
        self.window, self.half_life_days = window, half_life_days
        self.product, self.pace, self.pair = product, pace, pair

    def _habits(self, history: History) -> csr_matrix:
        shape = history.interactions.counts.shape
        waits = _Waits.of(history, self.half_life_days)
        rates = self._of_products(waits, shape[1])
        due = np.empty(len(waits.row), np.float32)
        for start in range(0, len(due), _AT_ONCE):
            block = slice(start, start + _AT_ONCE)
            since = history.end - waits.last[block]
            rate = self._of_pairs(waits.ends[block], waits.days[block], rates[waits.column[block]])
            due[block] = -np.expm1(-(rate * _overlap(since, since + self.window)).sum(axis=1))
        return csr_matrix((due, (waits.row, waits.column)), shape=shape)

    def _of_products(self, waits: "_Waits", products: int) -> Numbers:
        """The rate of each product in each span, (I, S)."""
        ends, days = (_summed(waits.column, values, products) for values in (waits.ends, waits.days))
        everyone = (ends.sum(axis=0) + 1) / (days.sum(axis=0) + SPANS[-1])
        return _posterior(
            ends, days, _paced(ends, days, np.tile(everyone, (products, 1)), self.product), self.product
        )

    def _of_pairs(self, ends: Numbers, days: Numbers, usual: Numbers) -> Numbers:
        """The rate of each pair in each span, (P, S)."""
        return _posterior(ends, days, _paced(ends, days, usual, self.pace), self.pair)


def _paced(ends: Numbers, days: Numbers, usual: Numbers, worth: float) -> Numbers:
    """The usual rates, times how much more often a wait ended than they say."""
    pace = (worth + ends.sum(axis=1)) / (worth + (days * usual).sum(axis=1))
    paced: Numbers = usual * pace[:, None]
    return paced


def _posterior(ends: Numbers, days: Numbers, expected: Numbers, worth: float) -> Numbers:
    """What is to be thought of rates where `worth` purchases at the expected rates were seen besides."""
    level = expected.mean(axis=1, keepdims=True)
    rates: Numbers = (ends + worth * expected / level) / (days + worth / level)
    return rates


@dataclass(frozen=True)
class _Waits:
    """All waits of each pair of a customer and a product that was bought, older ones counting less.

    Attributes:
        row, column: (P,) the pairs, sorted.
        last: (P,) the day of the last purchase.
        ends: (P, S) how many waits ended in each span.
        days: (P, S) how many days were waited in each span.
    """

    row: NDArray[np.int64]
    column: NDArray[np.int64]
    last: Numbers
    ends: Numbers
    days: Numbers

    @classmethod
    def of(cls, history: History, half_life_days: int) -> "_Waits":
        """The waits of a history."""
        bought = history.lines.select("row", "column", "day").unique().sort("row", "column", "day")
        row, column, day = (bought[name].to_numpy().astype(np.int64) for name in bought.columns)
        first = (np.diff(row, prepend=-1) != 0) | (np.diff(column, prepend=-1) != 0)
        final = np.append(first, True)[1:]
        until = np.where(final, history.end, np.append(day, history.end)[1:])
        length, pair, pairs = (until - day).astype(np.float64), np.cumsum(first) - 1, int(first.sum())
        weight = 0.5 ** ((history.end - until) / half_life_days)
        span = np.searchsorted(SPANS, length, "right") - 1
        ends = np.bincount(
            pair * len(SPANS) + span, np.where(final, 0.0, weight), minlength=pairs * len(SPANS)
        )
        days = [
            np.bincount(pair, weight * np.clip(length - start, 0, stop - start), minlength=pairs)
            for start, stop in zip(SPANS, _ENDS, strict=True)
        ]
        return cls(
            row[first],
            column[first],
            day[final].astype(np.float64),
            ends.reshape(pairs, len(SPANS)).astype(np.float64),
            np.stack(days, axis=1),
        )


def _overlap(start: Numbers, stop: Numbers) -> Numbers:
    """How many days of each time from `start` to `stop` fall into each span, (P, S)."""
    return np.clip(stop[:, None], SPANS, _ENDS) - np.clip(start[:, None], SPANS, _ENDS)


def _summed(groups: NDArray[np.int64], values: Numbers, number: int) -> Numbers:
    """Sums of the rows of values by group, (number, S)."""
    return np.stack([np.bincount(groups, column, minlength=number) for column in values.T], axis=1)
