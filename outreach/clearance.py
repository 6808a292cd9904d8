"""Clearance: whether an approved notice may still go, by what is known at the moment of sending."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl
from sqlalchemy import select
from sqlalchemy.orm import Session

from features import choices
from features.contract import CONTRACTS
from outreach.choices.themes import unwanted_kinds
from outreach.inputs import with_channels
from outreach.models import BatchRow, NoticeOpportunityRow, NoticeRow, WordsRow
from outreach.slots import Told
from outreach.standing import everybody, objections, reach, recent_contacts
from outreach.texts import Message, content_hash
from outreach.waking import is_waking
from warehouse import clock
from warehouse.lake import Lake
from warehouse.settings import OutreachSettings, Settings


@dataclass(frozen=True)
class Standing:
    """What is known of the recipient of one notice now; `unwanted` are kinds they do not want to hear of."""

    problem: str | None
    address: str | None
    complained: bool
    unsubscribed: bool
    minor: bool
    unwanted: frozenset[str]


@dataclass
class Current:
    """What is known now about all recipients.

    Attributes:
        standings: by notice id.
        contacts: by person, messages within the cap's days; sending adds to it.
    """

    standings: dict[str, Standing]
    contacts: dict[str, int]


def look(settings: Settings, notices: Sequence[NoticeRow], ours: pl.LazyFrame, now: datetime) -> Current:
    """Reads the lake as it is now for the recipients of these notices.

    Args:
        settings: the home's settings.
        notices: those about to be sent.
        ours: `customer_id, channel, at` of what we sent ourselves.
        now: the present moment.
    """
    lake = Lake.of(settings)
    scans = {name: lake.scan(CONTRACTS[name].table) for name in ("customers", "consents", "contacts")}
    responses = with_channels(settings, lake, lake.scan(CONTRACTS["responses"].table))
    rows = [(n.notice_id, n.customer_id, n.person, n.channel, n.purpose) for n in notices]
    columns = ("notice_id", "customer_id", "person_then", "channel", "purpose")
    about = pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row").lazy()
    contacts = pl.concat([scans["contacts"].select("customer_id", "channel", at="sent_at"), ours])
    chosen = choices.of_now(settings, scans["customers"], [n.customer_id for n in notices])
    people = choices.chosen_channel(everybody(scans["customers"], about, contacts, responses), chosen)
    since = now - timedelta(days=settings.outreach.cap_days)
    counted = recent_contacts(people, contacts, since).join(
        people.select("customer_id", "person"), on="person"
    )
    concerned = people.join(about.select("customer_id").unique(), on="customer_id", how="semi")
    ways = reach(concerned, choices.agreed(scans["consents"], chosen), responses, settings.outreach)
    unwanted = unwanted_kinds(chosen).group_by("customer_id").agg(unwanted=pl.col("kind"))
    facts = (
        about.join(concerned.select("customer_id", "person", "minor"), on="customer_id", how="left")
        .join(ways, on=["customer_id", "purpose", "channel"], how="left")
        .join(objections(people, responses), on="person", how="left")
        .join(unwanted, on="customer_id", how="left")
        .with_columns(
            pl.col("minor", "complained", "unsubscribed").fill_null(value=False),
            problem=pl.when(pl.col("rank").is_null()).then(pl.lit("no_channel")).otherwise("problem"),
        )
        .collect()
    )
    fields = ("problem", "address", "complained", "unsubscribed", "minor")
    standings = {
        row["notice_id"]: Standing(**{f: row[f] for f in fields}, unwanted=frozenset(row["unwanted"] or ()))
        for row in facts.iter_rows(named=True)
    }
    by_customer = dict(counted.select("customer_id", "contacts").collect().iter_rows())
    heard = {n.person: by_customer.get(n.customer_id, 0) for n in notices}
    return Current(standings, heard)


WITHDRAWN = ("expired", "complained", "unsubscribed", "no_consent", "topic_unwanted")
"""Reasons that end a delivery which was begun and did not reach the customer."""


def refusal(
    notice: NoticeRow,
    words: WordsRow,
    told: Sequence[Told],
    current: Current,
    settings: OutreachSettings,
    now: datetime,
) -> str | None:
    """Why an approved notice may not go now, or `None`. The reason is a word for the receipt."""
    standing = current.standings[notice.notice_id]
    marketing = notice.purpose == "marketing"
    checks = {
        "expired": notice.send_by is not None and notice.send_by <= now,
        "complained": standing.complained,
        "minor": marketing and standing.minor,
        "unsubscribed": marketing and standing.unsubscribed,
        "topic_unwanted": any(one.kind in standing.unwanted for one in told),
        standing.problem or "reachable": standing.problem is not None,
        "content_changed": standing.address != notice.recipient
        or hash_of(notice, words, told) != notice.approved_hash,
        "frequency_cap": current.contacts.get(notice.person, 0) >= settings.cap_contacts,
        "not_yet": notice.send_after is None or notice.send_after > now,
        "asleep": not is_waking(now, notice.timezone, settings),
    }
    return next((reason for reason, holds in checks.items() if holds), None)


def hash_of(notice: NoticeRow, words: WordsRow, told: Sequence[Told]) -> str:
    """The content hash of a notice as it stands in the database now."""
    return content_hash(
        recipient=notice.recipient,
        channel=notice.channel,
        purpose=notice.purpose,
        amounts=told,
        message=Message(notice.subject, words.text, words.html, notice.template),
    )


def told_by(session: Session, notice_ids: Sequence[str]) -> dict[str, list[Told]]:
    """What each of these notices tells of."""
    found: dict[str, list[Told]] = {one: [] for one in notice_ids}
    for row in session.scalars(
        select(NoticeOpportunityRow).where(NoticeOpportunityRow.notice_id.in_(notice_ids))
    ):
        told = Told(row.opportunity_id, row.kind, row.amount_minor, row.currency, row.evidence)
        found[row.notice_id].append(told)
    return found


def too_old(batch: BatchRow, settings: OutreachSettings, now: datetime) -> bool:
    """Whether a batch is a backfill or its night so long ago that its words may no longer be true."""
    return batch.backfill or now - clock.end_of(batch.day) > timedelta(days=settings.valid_days)
