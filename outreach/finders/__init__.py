"""Finders of opportunities, each in a module of its own and registered here by name, in order of precedence.

A finder is pure: what it finds follows from the world, the settings and the day alone. It does not look at
what was promised before, or at what others find: `outreach.settling` does.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import polars as pl

from outreach.finders import (
    back_in_stock_cheaper,
    cheaper_same,
    double_payment,
    failed_experience,
    idle_subscription,
    late_delivery,
    price_drop,
    price_guarantee,
    recurring_trouble,
    unclaimed_benefit,
    unused_entitlement,
    watched_price_drop,
)
from outreach.world import World
from warehouse.settings import OutreachSettings

Find = Callable[[World, OutreachSettings, date], pl.LazyFrame]


@dataclass(frozen=True)
class Finder:
    """One kind of opportunity and how it is found.

    Attributes:
        kind: its name, also of its templates and its page in `docs/savings/`.
        owed: which of `right`, `policy` and `advice` its claims are.
        find: gives the claims of a day, with the columns of `outreach.opportunities.Claims`.
        examined: gives the lines that could have been claimed, one row each, for kinds that rest on prices;
            when too large a share of them is claimed, the kind is held for a person.
        told: whether customers are written to about it; what is not told asks a person to call.
    """

    kind: str
    owed: frozenset[str]
    find: Find
    examined: Find | None = None
    told: bool = True


RIGHT, POLICY, ADVICE = (frozenset({owed}) for owed in ("right", "policy", "advice"))

FINDERS: dict[str, Finder] = {
    finder.kind: finder
    for finder in (
        Finder("price_guarantee", RIGHT, price_guarantee.find, price_guarantee.examined),
        Finder("price_drop", POLICY, price_drop.find, price_drop.examined),
        Finder("double_payment", RIGHT, double_payment.find),
        Finder("failed_experience", RIGHT, failed_experience.find),
        Finder("late_delivery", POLICY, late_delivery.find),
        Finder("unclaimed_benefit", POLICY, unclaimed_benefit.find),
        Finder("unused_entitlement", ADVICE | RIGHT, unused_entitlement.find),
        Finder("idle_subscription", POLICY, idle_subscription.find),
        Finder("watched_price_drop", ADVICE, watched_price_drop.find),
        Finder("back_in_stock_cheaper", ADVICE, back_in_stock_cheaper.find),
        Finder("cheaper_same", ADVICE, cheaper_same.find),
        Finder("recurring_trouble", ADVICE, recurring_trouble.find, told=False),
    )
}

FOR_CALLS = tuple(kind for kind, finder in FINDERS.items() if not finder.told)
"""Kinds of which nobody is written to: they are listed for people to call."""
