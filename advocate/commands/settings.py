"""`settings`: what is in force, who changed what, and what a change would do before it is made."""

import json as text
from datetime import datetime
from typing import Annotated, Any

import typer

from advocate.commands.options import Json, as_day, as_given, as_user, opened
from advocate.printing import complain, heading, money, print_json, print_table, progress, say
from warehouse import setting_changes
from warehouse.database import engine_for, reading
from warehouse.errors import SettingsError
from warehouse.models import SettingChangeRow
from warehouse.setting_meanings import Setting, settings_in_force
from warehouse.setting_names import plain_value
from warehouse.settings import Settings

settings = typer.Typer(
    help="Settings: see what is in force, change it at the desk, try a change on a night first."
)

AsUser = Annotated[str | None, typer.Option("--as", help="Who does this; by default you.")]
Name = Annotated[str, typer.Argument(help="A setting, like `outreach.cap_days`.")]
Why = Annotated[str, typer.Option(help="Why, for the log.")]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.add_typer(settings, name="settings", no_args_is_help=True)


@settings.command()
def show(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(help="A setting, or a section like `outreach`; by default all.")
    ] = None,
    json: Json = False,
) -> None:
    """Show settings in force, where each is from, and what it means."""
    known = settings_in_force(opened(context))
    found = [one for one in known if name is None or f"{one.name}.".startswith(f"{name}.")]
    if not found:
        raise SettingsError(f"there is no setting or section {name!r}; `advocate settings show` lists all")
    if json:
        print_json([one.as_json() for one in found])
        return
    print_table(
        ("setting", "value", "from", "default", "at the desk"),
        [(one.name, _shown(one), _from(one), _written(one.default), _changeable(one)) for one in found],
    )
    if len(found) == 1:
        say(found[0].meaning)


@settings.command("set")
def set_(
    context: typer.Context,
    name: Name,
    value: Annotated[str, typer.Argument(help="The value; lists and tables as JSON.")],
    reason: Why,
    as_: AsUser = None,
    json: Json = False,
) -> None:
    """Change a setting for every run to come, on every machine; takes an admin, where there are accounts.

    Only settings of outreach and send. What the environment or a flag fixes cannot be changed here.
    """
    _change(as_given(context), name, _value(name, value), reason, as_, json)


@settings.command()
def reset(context: typer.Context, name: Name, reason: Why, as_: AsUser = None, json: Json = False) -> None:
    """Go back to what the settings file says, or the default."""
    _change(as_given(context), name, None, reason, as_, json)


@settings.command()
def log(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Only of this setting.")] = None,
    json: Json = False,
) -> None:
    """List who changed what at the desk, when and why, the newest first."""
    with reading(engine_for(as_given(context))) as session:
        found = [_change_entry(row) for row in setting_changes.history(session, name)]
    if json:
        print_json(found)
        return
    print_table(
        ("number", "setting", "before", "then", "by", "at", "why"),
        [
            (
                one["number"],
                one["name"],
                _written(one["before"]),
                "as the file says" if one["value"] is None else _written(one["value"]),
                one["by"],
                f"{one['at']:%Y-%m-%d %H:%M} UTC",
                one["reason"],
            )
            for one in found
        ],
    )


@settings.command("try")
def try_(
    context: typer.Context,
    changes: Annotated[
        list[str],
        typer.Argument(metavar="NAME=VALUE...", help="What to change; NAME= alone takes back a change."),
    ],
    day: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The night.  [default: the last one]")
    ] = None,
    json: Json = False,
) -> None:
    """Compute a night again with changed settings, and say what would differ; nothing is kept."""
    from outreach.rehearsal import rehearse

    given = as_given(context)
    with progress("dry run"):
        found = rehearse(given, dict(map(_assignment, changes)), as_day(day) if day else None)
    if json:
        print_json(found.as_json())
        return
    _show_rehearsal(found.as_json())


def _change(given: Settings, name: str, value: Any, reason: str, by: str | None, json: bool) -> None:
    with reading(engine_for(given)) as session:
        seen = setting_changes.newest(session)
    row = setting_changes.change(given, name, value, by=as_user(by), reason=reason, seen=seen)
    if json:
        print_json(None if row is None else _change_entry(row))
        return
    now = _written(plain_value(setting_changes.in_force(given), name))
    say(f"{name} is {now}" + (", as it was" if row is None else f", and was {_written(row.before)}"))


def _assignment(given: str) -> tuple[str, Any]:
    name, sign, value = given.partition("=")
    if not sign:
        raise SettingsError(f"{given!r} is no change; write it like outreach.cap_days=14")
    return name.strip(), _value(name.strip(), value) if value else None


def _value(name: str, given: str) -> Any:
    """The value that was typed: text as it is, anything else as JSON."""
    known = name in setting_changes.CHANGEABLE
    if known and isinstance(plain_value(Settings.model_construct(), name), str):
        return given
    try:
        return text.loads(given)
    except ValueError:
        return given


def _change_entry(row: SettingChangeRow) -> dict[str, Any]:
    names = ("number", "name", "before", "value", "by", "at", "reason", "audit")
    return {name: getattr(row, name) for name in names}


def _shown(one: Setting) -> str:
    return "(hidden)" if one.hidden else _written(one.value)


def _from(one: Setting) -> str:
    return f"{one.source.kind} {one.source.where}".strip()


def _changeable(one: Setting) -> str:
    if not one.changeable:
        return "no"
    return "fixed" if one.source.fixed else "yes"


def _written(value: Any) -> str:
    return text.dumps(value, ensure_ascii=False)


def _show_rehearsal(found: dict[str, Any]) -> None:
    for name, values in found["changes"].items():
        heading(
            f"{name}: {_written(values['before'])} → {_written(values['after'])}, night of {found['day']}"
        )
    people = found["customers"]
    say(
        f"{people['before']:,} customers would hear from us before, {people['after']:,} after: "
        f"{people['newly']:,} newly, {people['no_longer']:,} no longer; "
        f"for {people['otherwise']:,} something else differs"
    )
    print_table(
        ("channel", "kind", "notices before", "after", "money before", "after"),
        [
            (
                row["channel"],
                row["kind"],
                row["notices_before"],
                row["notices_after"],
                money(row["minor_before"], row["currency"]),
                money(row["minor_after"], row["currency"]),
            )
            for row in found["proposals"]
        ],
    )
    print_table(
        ("outcome", "reason", "customers before", "after"),
        [tuple(row.values()) for row in found["reasons"]],
    )
    if found["sample"]:
        heading("some of them")
        print_table(
            ("customer", "differs", "before", "after"),
            [
                (r["customer_id"], r["difference"], _side(r["before"]), _side(r["after"]))
                for r in found["sample"]
            ],
        )
    for note in found["notes"]:
        complain(f"note: {note}")


def _side(side: dict[str, Any]) -> str:
    parts = [side["outcome"], side["reason"], side["channel"]]
    if side["value_minor"] is not None:
        parts.append(money(side["value_minor"], side["currency"]))
    return " ".join(part for part in parts if part)
