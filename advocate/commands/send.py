"""`send`, `pause` and `resume`."""

from typing import Annotated

import typer

from advocate.commands.options import Json, as_user, opened
from advocate.printing import print_json, print_receipt, progress, say
from outreach import pausing
from outreach.sending import send as hand_over


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command()(send)
    app.command()(pause)
    app.command()(resume)


def send(
    context: typer.Context,
    batch: Annotated[str | None, typer.Option(help="Only this batch; by default all.")] = None,
    allow_old: Annotated[
        bool, typer.Option("--allow-old", help="Also nights older than three days, and backfills.")
    ] = False,
    json: Json = False,
) -> None:
    """Hand over approved notices, each exactly once, even when run twice or killed between.

    Consent, suppression, caps, content, waking hours and send-by are checked again for each notice.
    """
    settings = opened(context)
    with progress("send"):
        receipt = hand_over(settings, batch=batch, allow_old=allow_old)
    if json:
        print_json(receipt.as_json())
    else:
        print_receipt(receipt)


AsUser = Annotated[str | None, typer.Option("--as", help="Who does this; by default you.")]


def pause(context: typer.Context, as_: AsUser = None) -> None:
    """Pause all sending, at once and everywhere, until `advocate resume`."""
    _turn(context, on=True, by=as_user(as_))
    say("paused: nothing is sent until `advocate resume`")


def resume(context: typer.Context, as_: AsUser = None) -> None:
    """End the pause."""
    _turn(context, on=False, by=as_user(as_))
    say("resumed: approved notices are handed over by the next `advocate send`")


def _turn(context: typer.Context, *, on: bool, by: str) -> None:
    pausing.turn(opened(context), on=on, by=by)
