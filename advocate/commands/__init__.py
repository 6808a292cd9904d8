"""The commands, by what they are about; each only reads its options, calls a step and prints the result."""

import typer

from advocate.commands import (
    bring,
    experiment,
    keys,
    models,
    night,
    recommend,
    reports,
    review,
    send,
    serve,
    templates,
)


def register(app: typer.Typer) -> None:
    """Adds every command to the application, in the order a newcomer meets them."""
    for area in (night, bring, recommend, models, experiment, reports, review, templates, send, keys, serve):
        area.register(app)
