"""*Results*: what became of the messages, as far as it is known, and what is not known yet."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends

from outreach.effect import DAYS, ENOUGH, Effect, effect
from outreach.promises.overview import Group, groups
from outreach.results import NIGHTS, RESPONSES, Outcomes, Payouts, days_with_messages, outcomes, payouts
from outreach.web import charts
from outreach.web.frame import Asked, Frame, Pages
from warehouse.access.roles import Role
from warehouse.database import engine_for, reading
from warehouse.lake import Lake


def add(router: APIRouter, pages: Pages, frame: Frame) -> None:  # noqa: ARG001  all views are added alike
    """Adds the page."""

    @pages.show("/results", "results.html")
    def results(asked: Annotated[Asked, Depends(frame.needs(Role.VIEWER))]) -> dict[str, Any]:
        lake = Lake.of(asked.settings)
        with reading(engine_for(asked.settings)) as session:
            found = outcomes(session, lake, asked.now)
            money = payouts(session)
            days = days_with_messages(session)
            by_kind = _by_kind(groups(session, asked.settings.outreach, asked.now))
        compared = effect(lake, days, asked.now)
        data = {
            "nights": _nights(found, money),
            "sent": found.sent,
            "responses": found.responses,
            "answers": asdict(found.answers),
            "effect": _effect(compared),
            "promises": by_kind,
            "payouts": {
                "promises": money.promises,
                "half_within": money.half_within,
                "most_within": money.most_within,
            },
            "unknown": _unknown(asked.settings.outreach.holdout_share, found, money, compared),
        }
        return data if asked.wants_json else data | _for_people(data)


def _nights(found: Outcomes, money: Payouts) -> list[dict[str, Any]]:
    """Each night with its rows by kind, and what was paid of what it promised."""
    days = sorted({row.day for row in found.rows} | money.paid.keys(), reverse=True)
    return [
        {
            "day": day,
            "paid": money.paid.get(day, {}),
            "kinds": [asdict(row) for row in found.rows if row.day == day],
        }
        for day in days
    ]


def _by_kind(found: list[Group]) -> list[dict[str, Any]]:
    """What was promised and paid of each kind and currency."""
    names = ("promised_minor", "paid_minor", "open_minor", "voided_minor")
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for group in found:
        if group.currency is not None:
            key = (group.kind, group.currency)
            row = rows.setdefault(
                key, {"kind": group.kind, "currency": group.currency} | dict.fromkeys(names, 0)
            )
            for name in names:
                row[name] += getattr(group, name)
    return [row for _, row in sorted(rows.items())]


def _effect(found: Effect) -> dict[str, Any]:
    return {
        "days": DAYS,
        "enough": ENOUGH,
        "nights": found.nights,
        "waiting": found.waiting,
        "contacted": asdict(found.contacted) | {"share": found.contacted.share},
        "holdout": asdict(found.holdout) | {"share": found.holdout.share},
        "difference": asdict(found.difference) | {"is_sure": found.difference.is_sure}
        if found.difference
        else None,
    }


def _unknown(share: float, found: Outcomes, money: Payouts, compared: Effect) -> list[str]:
    """What cannot be said yet, and what it takes."""
    said = []
    if not found.sent:
        said.append(f"Nothing was sent of the newest {NIGHTS} nights, so nothing can have come of it.")
    if not found.any_responses:
        said.append(
            "The feed has brought no responses yet: whether messages bounced, or "
            "were answered, or led to anything, is not known. A 0 below means that nobody told us."
        )
    if found.unmatched:
        said.append(
            f"{found.unmatched:,} responses name a message of ours that was not sent in the newest {NIGHTS} "
            "nights, or another customer than that message had; they are not counted."
        )
    if not share:
        said.append(
            "Nobody is kept back to compare with (outreach.holdout_share is 0): what advice changes cannot "
            "be known."
        )
    if compared.waiting:
        said.append(
            f"Nights too fresh to compare: {compared.waiting:,}. It takes {DAYS} days after a night, and the "
            "purchases of those days."
        )
    if found.answers.asked > found.answers.solved + found.answers.unsolved:
        silent = found.answers.asked - found.answers.solved - found.answers.unsolved
        said.append(f"{silent:,} customers have not answered whether our remedy solved their problem.")
    if not money.promises:
        said.append("No promise of these nights was paid in full yet: how long paying takes is not known.")
    said.append(
        "What paying money that is owed changes cannot be known: nobody is kept back from it, so there is "
        "nobody to compare with."
    )
    return said


def _for_people(data: dict[str, Any]) -> dict[str, Any]:
    """What the page needs besides the data."""
    return {
        "names": RESPONSES,
        "shown": NIGHTS,
        "chart": charts.bars("responses", "Responses so far", list(data["responses"].items()))
        if any(data["responses"].values())
        else None,
    }
