"""`back_in_stock_cheaper` (advice): what a customer wanted while it could not be had is back for no more.

The rule stands in `docs/savings/README.md`; `docs/savings/back_in_stock_cheaper.md` explains it to people.
"""

from datetime import date

import polars as pl

from outreach.finders.looks import PAIR, look_facts, may_have_lacked, no_dearer_looks, prices_now, waits
from outreach.ids import content_ids
from outreach.opportunities import claims, evidence
from outreach.world import World
from warehouse.settings import OutreachSettings

KIND = "back_in_stock_cheaper"


def find(world: World, settings: OutreachSettings, day: date) -> pl.LazyFrame:
    """The claims of a day: one per customer and product; being back is worth saying without a saving too."""
    lacked = may_have_lacked(prices_now(world, day), world)
    back = no_dearer_looks(world, settings, day, among=lacked).filter(~pl.col("had_then"), "had_now")
    return claims(
        back.with_columns(
            opportunity_id=content_ids(KIND, *PAIR),
            kind=pl.lit(KIND),
            owed=pl.lit("advice"),
            least_minor=pl.lit(0, dtype=pl.Int64),
            expires_at="price_now_until",
            held=waits(settings),
            facts=evidence(look_facts(settings, day)),
        )
    )
