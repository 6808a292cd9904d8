"""*Notice*: a message as its customer will see it, beside everything it rests on."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from outreach import review
from outreach.choosing import Which
from outreach.dossier import Dossier, dossier
from outreach.editing import LONGEST_NAME, LONGEST_NOTE, Edits, edit, preview
from outreach.listing import neighbour
from outreach.states import REVOCABLE, may_become
from outreach.testing import send_test
from outreach.web import charts
from outreach.web.asking import Asking, asking, from_form
from outreach.web.deciding import ACTIONS
from outreach.web.frame import FRAMED, PREFIX, Asked, Frame, Pages
from outreach.web.masking import Mask
from warehouse.access.roles import Role, require
from warehouse.database import engine_for, reading
from warehouse.errors import ConflictError, SettingsError


def add(router: APIRouter, pages: Pages, frame: Frame) -> None:
    """Adds the pages."""
    _add_looks(router, pages, frame)
    _add_changes(router, pages, frame)


def _add_looks(router: APIRouter, pages: Pages, frame: Frame) -> None:
    viewer = Depends(frame.needs(Role.VIEWER))

    @pages.show("/notices/{notice_id}", "notice.html")
    def show(
        asked: Annotated[Asked, viewer],
        notice_id: str,
        given: Annotated[Asking, Depends(asking)],
        done: int = 0,
    ) -> dict[str, Any]:
        found = dossier(asked.settings, notice_id)
        return _shown(asked, found, done) | _for_people(asked, found, given)

    @router.get("/notices/{notice_id}/message", response_class=HTMLResponse)
    def message(asked: Annotated[Asked, viewer], notice_id: str) -> Response:
        found = dossier(asked.settings, notice_id)
        html = Mask(asked).message(found.words["html"], found.told, html=True)
        return HTMLResponse(html, headers={"content-security-policy": FRAMED})

    @router.get("/notices/{notice_id}/{way}", response_class=HTMLResponse)
    def beside(
        asked: Annotated[Asked, viewer],
        notice_id: str,
        way: Literal["next", "before"],
        given: Annotated[Asking, Depends(asking)],
    ) -> Response:
        with reading(engine_for(asked.settings)) as session:
            found = neighbour(session, given.filter(hides=asked.masked), notice_id, after=way == "next")
        batch, notice = found
        to = f"notices/{notice}" if notice else f"batches/{batch}"
        return RedirectResponse(f"{PREFIX}/{to}?{given.address()}", status_code=303)


def _add_changes(router: APIRouter, pages: Pages, frame: Frame) -> None:
    acting = Depends(frame.acts(Role.REVIEWER, "decide about a notice"))

    @pages.act("/notices/{notice_id}/decide")
    def decide(asked: Annotated[Asked, acting], notice_id: str) -> tuple[str, Any]:
        outcome = _decide(asked, notice_id)
        query = from_form(asked.form).address(done=outcome.entry)
        return f"{PREFIX}/notices/{notice_id}?{query}", asdict(outcome)

    @pages.act("/notices/{notice_id}/edit")
    def change(asked: Annotated[Asked, acting], notice_id: str) -> tuple[str, Any]:
        version = asked.whole("version")
        if version is None:
            raise SettingsError("the form does not say which version was edited; load the page again")
        edits = _edits(asked.form)
        draft = edit(asked.settings, notice_id, edits, by=asked.user.name, version=version)
        return f"{PREFIX}/notices/{notice_id}?edited=1", {"content_hash": draft.content_hash}

    @router.post("/notices/{notice_id}/preview", response_class=HTMLResponse)
    def look(asked: Annotated[Asked, acting], notice_id: str) -> Response:
        draft = preview(asked.settings, notice_id, _edits(asked.form))
        data = {"message": asdict(draft.message), "problems": [asdict(one) for one in draft.problems]}
        return frame.shown(asked, "preview.html", data)

    @pages.act("/notices/{notice_id}/test")
    def test(asked: Annotated[Asked, acting], notice_id: str) -> tuple[str, Any]:
        sent = send_test(asked.settings, notice_id, to=asked.text("to"), by=asked.user.name)
        return f"{PREFIX}/notices/{notice_id}?tested=1", {"file": sent}


def _decide(asked: Asked, notice_id: str) -> review.Outcome:
    action, reason = asked.text("action"), asked.text("reason")
    if action not in ACTIONS:
        raise SettingsError(f"{action!r} is no decision; there are {', '.join(ACTIONS)}")
    needed, does = ACTIONS[action]
    require(asked.user.role, needed, f"{action} a notice")
    if action != "approve" and not reason:
        raise SettingsError(f"say why: a reason is needed to {action} a notice")
    found = dossier(asked.settings, notice_id)
    _refuse_unless_seen(asked, found)
    return does(
        asked.settings,
        found.notice["batch_id"],
        by=asked.user.name,
        reason=reason,
        which=Which([notice_id]),
    )


def _refuse_unless_seen(asked: Asked, found: Dossier) -> None:
    seen = asked.whole("version")
    if seen is not None and seen != found.notice["version"]:
        raise ConflictError(
            f"this notice was changed since you looked at it: it is {found.notice['state']} now. Nothing was "
            "changed by you; look again and decide"
        )


def _shown(asked: Asked, found: Dossier, done: int) -> dict[str, Any]:
    mask = Mask(asked)
    told = []
    for one in found.told:
        facts = mask.evidence(one["evidence"])
        told.append(mask.notice(one) | {"evidence": facts})
    notice = {name: value for name, value in found.notice.items() if name not in ("haystack", "fit_for")}
    return {
        "notice": mask.notice(notice)
        | {"kinds": found.notice["kinds"].split(), "risks": found.notice["risks"].split()},
        "batch": found.batch,
        "words": {
            "text": mask.message(found.words["text"], found.told),
            "locale": found.words["locale"],
        },
        "told": told,
        "history": found.history,
        "promises": [mask.notice(one) for one in found.promises],
        "contacts": found.contacts,
        "why": found.why,
        "done": done,
    }


def _for_people(asked: Asked, found: Dossier, given: Asking) -> dict[str, Any]:
    if asked.wants_json:
        return {}
    state, role = found.notice["state"], asked.user.role
    return {
        "charts": [chart for one in found.told if (chart := _chart(one)) is not None],
        "slots": found.slots,
        "edits": Edits.read(found.words["edits"]),
        "given": given,
        "may_edit": role.may(Role.REVIEWER) and state in REVOCABLE,
        "may_approve": role.may(Role.APPROVER)
        and may_become(state, "approved")
        and found.batch["author"] != asked.user.name,
        "is_author": found.batch["author"] == asked.user.name,
        "may_reject": role.may(Role.REVIEWER) and may_become(state, "rejected"),
        "may_hold": role.may(Role.REVIEWER) and may_become(state, "held"),
        "longest_note": LONGEST_NOTE,
        "longest_name": LONGEST_NAME,
    }


def _chart(told: Mapping[str, Any]) -> charts.Prices | None:
    """The prices of what was bought, with the moment of purchase."""
    prices, marks = told["prices"], []
    if told["bought_at"] is not None:
        marks.append((told["bought_at"], told["bought_price"], "bought"))
    title = f"Price of {told['evidence'].get('item') or told['product_id']}"
    if prices.get("promotion"):
        title += "; dashed: on promotion"
    return charts.prices(f"price-{told['opportunity_id']}", title, prices, marks, told["currency"] or "USD")


def _edits(form: Mapping[str, Any]) -> Edits:
    """What a form changes: `note`, and `name <opportunity> <slot>` where it is not what was found."""
    names: dict[str, dict[str, str]] = {}
    for field, value in form.items():
        parts = field.split(" ")
        if len(parts) == 3 and parts[0] == "name" and isinstance(value, str):
            found = str(form.get(f"found {parts[1]} {parts[2]}", ""))
            if value.strip() != found.strip():
                names.setdefault(parts[1], {})[parts[2]] = value.strip()
    return Edits(note=str(form.get("note", "")).strip(), names=names)
