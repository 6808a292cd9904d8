"""Batches: one per night, replaced by a rerun only while nobody has decided anything."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from outreach.bulk import insert_all, table_of
from outreach.digests import digest_of
from outreach.listing import facets
from outreach.models import BatchRow, NoticeOpportunityRow, NoticeRow, WordsRow
from outreach.writing import Written, batch_id_of
from warehouse import clock


@dataclass(frozen=True)
class Difference:
    """What a rerun would change in a batch that is in review: numbers of notices."""

    added: int
    removed: int
    changed: int

    def __bool__(self) -> bool:
        """Whether anything would differ."""
        return bool(self.added or self.removed or self.changed)


def replace(
    session: Session, day: date, written: Written, *, now: datetime, valid_days: int
) -> Difference | None:
    """Stores the batch of a day, or replaces it while it is a draft, inside the caller's transaction.

    Returns:
        `None` when it was stored; when it is in review or closed, what would differ, and nothing changes.
    """
    if (present := locked(session, day)) is not None and present.state != "draft":
        return _difference(session, present, written)
    remove_draft(session, day)
    held = int((written.notices["state"] == "held").sum())
    late = now - clock.end_of(day) > timedelta(days=valid_days)
    later_one = session.scalar(select(BatchRow.batch_id).where(BatchRow.day > day).limit(1))
    batch = BatchRow(
        batch_id=batch_id_of(day),
        day=day,
        state="draft",
        created_at=now,
        backfill=late or later_one is not None,
        notices=written.notices.height,
        held=held,
        digest=digest_of(written.notices.select("notice_id", "content_hash").iter_rows()),
        facets=facets(written.notices),
    )
    session.add(batch)
    session.flush()
    insert_all(session, NoticeRow, _rows_of(NoticeRow, written))
    insert_all(session, WordsRow, _rows_of(WordsRow, written))
    insert_all(session, NoticeOpportunityRow, written.members.iter_rows(named=True))
    return None


def remove_draft(session: Session, day: date) -> bool:
    """Forgets the batch of a day if it is a draft; returns whether there was one."""
    batch = locked(session, day)
    if batch is None or batch.state != "draft":
        return False
    mine = select(NoticeRow.notice_id).where(NoticeRow.batch_id == batch.batch_id)
    for model in (NoticeOpportunityRow, WordsRow):
        session.execute(delete(model).where(model.notice_id.in_(mine)))
    session.execute(delete(NoticeRow).where(NoticeRow.batch_id == batch.batch_id))
    session.execute(delete(BatchRow).where(BatchRow.batch_id == batch.batch_id))
    session.expunge(batch)
    return True


def locked(session: Session, day: date) -> BatchRow | None:
    """The batch of a day; nobody else decides about it until this transaction ends."""
    return session.scalar(select(BatchRow).where(BatchRow.day == day).with_for_update())


def _rows_of(model: type[NoticeRow] | type[WordsRow], written: Written) -> Iterator[dict[str, Any]]:
    """The rows of one of the tables that notices are kept in."""
    columns = [column.name for column in table_of(model).columns]
    for row in written.notices.iter_rows(named=True):
        whole = row | {"recipient": written.recipients[row["notice_id"]]}
        yield {name: whole[name] for name in columns if name in whole}


def _difference(session: Session, batch: BatchRow, written: Written) -> Difference:
    query = select(NoticeRow.notice_id, NoticeRow.content_hash).where(NoticeRow.batch_id == batch.batch_id)
    present = dict(session.execute(query).all())
    new = dict(written.notices.select("notice_id", "content_hash").iter_rows())
    changed = sum(present[one] != new[one] for one in present.keys() & new.keys())
    return Difference(len(new.keys() - present.keys()), len(present.keys() - new.keys()), changed)
