"""*Ledger*: what customers were promised, what became of it, and what can be done about one promise."""

from dataclasses import asdict
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends

from features.money import as_minor
from outreach.promises import desk, goodwill
from outreach.promises.accounts import Standing
from outreach.promises.ageing import Aged, aged
from outreach.promises.browsing import AGES, PAGE, SORTS, STATES, Wanted, page, total_of
from outreach.promises.goodwill import WORD
from outreach.promises.overview import Group, Remembered, balances_of, groups
from outreach.promises.story import Story, story
from outreach.references import shortened
from outreach.web import charts
from outreach.web.frame import PREFIX, Asked, Frame, Pages, escaped
from outreach.web.masking import Mask
from outreach.web.searching import Search, searching
from warehouse import clock
from warehouse.access.roles import Role, require
from warehouse.database import engine_for, reading
from warehouse.errors import ConflictError, SettingsError

HIDDEN = "hidden"
"""What viewers read where people wrote something by hand, or finance named a payment."""
SAID = {"breach": "open for too long", "warning": "soon too long", "fresh": "in time"}


def add(router: APIRouter, pages: Pages, frame: Frame) -> None:  # noqa: ARG001  all views are added alike
    """Adds the pages."""
    viewer, remembered = Depends(frame.needs(Role.VIEWER)), Remembered()

    @pages.show("/ledger", "ledger.html")
    def ledger(
        asked: Annotated[Asked, viewer], given: Annotated[Search, Depends(searching)], done: str = ""
    ) -> dict[str, Any]:
        data = _listed(asked, given, remembered)
        return data if asked.wants_json else data | _for_people(asked, given, done) | _chart(data["ages"])

    @pages.show("/ledger/{promise_id}", "promise.html")
    def promise(asked: Annotated[Asked, viewer], promise_id: str, done: str = "") -> dict[str, Any]:
        found = story(asked.settings, promise_id, asked.now)
        return _told(asked, found) | ({} if asked.wants_json else _possible(asked, found, done))

    _add_gifts(pages, frame)
    _add_changes(pages, frame)


def _add_gifts(pages: Pages, frame: Frame) -> None:
    acting = Depends(frame.acts(Role.REVIEWER, "promise a customer something"))

    @pages.act("/ledger/credit")
    def credit(asked: Annotated[Asked, acting]) -> tuple[str, Any]:
        customer, why = _needed(asked, "customer"), _needed(asked, "why")
        currency = _needed(asked, "currency").upper()
        amount = as_minor(_needed(asked, "amount"), currency)
        by = asked.user.name
        return _onward(
            asked, goodwill.grant(asked.settings, customer, amount, currency, by=by, why=why), "credit"
        )

    @pages.act("/ledger/word")
    def word(asked: Annotated[Asked, acting]) -> tuple[str, Any]:
        customer, said = _needed(asked, "customer"), _needed(asked, "said")
        until = clock.end_of(_day(_needed(asked, "due")))
        by, why = asked.user.name, asked.text("why")
        return _onward(
            asked, goodwill.give_word(asked.settings, customer, said, until, by=by, why=why), "word"
        )


def _add_changes(pages: Pages, frame: Frame) -> None:
    approver = Depends(frame.acts(Role.APPROVER, "settle a promise"))
    reviewer = Depends(frame.acts(Role.REVIEWER, "change a promise"))

    @pages.act("/ledger/{promise_id}/pay")
    def pay(asked: Annotated[Asked, approver], promise_id: str) -> tuple[str, Any]:
        reference, amount = _needed(asked, "reference"), asked.text("amount")
        currency = story(asked.settings, promise_id, asked.now).standing.currency or ""
        minor = as_minor(amount, currency) if amount and currency else None
        by = asked.user.name
        made, changed = desk.pay(asked.settings, promise_id, reference=reference, amount_minor=minor, by=by)
        return _onward(asked, made, "paid" if changed else "known")

    @pages.act("/ledger/{promise_id}/void")
    def void(asked: Annotated[Asked, approver], promise_id: str) -> tuple[str, Any]:
        why = _needed(asked, "why")
        _refuse_unless_seen(asked, promise_id)
        made, changed = desk.void(asked.settings, promise_id, by=asked.user.name, why=why)
        return _onward(asked, made, "voided" if changed else "unchanged")

    @pages.act("/ledger/{promise_id}/keep")
    def keep(asked: Annotated[Asked, reviewer], promise_id: str) -> tuple[str, Any]:
        why = _needed(asked, "why")
        made, changed = desk.keep(asked.settings, promise_id, by=asked.user.name, why=why)
        return _onward(asked, made, "kept" if changed else "unchanged")

    @pages.act("/ledger/{promise_id}/reopen")
    def reopen(asked: Annotated[Asked, reviewer], promise_id: str) -> tuple[str, Any]:
        why, reference = _needed(asked, "why"), asked.text("reference")
        by = asked.user.name
        made, changed = desk.reopen(asked.settings, promise_id, by=by, why=why, reference=reference)
        return _onward(asked, made, "reopened" if changed else "unchanged")


def _onward(asked: Asked, made: Standing, done: str) -> tuple[str, Any]:
    shown = Mask(asked).notice(vars(made) | {"reference": shortened(made.promise_id)})
    return f"{PREFIX}/ledger/{escaped(made.promise_id)}?done={done}", shown | {"done": done}


