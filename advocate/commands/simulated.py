"""`simulate`: makes a retailer whose truth is known."""

from dataclasses import asdict
from datetime import datetime, time
from pathlib import Path
from typing import Annotated

import typer

from advocate.commands.options import Json, as_day
from advocate.printing import heading, print_json, print_table, progress, say
from features.simulator import FIRST, SET, Plan, Simulated
from features.simulator import simulate as make

_FIRST = datetime.combine(FIRST, time())


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(simulate)


def simulate(
    out: Annotated[
        Path, typer.Argument(help="A new folder: gets feed/night-1 and so on, and truth.parquet.")
    ],
    customers: Annotated[int, typer.Option(min=1, help="How many, planted ones among them.")] = 20_000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same files, to the byte.")] = 0,
    nights: Annotated[int, typer.Option(min=1, max=3, help="How many nights, a day apart.")] = 3,
    day: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The day of the first night.")] = _FIRST,
    each: Annotated[
        int, typer.Option(min=0, help="One set of all cases for so many customers begun; 0: no cases.")
    ] = SET,
    activity: Annotated[
        float,
        typer.Option(min=0, help="How often the others shop; 1: like the Complete Journey's households."),
    ] = Plan.activity,
    json: Json = False,
) -> None:
    """Make a retailer whose truth is known: a feed to import, and what each night must find in it.

    Every kind of saving is planted with its exact amount, beside look-alikes that miss one condition by the
    smallest step. The truth of a night holds when what the nights before proposed was approved.
    """
    plan = Plan(customers, seed, as_day(day), nights, each, activity)
    with progress("simulate") as status:
        made = make(plan, out, say=status.update)
    if json:
        print_json(asdict(made))
    else:
        _show(made)


def _show(made: Simulated) -> None:
    heading(f"What is in {made.folder}")
    print_table(
        ("import", "table", "rows"),
        [
            (f"feed/{name}", table, rows)
            for name, tables in made.rows.items()
            for table, rows in tables.items()
        ],
    )
    heading("What the nights must find (truth.parquet)")
    print_table(
        ("night", "kind", "cases", "look-alikes"),
        [(row["night"], row["kind"], row["cases"], row["look_alikes"]) for row in made.planted],
    )
    heading("What to try next")
    for place, night in enumerate(made.nights):
        if place:
            say("  advocate batch approve latest")
        for name in night["imports"]:
            say(f"  advocate import folder {made.folder / name}")
        say(f"  advocate nightly --day {night['day']}")
