"""The command line: `advocate`.

Data goes to standard output, everything else to standard error. Exit codes: 0 success, 1 a failure it
explains, 2 wrong usage.
"""

import atexit
import gc
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from advocate.commands import Commands
from advocate.printing import complain, tolerate_any_terminal
from warehouse.errors import AdvocateError
from warehouse.settings import load_settings

app = typer.Typer(
    name="advocate",
    cls=Commands,
    help="A retailer's engine that works for the customer: what each would like next, and money handed back.",
    epilog="Start with `advocate demo`. Every command explains itself with --help.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
)


@app.callback()
def _global_options(
    context: typer.Context,
    home: Annotated[
        Path | None,
        typer.Option(help="Where everything is kept.  [env: ADVOCATE_HOME; default: ./advocate-home]"),
    ] = None,
    database_url: Annotated[
        str | None,
        typer.Option(
            help="postgresql+psycopg://… for PostgreSQL.  [env: ADVOCATE_DATABASE_URL; default: SQLite]"
        ),
    ] = None,
    settings: Annotated[
        Path | None,
        typer.Option(
            help="The settings file.  [env: ADVOCATE_SETTINGS; default: settings.toml in the home, if there]"
        ),
    ] = None,
) -> None:
    context.obj = lambda: load_settings(file=settings, home=home, database_url=database_url)


def main() -> None:
    """Runs the command line and turns an error that explains itself into exit code 1."""
    # Python ends sooner where it need not look for cycles in all that was imported.
    atexit.register(gc.freeze)
    tolerate_any_terminal()
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except (AdvocateError, OSError) as error:
        complain(f"advocate: {error}")
        _leave_unprinted()
        sys.exit(1)
    except KeyboardInterrupt:
        complain("advocate: stopped; the last good state is as it was")
        sys.exit(130)


def _leave_unprinted() -> None:
    """Keeps Python from trying once more, at its end, to print what could not be printed."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
