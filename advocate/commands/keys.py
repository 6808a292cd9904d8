"""`keys`: who may ask the HTTP service, and for what."""

from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from advocate.commands.options import Json, as_user, opened
from advocate.printing import as_called, complain, print_json, print_table, say
from warehouse import clock
from warehouse.access import keys as access
from warehouse.access.keys import DEFAULT_RATE, MAX_RATE, Scope
from warehouse.access.models import ApiKeyRow

keys = typer.Typer(help="API keys: which programs may ask the HTTP service, for what, and how often.")

AsUser = Annotated[str | None, typer.Option("--as", help="Who does this; by default you.")]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.add_typer(keys, name="keys", no_args_is_help=True)


@keys.command()
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The program it is for, like `storefront`.")],
    scope: Annotated[
        list[Scope],
        typer.Option(
            help="What it may do: `recommend` (ask for recommendations), `events` (report views, baskets and "
            "purchases), `metrics` (read the service's own figures). Can be given several times."
        ),
    ],
    rate: Annotated[
        int, typer.Option(min=1, max=MAX_RATE, help="Requests per second that each server process grants it.")
    ] = DEFAULT_RATE,
    days: Annotated[
        int | None, typer.Option(min=1, max=36_500, help="Days until it expires.  [default: never]")
    ] = None,
    as_: AsUser = None,
    json: Json = False,
) -> None:
    """Make a key, and print it this once: the database keeps only a digest, from which nobody gets it back.

    Only the key goes to standard output, so that it can go straight to where secrets are kept:

    advocate keys add storefront --scope recommend > storefront.key

    Give each program a key of its own, with the scopes it needs. Servers know it within two seconds. No two
    living keys share a name; to replace one without a gap, make `storefront-2`, move the program over to it,
    then revoke `storefront`.
    """
    settings = opened(context)
    expires = clock.now() + timedelta(days=days) if days else None
    made = access.issue(settings, name, scope, as_user(as_), rate=rate, expires=expires)
    if json:
        print_json(vars(made))
        return
    complain(
        f"key {made.key_id} is for {made.name}: {', '.join(made.scopes)}; {made.requests_per_second:,} "
        f"requests per second and server process; expires {_moment(made.expires_at) or 'never'}"
    )
    complain("It is shown this once. Programs send it as `Authorization: Bearer KEY`.")
    complain(f"To take it back: {as_called(settings)} keys revoke {made.name}")
    say(made.secret)


@keys.command("list")
def list_(context: typer.Context, json: Json = False) -> None:
    """List every key that was ever made, the newest first, and whether it still opens anything."""
    found = [_entry(row) for row in access.keys(opened(context))]
    if json:
        print_json(found)
        return
    print_table(
        ("key", "name", "state", "scopes", "per second", "made", "by", "expires", "revoked", "by"),
        [
            (
                k["key_id"],
                k["name"],
                k["state"],
                ", ".join(k["scopes"]),
                k["requests_per_second"],
                _moment(k["created_at"]),
                k["created_by"],
                _moment(k["expires_at"]),
                _moment(k["revoked_at"]),
                k["revoked_by"],
            )
            for k in found
        ],
    )


@keys.command()
def revoke(
    context: typer.Context,
    name_or_id: Annotated[str, typer.Argument(help="A name or an id, as `keys list` prints them.")],
    as_: AsUser = None,
    json: Json = False,
) -> None:
    """Revoke a key for ever; every server refuses it within two seconds, without a restart.

    Do this at once when a key was seen by anyone it is not for. Its name is free again for a new one.
    """
    row = access.revoke(opened(context), name_or_id, as_user(as_))
    if json:
        print_json(_entry(row))
        return
    say(f"key {row.key_id} of {row.name} is revoked, by {row.revoked_by} at {_moment(row.revoked_at)}")


def _entry(row: ApiKeyRow) -> dict[str, Any]:
    """What is told of a key; not its digest, which is nobody's business."""
    return {
        "key_id": row.key_id,
        "name": row.name,
        "state": _state(row, clock.now()),
        "scopes": row.scopes,
        "requests_per_second": row.requests_per_second,
        "created_at": row.created_at,
        "created_by": row.created_by,
        "expires_at": row.expires_at,
        "revoked_at": row.revoked_at,
        "revoked_by": row.revoked_by,
    }


def _state(row: ApiKeyRow, now: datetime) -> str:
    if row.revoked_at is not None:
        return "revoked"
    return "expired" if row.expires_at is not None and row.expires_at <= now else "living"


def _moment(moment: datetime | None) -> str | None:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else None
