"""Edits: what a reviewer may change in a message, and what they may not.

A message is composed again from the same evidence with other names for things, and a sentence of the
reviewer's own; amounts, dates, references and the frame stay what they are. Whatever is edited has to be
approved again, and by somebody else.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.auditing import edited
from outreach.digests import digest_of
from outreach.formats import Reader
from outreach.linting import REFUSING, Problem, fitness_of, problems
from outreach.models import BatchRow, NoticeEventRow, NoticeOpportunityRow, NoticeRow, WordsRow
from outreach.opportunities import MONEY
from outreach.promises import ledger
from outreach.references import reference_of
from outreach.slots import Told
from outreach.states import NO_CHANNEL, REVOCABLE
from outreach.style import Style
from outreach.texts import Message, compose, content_hash
from warehouse import clock
from warehouse.access import accounts
from warehouse.access.roles import Role
from warehouse.database import engine_for, reading, writing
from warehouse.errors import ConflictError, NotFoundError
from warehouse.settings import Settings

NAMES = ("item", "offer", "other_item")
"""Names in evidence that a reviewer may say otherwise."""
LONGEST_NOTE = 300
LONGEST_NAME = 120
_NUMBER = re.compile(r"\d")
_LINK = re.compile(r"https?://|www\.|@", re.IGNORECASE)


@dataclass(frozen=True)
class Edits:
    """What somebody changed.

    Attributes:
        note: a sentence of their own, under the greeting; no numbers and no links.
        names: by opportunity id, other names for what `NAMES` lists.
    """

    note: str = ""
    names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def read(cls, kept: str) -> "Edits":
        """Edits as they are kept."""
        return cls(**json.loads(kept))

    def written(self) -> str:
        """JSON to keep; what changes nothing is not in it."""
        given = asdict(self)
        return json.dumps({name: value for name, value in given.items() if value}, ensure_ascii=False)


@dataclass(frozen=True)
class Draft:
    """A message as edits would make it.

    Attributes:
        message: its words.
        problems: rules that it breaks; with any, it cannot be saved.
        content_hash: what an approval would be of.
    """

    message: Message
    problems: list[Problem]
    content_hash: str


def slots_of(told: Sequence[Told]) -> list[dict[str, str]]:
    """What can be edited: `opportunity_id, name, value` of each name in the evidence, as it was found."""
    return [
        {"opportunity_id": one.opportunity_id, "name": name, "value": str(value)}
        for one in told
        for name, value in json.loads(one.evidence).items()
        if name in NAMES and value
    ]


def preview(settings: Settings, notice_id: str, edits: Edits) -> Draft:
    """A message as edits would make it; nothing is saved.

    Raises:
        NotFoundError: there is no such notice.
        ConflictError: an edit is of something that cannot be edited, or too long.
    """
    with reading(engine_for(settings)) as session:
        notice, words = _found(session, notice_id)
        return _drafted(session, settings, notice, words, told_of(session, notice_id), edits)


def edit(settings: Settings, notice_id: str, edits: Edits, *, by: str, version: int) -> Draft:
    """Saves edits of a notice, which has to be approved again, by somebody else.

    Args:
        settings: the home's settings.
        notice_id: which one.
        edits: all of them; what is not in them is as it was written first.
        by: who edits.
        version: of the notice when it was looked at.

    Returns:
        the message as it is now.

    Raises:
        NotFoundError: there is no such notice.
        ForbiddenError: there are accounts, and that of `by` may not edit.
        ConflictError: it was changed or handed over meanwhile, or breaks a rule; then nothing changes.
    """
    with writing(engine_for(settings)) as session:
        accounts.acting(session, by, Role.REVIEWER, "edit a message")
        notice, words = _found(session, notice_id, lock=True)
        _refuse_unless_editable(notice, version)
        draft = _drafted(session, settings, notice, words, told_of(session, notice_id), edits)
        if draft.problems:
            first = draft.problems[0]
            raise ConflictError(f"this cannot be said ({first.rule}): {first.advice}; nothing was saved")
        if draft.content_hash != notice.content_hash:
            _save(session, settings, notice, words, draft, edits, by)
    return draft


def told_of(session: Session, notice_id: str) -> list[Told]:
    """What a notice tells of, in the order in which it does."""
    row = NoticeOpportunityRow
    order = (row.amount_minor.desc().nulls_last(), row.opportunity_id)
    return [
        Told(
            one.opportunity_id,
            one.kind,
            one.amount_minor,
            one.currency,
            one.evidence,
            reference_of(notice_id, one.opportunity_id) if one.owed in MONEY else None,
        )
        for one in session.scalars(select(row).where(row.notice_id == notice_id).order_by(*order))
    ]


def _found(session: Session, notice_id: str, *, lock: bool = False) -> tuple[NoticeRow, WordsRow]:
    row = session.get(NoticeRow, notice_id)
    if row is not None and lock:
        # Decisions lock the batch first; so do edits, or each would wait for the other.
        session.get(BatchRow, row.batch_id, with_for_update=True)
        session.refresh(row, with_for_update=True)
    words = session.get(WordsRow, notice_id)
    if row is None or words is None:
        raise NotFoundError(f"there is no notice {notice_id!r}; its batch may have been made anew")
    return row, words


def _refuse_unless_editable(notice: NoticeRow, version: int) -> None:
    if notice.version != version:
        raise ConflictError(
            f"notice {notice.notice_id} was changed since you looked at it (version {version}, now "
            f"{notice.version}); nothing was saved: look again and repeat"
        )
    if notice.state not in REVOCABLE:
        raise ConflictError(f"notice {notice.notice_id} is {notice.state} and cannot be edited any more")


def _drafted(
    session: Session,
    settings: Settings,
    notice: NoticeRow,
    words: WordsRow,
    told: Sequence[Told],
    edits: Edits,
) -> Draft:
    style, batch = Style.of(settings), session.get(BatchRow, notice.batch_id)
    assert batch is not None
    link = style.links.of(notice.customer_id, batch.day).address if style.links else ""
    renamed = [_renamed(one, edits.names.get(one.opportunity_id, {})) for one in told]
    _refuse_strange(told, edits)
    frame = NO_CHANNEL if notice.channel == NO_CHANNEL else notice.purpose
    reader = Reader(words.locale, notice.timezone)
    note = " ".join(edits.note.split())
    message = compose(frame, renamed, reader, style.settings, style.own, note=note, link=link)
    wrong = problems(
        notice.purpose, renamed, message, style.settings, style.sensitive_words, style.own, link=link
    )
    wrong += _wrong_notes(note)
    where = {"recipient": notice.recipient, "channel": notice.channel, "purpose": notice.purpose}
    return Draft(message, wrong, content_hash(**where, amounts=renamed, message=message))


def _renamed(told: Told, names: Mapping[str, str]) -> Told:
    evidence: dict[str, Any] = json.loads(told.evidence)
    return replace(told, evidence=json.dumps(evidence | dict(names), ensure_ascii=False)) if names else told


def _refuse_strange(told: Sequence[Told], edits: Edits) -> None:
    there = {(slot["opportunity_id"], slot["name"]) for slot in slots_of(told)}
    for opportunity_id, names in edits.names.items():
        for name, value in names.items():
            if (opportunity_id, name) not in there:
                raise ConflictError(f"{name!r} of {opportunity_id!r} cannot be edited; nothing was saved")
            if not value.strip() or len(value) > LONGEST_NAME:
                raise ConflictError(
                    f"a name has 1 to {LONGEST_NAME} letters; that of {name!r} has {len(value.strip())}"
                )


def _wrong_notes(note: str) -> list[Problem]:
    found = []
    if len(note) > LONGEST_NOTE:
        found.append(
            Problem("note", f"your sentence has {len(note)} letters; at most {LONGEST_NOTE} are sent")
        )
    if _NUMBER.search(note):
        found.append(Problem("note", "your sentence says a number; numbers come from evidence only"))
    if _LINK.search(note):
        found.append(
            Problem("note", "your sentence has a link or an address; messages carry only the shop's")
        )
    return found


def _save(
    session: Session,
    settings: Settings,
    notice: NoticeRow,
    words: WordsRow,
    draft: Draft,
    edits: Edits,
    by: str,
) -> None:
    now = clock.now()
    details = {
        "before": notice.content_hash,
        "after": draft.content_hash,
        "note": bool(edits.note),
        "names": sum(len(names) for names in edits.names.values()),
    }
    move = ("approved", "proposed") if notice.state == "approved" else None
    entry = edited(session, notice.notice_id, by, now, details, move)
    if move is not None:
        why = "edited after it was approved"
        ledger.void_notices(session, [notice.notice_id], by=by, at=now, why=why)
        session.add(
            NoticeEventRow(
                notice_id=notice.notice_id,
                from_state=move[0],
                to_state=move[1],
                by=by,
                at=now,
                reason=why,
                audit=entry,
            )
        )
        notice.state, notice.approved_at, notice.approved_hash = move[1], None, None
    words.text, words.html, words.edits = draft.message.text, draft.message.html, edits.written()
    notice.subject, notice.template = draft.message.subject, draft.message.template
    notice.content_hash, notice.version = draft.content_hash, notice.version + 1
    fit = not any(problem.rule in REFUSING for problem in draft.problems)
    notice.fit_for = fitness_of(settings.outreach) if fit else None
    session.flush()
    _reopen(session, notice.batch_id, by)


def _reopen(session: Session, batch_id: str, by: str) -> None:
    """The batch says something else now, and its author is who changed it."""
    batch = session.get(BatchRow, batch_id)
    assert batch is not None
    hashes = select(NoticeRow.notice_id, NoticeRow.content_hash).where(NoticeRow.batch_id == batch_id)
    batch.digest = digest_of((row[0], row[1]) for row in session.execute(hashes))
    batch.author, batch.state, batch.version = by, "in_review", batch.version + 1
