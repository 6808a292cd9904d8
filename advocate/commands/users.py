"""`users` and `audit`: who may review, and the log of what they did."""

import sys
from typing import Annotated, Any

import typer

from advocate.commands.options import Json, as_user, opened
from advocate.printing import complain, print_json, print_table, say
from outreach.auditing import check_decisions
from warehouse.access import accounts, audit
from warehouse.access.accounts import SHORTEST
from warehouse.access.audit import Head
from warehouse.access.models import UserRow
from warehouse.access.roles import Role
from warehouse.database import engine_for, reading
from warehouse.errors import SettingsError
from warehouse.setting_changes import check_changes
from warehouse.settings import Settings

users = typer.Typer(help="Accounts of the people who review: made, changed and closed.")
log = typer.Typer(help="The audit log: everything said and done, in a chain that shows tampering.")

AsUser = Annotated[str | None, typer.Option("--as", help="Who does this; by default you.")]
Name = Annotated[str, typer.Argument(help="The account's name, like `maria`.")]
FromInput = Annotated[
    bool,
    typer.Option("--password-stdin", help="Read the password from standard input instead of asking for it."),
]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.add_typer(users, name="users", no_args_is_help=True)
    app.add_typer(log, name="audit", no_args_is_help=True)


@users.command()
def add(
    context: typer.Context,
    name: Name,
    role: Annotated[
        Role,
        typer.Option(
            help="viewer: decides nothing; reviewer: holds, rejects, grants goodwill; approver: approves, "
            "pays; admin: changes accounts. Each may do what those before it may. The first is an admin's."
        ),
    ],
    email: Annotated[str | None, typer.Option(help="Their address.")] = None,
    password_stdin: FromInput = False,
    without_password: Annotated[
        bool, typer.Option("--without-password", help="Make it without a password.")
    ] = False,
    as_: AsUser = None,
    json: Json = False,
) -> None:
    """Make an account, and ask for its password twice; only an Argon2 hash of it is kept."""
    settings = opened(context)
    if role is not Role.ADMIN and not accounts.users(settings):
        raise SettingsError("the first account has to be an admin's, or nobody could make another one")
    password = None if without_password else _password(password_stdin)
    made = accounts.add(settings, name, role, by=_admin(settings, as_), password=password, email=email)
    if json:
        print_json({"name": made.name, "role": made.role.value})
    else:
        say(f"{made.name}: {made.role}")


@users.command("list")
def list_(context: typer.Context, json: Json = False) -> None:
    """List every account that was ever made, by name."""
    found = [_entry(row) for row in accounts.users(opened(context))]
    if json:
        print_json(found)
        return
    names = ("name", "role", "email", "password", "made", "by", "closed")
    print_table(names, [tuple(entry.values()) for entry in found])


@users.command("role")
def change_role(
    context: typer.Context,
    name: Name,
    role: Annotated[Role, typer.Argument(help="The new role.")],
    as_: AsUser = None,
) -> None:
    """Give an account another role; whoever is signed in with it signs in anew."""
    settings = opened(context)
    made = accounts.change_role(settings, name, role, by=_admin(settings, as_))
    say(f"{made.name}: {made.role}")


@users.command()
def password(
    context: typer.Context, name: Name, password_stdin: FromInput = False, as_: AsUser = None
) -> None:
    """Give an account another password; whoever is signed in with it signs in anew."""
    settings = opened(context)
    accounts.change_password(settings, name, _password(password_stdin), by=_admin(settings, as_))
    say(f"{name} has a new password")


@users.command()
def disable(context: typer.Context, name: Name, as_: AsUser = None) -> None:
    """Close an account for good, and end its sessions."""
    settings = opened(context)
    accounts.disable(settings, name, by=_admin(settings, as_))
    say(f"{name} is closed")


@log.command()
def verify(
    context: typer.Context,
    head: Annotated[
        str | None,
        typer.Option(help="A head that `audit head` printed once, like 1203:4f1d…; it must be in the log."),
    ] = None,
    json: Json = False,
) -> None:
    """Recompute the whole chain; exit 1 where a byte of it is not what was written."""
    settings = opened(context)
    with reading(engine_for(settings)) as session:
        last = audit.verify(session, _head(head))
        decisions, changes = check_decisions(session), check_changes(session)
    about = f"what {decisions:,} decisions moved, and so are {changes:,} changes of settings"
    _show(last, json, f"each is as it was written, so is {about}")


@log.command("head")
def head_(context: typer.Context, json: Json = False) -> None:
    """Print the newest entry's number and hash; keep it where whoever writes the database cannot."""
    with reading(engine_for(opened(context))) as session:
        last = audit.head_of(session)
    _show(last, json, "keep this elsewhere, for `advocate audit verify --head`")


def _show(last: Head, json: bool, about: str) -> None:
    if json:
        print_json({"number": last.number, "digest": last.digest})
        return
    complain(f"{last.number:,} entries; {about}")
    say(f"{last.number}:{last.digest}")


def _head(text: str | None) -> Head | None:
    if text is None:
        return None
    number, _, digest = text.partition(":")
    if not number.isdecimal() or len(digest) != len(audit.START):
        raise SettingsError(f"{text!r} is no head; give what `advocate audit head` printed")
    return Head(int(number), digest)


def _password(from_input: bool) -> str:
    if from_input:
        return sys.stdin.readline().rstrip("\r\n")
    given: str = typer.prompt(
        f"Password ({SHORTEST} characters or more)", hide_input=True, confirmation_prompt=True, err=True
    )
    return given


def _admin(settings: Settings, given: str | None) -> str:
    """Who acts, if they may."""
    name = as_user(given)
    with reading(engine_for(settings)) as session:
        accounts.acting(session, name, Role.ADMIN, "change accounts")
    return name


def _entry(row: UserRow) -> dict[str, Any]:
    """What is told of an account; not its hash."""
    return {
        "name": row.name,
        "role": row.role,
        "email": row.email,
        "password": "yes" if row.password_hash else "no",
        "created_at": row.created_at,
        "created_by": row.created_by,
        "disabled_at": row.disabled_at,
    }
