"""`demo` and `nightly`."""

from datetime import datetime, time
from typing import Annotated

import typer

from advocate.commands.options import Json, Moment, as_day, opened
from advocate.demo import DAY, run_demo, show_demo
from advocate.night import run_night
from advocate.printing import complain, print_json, print_receipt, progress

_DEMO_DAY = datetime.combine(DAY, time())


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command()(demo)
    app.command()(nightly)


def demo(
    context: typer.Context,
    day: Moment = _DEMO_DAY,
    households: Annotated[
        int | None,
        typer.Option(min=1, help="Only so many of the households, for a quick look.  [default: all 2,469]"),
    ] = None,
    json: Json = False,
) -> None:
    """Import a year of real grocery purchases, run a night, and show what was found."""
    settings = opened(context)
    with progress("demo") as status:
        report = run_demo(settings, as_day(day), households=households, say=status.update)
    if json:
        print_json(report.as_json())
    else:
        show_demo(settings, report)
    _exit_for(report.night.failed)


def nightly(context: typer.Context, day: Moment, json: Json = False) -> None:
    """Run the whole night of a day: features, recommendations, opportunities, decisions, batch.

    The same night can be run again: the same data gives the same results, and a batch somebody has begun
    to review is left as it is.
    """
    settings = opened(context)
    with progress("night") as status:
        night = run_night(settings, as_day(day), say=status.update)
    if json:
        print_json(night.as_json())
    else:
        for receipt in night.receipts:
            print_receipt(receipt)
    _exit_for(night.failed)


def _exit_for(failed: dict[str, str]) -> None:
    for half, why in failed.items():
        other = "the other half is complete" if len(failed) == 1 else "so did the other half"
        complain(f"advocate: {half} failed ({why}); {other}")
    if failed:
        raise typer.Exit(1)
