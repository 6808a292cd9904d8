"""A night: features, then the two halves, which stand apart; if one fails the other completes.

Outreach comes first: people wait for its batch, and it waits for no training.
"""

import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import outreach.steps
import recs.steps
from advocate.database import upgrade
from features.steps import build_features, import_feed, import_live
from outreach.digest import digest
from outreach.promises.ageing import ageing
from outreach.promises.uses import reconcile
from outreach.recovery import follow_up
from warehouse.lease import NIGHT, hold
from warehouse.receipts import Receipt
from warehouse.settings import Settings

Step = Callable[[Settings, date], Receipt]
HALVES: dict[str, tuple[Step, ...]] = {
    "outreach": (
        reconcile,
        outreach.steps.find,
        follow_up,
        outreach.steps.decide,
        outreach.steps.prepare_batch,
        ageing,
        digest,
    ),
    "recommendations": (recs.steps.recommend,),
}


@dataclass
class Night:
    """What a night did: the receipts of its steps, and the halves that failed with their reasons."""

    day: date
    receipts: list[Receipt] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)

    def receipt(self, step: str) -> Receipt | None:
        """The receipt of a step, or `None` where it did not complete."""
        return next((r for r in self.receipts if r.step == step), None)

    def as_json(self) -> dict[str, Any]:
        """The night as plain JSON values."""
        return {
            "day": self.day.isoformat(),
            "receipts": [receipt.as_json() for receipt in self.receipts],
            "failed": self.failed,
        }


def run_night(
    settings: Settings, day: date, *, say: Callable[[str], None] = lambda _: None, trace: bool = True
) -> Night:
    """Runs the whole night of a day.

    Args:
        settings: the home to work in.
        day: the UTC day; what happened after its end is not seen.
        say: is told the name of each step before it starts.
        trace: whether the trace of a failed half goes to standard error.

    Raises:
        LeaseHeldError: another run is at work in this home.
        AdvocateError: the import or the features failed; nothing of the night was made.
    """
    upgrade(settings)
    night = Night(day)
    with hold(settings, *NIGHT):
        if settings.feed.path:
            say("import")
            imported = import_feed(settings)
            night.receipts += [imported] if imported else []
        say("live events")
        live = import_live(settings)
        night.receipts += [live] if live else []
        say("features")
        night.receipts.append(build_features(settings, day))
        for half, steps in HALVES.items():
            try:
                for step in steps:
                    say(step.__name__.replace("_", " "))
                    night.receipts.append(step(settings, day))
            except Exception as error:  # noqa: BLE001 the other half must complete whatever happened here
                night.failed[half] = f"{type(error).__name__}: {error}"
                if trace:
                    traceback.print_exc()
    return night
