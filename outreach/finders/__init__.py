"""Finders of opportunities, each in a module of its own and registered here by name, in order of precedence.

A finder is pure: what it finds follows from the world, the settings and the day alone. It does not look at
what was promised before, or at what others find: `outreach.settling` does.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import polars as pl

from outreach.finders import (
    double_payment,
    failed_experience,
    idle_subscription,
    late_delivery,
    price_drop,
    price_guarantee,
    unused_entitlement,
)
from outreach.world import World
from warehouse.settings import OutreachSettings

Find = Callable[[World, OutreachSettings, date], pl.LazyFrame]


@dataclass(frozen=True)
class Finder:
    """One kind of opportunity and how it is found.

    Attributes:
        kind: its name, also of its templates and its page in `docs/savings/`.
        owed: `right`, `policy` or `advice`.
        find: gives the claims of a day, with the columns of `outreach.opportunities.Claims`.
        examined: gives the lines that could have been claimed, one row each, for kinds that rest on prices.
        claimed: gives those of them that are claimed, tonight or by earlier nights; when they are too large a
            share of the examined, the kind is held for a person.
    """

    kind: str
    owed: str
    find: Find
    examined: Find | None = None
    claimed: Find | None = None


FINDERS: dict[str, Finder] = {
    finder.kind: finder
    for finder in (
        Finder(
            "price_guarantee",
            "right",
            price_guarantee.find,
            price_guarantee.examined,
            price_guarantee.claimed,
        ),
        Finder("price_drop", "policy", price_drop.find, price_drop.examined, price_drop.claimed),
        Finder("double_payment", "right", double_payment.find),
        Finder("failed_experience", "right", failed_experience.find),
        Finder("late_delivery", "policy", late_delivery.find),
        Finder("unused_entitlement", "advice", unused_entitlement.find),
        Finder("idle_subscription", "policy", idle_subscription.find),
    )
}
