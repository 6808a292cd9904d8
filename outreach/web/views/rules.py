"""*Rules*: settings in force, who changed what, a dry run of a change on last night, and the pause switch."""

import json
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse, Response

from outreach import pausing
from outreach.rehearsal import rehearse
from outreach.web.frame import PREFIX, Asked, Frame, Pages
from outreach.web.masking import Mask
from warehouse.access.roles import Role
from warehouse.database import engine_for, reading
from warehouse.errors import NotFoundError, SettingsError
from warehouse.models import SwitchRow
from warehouse.setting_changes import change, history, newest
from warehouse.setting_meanings import Setting, settings_in_force
from warehouse.switches import PAUSE


def add(router: APIRouter, pages: Pages, frame: Frame) -> None:
    """Adds the pages."""
    viewer = Depends(frame.needs(Role.VIEWER))

    @pages.show("/rules", "rules.html")
    def show(asked: Annotated[Asked, viewer]) -> dict[str, Any]:
        with reading(engine_for(asked.settings)) as session:
            log = [_told(row) for row in history(session)]
            pause = session.get(SwitchRow, PAUSE)
        return {
            "settings": [one.as_json() for one in settings_in_force(frame.settings())],
            "log": log,
            "paused": {"by": pause.by, "at": pause.at} if pause is not None and pause.on else None,
        } | ({} if asked.wants_json else _may(asked))

    @pages.show("/rules/{name}", "rule.html")
    def one(asked: Annotated[Asked, viewer], name: str) -> dict[str, Any]:
        return _one(asked, frame, name)

    @router.post("/rules/{name}/try", response_class=HTMLResponse)
    def rehearsed(
        asked: Annotated[Asked, Depends(frame.acts(Role.REVIEWER, "try a setting"))], name: str
    ) -> Response:
        value = _value(asked.text("value"))
        found = rehearse(frame.given, {name: value})
        sample = [Mask(asked).notice(row) for row in found.difference.sample]
        data = _one(asked, frame, name) | {
            "tried": asked.text("value"),
            "rehearsal": asdict(found.difference) | {"sample": sample},
            "notes": found.notes,
            "day": found.day,
        }
        return frame.shown(asked, "rule.html", data)

    @pages.act("/rules/{name}/save")
    def save(
        asked: Annotated[Asked, Depends(frame.acts(Role.ADMIN, "change a setting"))], name: str
    ) -> tuple[str, Any]:
        back = asked.text("action") == "reset"
        value = None if back else _value(asked.text("value"))
        seen = asked.whole("seen")
        if seen is None:
            raise SettingsError("the form does not say what was seen; load the page again")
        reason = asked.text("reason")
        change(frame.given, name, value, by=asked.user.name, reason=reason, seen=seen)
        return f"{PREFIX}/rules/{name}?saved=1", {"name": name, "value": value}

    @pages.act("/pause")
    def pause(asked: Annotated[Asked, Depends(frame.acts(Role.REVIEWER, "pause"))]) -> tuple[str, Any]:
        pausing.turn(asked.settings, on=True, by=asked.user.name)
        return f"{PREFIX}/rules", {"paused": True}

    @pages.act("/resume")
    def resume(
        asked: Annotated[Asked, Depends(frame.acts(Role.APPROVER, "end a pause"))],
    ) -> tuple[str, Any]:
        pausing.turn(asked.settings, on=False, by=asked.user.name)
        return f"{PREFIX}/rules", {"paused": False}


def _one(asked: Asked, frame: Frame, name: str) -> dict[str, Any]:
    setting = _setting(frame, name)
    with reading(engine_for(asked.settings)) as session:
        log, seen = [_told(row) for row in history(session, name)], newest(session)
    data = {"setting": setting.as_json(), "log": log, "seen": seen}
    shown = json.dumps(setting.value, ensure_ascii=False)
    rest: dict[str, Any] = {"tried": shown, "rehearsal": None, "notes": [], "day": None} | _may(asked)
    return data if asked.wants_json else data | rest


def _setting(frame: Frame, name: str) -> Setting:
    found = next((one for one in settings_in_force(frame.settings()) if one.name == name), None)
    if found is None:
        raise NotFoundError(f"there is no setting {name!r}")
    return found


def _value(text: str) -> Any:
    """A value as the form has it: JSON, or a text without quotes."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):  # also of numbers and lists that are longer than Python reads
        return text


def _told(row: Any) -> dict[str, Any]:
    names = ("number", "name", "value", "before", "by", "at", "reason")
    return {name: getattr(row, name) for name in names}


def _may(asked: Asked) -> dict[str, bool]:
    role = asked.user.role
    return {
        "may_try": role.may(Role.REVIEWER),
        "may_change": role.may(Role.ADMIN),
        "may_pause": role.may(pausing.TO_PAUSE),
        "may_resume": role.may(pausing.TO_RESUME),
    }
