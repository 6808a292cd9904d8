"""*Batch*: the notices of one night in a table, and decisions about one, many, or all that match."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path

from outreach import review
from outreach.choosing import Which
from outreach.listing import PAGE, SAMPLED, SORTS, choices, page, sample
from outreach.models import BatchRow
from outreach.review import Outcome, columns_of, find_batch
from outreach.risk import MEANINGS
from outreach.states import TRANSITIONS, UNDECIDED
from outreach.web.asking import Asking, asking, from_form
from outreach.web.deciding import ACTIONS
from outreach.web.frame import PREFIX, Asked, Frame, Pages
from outreach.web.masking import Mask
from outreach.web.recent import decisions
from warehouse.access.roles import Role, require
from warehouse.database import engine_for, reading
from warehouse.errors import SettingsError

Entry = Annotated[int, Path(ge=1, le=10**15)]
_HIDDEN = ("recipient", "haystack", "person", "fit_for", "approved_hash", "agreed_hash")


def add(router: APIRouter, pages: Pages, frame: Frame) -> None:  # noqa: ARG001  all views are added alike
    """Adds the pages."""
    viewer, reviewer = Depends(frame.needs(Role.VIEWER)), Depends(frame.acts(Role.REVIEWER, "decide"))

    @pages.show("/batches/{batch}", "batch.html")
    def show(
        asked: Annotated[Asked, viewer],
        batch: str,
        given: Annotated[Asking, Depends(asking)],
        done: int = 0,
        agreed: int = 0,
        brought: int = 0,
    ) -> dict[str, Any]:
        mask = Mask(asked)
        wanted = given.filter(hides=mask.hides)
        with reading(engine_for(asked.settings)) as session:
            found = find_batch(session, batch)
            if given.sample:
                listed = sample(session, found, wanted, seed=given.sample)
            else:
                listed = page(session, found, wanted, sort=given.sort, first=(given.page - 1) * PAGE)
            recent = decisions(session, found.batch_id)
            return {
                "batch": columns_of(found),
                "filter": wanted.given(),
                "sort": given.sort,
                "page": given.page,
                "pages": 1 if given.sample else max(-(-listed.total // PAGE), 1),
                "total": listed.total,
                "sums": listed.sums,
                "decided": None if wanted.state else _decided(listed.states),
                "notices": [mask.notice(_listed(row)) for row in listed.notices],
                "choices": {"state": listed.states} | choices(found),
                "decisions": recent,
                "done": next((one for one in recent if one["entry"] == done), None),
            } | _for_people(asked, given, found, agreed=agreed, brought=brought)

    @pages.act("/batches/{batch}/decide")
    def decide(asked: Annotated[Asked, reviewer], batch: str) -> tuple[str, Any]:
        given = from_form(asked.form)
        outcome = _decide(asked, batch, given)
        query = given.address(done=outcome.entry, agreed=outcome.agreed or None)
        return f"{PREFIX}/batches/{outcome.day}?{query}", asdict(outcome)

    @pages.act("/batches/{batch}/undo/{entry}")
    def undo(asked: Annotated[Asked, reviewer], batch: str, entry: Entry) -> tuple[str, Any]:
        reason = asked.text("reason") or "taken back"
        outcome = review.undo(asked.settings, batch, entry, by=asked.user.name, reason=reason)
        query = from_form(asked.form).address(done=outcome.entry)
        return f"{PREFIX}/batches/{outcome.day}?{query}", asdict(outcome)

    @pages.act("/batches/{batch}/submit")
    def submit(asked: Annotated[Asked, reviewer], batch: str) -> tuple[str, Any]:
        review.submit(asked.settings, batch, by=asked.user.name)
        return f"{PREFIX}/batches/{batch}", {"author": asked.user.name}


def _decide(asked: Asked, batch: str, given: Asking) -> Outcome:
    action, scope = asked.text("action"), asked.text("scope") or "selected"
    if action not in ACTIONS:
        raise SettingsError(f"{action!r} is no decision; there are {', '.join(ACTIONS)}")
    needed, does = ACTIONS[action]
    require(asked.user.role, needed, f"{action} notices")
    version, reason = asked.whole("version"), asked.text("reason")
    if action != "approve" and not reason:
        raise SettingsError(f"say why: a reason is needed to {action} notices")
    return does(
        asked.settings,
        batch,
        by=asked.user.name,
        reason=reason,
        which=_which(asked, scope, given),
        version=version if scope == "matching" else None,
    )


def _decided(states: Mapping[str, int]) -> int:
    return sum(count for state, count in states.items() if state not in UNDECIDED)


def _which(asked: Asked, scope: str, given: Asking) -> Which:
    if scope == "matching":
        wanted = given.filter()
        return Which(matching=wanted.conditions(), states=[wanted.state] if wanted.state else ())
    ids = asked.form.get("notice", [])
    chosen = [ids] if isinstance(ids, str) else list(ids)
    if not chosen:
        raise SettingsError("no notice was selected; tick some, or decide about all that match")
    return Which(notice_ids=[str(one) for one in chosen])


def _listed(row: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in row.items() if name not in _HIDDEN}
    return kept | {"kinds": row["kinds"].split(), "risks": row["risks"].split()}


def _for_people(asked: Asked, given: Asking, batch: BatchRow, **news: int) -> dict[str, Any]:
    """What the page needs besides the data; programs get none of it."""
    if asked.wants_json:
        return {}
    is_author = batch.author == asked.user.name
    return news | {
        "given": given,
        "sorts": list(SORTS),
        "states": list(TRANSITIONS),
        "risk_meanings": MEANINGS,
        "sampled": SAMPLED,
        "may_review": asked.user.role.may(Role.REVIEWER),
        "may_approve": asked.user.role.may(Role.APPROVER) and not is_author,
        "is_author": is_author,
    }
