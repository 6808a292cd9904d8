"""The plants: cases that must be found, each with its exact amount, and look-alikes that must not.

Each module plants one kind, or what kinds do to each other, from the words of `docs/savings/`; none of them
knows a finder.
"""

from features.simulator.plants import (
    back,
    balances,
    caps,
    cheaper,
    double,
    drop,
    failed,
    guarantee,
    late,
    later,
    plays,
    subscriptions,
    together,
    trouble,
    unclaimed,
    unused,
    watched,
)
from features.simulator.stage import Stage

_EVERY = (
    guarantee, drop, double, subscriptions, failed, plays, late, unclaimed, unused, balances,
    watched, back, cheaper, trouble, together, caps, later,
)  # fmt: skip


def plant_all(stage: Stage) -> None:
    """Puts one of each case on the stage."""
    for module in _EVERY:
        module.plant(stage)
