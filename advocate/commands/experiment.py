"""`experiment`: how a challenger does against the champion."""

from datetime import datetime
from typing import Annotated

import typer

from advocate.commands.options import Json, as_day, opened
from advocate.printing import complain, heading, print_json, print_table, progress, say
from recs import registry
from recs.arms import WITHIN, Comparison, Outcome
from recs.comparison import compare
from recs.metrics import Interval
from warehouse import clock
from warehouse.errors import NotFoundError
from warehouse.settings import Settings

VERDICTS = {
    "too few": "There are too few customers to tell yet.",
    "uneven": "The arms are not what the split should make them: find out why before believing any of this.",
    "no difference": "No difference can be seen: the interval holds zero.",
    "challenger": "The challenger does better.",
    "champion": "The champion does better.",
}


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(experiment)


def experiment(
    context: typer.Context,
    days: Annotated[int, typer.Option(min=1, max=3650, help="How many days of lists to look at.")] = 28,
    day: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The last UTC day to look at.  [default: today]"),
    ] = None,
    json: Json = False,
) -> None:
    """Compare what customers bought of what the challenger and the champion showed them.

    `recs.experiment` in the settings names the challenger and its share of the customers. A list counts once
    the seven days are over in which a purchase counts.
    """
    settings = opened(context)
    _warn_of_missing(settings)
    with progress("experiment"):
        found = compare(settings, as_day(day) if day else clock.now().date(), days)
    if json:
        print_json(found.as_json())
    else:
        _show(found)


def _warn_of_missing(settings: Settings) -> None:
    """Says where the named challenger is no bundle of this home: then the champion serves everybody."""
    challenger = settings.recs.experiment.challenger
    try:
        if challenger:
            registry.entry(settings, challenger)
    except NotFoundError as error:
        complain(f"the champion serves everybody: {error}")


def _show(found: Comparison) -> None:
    heading(f"{found.challenger} for {found.share:.0%} of the customers")
    say(f"{_which(found)}\n")
    print_table(
        (
            "arm",
            "customers served",
            "lists",
            "customers who count",
            "bought something shown",
            "of what was shown",
        ),
        [
            (arm, o.served, o.lists, o.customers, _percent(o, o.bought), _percent(o, o.precision))
            for arm, o in found.arms.items()
        ],
    )
    if found.bought and found.precision:
        say("\nThe challenger less the champion, in percentage points, with its 95 % interval:")
        say(f"  bought something shown  {_points(found.bought)}")
        say(f"  of what was shown       {_points(found.precision)}")
    say(f"\n{VERDICTS[found.verdict]}")
    for warning in found.warnings:
        say(f"  WARNING: {warning}")


def _which(found: Comparison) -> str:
    since, days = f"{found.since:%Y-%m-%d %H:%M}", f"their {WITHIN.days} days"
    if found.until is None or found.until <= found.since:
        return f"No list since {since} counts yet: by the newest purchase that is known, {days} are not over."
    return (
        f"Lists since {since} count, up to {found.until:%Y-%m-%d %H:%M}: all were served as customers are "
        f"split now, and {days} are over."
    )


def _percent(outcome: Outcome, share: Interval) -> str:
    if not outcome.customers:
        return "unknown"
    return f"{share.mean:.2%} ({share.low:.2%} to {share.high:.2%})"


def _points(share: Interval) -> str:
    mean, low, high = (100 * value for value in share)
    return f"{mean:+.2f} ({low:+.2f} to {high:+.2f})"
