"""Promises of money that the customer still holds: what they use of it themselves is owed no more.

A credit or gift card that lapses soon is promised to its owner. Until it lapses they may use it, and are
asked to; what they use is taken back here, night by night. After the lapse the rest is theirs to be paid.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl
from sqlalchemy import select
from sqlalchemy.orm import Session

from features.events import seen
from features.money import micros
from outreach.bulk import chunks
from outreach.finders.balances import balance_of
from outreach.models import NoticeOpportunityRow
from outreach.promises import ledger
from outreach.promises.accounts import OPEN, Standing, listed
from outreach.promises.models import IN_HAND
from warehouse import clock
from warehouse.database import engine_for, writing
from warehouse.lake import Lake
from warehouse.lease import hold
from warehouse.receipts import Receipt, recording
from warehouse.settings import Settings

BY = "advocate nightly"
USED = "the customer used it"
LAPSED = "it lapsed; what is left is to be paid"


@dataclass(frozen=True)
class Held:
    """An open promise of money in hand, and the right that it is about.

    Attributes:
        standing: the promise.
        entitlement_id: the credit or gift card.
        value_minor: what that held at its start.
    """

    standing: Standing
    entitlement_id: str
    value_minor: int


def reconcile(settings: Settings, day: date) -> Receipt:
    """Takes back what customers used by the day's end of money promised to them; the first step of outreach.

    Also says of which promises the money has lapsed, so that it can be paid. A rerun changes nothing.
    """
    with hold(settings, "outreach"), recording(settings, "outreach.reconcile", day) as receipt:
        lake, end = Lake.of(settings), clock.end_of(day)
        with writing(engine_for(settings)) as session:
            ledger.lock(session)
            mine = _held(session, [s for s in listed(session, states=OPEN) if s.in_hand])
            receipt.rows_in["promises of money in hand"] = len(mine)
            left, unclear = _left(lake, day, mine)
            used = list(_used(mine, left))
            now = clock.now()
            ledger.void_parts(session, used, by=BY, at=now, why=USED)
            lapsed = _lapsed(lake, day, mine, end, unclear)
            receipt.rows_out["promises that lapsed"] = ledger.say_lapsed(
                session, lapsed, by=BY, at=now, why=LAPSED
            )
        receipt.rows_out["promises used by the customer"] = len(used)
        if unclear:
            receipt.warnings.append(
                f"{len(unclear):,} credits or gift cards that were promised to their owners were used, and "
                "the feed does not say for how much (entitlement_uses.value): nothing of them is paid until "
                "it does, or somebody takes the promise back (`advocate ledger list`, `advocate ledger void`)"
            )
    return receipt


def _held(session: Session, standings: Sequence[Standing]) -> list[Held]:
    """The promises with what their evidence says, oldest first."""
    told = NoticeOpportunityRow
    about: dict[tuple[str, str], tuple[str, int]] = {}
    for notices in chunks(standing.notice_id for standing in standings):
        query = select(told.notice_id, told.opportunity_id, told.entitlement_id, told.evidence)
        for row in session.execute(query.where(told.notice_id.in_(notices), told.kind.in_(IN_HAND))):
            value = json.loads(row.evidence)["value_at_start_minor"]
            about[row.notice_id, row.opportunity_id] = row.entitlement_id, value
    return [Held(s, *about[s.notice_id or "", s.opportunity_id or ""]) for s in standings]


def _left(lake: Lake, day: date, mine: Sequence[Held]) -> tuple[dict[str, int], set[str]]:
    """What is left of each entitlement, in minor units; and those of which it is not known."""
    asked = pl.LazyFrame(
        [(one.entitlement_id, one.standing.currency, one.value_minor) for one in mine],
        schema={"entitlement_id": pl.String, "currency": pl.String, "at_start": pl.Int64},
        orient="row",
    ).unique("entitlement_id", keep="last", maintain_order=True)
    spent = (
        seen(lake, "entitlement_uses", day)
        .group_by("entitlement_id")
        .agg(spent=micros(pl.col("value")).sum(), unknown=pl.col("value").is_null().any())
    )
    rows = (
        asked.join(spent, on="entitlement_id", how="left")
        .select(
            "entitlement_id",
            balance_of(pl.col("at_start"), pl.col("spent").fill_null(0), pl.col("currency")).cast(pl.Int64),
            pl.col("unknown").fill_null(value=False),
        )
        .collect()
        .rows()
    )
    unclear = {entitlement for entitlement, _, unknown in rows if unknown}
    return {entitlement: max(some, 0) for entitlement, some, unknown in rows if not unknown}, unclear


def _used(mine: Sequence[Held], left: dict[str, int]) -> Iterable[tuple[Standing, int]]:
    """Promises and how much of each is not owed any more; what is left belongs to the oldest first."""
    rest = dict(left)
    for one in mine:
        if one.entitlement_id not in rest:
            continue
        open_ = one.standing.open_minor or 0
        kept = min(open_, max(rest[one.entitlement_id] - (one.standing.paid_minor or 0), 0))
        rest[one.entitlement_id] -= kept + (one.standing.paid_minor or 0)
        if kept < open_:
            yield one.standing, open_ - kept


def _lapsed(lake: Lake, day: date, mine: Sequence[Held], end: datetime, unclear: set[str]) -> list[Standing]:
    """Promises whose right has lapsed by the day's end, as the feed has it now; else as it was promised."""
    ids = pl.LazyFrame({"entitlement_id": sorted({one.entitlement_id for one in mine})})
    known = seen(lake, "entitlements", day).join(ids.cast(pl.String), on="entitlement_id", how="semi")
    expiries: dict[str, Any] = dict(known.select("entitlement_id", "expires_at").collect().iter_rows())
    return [
        one.standing
        for one in mine
        if one.entitlement_id not in unclear
        and (expires := expiries.get(one.entitlement_id, one.standing.due_at)) is not None
        and expires <= end
    ]
