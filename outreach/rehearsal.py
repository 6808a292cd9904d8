"""A dry run: what a night would have decided with other settings, from the same frozen inputs.

Both sides are computed now, with the settings in force and with the changed ones, so that what differs is
the change alone. Nothing is written, and no lease is taken: nights and reviews go on beside it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

import polars as pl
from sqlalchemy import func, select

from outreach.computing import Night, chances_of, decided_for, opportunities_of
from outreach.differences import Difference, differences
from outreach.inputs import are_frozen
from outreach.recovery import questions
from outreach.world import World, world_of
from warehouse.database import engine_for, reading
from warehouse.errors import NotFoundError
from warehouse.lake import Lake
from warehouse.models import ReceiptRow
from warehouse.receipts import Receipt
from warehouse.setting_changes import in_force, tried
from warehouse.setting_names import plain_value
from warehouse.settings import Settings

SAMPLE = 20
_FOUND_WITHOUT = frozenset(
    f"outreach.{name}"
    for name in (
        *("channels", "cap_contacts", "cap_days", "holdout_share"),
        *("waking_from", "waking_until", "default_timezone", "default_locale", "advice_items"),
        *("valid_days", "shop_name", "contact", "opt_out", "postal_address", "min_coupon_uses"),
        *("ageing_warning_hours", "ageing_breach_hours", "goodwill_limit_minor", "goodwill_year_minor"),
    )
) | {"send.delay_minutes"}
"""Settings that no finder reads, nor what settles claims: with others of these the same is found."""
_CHANCES_FROM = "outreach.min_coupon_uses"


@dataclass(frozen=True)
class Rehearsal:
    """What would differ in a night.

    Attributes:
        day: the night.
        changes: of each setting the value in force, and the one that was tried.
        difference: what would differ.
        notes: sentences a person should read before believing it.
    """

    day: date
    changes: dict[str, tuple[Any, Any]]
    difference: Difference
    notes: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """All of it as plain JSON values."""
        changes = {name: {"before": old, "after": new} for name, (old, new) in self.changes.items()}
        return {
            "day": self.day.isoformat(),
            "changes": changes,
            **asdict(self.difference),
            "notes": self.notes,
        }


def rehearse(
    settings: Settings, changes: Mapping[str, Any], day: date | None = None, *, sample: int = SAMPLE
) -> Rehearsal:
    """Computes a night twice, as it is and with changed settings, and says what differs; writes nothing.

    Args:
        settings: of the home.
        changes: values by name, as `warehouse.setting_changes.tried` takes them.
        day: the night; by default the last one.
        sample: how many of the customers that differ are named.

    Raises:
        SettingsError, ConflictError: as `tried`.
        NotFoundError: no night has run, or not for that day.
    """
    present, changed = in_force(settings), tried(settings, changes)
    lake, day = Lake.of(settings), day or last_night(settings)
    kept = lake.get("decisions", day)
    if not are_frozen(lake, day):
        raise NotFoundError(f"the night of {day} lacks inputs; run `advocate nightly --day {day}` first")
    world, asked = world_of(settings, day), questions(lake, day)
    found = _found(world, (present, changed), set(changes), asked, day)
    before, after = _decided(found, world, (present, changed), set(changes), day)
    values = {name: (plain_value(present, name), plain_value(changed, name)) for name in changes}
    difference = differences(found, (before, after), sample)
    return Rehearsal(day, values, difference, _notes(difference, before, kept, day))


def last_night(settings: Settings) -> date:
    """The newest day that was decided about.

    Raises:
        NotFoundError: there is none.
    """
    query = select(func.max(ReceiptRow.day)).where(ReceiptRow.step == "outreach.decide")
    with reading(engine_for(settings)) as session:
        day = session.scalar(query)
    if day is None:
        raise NotFoundError("no night has run in this home; run `advocate nightly` first")
    return day


def _found(
    world: World, sides: Sequence[Settings], changed: set[str], asked: pl.LazyFrame, day: date
) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """What is found on both sides; once, where no finder reads what was changed."""
    needed = sides[:1] if changed <= _FOUND_WITHOUT else sides
    unread = Receipt("rehearsal", day)
    found = [pl.concat([opportunities_of(world, one, day, unread).lazy(), asked]) for one in needed]
    return found[0], found[-1]


def _decided(
    found: Sequence[pl.LazyFrame], world: World, sides: Sequence[Settings], changed: set[str], day: date
) -> tuple[Night, Night]:
    unread = Receipt("rehearsal", day)
    if _CHANCES_FROM in changed:
        chances = [chances_of(one, side, day, unread) for one, side in zip(found, sides, strict=True)]
    else:  # of the coupons of both, for to learn takes long
        chances = [chances_of(pl.concat(found), sides[0], day, unread)] * 2
    before, after = (
        decided_for(one, likely.lazy(), world, side, day)
        for one, likely, side in zip(found, chances, sides, strict=True)
    )
    return before, after


def _notes(difference: Difference, before: Night, kept: pl.LazyFrame, day: date) -> list[str]:
    notes = []
    if count := _otherwise(before.decisions.lazy(), kept):
        notes.append(
            f"of {count:,} customers the night of {day} itself decided otherwise: data or settings have "
            "changed since; both sides here are computed from what there is now"
        )
    if not difference:
        notes.append(f"nothing that was decided in the night of {day} would differ")
    return notes


def _otherwise(now: pl.LazyFrame, then: pl.LazyFrame) -> int:
    """How many customers are decided about otherwise, or are on one side only."""
    facts = ["customer_id", "outcome", "reason", "channel", "value_minor", "currency"]
    sides = (now.select(facts), then.select(facts))
    apart = [one.join(other, on=facts, how="anti", nulls_equal=True) for one, other in (sides, sides[::-1])]
    count: int = pl.concat(apart).select(pl.col("customer_id").n_unique()).collect().item()
    return count
