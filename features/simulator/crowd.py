"""The crowd's purchases, a block of customers at a time: the ordinary traffic in which the plants stand.

Nothing in it is a case: list prices only rise (`features.simulator.catalogue`), what is sent comes within a
day of its promise, and no two baskets of a customer begin within ten minutes of each other.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.simulator.calibration import (
    BASKETS_A_YEAR,
    BASKETS_MOST,
    BASKETS_SIGMA,
    LINES_LOG_MEAN,
    LINES_MOST,
    LINES_SIGMA,
    SEVERAL_SHARE,
)
from features.simulator.catalogue import CURRENCIES, DAY_US, HISTORY, MARKETS, Catalogue, major
from features.simulator.ids import PLACES, Ids
from features.simulator.nights import Nights
from features.simulator.tables import MOMENT, MONEY, TILLS, columns

ONLINE_SHARE = 0.35
SHIPPING_MINOR = 490
RETURNED_SHARE = 0.02
_HOUR = DAY_US // 24
_SLOT = DAY_US // 96
_OPENS = 28
"""The first quarter of an hour of the day in which somebody shops; the last is `BASKETS_MOST` later."""

_WEEK = np.array([1.0, 0.9, 0.9, 1.0, 1.2, 1.4, 1.1])
_GOLDEN = (5**0.5 - 1) / 2


@dataclass(frozen=True)
class Block:
    """Some customers, by number (group), and how they shop.

    Attributes:
        number: (B,) their numbers, in a row.
        market: (B,) places in `MARKETS`.
        shops: (B,) whether they buy anything of their own accord.
        member: (B,) whether shipping is free for them.
        order_start: the number of their first order.
        chance: of this block.
    """

    number: NDArray[np.int64]
    market: NDArray[np.int64]
    shops: NDArray[np.bool_]
    member: NDArray[np.bool_]
    order_start: int
    chance: np.random.Generator


@dataclass(frozen=True)
class _Baskets:
    owner: NDArray[np.int64]
    size: NDArray[np.int64]
    at: NDArray[np.int64]
    online: NDArray[np.bool_]


def purchases(
    block: Block, catalogue: Catalogue, nights: Nights, ids: Ids, activity: float
) -> dict[str, pl.DataFrame]:
    """What a block bought: raw rows of `purchases`, `tills` and `returns`."""
    baskets = _baskets(block, nights, activity)
    lines = _lines(block, baskets, catalogue)
    lines = pl.concat([lines, _shipping(block, baskets, catalogue)])
    orders = _orders(block, baskets, ids)
    rows = lines.hstack(orders[lines["basket"]].get_columns()).with_columns(
        product_id=ids.of("product", (pl.col("product") + catalogue.start) * PLACES),
        line_id=pl.col("line_id").cast(pl.String),
        offer_id=pl.lit(None, dtype=pl.String),
        returned_quantity=pl.lit(None, dtype=MONEY),
    )
    return {
        "purchases": rows.filter("online").select(list(columns("purchases"))),
        TILLS: rows.filter(~pl.col("online")).select(list(columns(TILLS))),
        "returns": _returns(block, rows, nights),
    }


def most_orders(customers: int) -> int:
    """How many numbers of orders so many customers may take."""
    return customers * BASKETS_MOST


def _baskets(block: Block, nights: Nights, activity: float) -> _Baskets:
    chance, many = block.chance, len(block.number)
    days = HISTORY + nights.many
    mean = BASKETS_A_YEAR * activity * days / 365
    each = np.exp(chance.normal(-(BASKETS_SIGMA**2) / 2, BASKETS_SIGMA, many)) * mean
    count = np.where(block.shops, np.minimum(chance.poisson(each), BASKETS_MOST), 0)
    owner = np.repeat(np.arange(many), count)
    place = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    size = np.exp(chance.normal(LINES_LOG_MEAN, LINES_SIGMA, len(owner))).round().astype(np.int64)
    size = np.clip(size, 1, LINES_MOST)
    day = _days(size, days, nights, chance)
    slot = (place + chance.integers(0, BASKETS_MOST, many)[owner]) % BASKETS_MOST + _OPENS
    within = chance.integers(0, 4 * 60_000_000, len(owner))
    at = _start(nights) + day * DAY_US + slot * _SLOT + within
    return _Baskets(owner, size, at, chance.random(len(owner)) < ONLINE_SHARE)


def _days(
    size: NDArray[np.int64], days: int, nights: Nights, chance: np.random.Generator
) -> NDArray[np.int64]:
    """A day for each basket: large and small ones are spread evenly over days, and weekdays differ."""
    weekday = (np.arange(days) + nights.first.weekday() + 1 - HISTORY) % 7
    reach = np.cumsum(_WEEK[weekday])
    place = np.empty(len(size), np.int64)
    place[np.lexsort((chance.random(len(size)), size))] = np.arange(len(size))
    at = (place * _GOLDEN + chance.random()) % 1.0
    return np.searchsorted(reach / reach[-1], at, side="right").astype(np.int64)


def _lines(block: Block, baskets: _Baskets, catalogue: Catalogue) -> pl.DataFrame:
    chance, basket = block.chance, np.repeat(np.arange(len(baskets.size)), baskets.size)
    place = np.arange(len(basket)) - np.repeat(np.cumsum(baskets.size) - baskets.size, baskets.size)
    product = catalogue.pick(chance, len(basket))
    several = chance.random(len(basket)) < SEVERAL_SHARE
    quantity = np.where(several, 1 + chance.geometric(0.6, len(basket)), 1)
    price = catalogue.paid(product, block.market[baskets.owner[basket]], baskets.at[basket])
    return _line_rows(basket, place + 1, product, quantity, price * quantity, "product")


def _shipping(block: Block, baskets: _Baskets, catalogue: Catalogue) -> pl.DataFrame:
    """A line of shipping for orders that are sent to customers who are no members."""
    basket = np.flatnonzero(baskets.online & ~block.member[baskets.owner])
    one = np.ones(len(basket), np.int64)
    product = one * catalogue.products
    return _line_rows(basket, one * 0, product, one, one * SHIPPING_MINOR, "shipping")


def _line_rows(
    basket: NDArray[np.int64],
    line: NDArray[np.int64],
    product: NDArray[np.int64],
    quantity: NDArray[np.int64],
    paid: NDArray[np.int64],
    kind: str,
) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "basket": basket,
            "line_id": line,
            "product": product,
            "quantity": pl.Series(quantity).cast(MONEY),
            "line_total": major(pl.Series(paid)),
            "kind": pl.repeat(kind, len(basket), eager=True, dtype=pl.String),
        }
    )


def _orders(block: Block, baskets: _Baskets, ids: Ids) -> pl.DataFrame:
    """One row per basket: whose, where, and its way to the customer, over within 20 h of the promise."""
    chance, at, online = block.chance, baskets.at, baskets.online
    dispatched = at + chance.integers(4 * _HOUR, 60 * _HOUR, len(at))
    promised = at + 5 * DAY_US
    soonest = dispatched + 12 * _HOUR
    delivered = soonest + (chance.random(len(at)) * (promised + 20 * _HOUR - soonest)).astype(np.int64)
    market = block.market[baskets.owner]
    sent = {"promised_at": promised, "dispatched_at": dispatched, "delivered_at": delivered}
    moments = {name: pl.Series(moment).cast(MOMENT) for name, moment in sent.items()}
    frame = pl.DataFrame(
        {
            "order": np.arange(len(at)) + block.order_start,
            "customer": block.number[baskets.owner],
            "market": pl.Series(MARKETS).gather(market),
            "currency": pl.Series(CURRENCIES).gather(market),
            "purchased_at": pl.Series(at).cast(MOMENT),
            "online": online,
            **moments,
        }
    )
    return frame.with_columns(
        *(pl.when("online").then(pl.col(name)) for name in sent),
        order_id=ids.of("order", pl.col("order") * PLACES),
        customer_id=ids.of("customer", pl.col("customer") * PLACES),
    )


def _returns(block: Block, rows: pl.DataFrame, nights: Nights) -> pl.DataFrame:
    back = block.chance.random(rows.height) < RETURNED_SHARE
    after = pl.Series(block.chance.integers(DAY_US, 12 * DAY_US, rows.height)).cast(pl.Duration("us"))
    brought = rows.with_columns(returned_at=pl.col("purchased_at") + after)
    known = pl.Series(back) & (pl.col("returned_at") < nights.last) & (pl.col("kind") == "product")
    return brought.filter(known).select(list(columns("returns")))


def _start(nights: Nights) -> int:
    return int(nights.end.timestamp()) * 1_000_000 - HISTORY * DAY_US
