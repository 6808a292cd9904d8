"""What a night computes, without keeping any of it: opportunities, chances of coupons, and decisions."""

from dataclasses import dataclass
from datetime import date

import polars as pl

from outreach import decisions
from outreach.finders import FINDERS, Finder, unused_entitlement
from outreach.opportunities import Claims, Opportunities
from outreach.settling import settle
from outreach.unsaid import unsaid
from outreach.world import World
from outreach.writing import PROPOSALS
from warehouse.lake import Lake
from warehouse.receipts import Receipt
from warehouse.settings import Settings


@dataclass(frozen=True)
class Night:
    """What a night decides.

    Attributes:
        decisions: one row per customer, sorted by `customer_id`.
        proposals: one row per notice, those without a message too, with the columns of `PROPOSALS`.
        members: `notice_id, opportunity_id`: what each notice is about.
        verdicts: one row per customer and bundle: what each rule said.
        rights: how many rights no message tells of.
    """

    decisions: pl.DataFrame
    proposals: pl.DataFrame
    members: pl.DataFrame
    verdicts: pl.DataFrame
    rights: int


def opportunities_of(world: World, settings: Settings, day: date, receipt: Receipt) -> pl.DataFrame:
    """The opportunities of a day, sorted by id; what a person should know of it goes to the receipt."""
    found = pl.concat([_found(finder, world, settings, day, receipt) for finder in FINDERS.values()])
    settled = settle(found.lazy(), list(FINDERS), world, settings.outreach, day)
    return Opportunities.validate(settled.sort("opportunity_id").collect(engine="streaming"))


def _found(finder: Finder, world: World, settings: Settings, day: date, receipt: Receipt) -> pl.DataFrame:
    """What one finder claims; all of it held where it claims more of its lines than can be luck.

    What earlier nights promised counts too: a wrong price list may come in over several nights.
    """
    frame = Claims.validate(finder.find(world, settings.outreach, day).collect(engine="streaming"))
    if finder.examined is None or frame.is_empty():
        return frame
    examined = finder.examined(world, settings.outreach, day).select(pl.len())
    lines = examined.collect(engine="streaming").item()
    receipt.rows_in[f"{finder.kind}: lines in the window"] = lines
    if frame.height <= settings.outreach.hold_share * lines:
        return frame
    receipt.warnings.append(
        f"{finder.kind} would claim {frame.height} of {lines} lines, with those claimed before, more than "
        f"outreach.hold_share ({settings.outreach.hold_share:.0%}): all of it is held until a person "
        "has looked at the prices"
    )
    return frame.with_columns(held=pl.lit(value=True))


def decided_for(
    opportunities: pl.LazyFrame, chances: pl.LazyFrame, world: World, settings: Settings, day: date
) -> Night:
    """Decides for every customer, and what becomes of the rights that no message tells of.

    Args:
        opportunities: of the day, and what it asks.
        chances: as `chances_of` gives them.
        world: of the day.
        settings: rules and limits.
        day: the day.
    """
    made = decisions.decide(opportunities, chances, world, settings.outreach, day)
    proposals, members = unsaid(
        opportunities, made.members, world.customers, world.choices, settings.outreach, day
    )
    return Night(
        made.decisions,
        pl.concat([made.proposals.select(PROPOSALS), proposals]),
        pl.concat([made.members, members]),
        made.verdicts,
        members.height,
    )


def chances_of(opportunities: pl.LazyFrame, settings: Settings, day: date, receipt: Receipt) -> pl.DataFrame:
    """`entitlement_id, probability` of the coupons that were found unused and whose chance is known."""
    schema = pl.Schema({"entitlement_id": pl.String(), "probability": pl.Float64()})
    unused = opportunities.filter(pl.col("kind") == unused_entitlement.KIND, pl.col("owed") == "advice")
    coupons = unused.select("entitlement_id").collect()
    if coupons.is_empty():
        return pl.DataFrame(schema=schema)
    # To train takes seconds to import.
    from outreach.coupons.chances import chances, tables_of

    known = chances(tables_of(Lake.of(settings), day), day, settings).drop_nulls("probability")
    found = known.join(coupons.lazy(), on="entitlement_id", how="semi").collect().sort("entitlement_id")
    receipt.rows_out["coupons whose chance of a use is known"] = found.height
    if found.is_empty():
        receipt.notes.append(
            "advice about coupons goes by its amounts alone: too few have lapsed, used or unused, to know "
            f"the chance of a use (outreach.min_coupon_uses: {settings.outreach.min_coupon_uses})"
        )
    return found.cast(schema)
