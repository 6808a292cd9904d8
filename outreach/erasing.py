"""Erases one customer from the outreach: the outbox, and the rows of the database.

Money stays in the books, for the law asks for it, under a pseudonym; so do states and their history. Every
other text of the customer's rows is emptied, also that of columns which nobody thought of here: what is kept
is listed, not what goes. The caller holds the leases and has set the tombstone; it can be called again.
"""

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, String, Table, Text, and_, delete, func, select, update
from sqlalchemy.orm import Session

from outreach.append_only import ERASURE
from outreach.bulk import chunks, table_of
from outreach.changes import move
from outreach.channels import forget
from outreach.digests import digest_of as digest_of_batch
from outreach.models import BatchRow, NoticeRow
from outreach.opportunities import MONEY
from outreach.promises import ledger
from outreach.promises.accounts import OPEN, listed
from outreach.states import NO_CHANNEL, UNDECIDED
from warehouse.access.models import AuditRow
from warehouse.database import engine_for, reading, writing
from warehouse.personal import CUSTOMER, rows_of, tables
from warehouse.settings import Settings
from warehouse.tombstones import PREFIX, digest_of

KEPT = frozenset(
    (
        *("state", "from_state", "to_state", "channel", "purpose", "kind", "owed", "currency", "template"),
        *("debit", "credit", "by", "opened_by", "content_hash", "approved_hash"),
        *("opportunity_id", "export_id", "promise_id", "kinds", "risks", "fit_for", "agreed_by"),
        *("agreed_hash", "what", "value", "link_id"),
    )
)
"""Texts that say nothing of the customer."""

REFERENCES = frozenset(("reference",))
"""What finance calls its payments: kept, but where it names the customer."""

PSEUDONYMOUS = frozenset((CUSTOMER, "person"))
LINKS = frozenset(("order_id", "line_id", "entitlement_id", "incident_id"))
"""What tells the customer's claims apart; each gets a pseudonym of its own."""


@dataclass(frozen=True)
class Erased:
    """Who is erased.

    Attributes:
        customer_id: the id.
        pseudonym: what takes its place.
        contacts: addresses and numbers, which must be in no text either.
        key: of the tombstones, for pseudonyms of other things.
    """

    customer_id: str
    pseudonym: str
    contacts: Sequence[str]
    key: bytes

    @property
    def names(self) -> tuple[str, str]:
        """What their rows say, before and after."""
        return self.customer_id, self.pseudonym

    def mentioned_in(self, text: str) -> bool:
        """Whether a text names them: the id or a contact as a word of its own."""
        return any(mentions(text, one) for one in (self.customer_id, *self.contacts))


def mentions(text: str, word: str) -> bool:
    """Whether a text has a word, which may hold any characters, and not as a piece of a longer one."""
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None


@dataclass(frozen=True)
class Left:
    """What an erasure did here, in numbers, and what a person should know.

    Attributes:
        rows: how many rows of each table lost texts, or are gone.
        messages: files taken from the outbox.
        warnings: sentences for the receipt.
    """

    rows: dict[str, int]
    messages: int
    warnings: list[str]


def erase(settings: Settings, whom: Erased, *, by: str, at: datetime) -> Left:
    """Erases a customer from outbox and database, the database in one transaction.

    Notices nobody decided about are rejected, approved ones expire, and none goes out any more.
    """
    with writing(engine_for(settings)) as session:
        batches = _locked(session, whom)
        ledger.lock(session)
        gone = _drop_drafts(session, whom, batches)
        notices = _notices(session, whom)
        delivered = {one.notice_id for one in notices if forget(settings, one.batch_id, one.notice_id)}
        rights = _end(session, notices, delivered, by=by, at=at)
        _settle(session, batches)
        rows = {table.name: _empty(session, table, whom) for table in tables()}
        warnings = [*_unpaid(session, whom), *_undecided(rights)]
    for name, count in gone.items():
        rows[name] = rows.get(name, 0) + count
    return Left({name: n for name, n in rows.items() if n}, len(delivered), warnings)


def named_in_audit(settings: Settings, whom: Erased) -> list[int]:
    """The entries of the audit log, which nothing can change, whose words name the customer."""
    columns = (AuditRow.number, AuditRow.subject, AuditRow.details)
    found: set[int] = set()
    with reading(engine_for(settings)) as session:
        for word in (whom.customer_id, *whom.contacts):
            written = json.dumps(word, ensure_ascii=False)[1:-1]
            for column in columns[1:]:
                query = select(*columns).where(column.contains(written, autoescape=True))
                rows = session.execute(query)
                found |= {r.number for r in rows if mentions(r.subject, word) or mentions(r.details, written)}
    return sorted(found)


def _locked(session: Session, whom: Erased) -> list[BatchRow]:
    """The batches with notices of the customer; nobody else decides about them before this is done."""
    theirs = select(NoticeRow.batch_id).where(NoticeRow.customer_id.in_(whom.names))
    query = select(BatchRow).where(BatchRow.batch_id.in_(theirs)).order_by(BatchRow.batch_id)
    return list(session.scalars(query.with_for_update()))


def _notices(session: Session, whom: Erased) -> list[NoticeRow]:
    query = select(NoticeRow).where(NoticeRow.customer_id.in_(whom.names)).order_by(NoticeRow.notice_id)
    return list(session.scalars(query))


