"""`serve`: the HTTP service."""

from ipaddress import ip_address
from typing import Annotated

import typer

from advocate.commands.options import opened
from advocate.printing import as_called, complain
from warehouse.access import keys as access
from warehouse.errors import AdvocateError


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(serve)


def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes; about one per core.")] = 1,
    grace: Annotated[
        float, typer.Option(min=2, max=600, help="Seconds to finish what was taken, when told to end.")
    ] = 10,
    drain: Annotated[
        float,
        typer.Option(
            min=0, max=600, help="Seconds before that in which /readyz says 503 and all else is answered."
        ),
    ] = 0,
    no_keys: Annotated[
        bool,
        typer.Option("--no-keys", help="Needs no API keys; for development, on a loopback address only."),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Logs warnings and errors only.")] = False,
) -> None:
    """Serve recommendations over HTTP; the API is described at /docs.

    Who asks needs an API key (`advocate keys add`). Let a proxy before it encrypt, or keep it in a network
    of your own. Logs go to standard error, a line of JSON each.
    """
    if no_keys and not _is_loopback(host):
        raise AdvocateError(
            f"{host} is not a loopback address; without API keys serve answers on 127.0.0.1 only"
        )
    try:
        from advocate.server import factory
        from advocate.serving.process import run
    except ImportError as error:
        how = "pip install '.[serve]' in the repository"
        raise AdvocateError(f"{error.name} is not installed; {how}") from error
    settings = opened(context)
    if not no_keys and not access.keys(settings):
        complain(
            "there is no API key yet, so nobody may ask; make one: "
            f"{as_called(settings)} keys add storefront --scope recommend --scope events"
        )
    made = factory(settings, keys=not no_keys, grace=grace, drain=drain)
    level = "warning" if quiet else "info"
    run(made, host=host, port=port, workers=workers, grace=grace, level=level)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
