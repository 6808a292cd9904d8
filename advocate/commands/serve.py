"""`serve`: the HTTP service."""

from ipaddress import ip_address
from typing import Annotated

import typer

from advocate.commands.options import opened
from advocate.printing import complain
from warehouse.errors import AdvocateError


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(serve)


def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="A loopback address; see below.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8000,
) -> None:
    """Serve recommendations over HTTP; the API is described at /docs.

    There are no API keys yet, so it answers on this machine only: put it behind the storefront's own
    server, or behind a proxy that knows who asks.
    """
    if not _is_loopback(host):
        raise AdvocateError(
            f"{host} is not a loopback address; without API keys serve answers on 127.0.0.1 only"
        )
    try:
        import uvicorn

        from advocate.server import create_app
    except ImportError as error:
        how = "pip install '.[serve]' in the repository"
        raise AdvocateError(f"{error.name} is not installed; {how}") from error
    complain(f"serving on http://{host}:{port}/docs")
    uvicorn.run(create_app(opened(context)), host=host, port=port, log_level="warning", access_log=False)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
