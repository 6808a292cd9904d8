"""*Why not?*: how many customers hear nothing for which reason, who they are, who is owed all the same."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from outreach import silence
from outreach.explain import explain
from outreach.policy import REASONS
from outreach.web import charts
from outreach.web.frame import Asked, Frame, Pages
from outreach.web.masking import Mask
from warehouse.access.roles import Role
from warehouse.errors import NotFoundError
from warehouse.lake import Lake

DAYS = 60
"""Days that can be chosen on the page; any other one by its address."""


def add(router: APIRouter, pages: Pages, frame: Frame) -> None:  # noqa: ARG001  all views are added alike
    """Adds the pages."""
    viewer, reviewer = Depends(frame.needs(Role.VIEWER)), Depends(frame.needs(Role.REVIEWER))

    @pages.show("/why-not", "why_not.html")
    def show(asked: Annotated[Asked, viewer], day: date | None = None) -> dict[str, Any]:
        lake = Lake.of(asked.settings)
        if day is None and not lake.days("decisions"):
            return {"day": None, "days": [], "reasons": [], "owed": [], "charts": []}
        chosen = silence.chosen(lake, day)
        reasons = silence.reasons(lake, chosen)
        told = {
            "day": chosen,
            "days": silence.days(lake)[:DAYS],
            "reasons": reasons,
            "owed": silence.owed(lake, chosen),
        }
        return told | {"charts": [_chart(reasons)]}

    @pages.show("/why-not/customers", "why_not_customers.html")
    def listed(
        asked: Annotated[Asked, viewer],
        reason: Annotated[str, Query(max_length=100)] = "",
        way: Annotated[str, Query(max_length=100)] = "",
        day: date | None = None,
        page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
    ) -> dict[str, Any]:
        lake, mask = Lake.of(asked.settings), Mask(asked)
        chosen, first = silence.chosen(lake, day), (page - 1) * silence.PAGE
        if way:
            _refuse_unknown(way, silence.WAYS)
            found = silence.owed_customers(lake, chosen, way, first=first)
        else:
            _refuse_unknown(reason, REASONS)
            found = silence.customers(lake, chosen, reason, first=first)
        return {
            "day": chosen,
            "reason": None if way else reason,
            "way": way or None,
            "meaning": silence.WAYS[way] if way else REASONS[reason],
            "customers": [mask.notice(one) for one in found.customers],
            "total": found.total,
            "page": page,
            "pages": max(-(-found.total // silence.PAGE), 1),
        }

    @pages.show("/why-not/customer", "why_not_customer.html")
    def one(
        asked: Annotated[Asked, reviewer],
        customer_id: Annotated[str, Query(max_length=400)],
        day: date | None = None,
    ) -> dict[str, Any]:
        chosen = silence.chosen(Lake.of(asked.settings), day)
        return explain(asked.settings, customer_id.strip(), chosen)


def _refuse_unknown(name: str, known: Mapping[str, str]) -> None:
    if name not in known:
        raise NotFoundError(f"there is no list {name!r}; there are {', '.join(known)}")


def _chart(reasons: list[dict[str, Any]]) -> charts.Bars:
    """Those who are not contacted, the most frequent reason first."""
    silent = [one for one in reasons if one["outcome"] != "proposed"]
    silent.sort(key=lambda one: -one["customers"])
    named = [(one["reason"].replace("_", " "), one["customers"]) for one in silent]
    return charts.bars("reasons", "Customers who are not contacted, by reason", named)
