"""*Customer*: find one by id, e-mail or phone; their whole story; a credit or one's word for them."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from features.money import as_minor
from outreach.belongings import LINES
from outreach.customers import find
from outreach.promises import goodwill
from outreach.story import Story, story
from outreach.web.frame import Asked, Frame, Pages, customer_address, escaped
from warehouse import clock
from warehouse.access.roles import Role
from warehouse.errors import NotFoundError, SettingsError, UnavailableError
from warehouse.paths import CUSTOMER

LONGEST = 500
"""Letters of a reason, or of a word that is given."""
Page = Annotated[int, Query(ge=1, le=1_000_000)]


def add(router: APIRouter, pages: Pages, frame: Frame) -> None:
    """Adds the pages."""
    _add_search(router, pages, frame)
    _add_promises(pages, frame)


def _add_search(router: APIRouter, pages: Pages, frame: Frame) -> None:
    reviewer = Depends(frame.needs(Role.REVIEWER))
    finding = Depends(frame.acts(Role.REVIEWER, "look for a customer"))

    @pages.show("/customers", "customers.html")
    def search(asked: Annotated[Asked, reviewer], customer_id: str = "", page: Page = 1) -> Any:
        if not customer_id:
            return {"searched": False, "customers": []}
        address = customer_address(customer_id)
        if address.startswith(f"{asked.request.url.path}/"):
            return RedirectResponse(address, status_code=303)
        return frame.shown(asked, "customer.html", _told(frame, asked, customer_id, page))

    @router.post("/customers/find", response_class=HTMLResponse)
    def sought(asked: Annotated[Asked, finding]) -> Response:
        """An address is never part of one of ours, so that no log has it."""
        text = asked.text("text")
        if not text:
            raise SettingsError("say whom to look for: an id, an e-mail address or a phone number")
        found = find(asked.settings, text)
        if asked.wants_json:
            return JSONResponse({"searched": True, "customers": found})
        if len(found) == 1:
            return RedirectResponse(customer_address(found[0]), status_code=303)
        return frame.shown(asked, "customers.html", {"searched": True, "customers": found})

    @pages.show(f"/customers/{CUSTOMER}", "customer.html")
    def show(asked: Annotated[Asked, reviewer], customer_id: str, page: Page = 1) -> dict[str, Any]:
        return _told(frame, asked, customer_id, page)


def _add_promises(pages: Pages, frame: Frame) -> None:
    granting = Depends(frame.acts(Role.REVIEWER, "promise a customer something"))

    @pages.act("/customers/grant")
    def grant(asked: Annotated[Asked, granting]) -> tuple[str, Any]:
        customer_id, why = _needed(asked, "customer_id", "why")
        currency = asked.text("currency").upper()
        minor = as_minor(asked.text("amount"), currency)
        made = goodwill.grant(asked.settings, customer_id, minor, currency, by=asked.user.name, why=why)
        return _back(customer_id, made.promise_id), vars(made)

    @pages.act("/customers/word")
    def word(asked: Annotated[Asked, granting]) -> tuple[str, Any]:
        customer_id, said, why = _needed(asked, "customer_id", "said", "why")
        due = clock.end_of(_day(asked.text("due")))
        if due <= asked.now:
            raise SettingsError("the day by which it is kept has passed; choose a later one")
        made = goodwill.give_word(asked.settings, customer_id, said, due, by=asked.user.name, why=why)
        return _back(customer_id, made.promise_id), vars(made)


def _needed(asked: Asked, *names: str) -> Sequence[str]:
    """Fields of a form that must be there."""
    said = {"customer_id": "which customer", "why": "why", "said": "what is promised"}
    for name in names:
        if not asked.text(name):
            raise SettingsError(f"say {said[name]}; nothing was promised")
        if len(asked.text(name)) > LONGEST:
            raise SettingsError(f"that is too long; use at most {LONGEST} letters")
    return [asked.text(name) for name in names]


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise SettingsError(f"{text!r} is no day; write it like 2026-12-01") from error


def _back(customer_id: str, promise_id: str) -> str:
    address = customer_address(customer_id)
    return f"{address}{'&' if '?' in address else '?'}promised={escaped(promise_id)}"


def _told(frame: Frame, asked: Asked, customer_id: str, page: int) -> dict[str, Any]:
    found = story(asked.settings, customer_id, asked.now, page=page)
    told = asdict(found) | {
        "purchases": found.purchases.lines,
        "page": page,
        "pages": max(-(-found.purchases.total // LINES), 1),
        "lines": found.purchases.total,
        "slates": _slates(frame, asked, customer_id),
    }
    return told if asked.wants_json else told | _for_people(frame, asked, found)


def _slates(frame: Frame, asked: Asked, customer_id: str) -> list[dict[str, Any]] | None:
    """What would be recommended now; `None` where nothing is published."""
    if frame.slates is None:
        return None
    try:
        return frame.slates(asked.settings, customer_id)
    except (NotFoundError, UnavailableError):
        return None


def _for_people(frame: Frame, asked: Asked, found: Story) -> dict[str, Any]:
    rules = asked.settings.outreach
    limits = {name: minor for name, minor in rules.goodwill_limit_minor.items() if name != "default"}
    known = {row["currency"] for row in found.purchases.lines} | {one.currency for one in found.balances}
    currencies = sorted({*known, *limits}) or ["USD"]
    default = rules.goodwill_limit_minor.get("default")
    address = customer_address(found.customer_id)
    return {
        "has_rights": frame.rights is not None and asked.user.role.may(Role.ADMIN),
        "waking_from": rules.waking_from,
        "waking_until": rules.waking_until,
        "cap_contacts": rules.cap_contacts,
        "cap_days": rules.cap_days,
        "currencies": currencies,
        "limits": {one: limit for one in currencies if (limit := limits.get(one, default)) is not None},
        "longest": LONGEST,
        "address": f"{address}{'&' if '?' in address else '?'}",
        "done": next((one for one in found.promises if one["promise_id"] == _promised(asked)), None),
    }


def _promised(asked: Asked) -> str:
    return asked.request.query_params.get("promised", "")
