"""`watched_price_drop` (advice): what a customer looked at and did not buy costs less now.

The rule stands in `docs/savings/README.md`, and `docs/savings/watched_price_drop.md` explains it to people.
"""

from datetime import date

import polars as pl

from outreach.finders.looks import PAIR, cheaper_than_once, look_facts, no_dearer_looks, prices_now, waits
from outreach.ids import content_ids
from outreach.opportunities import claims, evidence
from outreach.world import World
from warehouse.settings import OutreachSettings

KIND = "watched_price_drop"


def find(world: World, settings: OutreachSettings, day: date) -> pl.LazyFrame:
    """The claims of a day: one per customer and product that could be had at the look, and can be had now."""
    cheaper = cheaper_than_once(prices_now(world, day), world, settings, day)
    looks = no_dearer_looks(world, settings, day, among=cheaper)
    watched = looks.filter("had_then", "had_now", pl.col("claim_minor") > 0)
    return claims(
        watched.with_columns(
            opportunity_id=content_ids(KIND, *PAIR),
            kind=pl.lit(KIND),
            owed=pl.lit("advice"),
            expires_at="price_now_until",
            held=waits(settings),
            facts=evidence(look_facts(settings, day)),
        )
    )