def _drop_drafts(session: Session, whom: Erased, batches: Sequence[BatchRow]) -> dict[str, int]:
    """Deletes the customer's notices of drafts, and what refers to them; returns how many rows by table."""
    drafts = {batch.batch_id: batch for batch in batches if batch.state == "draft"}
    notices = [one for one in _notices(session, whom) if one.batch_id in drafts]
    for one in notices:
        drafts[one.batch_id].notices -= 1
        drafts[one.batch_id].held -= one.state == "held"
    session.flush()
    for batch_id, batch in drafts.items():
        left = select(NoticeRow.notice_id, NoticeRow.content_hash).where(
            NoticeRow.batch_id == batch_id, NoticeRow.customer_id.not_in(whom.names)
        )
        batch.digest, batch.version = digest_of_batch(session.execute(left).all()), batch.version + 1
    session.flush()
    ids, gone = [one.notice_id for one in notices], dict[str, int]()
    session.expunge_all()
    table = table_of(NoticeRow)
    for child in reversed(tables()):
        keys = [key.parent for key in child.foreign_keys if key.column is table.c.notice_id]
        column = table.c.notice_id if child is table else keys[0] if keys else None
        if column is not None and child.name not in ERASURE:
            for some in chunks(ids):
                result: Any = session.execute(delete(child).where(column.in_(some)))
                gone[child.name] = gone.get(child.name, 0) + result.rowcount
    return gone


def _end(
    session: Session, notices: Sequence[NoticeRow], delivered: Collection[str], *, by: str, at: datetime
) -> int:
    """Takes notices that could still go, or wait for a person, to an end.

    Returns:
        how many of them nobody had decided about and were of money.
    """
    undecided = [one for one in notices if one.state in UNDECIDED]
    ready = [one for one in notices if one.state in ("approved", "handed") and one.channel != NO_CHANNEL]
    owed = _of_money(session, [one.notice_id for one in undecided])
    ends = {
        "rejected": undecided,
        "sent": [one for one in ready if one.state == "handed" and one.notice_id in delivered],
        "expired": [one for one in ready if one.state == "approved" or one.notice_id not in delivered],
    }
    for target, some in ends.items():
        chosen = [(one.notice_id, one.state) for one in some]
        move(session, chosen, target, by=by, at=at, reason="")
    return owed


def _of_money(session: Session, notice_ids: Sequence[str]) -> int:
    told = next(table for table in tables() if table.name == "notice_opportunities")
    query = select(func.count(func.distinct(told.c.notice_id))).where(told.c.owed.in_(MONEY))
    return sum(session.scalar(query.where(told.c.notice_id.in_(ids))) or 0 for ids in chunks(notice_ids))


def _settle(session: Session, batches: Sequence[BatchRow]) -> None:
    """Closes batches in review of which nothing waits for a person any more."""
    for batch in batches:
        waiting = and_(NoticeRow.batch_id == batch.batch_id, NoticeRow.state.in_(UNDECIDED))
        if batch.state == "in_review" and not session.scalar(select(func.count()).where(waiting)):
            closed = update(BatchRow).where(BatchRow.batch_id == batch.batch_id).values(state="closed")
            session.execute(closed)


def _empty(session: Session, table: Table, whom: Erased) -> int:
    """Empties the texts of the customer's rows of a table; returns how many rows that changed."""
    changed = 0
    for row in rows_of(session, table, whom.names):
        values = _emptied(table, row._mapping, whom)
        if values:
            same = and_(*(column == row._mapping[column.name] for column in table.primary_key))
            session.execute(update(table).where(same).values(values))
            changed += 1
    return changed


def _emptied(table: Table, row: Mapping[str, Any], whom: Erased) -> dict[str, Any]:
    """The new values of those columns of a row that change."""
    new = {
        column.name: _new(column, row[column.name], whom)
        for column in table.columns
        if isinstance(column.type, String | Text)
        and not column.primary_key
        and not column.foreign_keys
        and row[column.name] is not None
    }
    return {name: value for name, value in new.items() if value != row[name]}


def _new(column: Column[Any], value: str, whom: Erased) -> str | None:
    name = column.name
    if name in PSEUDONYMOUS:
        return whom.pseudonym
    if name in LINKS:
        hidden = f"{PREFIX}{digest_of(whom.key, name, value)[:32]}"
        return value if value.startswith(PREFIX) else hidden
    if name in JSON:
        return JSON[name](value)
    if name in REFERENCES:
        return whom.pseudonym if whom.mentioned_in(value) else value
    if name in KEPT:
        return value
    return None if column.nullable else ""


def _figures(evidence: str) -> str:
    """Of JSON the numbers at its top."""
    numbers = {name: one for name, one in json.loads(evidence).items() if isinstance(one, int | float)}
    return json.dumps(numbers, sort_keys=True, separators=(",", ":"))


JSON: dict[str, Callable[[str], str]] = {"evidence": _figures, "edits": lambda _: "{}"}
"""JSON: of evidence the numbers stay, for the books rest on them; of edits nothing."""


def _unpaid(session: Session, whom: Erased) -> list[str]:
    """A warning where the customer is still owed something."""
    owed = listed(session, states=OPEN, customer_id=whom.pseudonym)
    if not owed:
        return []
    return [
        f"{len(owed):,} promises to this customer are still open, now under {whom.pseudonym}: pay them if "
        "you still can, or take them back (`advocate ledger list`, `advocate ledger void`)"
    ]


def _undecided(rights: int) -> list[str]:
    if not rights:
        return []
    return [
        f"{rights:,} notices of money owed to this customer, about which nobody had decided, were rejected; "
        "pay what is theirs outside of this"
    ]
