"""The digest: tells those who review that a batch waits; in numbers, without any customer's data."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from features.money import as_decimal
from outreach.channels import Channel, Delivery, channel_for
from outreach.models import BatchRow, NoticeRow
from outreach.states import UNDECIDED
from outreach.tonight import Night, night_of, older_than
from warehouse import clock
from warehouse.access import accounts
from warehouse.access.roles import Role
from warehouse.database import engine_for, reading
from warehouse.ids import content_id
from warehouse.receipts import Receipt, recording
from warehouse.settings import Settings

FOLDER = "digest"
"""Of the outbox; also the batch that a delivery names, and its purpose."""


@dataclass(frozen=True)
class Waiting:
    """A batch that waits.

    Attributes:
        night: it in numbers.
        waiting: notices that nobody decided about yet.
        due: the first moment at which one of them would be sent; `None` for none that is a message.
    """

    night: Night
    waiting: int
    due: datetime | None


def digest(settings: Settings, day: date) -> Receipt:
    """Tells reviewers, approvers and admins with an address that a day's batch waits; each once for a day.

    Without a batch, without anything undecided in it, and for a backfill, nobody is told. What cannot be
    handed over is a warning: the night's work is done all the same.
    """
    with recording(settings, "outreach.digest", day) as receipt:
        with reading(engine_for(settings)) as session:
            found = _waiting(session, settings, day, clock.now())
            people = {row.name: row.email for row in accounts.open_accounts(session, Role.REVIEWER)}
        if found is None:
            receipt.notes.append("no batch of today waits for a decision, so nobody is told of one")
            return receipt
        subject, text = worded(found, settings)
        told, channel = 0, channel_for(settings, "email")
        for name, address in _addresses(people, receipt).items():
            told += _told(channel, _delivery(day, name, address, subject, text), name, receipt)
        receipt.rows_in["notices: waiting"] = found.waiting
        receipt.rows_out["digests"] = told
    return receipt


def worded(found: Waiting, settings: Settings) -> tuple[str, str]:
    """Subject and text of a digest."""
    night, shop = found.night, _line(settings.outreach.shop_name)
    said = f"{found.waiting:,} {'notices wait' if found.waiting != 1 else 'notice waits'}"
    lines = [
        f"{said} for a decision in the batch of {night.day:%A}, {night.day.day} {night.day:%B %Y}.",
        "",
        f"In all: {sum(night.states.values()):,} notices to {night.customers:,} customers"
        f"{_sums(night.sums)}.",
    ]
    if found.due is not None:
        lines.append(f"Decide before {found.due:%Y-%m-%d %H:%M} UTC: then the first of them would be sent.")
    if night.warnings:
        lines += ["", "Worth a look:", *(f"- {_line(one)}" for one in night.warnings)]
    lines += ["", f"{settings.desk.url}/desk/batches/{night.day}", ""]
    return f"{shop}: {said} for a decision", "\n".join(lines)


def _waiting(session: Session, settings: Settings, day: date, now: datetime) -> Waiting | None:
    batch = session.scalar(select(BatchRow).where(BatchRow.day == day))
    if batch is None or batch.backfill:
        return None
    query = select(func.count(), func.min(NoticeRow.send_after)).where(
        NoticeRow.state.in_(UNDECIDED), NoticeRow.batch_id == batch.batch_id
    )
    waiting, due = session.execute(query).one()
    if not waiting:
        return None
    return Waiting(night_of(session, settings, batch, older_than(session, batch), now), waiting, due)


def _addresses(people: Mapping[str, str | None], receipt: Receipt) -> dict[str, str]:
    """Where each is told; an address that could be more than that is not used."""
    found = {}
    for name, address in people.items():
        if address is None:
            continue
        if accounts.is_address(address):
            found[name] = address
        else:
            receipt.warnings.append(f"the account {name!r} has an address that is none, so it is not told")
    if not found:
        receipt.notes.append("no account that reviews has an address; `advocate users add --email` gives one")
    return found


def _delivery(day: date, name: str, address: str, subject: str, text: str) -> Delivery:
    """A digest on its way: its key says the day and the person."""
    key = content_id(FOLDER, day.isoformat(), name)
    return Delivery(key, FOLDER, address, "email", FOLDER, subject, text, "")


def _told(channel: Channel, delivery: Delivery, name: str, receipt: Receipt) -> int:
    try:
        if channel.delivered(delivery):
            return 0
        channel.deliver(delivery)
    except OSError as error:
        receipt.warnings.append(f"{name!r} could not be told that a batch waits: {error.strerror or error}")
        return 0
    return 1


def _sums(by_currency: Mapping[str, int]) -> str:
    """Amounts of several currencies, never added."""
    said = " + ".join(f"{as_decimal(minor, code):,} {code}" for code, minor in by_currency.items())
    return f", about {said}" if said else ""


def _line(text: str) -> str:
    """A text as one line: no setting can begin another header, or another paragraph."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
