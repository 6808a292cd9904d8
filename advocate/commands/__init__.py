"""The commands, by what they are about; each only reads its options, calls a step and prints the result."""

import typer

from advocate.commands import (
    bring,
    experiment,
    keys,
    ledger,
    models,
    night,
    recommend,
    reports,
    review,
    send,
    serve,
    simulated,
    templates,
)


def register(app: typer.Typer) -> None:
    """Adds every command to the application, in the order a newcomer meets them."""
    areas = (
        night,
        bring,
        recommend,
        models,
        experiment,
        reports,
        review,
        templates,
        send,
        ledger,
        keys,
        serve,
        simulated,
    )
    for area in areas:
        area.register(app)
