"""Decides about notices as an edited list says: all of it in one transaction, or nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl
from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.bulk import chunks
from outreach.choosing import Which
from outreach.lists.checking import TARGETS, Flaw, Known, decided_rows, flaws_of_notices, flaws_of_rows
from outreach.lists.reading import read_list
from outreach.models import BatchRow, NoticeRow
from outreach.review import Outcome, approve_in, find_batch, hold_in, reject_in
from warehouse import clock
from warehouse.access import accounts, audit
from warehouse.access.accounts import User
from warehouse.access.roles import Role
from warehouse.database import engine_for, writing
from warehouse.errors import FlawedListError, SettingsError
from warehouse.settings import Settings

REASON = "as an edited list says"
"""Why, for decisions without a reason of their own."""
_NAMED = 20


@dataclass(frozen=True)
class Brought:
    """What a list decided.

    Attributes:
        batch_id: the batch it was about.
        day: the night of that batch.
        outcomes: what came of each decision there is in it: `reject`, `hold`, `approve`.
    """

    batch_id: str
    day: date
    outcomes: dict[str, Outcome]

    @property
    def entry(self) -> int | None:
        """The newest decision's entry of the audit log; `None` where nothing was moved."""
        return max((one.entry for one in self.outcomes.values() if one.entry is not None), default=None)

    @property
    def agreed(self) -> int:
        """Notices that a second person has to approve now."""
        return sum(one.agreed for one in self.outcomes.values())

    @property
    def notices(self) -> int:
        """Notices that the list decided about, also where they were so already."""
        return sum(one.changed + one.unchanged + one.agreed for one in self.outcomes.values())


def decide_by_list(settings: Settings, batch: str, content: bytes, *, by: str) -> Brought:
    """Rejects, holds and approves notices as the rows of a list say; rows without a decision do nothing.

    Rules are those of `outreach.review`: the roles, that an author does not approve, the limits above which
    it takes two. A list decides about notices as they were when it was made: `version` says so.

    Args:
        settings: the home's settings.
        batch: a batch id, a day, or `latest`.
        content: of a CSV or XLSX with the columns `notice_id, version, decision, reason`; others are ignored.
        by: who decides.

    Raises:
        SettingsError: the file cannot be read as a list, or decides nothing.
        FlawedListError: rows are not as they should be, or notices are others by now.
        NotFoundError: there is no such batch.
        ForbiddenError: there are accounts, and that of `by` may not do all of it.
        ConflictError: what a notice says was promised or told in another batch meanwhile, or one does not say
            what it must; nothing was changed.
    """
    decided = decided_rows(read_list(content))
    if decided.is_empty():
        raise SettingsError(f"no row of the list has a decision; write {', '.join(TARGETS)} into that column")
    with writing(engine_for(settings)) as session:
        user = accounts.acting(session, by, Role.REVIEWER, "decide about notices")
        if "approve" in decided["decision"]:
            accounts.acting(session, by, Role.APPROVER, "approve notices")
        found, now = find_batch(session, batch, lock=True), clock.now()
        flaws = flaws_of_rows(decided)
        sound = decided.filter(~pl.col("row").is_in([flaw.row for flaw in flaws]))
        if flaws := [*flaws, *_conflicts(session, found, sound)]:
            raise _flawed(flaws)
        counts = dict(decided.group_by("decision").len().sort("decision").iter_rows())
        audit.record(
            session, "batch.import", by=by, at=now, subject=found.batch_id, details={"decisions": counts}
        )
        outcomes = _carried_out(session, settings, found, user, by, now, decided)
    return Brought(found.batch_id, found.day, outcomes)


def _conflicts(session: Session, batch: BatchRow, decided: pl.DataFrame) -> list[Flaw]:
    """Compares a list with the notices as they are, which nobody changes until the transaction ends."""
    row = NoticeRow
    query = select(row.notice_id, row.batch_id, row.state, row.version).order_by(row.notice_id)
    known: dict[str, Known] = {}
    for ids in chunks(decided["notice_id"].sort()):
        for one in session.execute(query.where(row.notice_id.in_(ids)).with_for_update()):
            known[one.notice_id] = Known(one.batch_id, one.state, one.version)
    return flaws_of_notices(decided, batch.batch_id, known)


def _carried_out(
    session: Session,
    settings: Settings,
    batch: BatchRow,
    user: User | None,
    by: str,
    now: datetime,
    decided: pl.DataFrame,
) -> dict[str, Outcome]:
    outcomes = {}
    for decision in TARGETS:
        rows = decided.filter(pl.col("decision") == decision)
        if rows.is_empty():
            continue
        reasons = dict(rows.filter(pl.col("reason") != "").select("notice_id", "reason").iter_rows())
        which = Which(notice_ids=rows["notice_id"].to_list(), reasons=reasons)
        if decision == "approve":
            outcomes[decision] = approve_in(session, settings, batch, user, by, now, REASON, which)
        else:
            carry_out = reject_in if decision == "reject" else hold_in
            outcomes[decision] = carry_out(session, batch, by, now, REASON, which)
    return outcomes


def _flawed(flaws: Sequence[Flaw]) -> FlawedListError:
    """The error that names the first rows that are wrong, and has all of them."""
    ordered = sorted(flaws, key=lambda flaw: (flaw.row, flaw.what))
    lines = [f"row {flaw.row} ({flaw.notice_id or 'no notice'}) {flaw.what}" for flaw in ordered[:_NAMED]]
    more = len(ordered) - _NAMED
    rest = [f"… and {more:,} more"] if more > 0 else []
    first = "the list has rows that are not as they should be; nothing was changed:"
    return FlawedListError("\n".join([first, *lines, *rest]), ordered)
