"""What the pipeline calls: find opportunities, decide for every customer, prepare the batch."""

from datetime import date

import polars as pl

from features.events import seen
from features.volume import shortfalls
from outreach import batches
from outreach.computing import chances_of, decided_for, opportunities_of
from outreach.inputs import freeze
from outreach.nights import is_reviewed, keep, newest
from outreach.policy import NO_IMPRINT
from outreach.recovery import questions
from outreach.style import Style
from outreach.world import world_of
from outreach.writing import NOTICES, Written, batch_id_of, write
from warehouse import clock
from warehouse.database import engine_for, writing
from warehouse.lake import Lake
from warehouse.lease import hold
from warehouse.receipts import Receipt, recording
from warehouse.settings import Settings


def find(settings: Settings, day: date) -> Receipt:
    """Finds the opportunities of a day and keeps them as `opportunities`."""
    with hold(settings, "outreach"), recording(settings, "outreach.find", day) as receipt:
        frame = opportunities_of(world_of(settings, day), settings, day, receipt)
        receipt.artifacts["opportunities"] = keep(settings, day, "opportunities", frame)
        receipt.rows_out["opportunities"] = frame.height
        receipt.numbers["opportunities"] = _summary(frame)
        receipt.numbers["lake"] = Lake.of(settings).version
        receipt.numbers["settings"] = settings.outreach.model_dump(mode="json", exclude={"holdout_salt"})
    return receipt


def _found_and_asked(settings: Settings, day: date) -> pl.LazyFrame:
    return pl.concat([newest(settings, day, "opportunities"), questions(Lake.of(settings), day)])


def decide(settings: Settings, day: date) -> Receipt:
    """Decides for every customer and keeps one row each as `decisions`."""
    with hold(settings, "outreach"), recording(settings, "outreach.decide", day) as receipt:
        opportunities, world = _found_and_asked(settings, day), world_of(settings, day)
        chances = chances_of(opportunities, settings, day, receipt)
        decided = decided_for(opportunities, chances.lazy(), world, settings, day)
        frames = {
            "decisions": decided.decisions,
            "outreach_proposals": decided.proposals,
            "outreach_members": decided.members,
            "outreach_rules": decided.verdicts,
            "coupon_chances": chances,
        }
        for name, frame in frames.items():
            receipt.artifacts[name] = keep(settings, day, name, frame)
        receipt.rows_out["decisions"] = decided.decisions.height
        receipt.rows_out["rights without a message"] = decided.rights
        reasons = decided.decisions.group_by("outcome", "reason").len().sort("outcome", "reason")
        receipt.numbers["decisions"] = {f"{o}: {reason}": count for o, reason, count in reasons.iter_rows()}
        if silenced := receipt.numbers["decisions"].get(f"silent: {NO_IMPRINT}"):
            receipt.warnings.append(
                f"{silenced:,} customers could save money and hear nothing of it: advice has to say how to "
                "end it and where the shop is; set outreach.opt_out and outreach.postal_address"
            )
    return receipt


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
    customers = seen(lake, "customers", day).select("customer_id", "email", "phone", "market")
    return write(
        proposals=proposals,
        members=members,
        opportunities=opportunities,
        inputs=freeze(settings, lake, day),
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