def _needed(asked: Asked, name: str) -> str:
    value = asked.text(name)
    if not value:
        raise SettingsError(f"the form lacks {name!r}: go back, fill it in and send it again")
    return value


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise SettingsError(f"{text!r} is no day; write it like 2026-12-31") from error


def _refuse_unless_seen(asked: Asked, promise_id: str) -> None:
    seen = asked.text("seen")
    now = story(asked.settings, promise_id, asked.now).standing
    if seen and seen != _seen(now):
        raise ConflictError(
            f"this promise was changed since you looked at it: it is {now.state} now. Nothing was changed by "
            "you; look again and decide"
        )


def _seen(standing: Standing) -> str:
    """What tells a promise as it was looked at from the same one after anything was changed."""
    return f"{standing.number}/{standing.paid_minor or 0}/{standing.open_minor or 0}"


def _listed(asked: Asked, given: Search, remembered: Remembered) -> dict[str, Any]:
    wanted, rules = given.wanted(), asked.settings.outreach
    if wanted.customer_id:
        require(asked.user.role, Role.REVIEWER, "look a customer up")
    # The same minute for all figures of the page, so that they agree with one another.
    now = asked.now.replace(second=0, microsecond=0)
    with reading(engine_for(asked.settings)) as session:
        everything = remembered.groups(session, rules, now)
        narrow = wanted.conditions()
        mine = groups(session, rules, now, narrow) if narrow else everything
        first = (given.page - 1) * PAGE
        rows = page(session, rules, now, wanted, sort=given.sort, first=first)
    total, sums = total_of(mine, wanted)
    ages = {one.standing.promise_id: one for one in aged(rows, rules, now)}
    mask = Mask(asked)
    return {
        "balances": [asdict(one) | {"holds": one.holds} for one in balances_of(everything)],
        "ages": _ages(everything),
        "filter": asdict(wanted),
        "sort": given.sort,
        "page": given.page,
        "pages": max(-(-total // PAGE), 1),
        "total": total,
        "sums": sums,
        "choices": _choices(everything),
        "promises": [_row(mask, one, ages.get(one.promise_id)) for one in rows],
    }


def _ages(found: list[Group]) -> list[dict[str, Any]]:
    """How many promises are open for how long, and what they come to by currency."""
    rows = []
    for age in AGES:
        mine = [group for group in found if group.age == age]
        count, sums = sum(group.promises for group in mine), total_of(mine, Wanted())[1]
        rows.append({"age": age, "promises": count, "sums": sums})
    return rows


def _chart(ages: list[dict[str, Any]]) -> dict[str, Any]:
    counts = [(SAID[one["age"]], one["promises"]) for one in ages]
    return {"chart": charts.bars("ages", "Open promises by age", counts)}


def _choices(found: list[Group]) -> dict[str, dict[str, int]]:
    """What can be filtered for, with how many there are."""
    kinds: dict[str, int] = {}
    for group in found:
        kinds[group.kind] = kinds.get(group.kind, 0) + group.promises
    states = {name: total_of(found, Wanted(state=name))[0] for name in STATES}
    return {"state": states, "kind": dict(sorted(kinds.items()))}


def _row(mask: Mask, standing: Standing, age: Aged | None) -> dict[str, Any]:
    shown = mask.notice(vars(standing) | {"reference": shortened(standing.promise_id)})
    if mask.hides:
        shown |= {"why": HIDDEN if standing.why else "", "said": _unless_by_hand(standing)}
    return shown | {"age": age.age if age else None, "hours": age.hours if age else None}


def _unless_by_hand(standing: Standing) -> str:
    return HIDDEN if standing.kind == WORD else standing.said


def _told(asked: Asked, found: Story) -> dict[str, Any]:
    mask = Mask(asked)
    kept_back = {"why": HIDDEN, "reference": HIDDEN} if mask.hides else {}

    def hidden(row: dict[str, Any]) -> dict[str, Any]:
        return row | {name: value for name, value in kept_back.items() if row.get(name)}

    return {
        "promise": _row(mask, found.standing, found.age),
        "events": [hidden(row) for row in found.events],
        "postings": [hidden(row) for row in found.postings],
        "payouts": found.payouts,
        "notice": found.notice,
    }


def _for_people(asked: Asked, given: Search, done: str) -> dict[str, Any]:
    rules = asked.settings.outreach
    return {
        "given": given,
        "done": done,
        "sorts": list(SORTS),
        "said": SAID,
        "hours": (rules.ageing_warning_hours, rules.ageing_breach_hours),
        "today": f"{asked.now:%Y-%m-%d}",
        "may_promise": asked.user.role.may(Role.REVIEWER),
    }


def _possible(asked: Asked, found: Story, done: str) -> dict[str, Any]:
    """What who asks may do with the promise as it stands."""
    standing, role = found.standing, asked.user.role
    is_money, paid = standing.currency is not None, [one for one in found.postings if one["debit"] == "paid"]
    came_back = {one["reference"] for one in found.postings if one["credit"] == "paid"}
    back = [one["reference"] for one in paid if one["reference"] not in came_back]
    return {
        "done": done,
        "seen": _seen(standing),
        "said": SAID,
        "may_pay": role.may(Role.APPROVER) and bool(standing.open_minor) and not standing.in_hand,
        "may_void": role.may(Role.APPROVER) and standing.is_open,
        "may_keep": role.may(Role.REVIEWER) and not is_money and standing.is_open,
        "may_reopen": role.may(Role.REVIEWER) and (bool(back) if is_money else not standing.is_open),
        "payments": back,
        "until": standing.due_at if standing.in_hand else None,
    }
