"""Settings that people change at the desk: which ones, who changed what, when and why, and what is in force.

A change is a row that stays, written in one transaction with its entry of the audit log. It wins over the
settings file, and loses against what the environment or a flag says. Entry points ask for what is `in_force`
when they begin; a process that lives on asks `Current` each time.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from warehouse import clock
from warehouse.access import accounts, audit
from warehouse.access.models import AuditRow
from warehouse.access.roles import Role
from warehouse.database import engine_for, reading, writing
from warehouse.errors import ConflictError, SettingsError, TamperedError
from warehouse.models import SettingChangeRow
from warehouse.setting_names import names_of, plain_value
from warehouse.settings import Settings, with_changes

SECTIONS = ("outreach", "send")
NEVER = frozenset({"outreach.holdout_salt", "send.outbox"})
"""A salt says who is measured, and a folder where messages go: whoever runs the machine sets those."""
CHANGEABLE = tuple(
    name for name in names_of(Settings) if name.partition(".")[0] in SECTIONS and name not in NEVER
)
"""What can be changed at the desk, in the order of the settings file."""
LONGEST_VALUE = 10_000
"""Characters of a value as JSON."""
_ACTION = "setting.change"


def in_force(settings: Settings) -> Settings:
    """The settings with all that was changed at the desk by now.

    Raises:
        SettingsError: what was changed at the desk does not go with the file or the environment any more.
    """
    with reading(engine_for(settings)) as session:
        return _with(settings, _kept(session))


class Current:
    """The settings in force, for a process that lives on: calling it asks the database one small question."""

    def __init__(self, settings: Settings) -> None:
        self._given = self._known = settings
        self._number = -1

    def __call__(self) -> Settings:
        """The settings in force now; errors are those of `in_force`."""
        with reading(engine_for(self._given)) as session:
            number = newest(session)
            if number != self._number:
                self._known, self._number = _with(self._given, _kept(session)), number
            return self._known


def tried(settings: Settings, changes: Mapping[str, Any]) -> Settings:
    """The settings as they would be if these were changed, too; nothing is kept.

    Args:
        settings: of the home.
        changes: values by name, as JSON has them; `None` goes back to what the file says.

    Raises:
        SettingsError: there is no such setting, it cannot be changed at the desk, or not to this value.
        ConflictError: the environment or a flag fixes it.
    """
    for name in changes:
        _refuse_unchangeable(settings, name, changes[name])
    with reading(engine_for(settings)) as session:
        return _changed(settings, _kept(session), changes)


def change(
    settings: Settings, name: str, value: Any, *, by: str, reason: str, seen: int
) -> SettingChangeRow | None:
    """Changes a setting for all runs to come.

    Args:
        settings: of the home.
        name: like `outreach.cap_days`, one of `CHANGEABLE`.
        value: as JSON has it; `None` goes back to what the file says.
        by: who changes it.
        reason: why, for the log.
        seen: the number of the newest change that they had seen (`newest`).

    Returns:
        the change; `None` where the desk says so already.

    Raises:
        SettingsError, ConflictError: as `tried`; also where there is no reason, and where somebody changed
            the same setting since.
        ForbiddenError: there are accounts, and that of `by` is no admin's.
    """
    _refuse_unchangeable(settings, name, value)
    if not reason.strip():
        raise SettingsError(f"say why {name} is changed; the log keeps the reason")
    with writing(engine_for(settings)) as session:
        accounts.acting(session, by, Role.ADMIN, "change settings")
        audit.lock(session)
        _refuse_unseen(session, name, seen)
        kept = _kept(session)
        kept_as = _normal(settings, kept, name, value)
        if kept.get(name) == kept_as:
            return None
        before = kept[name] if name in kept else plain_value(with_changes(settings, {}), name)
        row = SettingChangeRow(
            number=newest(session) + 1, name=name, value=kept_as, before=before, by=by, at=clock.now()
        )
        row.reason = reason.strip()
        row.audit = audit.record(session, _ACTION, by=by, at=row.at, subject=name, details=_told(row))
        session.add(row)
    return row


def newest(session: Session) -> int:
    """The number of the newest change; 0 where there is none."""
    return session.scalar(select(func.max(SettingChangeRow.number))) or 0


def history(session: Session, name: str | None = None) -> Sequence[SettingChangeRow]:
    """Who changed what, when and why, the newest first; of one setting, or of all."""
    query = select(SettingChangeRow).order_by(SettingChangeRow.number.desc())
    return session.scalars(query if name is None else query.where(SettingChangeRow.name == name)).all()


def check_changes(session: Session) -> int:
    """Compares each change with its entry of the audit log; returns how many there are.

    Raises:
        TamperedError: one is not what the log says, or one of them is missing.
    """
    entries = select(AuditRow.number, AuditRow.subject, AuditRow.by, AuditRow.details)
    told = {
        number: (subject, by, json.loads(details))
        for number, subject, by, details in session.execute(entries.where(AuditRow.action == _ACTION))
    }
    there = {row.audit: (row.name, row.by, _told(row)) for row in history(session)}
    for number in sorted(told.keys() | there.keys()):
        if told.get(number) != there.get(number):
            raise TamperedError(
                f"the change of a setting that entry {number} of the audit log tells of is another one now"
            )
    return len(there)


def _told(row: SettingChangeRow) -> dict[str, Any]:
    return {"change": row.number, "before": row.before, "value": row.value, "reason": row.reason}


def _kept(session: Session) -> dict[str, Any]:
    """What the desk says now, by name."""
    latest = select(func.max(SettingChangeRow.number)).group_by(SettingChangeRow.name)
    rows = session.scalars(select(SettingChangeRow).where(SettingChangeRow.number.in_(latest)))
    return {row.name: row.value for row in rows if row.value is not None}


def _changed(settings: Settings, kept: Mapping[str, Any], changes: Mapping[str, Any]) -> Settings:
    both = {name: value for name, value in {**kept, **changes}.items() if value is not None}
    return with_changes(settings, both)


def _normal(settings: Settings, kept: Mapping[str, Any], name: str, value: Any) -> Any:
    """The value as it is kept, once all settings are right with it."""
    try:
        changed = _changed(settings, kept, {name: value})
    except SettingsError:
        if value is not None or _are_right(settings, kept):
            raise
        return None  # a way back, one by one, where several do not go with a changed file
    return None if value is None else plain_value(changed, name)


def _are_right(settings: Settings, kept: Mapping[str, Any]) -> bool:
    try:
        with_changes(settings, kept)
    except SettingsError:
        return False
    return True


def _with(settings: Settings, kept: Mapping[str, Any]) -> Settings:
    try:
        return with_changes(settings, kept)
    except SettingsError as error:
        raise SettingsError(
            f"{error}; what was changed at the desk does not go with the settings file or the environment: "
            "change those, or take it back with `advocate settings reset` (`advocate settings log` lists all)"
        ) from error


def _refuse_unchangeable(settings: Settings, name: str, value: Any) -> None:
    if name not in CHANGEABLE:
        known = name in set(names_of(Settings))
        raise SettingsError(
            f"the setting {name} cannot be changed at the desk; it stands in settings.toml"
            if known
            else f"there is no setting {name!r}; `advocate settings show` lists them all"
        )
    source = settings.source_of(name)
    if source.fixed and value is not None:
        raise ConflictError(f"{name} is fixed by {source.where}, which wins over the desk; change it there")
    if len(json.dumps(value)) > LONGEST_VALUE:
        raise SettingsError(f"the value of {name} is longer than {LONGEST_VALUE:,} characters")


def _refuse_unseen(session: Session, name: str, seen: int) -> None:
    mine = select(SettingChangeRow).where(SettingChangeRow.name == name, SettingChangeRow.number > seen)
    other = session.scalars(mine.order_by(SettingChangeRow.number.desc()).limit(1)).first()
    if other is not None:
        raise ConflictError(
            f"{other.by} changed {name} at {other.at:%Y-%m-%d %H:%M} UTC ({other.reason}); look at it, then "
            "decide again"
        )
