"""Whether notices may be approved by what they say: asked inside the transaction that approves them."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.bulk import chunks
from outreach.linting import refusal
from outreach.models import NoticeOpportunityRow, NoticeRow
from outreach.opportunities import MONEY
from outreach.references import reference_of
from outreach.texts import Message
from warehouse.errors import ConflictError
from warehouse.settings import OutreachSettings


def refuse_unfit(session: Session, notice_ids: Sequence[str], settings: OutreachSettings) -> None:
    """Refuses to approve a notice that hides a promise, or lacks opt-out or address.

    Raises:
        ConflictError: one does; nothing may be approved then.
    """
    for ids in chunks(notice_ids):
        owed = _references(session, ids)
        columns = (NoticeRow.notice_id, NoticeRow.purpose, NoticeRow.subject, NoticeRow.text, NoticeRow.html)
        for notice_id, purpose, subject, text, html in session.execute(
            select(*columns).where(NoticeRow.notice_id.in_(ids)).order_by(NoticeRow.notice_id)
        ):
            problem = refusal(purpose, owed.get(notice_id, []), Message(subject, text, html, ""), settings)
            if problem is not None:
                raise ConflictError(
                    f"notice {notice_id} cannot be approved ({problem.rule}): {problem.advice}; nothing was "
                    "changed: run the night again, or reject it"
                )


def _references(session: Session, notice_ids: Sequence[str]) -> dict[str, list[str]]:
    """The references that each of these notices has to say."""
    told = NoticeOpportunityRow
    mine = (told.notice_id.in_(notice_ids), told.owed.in_(MONEY))
    query = select(told.notice_id, told.opportunity_id).where(*mine)
    found: dict[str, list[str]] = {}
    for notice_id, opportunity_id in session.execute(query):
        found.setdefault(notice_id, []).append(reference_of(notice_id, opportunity_id))
    return found
