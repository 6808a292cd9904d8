"""Payouts: what finance should pay, as one table."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import polars as pl
from sqlalchemy import select
from sqlalchemy.orm import Session

from features.money import as_decimal
from outreach.bulk import chunks
from outreach.cells import guarded
from outreach.promises import ledger
from outreach.promises.accounts import OPEN, Standing, listed
from outreach.promises.models import PayoutRow
from warehouse import clock
from warehouse.access import accounts, audit
from warehouse.access.roles import Role
from warehouse.database import engine_for, writing
from warehouse.ids import content_id
from warehouse.settings import Settings

COLUMNS = ("export_id", "promise_id", "customer_id", "amount", "currency", "reason")


@dataclass(frozen=True)
class Export:
    """What an export handed to finance.

    Attributes:
        export_id: of the rows that are in it for the first time; null where there are none.
        rows: all promises of money with something open.
        new: how many of them are in it for the first time.
        waiting: promises left out, because their approval can still be taken back, or the customer can still
            use the money.
    """

    export_id: str | None
    rows: int
    new: int
    waiting: int


def export(settings: Settings, write: Callable[[pl.DataFrame], object], *, by: str) -> Export:
    """Writes what finance should pay, and remembers that it was handed out.

    A promise keeps the id of the export it was in first, until it was paid and opened again. The file is
    written before that is remembered: a run that dies in between gives the same file again.

    Args:
        settings: the home's settings.
        write: is given the frame with `COLUMNS`; amounts are decimal text.
        by: who exports.
    """
    now = clock.now()
    with writing(engine_for(settings)) as session:
        accounts.acting(session, by, Role.APPROVER, "hand payouts to finance")
        ledger.lock(session)
        money = [standing for standing in listed(session, states=OPEN) if standing.open_minor]
        ready = [standing for standing in money if _is_final(standing, settings, now)]
        before = _exported(session, ready)
        new = {_payout_id(standing): standing for standing in ready if _payout_id(standing) not in before}
        export_id = content_id("export", *sorted(new)) if new else None
        exports = before | dict.fromkeys(new, export_id)
        write(_frame([(exports[_payout_id(standing)], standing) for standing in ready]))
        rows = (_row(payout_id, export_id, standing) for payout_id, standing in new.items())
        ledger.hand_out(session, rows, by=by, at=now)
        details = {"rows": len(ready), "new": len(new)}
        audit.record(session, "ledger.export", by=by, at=now, subject=export_id or "", details=details)
    return Export(export_id, len(ready), len(new), len(money) - len(ready))


def for_spreadsheets(frame: pl.DataFrame) -> pl.DataFrame:
    """The same with apostrophes before what a spreadsheet would run as a formula."""
    return frame.with_columns(guarded(pl.col(pl.String)))


def _is_final(standing: Standing, settings: Settings, now: datetime) -> bool:
    """Whether it is certain: an approval cannot be taken back any more, nor the money be used."""
    delay = timedelta(minutes=settings.send.delay_minutes)
    return not standing.in_hand and (standing.notice_id is None or standing.opened_at + delay <= now)


def _payout_id(standing: Standing) -> str:
    return content_id("payout", standing.promise_id, str(standing.number))


def _exported(session: Session, standings: list[Standing]) -> dict[str, str | None]:
    known: dict[str, str | None] = {}
    for ids in chunks(_payout_id(standing) for standing in standings):
        query = select(PayoutRow.payout_id, PayoutRow.export_id).where(PayoutRow.payout_id.in_(ids))
        known |= dict(session.execute(query).all())
    return known


def _frame(rows: list[tuple[str | None, Standing]]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            (
                export_id,
                one.promise_id,
                one.customer_id,
                str(as_decimal(one.open_minor or 0, one.currency or "")),
                one.currency,
                f"{one.kind}: {one.said}",
            )
            for export_id, one in rows
        ],
        schema=dict.fromkeys(COLUMNS, pl.String),
        orient="row",
    )


def _row(payout_id: str, export_id: str | None, standing: Standing) -> dict[str, Any]:
    fixed = {"promise_id": standing.promise_id, "number": standing.number}
    return {"payout_id": payout_id, "export_id": export_id, "amount_minor": standing.open_minor} | fixed
