"""What the pipeline calls: find opportunities, decide for every customer, prepare the batch."""

from datetime import date

import polars as pl

from features.events import seen
from features.volume import shortfalls
from outreach import batches, decisions
from outreach.finders import FINDERS, Finder, unused_entitlement
from outreach.inputs import freeze
from outreach.nights import is_reviewed, keep, newest
from outreach.opportunities import Claims, Opportunities
from outreach.policy import NO_IMPRINT
from outreach.recovery import questions
from outreach.settling import settle
from outreach.style import Style
from outreach.unsaid import unsaid
from outreach.world import World, world_of
from outreach.writing import NOTICES, PROPOSALS, Written, batch_id_of, write
from warehouse import clock
from warehouse.database import engine_for, writing
from warehouse.lake import Lake
from warehouse.lease import hold
from warehouse.receipts import Receipt, recording
from warehouse.settings import Settings


def find(settings: Settings, day: date) -> Receipt:
    """Finds the opportunities of a day and keeps them as `opportunities`."""
    with hold(settings, "outreach"), recording(settings, "outreach.find", day) as receipt:
        world = world_of(settings, day)
        found = pl.concat([_found(finder, world, settings, day, receipt) for finder in FINDERS.values()])
        settled = settle(found.lazy(), list(FINDERS), world, settings.outreach, day)
        frame = Opportunities.validate(settled.sort("opportunity_id").collect(engine="streaming"))
        receipt.artifacts["opportunities"] = keep(settings, day, "opportunities", frame)
        receipt.rows_out["opportunities"] = frame.height
        receipt.numbers["opportunities"] = _summary(frame)
        receipt.numbers["lake"] = Lake.of(settings).version
        receipt.numbers["settings"] = settings.outreach.model_dump(mode="json", exclude={"holdout_salt"})
    return receipt


def _found_and_asked(settings: Settings, day: date) -> pl.LazyFrame:
    return pl.concat([newest(settings, day, "opportunities"), questions(Lake.of(settings), day)])


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


def decide(settings: Settings, day: date) -> Receipt:
    """Decides for every customer and keeps one row each as `decisions`."""
    with hold(settings, "outreach"), recording(settings, "outreach.decide", day) as receipt:
        opportunities, world = _found_and_asked(settings, day), world_of(settings, day)
        chances = _coupon_chances(opportunities, settings, day, receipt)
        decided = decisions.decide(opportunities, chances.lazy(), world, settings.outreach, day)
        proposals, members = unsaid(
            opportunities, decided.members, world.customers, world.choices, settings.outreach, day
        )
        frames = {
            "decisions": decided.decisions,
            "outreach_proposals": pl.concat([decided.proposals.select(PROPOSALS), proposals]),
            "outreach_members": pl.concat([decided.members, members]),
            "outreach_rules": decided.verdicts,
            "coupon_chances": chances,
        }
        for name, frame in frames.items():
            receipt.artifacts[name] = keep(settings, day, name, frame)
        receipt.rows_out["decisions"] = decided.decisions.height
        receipt.rows_out["rights without a message"] = members.height
        reasons = decided.decisions.group_by("outcome", "reason").len().sort("outcome", "reason")
        receipt.numbers["decisions"] = {f"{o}: {reason}": count for o, reason, count in reasons.iter_rows()}
        if silenced := receipt.numbers["decisions"].get(f"silent: {NO_IMPRINT}"):
            receipt.warnings.append(
                f"{silenced:,} customers could save money and hear nothing of it: advice has to say how to "
                "end it and where the shop is; set outreach.opt_out and outreach.postal_address"
            )
    return receipt


def _coupon_chances(
    opportunities: pl.LazyFrame, settings: Settings, day: date, receipt: Receipt
) -> pl.DataFrame:
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


def prepare_batch(settings: Settings, day: date) -> Receipt:
    """Writes the notices of a day and puts them into its batch, for people to review.

    When the day's purchases or prices are too few to trust, there is no batch, and the receipt says so.
    """
    with hold(settings, "outreach"), recording(settings, "outreach.prepare_batch", day) as receipt:
        lake = Lake.of(settings)
        if short := shortfalls(lake, day):
            return _no_batch(settings, day, short, receipt)
        written = _written(settings, lake, day)
        receipt.warnings += [
            f"{count:,} notices are held until a person has looked at their words ({problem.rule}): "
            f"{problem.advice}; then run the night again"
            for problem, count in written.problems.items()
        ]
        with writing(engine_for(settings)) as session:
            differs = batches.replace(
                session, day, written, now=clock.now(), valid_days=settings.outreach.valid_days
            )
            receipt.artifacts["batch"] = batch_id_of(day)
            receipt.numbers["notices"] = _by_state(written.notices)
            if differs is None:
                receipt.artifacts["notices"] = lake.put("notices", day, written.notices)
                receipt.rows_out["notices"] = written.notices.height
            else:
                _report(differs, day, receipt)
    return receipt


def _written(settings: Settings, lake: Lake, day: date) -> Written:
    proposals, members = (newest(settings, day, f"outreach_{name}") for name in ("proposals", "members"))
    opportunities = _found_and_asked(settings, day)
    customers = seen(lake, "customers", day).select("customer_id", "email", "phone")
    promised = freeze(settings, lake, day).promised
    return write(
        proposals=proposals,
        members=members,
        opportunities=opportunities,
        promised=promised,
        customers=customers,
        style=Style.of(settings),
        day=day,
    )


def _no_batch(settings: Settings, day: date, short: list[str], receipt: Receipt) -> Receipt:
    receipt.warnings += [
        *short,
        f"no batch was made for {day}; import what is missing and run the night again",
    ]
    with writing(engine_for(settings)) as session:
        batches.remove_draft(session, day)
    if not is_reviewed(settings, day):
        Lake.of(settings).put("notices", day, pl.DataFrame(schema=NOTICES))
    return receipt


def _report(differs: batches.Difference, day: date, receipt: Receipt) -> None:
    receipt.numbers["would_differ"] = {
        "added": differs.added,
        "removed": differs.removed,
        "changed": differs.changed,
    }
    receipt.notes.append(f"the batch of {day} is in review, so nothing was changed")
    if differs:
        receipt.warnings.append(
            f"a new batch for {day} would have {differs.added} more, {differs.removed} fewer and "
            f"{differs.changed} other notices than the one in review"
        )


def _summary(frame: pl.DataFrame) -> dict[str, dict[str, int | None]]:
    """Per kind and currency: how many, for how many customers, how much in minor units."""
    sums = (
        frame.group_by("kind", "currency")
        .agg(
            opportunities=pl.len(),
            customers=pl.col("customer_id").n_unique(),
            held=pl.col("held").sum(),
            amount_minor=pl.when(pl.col("amount_minor").count() > 0).then(pl.col("amount_minor").sum()),
        )
        .sort("kind", "currency")
    )
    return {
        f"{row.pop('kind')} {row.pop('currency') or 'of unknown value'}": row
        for row in sums.iter_rows(named=True)
    }


def _by_state(notices: pl.DataFrame) -> dict[str, int]:
    return dict(notices.group_by("state").len().sort("state").iter_rows())
