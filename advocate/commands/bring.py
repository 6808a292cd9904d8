"""`import`: brings data in; `prune`: forgets old events."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from advocate.commands.options import Json, as_day, opened
from advocate.printing import print_json, print_receipt, progress, say
from features.feeds import Delivery
from features.feeds.complete_journey import read_complete_journey
from features.feeds.folder import read_folder
from features.feeds.online_retail import read_online_retail
from features.importing import bring_in
from warehouse.lake import Lake
from warehouse.lease import hold

feeds = typer.Typer(help="Bring data in. Rows that break the contract go to quarantine with their reasons.")


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.add_typer(feeds, name="import", no_args_is_help=True)
    app.command()(prune)


@feeds.command()
def folder(context: typer.Context, path: Path, json: Json = False) -> None:
    """Import a folder with one CSV or Parquet file (or folder of files) per table of the feed contract."""
    _import(context, lambda: read_folder(path), json)


@feeds.command("complete-journey")
def complete_journey(context: typer.Context, json: Json = False) -> None:
    """Import a year of real grocery purchases of 2,469 households (the `demo` extra)."""
    _import(context, read_complete_journey, json)


@feeds.command("online-retail")
def online_retail(context: typer.Context, path: Path, json: Json = False) -> None:
    """Import the UCI Online Retail file, as CSV, XLSX or Parquet."""
    _import(context, lambda: read_online_retail(path), json)


def _import(context: typer.Context, read: Callable[[], Delivery], json: bool) -> None:
    settings = opened(context)
    with progress("import"):
        receipt = bring_in(settings, read())
    if json:
        print_json(receipt.as_json())
    else:
        print_receipt(receipt)


def prune(
    context: typer.Context,
    before: Annotated[
        datetime,
        typer.Option(formats=["%Y-%m-%d"], help="Forget events of whole months before this day's month."),
    ],
    json: Json = False,
) -> None:
    """Forget old events and nights. Customers, products and what people decided are kept."""
    settings = opened(context)
    with hold(settings, "features"):
        gone = Lake.of(settings).prune(as_day(before))
    if json:
        print_json({"files": gone})
    else:
        say(f"{gone} files are gone")
