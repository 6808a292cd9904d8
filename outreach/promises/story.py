"""Everything about one promise in one place: how it stands, what happened to it, and what it came from."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from outreach.models import BatchRow, NoticeRow
from outreach.promises import ledger
from outreach.promises.accounts import OPEN, Standing
from outreach.promises.ageing import Aged, aged
from outreach.promises.models import PayoutRow, PostingRow, PromiseEventRow
from outreach.review import columns_of
from warehouse.database import engine_for, reading
from warehouse.settings import Settings


@dataclass(frozen=True)
class Story:
    """One promise and all that is known of it.

    Attributes:
        standing: how it stands.
        age: how long it has been open; `None` where it is not.
        events: its opening and the rows of `promise_events`, oldest first.
        postings: the money it opened with and the rows of `postings`, oldest first.
        payouts: rows of `payouts`: when it was handed to finance.
        notice: `notice_id, subject, state, channel, day` of the message it was made in; `None` where there
            was none.
    """

    standing: Standing
    age: Aged | None
    events: list[dict[str, Any]]
    postings: list[dict[str, Any]]
    payouts: list[dict[str, Any]]
    notice: dict[str, Any] | None


def story(settings: Settings, promise_id: str, now: datetime) -> Story:
    """Reads a promise and what became of it.

    Raises:
        NotFoundError: there is no such promise.
    """
    with reading(engine_for(settings)) as session:
        standing = ledger.one(session, promise_id)

        def rows(model: Any, *order: Any) -> list[dict[str, Any]]:
            mine = select(model).where(model.promise_id == promise_id).order_by(*order)
            return [columns_of(row) for row in session.scalars(mine)]

        columns = (NoticeRow.notice_id, NoticeRow.subject, NoticeRow.state, NoticeRow.channel, BatchRow.day)
        told = select(*columns).join(BatchRow, BatchRow.batch_id == NoticeRow.batch_id)
        notice = session.execute(told.where(NoticeRow.notice_id == standing.notice_id)).mappings().first()
        return Story(
            standing,
            next(iter(aged([standing], settings.outreach, now)), None),
            [_opening(standing), *rows(PromiseEventRow, PromiseEventRow.number)],
            [*_first_posting(standing), *rows(PostingRow, PostingRow.at, PostingRow.posting_id)],
            rows(PayoutRow, PayoutRow.number),
            {str(name): value for name, value in notice.items()} if notice is not None else None,
        )


def _opening(standing: Standing) -> dict[str, Any]:
    """The opening of a promise, as an event."""
    said = {"by": standing.opened_by, "at": standing.opened_at, "why": standing.why}
    return {"promise_id": standing.promise_id, "number": 1, "state": OPEN[0]} | said


def _first_posting(standing: Standing) -> list[dict[str, Any]]:
    """What opened a promise of money, as a posting; none for one without."""
    if standing.amount_minor is None:
        return []
    sides = {"debit": "open", "credit": "promised", "amount_minor": standing.amount_minor, "reference": ""}
    when = {"happened_at": standing.opened_at, "by": standing.opened_by, "at": standing.opened_at}
    return [{"promise_id": standing.promise_id} | sides | when]
