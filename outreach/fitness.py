"""Whether notices may be approved by what they say: asked inside the transaction that approves them."""

from collections.abc import Sequence

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from outreach.bulk import chunks
from outreach.choosing import CHOSEN
from outreach.linting import fitness_of, refusal
from outreach.models import NoticeOpportunityRow, NoticeRow, WordsRow
from outreach.opportunities import MONEY
from outreach.references import reference_of
from outreach.texts import Message
from warehouse.errors import ConflictError
from warehouse.settings import OutreachSettings


def refuse_unfit(session: Session, settings: OutreachSettings) -> None:
    """Refuses to approve a chosen notice that hides a promise, or lacks opt-out or address.

    Words that were found fit for the settings in force are not read again: a change of them changes the
    content hash, and sending compares that.

    Raises:
        ConflictError: one does; nothing may be approved then.
    """
    doubtful = (
        select(NoticeRow.notice_id)
        .join(CHOSEN, CHOSEN.c.notice_id == NoticeRow.notice_id)
        .where(
            CHOSEN.c.target == "approved",
            or_(NoticeRow.fit_for.is_(None), NoticeRow.fit_for != fitness_of(settings)),
        )
        .order_by(NoticeRow.notice_id)
    )
    for ids in chunks(session.scalars(doubtful).all()):
        _refuse(session, ids, settings)


def _refuse(session: Session, notice_ids: Sequence[str], settings: OutreachSettings) -> None:
    owed = _references(session, notice_ids)
    columns = (NoticeRow.notice_id, NoticeRow.purpose, NoticeRow.subject, WordsRow.text, WordsRow.html)
    words = select(*columns).join(WordsRow, WordsRow.notice_id == NoticeRow.notice_id)
    for notice_id, purpose, subject, text, html in session.execute(
        words.where(NoticeRow.notice_id.in_(notice_ids)).order_by(NoticeRow.notice_id)
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
