"""*Tonight*: the batches, what changed since last night, and what is odd."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import RedirectResponse, Response

from outreach.tonight import nights
from outreach.web import charts
from outreach.web.frame import PREFIX, Asked, Frame, Pages
from outreach.web.wording import kind
from warehouse.access.roles import Role
from warehouse.database import engine_for, reading
from warehouse.models import SwitchRow
from warehouse.switches import PAUSE


def add(router: APIRouter, pages: Pages, frame: Frame) -> None:
    """Adds the page."""

    @router.get("/", include_in_schema=False)
    def first() -> Response:
        return RedirectResponse(f"{PREFIX}/tonight", status_code=303)

    @pages.show("/tonight", "tonight.html")
    def tonight(asked: Annotated[Asked, Depends(frame.needs(Role.VIEWER))]) -> dict[str, Any]:
        with reading(engine_for(asked.settings)) as session:
            found = nights(session, asked.settings, asked.now)
            pause = session.get(SwitchRow, PAUSE)
            paused = {"by": pause.by, "at": pause.at} if pause is not None and pause.on else None
        newest = found[0] if found else None
        history = [(f"{night.day:%-d %b}", sum(night.states.values())) for night in reversed(found)]
        return {
            "batches": [asdict(night) for night in found],
            "paused": paused,
            "charts": [
                charts.bars("kinds", "Notices by kind", _labelled(newest.kinds)),
                charts.bars("channels", "Notices by channel", _labelled(newest.channels)),
                charts.bars("nights", "Notices by night", history),
            ]
            if newest
            else [],
            "changes": _changes(newest.kinds, newest.before) if newest and newest.before is not None else [],
        }


def _labelled(counts: dict[str, int]) -> list[tuple[str, int]]:
    return [(kind(name), count) for name, count in sorted(counts.items(), key=lambda one: (-one[1], one[0]))]


def _changes(now: dict[str, int], before: dict[str, int]) -> list[dict[str, Any]]:
    """Notices by kind, last night and the night before, where they differ."""
    names = sorted(now.keys() | before.keys())
    return [
        {"kind": name, "now": now.get(name, 0), "before": before.get(name, 0)}
        for name in names
        if now.get(name, 0) != before.get(name, 0)
    ]
