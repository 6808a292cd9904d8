"""Who may approve: not the author alone, and above limits not one person alone.

An approval is of a content hash: whoever edits a notice takes back what was agreed about it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, func, or_, select, update
from sqlalchemy.orm import Session

from outreach.choosing import CHOSEN, chosen_count, leave_out
from outreach.models import BatchRow, NoticeRow
from outreach.states import TOLD
from warehouse.access import audit
from warehouse.access.accounts import User
from warehouse.errors import ForbiddenError
from warehouse.settings import DeskSettings


def refuse_author(batch: BatchRow, user: User) -> None:
    """Refuses an approval by who edited or submitted the batch last.

    Raises:
        ForbiddenError: it is them.
    """
    if batch.author == user.name:
        raise ForbiddenError(
            f"{user.name} edited or submitted the batch of {batch.day} last, so another person has to "
            "approve it"
        )


def agree(
    session: Session, batch: BatchRow, user: User | None, limits: DeskSettings, now: datetime, reason: str
) -> int:
    """Leaves out what needs another person's approval, and notes that this one agrees; returns how much.

    Where there are no accounts, nobody can be told from anybody, and one approval is enough.
    """
    if user is None or not needs_two(session, batch, limits):
        return 0
    agreed = (
        select(NoticeRow.notice_id)
        .where(NoticeRow.batch_id == batch.batch_id, NoticeRow.agreed_by != user.name)
        .where(NoticeRow.agreed_hash == NoticeRow.content_hash)
    )
    alone = or_(CHOSEN.c.target != "approved", CHOSEN.c.notice_id.in_(agreed))
    waiting = select(CHOSEN.c.notice_id).where(~alone)
    count = session.scalar(select(func.count()).select_from(waiting.subquery())) or 0
    if count:
        stamp = {"agreed_by": user.name, "agreed_hash": NoticeRow.content_hash}
        mine = update(NoticeRow).where(NoticeRow.notice_id.in_(waiting)).values(stamp)
        session.execute(mine.execution_options(synchronize_session=False))
        leave_out(session, ~alone)
        details = {"notices": count, "digest": batch.digest, "reason": reason}
        audit.record(session, "batch.agree", by=user.name, at=now, subject=batch.batch_id, details=details)
    return count


def needs_two(session: Session, batch: BatchRow, limits: DeskSettings) -> bool:
    """Whether what is chosen, with what was approved of the batch before, is more than one person may."""
    chosen = select(CHOSEN.c.notice_id).where(CHOSEN.c.target == "approved")
    mine = (
        NoticeRow.batch_id == batch.batch_id,
        or_(NoticeRow.state.in_(TOLD), NoticeRow.notice_id.in_(chosen)),
    )
    sums: Any = (
        select(NoticeRow.currency, func.count(), func.sum(NoticeRow.amount_minor).cast(BigInteger))
        .where(*mine)
        .group_by(NoticeRow.currency)
    )
    return bool(chosen_count(session, "approved")) and is_above(
        {row[0]: (row[1], row[2] or 0) for row in session.execute(sums)}, limits
    )


def is_above(sums: Mapping[str | None, tuple[int, int]], limits: DeskSettings) -> bool:
    """Whether notices, counted and summed by currency, are above the limits of one person.

    A currency without a limit is always above it.
    """
    if sum(count for count, _ in sums.values()) > limits.two_above_notices:
        return True
    per = limits.two_above_minor
    return any(
        total > per.get(currency, per.get("default", 0))
        for currency, (_, total) in sums.items()
        if currency is not None
    )
