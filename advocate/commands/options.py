"""What several commands share: the opened home, and options that mean the same everywhere."""

import getpass
from datetime import date, datetime
from typing import Annotated

import typer

from advocate.database import upgrade
from warehouse.setting_changes import in_force
from warehouse.settings import Settings

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Moment = Annotated[
    datetime, typer.Option("--day", formats=["%Y-%m-%d"], help="The UTC day, like 2017-11-30.")
]


def opened(context: typer.Context) -> Settings:
    """The settings in force for this call, with the home's database brought up to date."""
    return in_force(as_given(context))


def as_given(context: typer.Context) -> Settings:
    """The same without what was changed at the desk, for those who look at that itself."""
    settings: Settings = context.obj()
    upgrade(settings)
    return settings


def as_user(given: str | None) -> str:
    """Who acts: the name given with `--as`, else the one signed in to this machine."""
    return given or getpass.getuser()


def as_day(moment: datetime) -> date:
    """The day an option named."""
    return moment.date()
