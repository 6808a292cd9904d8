"""`customers`: what support does for single customers."""

from typing import Annotated

import typer

from advocate.commands.options import Json, as_user, opened
from advocate.printing import complain, print_json, say
from outreach.choices import hand_out

customers = typer.Typer(help="Single customers: their own links.")

AsUser = Annotated[str | None, typer.Option("--as", help="Who does this; by default you.")]
Customer = Annotated[str, typer.Argument(help="The customer's id.")]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.add_typer(customers, name="customers", no_args_is_help=True)


@customers.command()
def link(context: typer.Context, customer: Customer, as_: AsUser = None, json: Json = False) -> None:
    """Print a customer's own link, where they choose what they hear from us; whoever has it can choose."""
    settings = opened(context)
    made = hand_out(settings, customer, by=as_user(as_))
    if json:
        print_json({"customer_id": customer, "url": made.address, "expires_at": made.expires_at})
        return
    if not settings.desk.is_public:
        complain("desk.url is not https://, so customers may not be able to follow this link")
    complain(f"until {made.expires_at:%Y-%m-%d %H:%M} UTC; give it to nobody but the customer")
    say(made.address)
