"""What an experiment says: the figures of each arm, their difference, and whether to believe it.

All figures are per customer, so the intervals are drawn over customers. Pure functions over one frame.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from recs.answers import Arm
from recs.experiment import ARMS
from recs.metrics import Interval, Values, apart, interval
from warehouse.settings import Settings

WITHIN = timedelta(days=7)
"""How long after a product was shown its purchase counts."""
MIN_BUYERS = 10
"""Customers of an arm who should have bought, were both arms alike; with fewer the intervals say nothing."""
MISMATCH = 0.001
"""The chance of such uneven arms below which the split itself is doubted."""


@dataclass(frozen=True)
class Outcome:
    """How one arm went.

    Attributes:
        served: customers who were shown a list.
        lists: those lists.
        customers: those with a list whose days are over; the figures are about them.
        bought: the share of them who bought something they were shown.
        precision: the share of the products shown to a customer that they bought, the mean over customers; 0
            where nothing was shown.
    """

    served: int
    lists: int
    customers: int
    bought: Interval
    precision: Interval


@dataclass(frozen=True)
class Comparison:
    """Challenger and champion, side by side.

    Attributes:
        challenger: its bundle.
        share: of the customers it should have.
        since: later lists count; all were served as the settings split customers now.
        until: lists up to then count, as their days are over; `None` where no purchase is known.
        arms: how each went.
        bought: the challenger's `bought` less the champion's; `None` where there are too few to tell.
        precision: likewise.
        verdict: `too few`, `uneven`, `no difference`, `challenger` or `champion`, by `bought`.
        warnings: why it is too few or uneven.
    """

    challenger: str
    share: float
    since: datetime
    until: datetime | None
    arms: dict[Arm, Outcome]
    bought: Interval | None
    precision: Interval | None
    verdict: str
    warnings: list[str]

    def as_json(self) -> dict[str, Any]:
        """The comparison as plain JSON values; a figure of nobody is null."""
        arms = {
            arm: vars(found) | {"bought": _ends(found.bought), "precision": _ends(found.precision)}
            for arm, found in self.arms.items()
        }
        return vars(self) | {"arms": arms, "bought": _ends(self.bought), "precision": _ends(self.precision)}


def compared(settings: Settings, people: pl.DataFrame, since: datetime, until: datetime | None) -> Comparison:
    """Both arms, side by side.

    Args:
        settings: the experiment, and how many customers per arm are enough (`recs.min_judged_customers`).
        people: one row per customer served: `customer_id`, `arm` and `lists`; how many of these count as
            their days are `over`, how many products those showed (`shown`), and how many of
            these were `bought`.
        since: see `Comparison`.
        until: likewise.
    """
    experiment, seed = settings.recs.experiment, settings.seed
    figures = {arm: _figures(people.filter(arm=arm)) for arm in ARMS}
    few = _too_few(figures, settings.recs.min_judged_customers)
    uneven = _uneven(people, experiment.share)
    bought_any, precision = (
        None if few else apart(figures["challenger"][n], figures["champion"][n], seed) for n in (0, 1)
    )
    return Comparison(
        challenger=experiment.challenger,
        share=experiment.share,
        since=since,
        until=until,
        arms={arm: _outcome(people.filter(arm=arm), figures[arm], seed) for arm in ARMS},
        bought=bought_any,
        precision=precision,
        verdict="uneven" if uneven else _verdict(bought_any),
        warnings=few + uneven,
    )


def _figures(people: pl.DataFrame) -> tuple[Values, Values]:
    """For each customer whose lists count whether they bought anything shown, and which share of it."""
    share = pl.col("bought") / pl.col("shown").clip(1)
    counted = people.filter(pl.col("over") > 0).select(any=(share > 0).cast(pl.Float64), share=share)
    return counted["any"].to_numpy(), counted["share"].to_numpy()


def _outcome(people: pl.DataFrame, figures: tuple[Values, Values], seed: int) -> Outcome:
    bought_any, precision = (interval(values, seed) for values in figures)
    return Outcome(people.height, int(people["lists"].sum()), len(figures[0]), bought_any, precision)


def _verdict(difference: Interval | None) -> str:
    if difference is None:
        return "too few"
    return "challenger" if difference.low > 0 else "champion" if difference.high < 0 else "no difference"


def _too_few(figures: dict[Arm, tuple[Values, Values]], enough: int) -> list[str]:
    """Why nothing can be told, by arm; empty where it can."""
    everyone = np.concatenate([bought_any for bought_any, _ in figures.values()])
    reasons = []
    for arm, (bought_any, _) in figures.items():
        expected = everyone.mean() * len(bought_any) if len(everyone) else 0
        if len(bought_any) < enough:
            reasons.append(
                f"too few to tell: the {arm} has {len(bought_any)} customers with lists whose "
                f"{WITHIN.days} days are over, {enough} are enough"
            )
        elif expected < MIN_BUYERS:
            reasons.append(
                f"too few to tell: about {expected:.0f} of the {arm}'s customers would have bought something "
                f"shown if both arms were alike, {MIN_BUYERS} are enough"
            )
    return reasons


def _uneven(people: pl.DataFrame, share: float) -> list[str]:
    """A warning where the arms' sizes are not what the share makes likely: chi-square with one degree."""
    served, challenged = people.height, people.filter(arm="challenger").height
    if served * min(share, 1 - share) < 5:  # too few for the test
        return []
    distance = (challenged - served * share) ** 2 / (served * share * (1 - share))
    chance = math.erfc(math.sqrt(distance / 2))
    if chance >= MISMATCH:
        return []
    return [
        f"do not trust this: the challenger served {challenged} of {served} customers, {share:.0%} was "
        f"to be expected (chance {chance:.1g}). Something loses customers of one arm: requests that fail, "
        "or lists that are not logged"
    ]


def _ends(interval: Interval | None) -> dict[str, float] | None:
    return None if interval is None or math.isnan(interval.mean) else interval._asdict()
