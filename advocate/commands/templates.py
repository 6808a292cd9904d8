"""`templates check` and `templates show`: the words of messages, before anybody gets one."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from advocate.commands.options import Json
from advocate.printing import complain, print_json, say
from outreach.formats import Reader
from outreach.linting import check as lint
from outreach.linting.specimens import specimens
from outreach.slots import TOPICS
from outreach.texts import compose
from outreach.wording import languages
from warehouse.errors import NotFoundError
from warehouse.settings import Settings

Folder = Annotated[
    Path | None,
    typer.Argument(help="A folder of your own templates; by default `templates` in the home, else ours."),
]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    group = typer.Typer(no_args_is_help=True, help="Check and look at the words of messages.")
    group.command()(check)
    group.command()(show)
    app.add_typer(group, name="templates")


def check(context: typer.Context, folder: Folder = None, json: Json = False) -> None:
    """Check templates against the rules of messages; exits 1 where one is broken.

    The rules: docs/how-to/word-messages.md.
    """
    settings: Settings = context.obj()
    chosen = _folder(settings, folder)
    found = lint(chosen, settings.features.sensitive_words)
    if json:
        print_json([asdict(finding) for finding in found])
    else:
        for finding in found:
            typer.echo(str(finding))
    where = chosen or "our templates"
    if found:
        complain(
            f"{len(found)} rules are broken in {where}; nothing is written with them until they are mended"
        )
        raise typer.Exit(1)
    say(f"no rule is broken in {where}")


def show(
    context: typer.Context,
    topic: Annotated[str, typer.Argument(help="What the message is about, like late_delivery.")],
    locale: Annotated[str, typer.Option(help="Of the reader, like de_AT.")] = "en_US",
    html: Annotated[bool, typer.Option("--html", help="The HTML instead of the text.")] = False,
) -> None:
    """Show messages about made-up customers, as these settings and templates word them."""
    settings: Settings = context.obj()
    if topic not in TOPICS:
        raise NotFoundError(f"there is no topic {topic!r}; there are {', '.join(sorted(TOPICS))}")
    own = _folder(settings, None)
    for one in specimens()[topic]:
        reader = Reader(locale, "UTC")
        message = compose(TOPICS[topic].purpose, [one.told], reader, settings.outreach, own)
        typer.echo(message.html if html else f"{message.subject}\n\n{message.text}")
    if Reader(locale, "UTC").language not in languages(own):
        say(f"there are no words in the language of {locale}; its readers get English")


def _folder(settings: Settings, folder: Path | None) -> Path | None:
    """The folder that was named, which must be there, else the home's own, if it is there."""
    if folder is None:
        return settings.templates_folder if settings.templates_folder.is_dir() else None
    if not folder.is_dir():
        raise NotFoundError(f"there is no folder {folder}")
    return folder.absolute()
