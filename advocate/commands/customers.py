"""`customers`: what support does for single customers, what is kept about one, and its erasure."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from advocate import erasing
from advocate.commands.options import Json, as_user, opened
from advocate.printing import complain, print_json, print_receipt, print_table, progress, say
from outreach.choices import hand_out
from warehouse import tombstones

customers = typer.Typer(
    help="One customer: their own link, everything that is kept about them, and its erasure."
)

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


@customers.command()
def export(
    context: typer.Context,
    customer: Customer,
    out: Annotated[Path, typer.Option(help="The file to write, JSON.")],
    person: Annotated[
        bool, typer.Option("--person", help="All accounts of the person behind this one.")
    ] = False,
    as_: AsUser = None,
    json: Json = False,
) -> None:
    """Write everything that is kept about a customer to one JSON file (GDPR, article 15)."""
    settings = opened(context)
    with progress("export"):
        counted = erasing.export_to(settings, customer, out, by=as_user(as_), person=person)
    if json:
        print_json({"file": str(out), "rows": counted})
        return
    for account, rows in counted.items():
        print_table(("kept of " + account, "rows"), list(rows.items()))
    say(f"all of it is in {out}")


@customers.command()
def erase(
    context: typer.Context,
    customer: Customer,
    reason: Annotated[str, typer.Option(help="Why, for the audit log; it must not name the customer.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_: AsUser = None,
    json: Json = False,
) -> None:
    """Erase a customer for good, and keep later imports from bringing them back (GDPR, article 17)."""
    settings = opened(context)
    if not yes and sys.stdin.isatty():
        typer.confirm(f"Erase {customer} for good?", abort=True, err=True)
    with progress("erase"):
        receipt = erasing.erase(settings, customer, by=as_user(as_), reason=reason)
    if json:
        print_json(receipt.as_json())
    else:
        print_receipt(receipt)


@customers.command()
def erased(context: typer.Context, json: Json = False) -> None:
    """List the erasures, oldest first; one that was not finished has to be run again."""
    found = [
        {
            "pseudonym": tombstones.pseudonym_of(row.digest),
            "begun_at": row.at,
            "finished_at": row.finished_at,
            "by": row.by,
            "audit": row.audit,
        }
        for row in tombstones.listed(opened(context))
    ]
    if json:
        print_json(found)
    else:
        columns = ("pseudonym", "begun", "finished", "by", "entry")
        print_table(columns, [tuple(entry.values()) for entry in found])
