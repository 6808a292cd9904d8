"""What advice changes: customers who could be written to, against those kept back at random to compare.

Whoever had advice that no rule blocked is compared, as the holdout assigned them and whatever they were sent
then: so both groups are alike but for the messages. Everybody counts once, on the first night on which they
could have been written to, because later nights depend on what was sent before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from features.contract import CONTRACTS
from outreach.proportions import Difference, difference
from warehouse import clock
from warehouse.lake import Lake

DAYS = 14
"""For so many days after a night's day it is looked who buys something."""
ENOUGH = 100
"""Customers in each group; of fewer nothing is said."""
KEPT_AS = "outreach_rules"


@dataclass(frozen=True)
class Arm:
    """One of the two groups: how many customers, and how many of them bought something in time."""

    customers: int
    bought: int

    @property
    def share(self) -> float | None:
        """How many of them bought, from 0 to 1; `None` of nobody."""
        return self.bought / self.customers if self.customers else None


@dataclass(frozen=True)
class Effect:
    """What could be compared so far.

    Attributes:
        nights: how many nights are in it.
        waiting: how many nights on which something was sent are still too fresh.
        contacted: who could be written to.
        holdout: who was kept back.
        difference: of their shares, 0.01 is one in a hundred; `None` where there are too few to say.
    """

    nights: int
    waiting: int
    contacted: Arm
    holdout: Arm
    difference: Difference | None


def effect(lake: Lake, days: Sequence[date], now: datetime) -> Effect:
    """Compares what both groups bought.

    Args:
        lake: the home's.
        days: of the nights on which something was sent.
        now: a night counts once `DAYS` days lie between its day and both now and the newest purchase known.
    """
    known = [day for day in sorted(days) if lake.has(KEPT_AS, day)]
    purchases = lake.scan(CONTRACTS["purchases"].table).select("customer_id", "purchased_at")
    newest: datetime | None = purchases.select(pl.col("purchased_at").max()).collect().item()
    until = min(now, newest) if newest is not None else now
    ripe = [day for day in known if newest is not None and _ends(day) <= until]
    first = _first_nights(lake, ripe)
    bought = (
        first.lazy()
        .join(purchases, on="customer_id")
        .filter(
            pl.col("purchased_at") >= pl.col("since"),
            pl.col("purchased_at") < pl.col("since") + pl.duration(days=DAYS),
        )
        .select("customer_id", bought=pl.lit(value=True))
        .unique()
    )
    counted = (
        first.lazy()
        .join(bought, on="customer_id", how="left")
        .group_by("holdout")
        .agg(customers=pl.len(), bought=pl.col("bought").fill_null(value=False).sum())
        .collect()
    )
    arms = {kept_back: Arm(customers, some) for kept_back, customers, some in counted.iter_rows()}
    contacted, holdout = (arms.get(kept_back, Arm(0, 0)) for kept_back in (False, True))
    return Effect(len(ripe), len(known) - len(ripe), contacted, holdout, _difference(contacted, holdout))


def _ends(day: date) -> datetime:
    return clock.end_of(day) + timedelta(days=DAYS)


def _first_nights(lake: Lake, days: Sequence[date]) -> pl.DataFrame:
    """`customer_id, holdout, since`: everybody who could have been written to, on their first such night."""
    utc = pl.Datetime("us", "UTC")
    nights = [
        lake.get(KEPT_AS, day)
        .filter(pl.col("purpose") == "marketing", pl.col("blocked_by").is_null())
        .select("customer_id", "holdout", since=pl.lit(clock.end_of(day), dtype=utc))
        .unique("customer_id", keep="first", maintain_order=True)
        for day in days
    ]
    if not nights:
        return pl.DataFrame(schema={"customer_id": pl.String(), "holdout": pl.Boolean(), "since": utc})
    return pl.concat(nights).unique("customer_id", keep="first", maintain_order=True).collect()


def _difference(contacted: Arm, holdout: Arm) -> Difference | None:
    if min(contacted.customers, holdout.customers) < ENOUGH:
        return None
    return difference(contacted.bought, contacted.customers, holdout.bought, holdout.customers)
