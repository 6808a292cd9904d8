"""Turns what was decided into notices: one message per proposal, ready for review."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from operator import itemgetter
from typing import Any

import polars as pl

from outreach.formats import Reader
from outreach.linting import Problem, problems
from outreach.opportunities import MONEY
from outreach.references import reference_of
from outreach.slots import Told
from outreach.standing import address
from outreach.states import NO_CHANNEL
from outreach.style import Style
from outreach.texts import Message, compose, content_hash
from warehouse.ids import content_id

_UTC = pl.Datetime("us", "UTC")
NOTICES: dict[str, pl.DataType] = {
    **dict.fromkeys(("notice_id", "batch_id", "customer_id", "channel", "purpose"), pl.String()),
    "amount_minor": pl.Int64(),
    **dict.fromkeys(("currency", "subject", "text", "state", "html", "template"), pl.String()),
    **dict.fromkeys(("content_hash", "person", "timezone"), pl.String()),
    "send_after": _UTC,
    "send_by": _UTC,
}
"""Notices as the lake keeps them; the address they go to stays in the database."""
SUBJECT = ("product_id", "order_id", "line_id", "entitlement_id", "incident_id")
"""What an opportunity can be about."""


@dataclass(frozen=True)
class Written:
    """The notices of one night.

    Attributes:
        notices: the columns of `NOTICES`, sorted by `notice_id`.
        recipients: `notice_id` to the address, number or customer id.
        members: `notice_id` and what each opportunity row of a notice holds.
        problems: how many notices wait for a person because their words break a rule, by rule and advice.
    """

    notices: pl.DataFrame
    recipients: dict[str, str]
    members: pl.DataFrame
    problems: dict[Problem, int]


def batch_id_of(day: date) -> str:
    """The id of the one batch of a day."""
    return content_id("batch", day.isoformat())


def write(
    *,
    proposals: pl.LazyFrame,
    members: pl.LazyFrame,
    opportunities: pl.LazyFrame,
    promised: pl.LazyFrame,
    customers: pl.LazyFrame,
    style: Style,
    day: date,
) -> Written:
    """Writes the notices of a night from its proposals and what each of them tells of."""
    before = promised.select("opportunity_id", "currency", "promised_minor")
    details = (
        members.join(opportunities, on="opportunity_id")
        .join(before, on=["opportunity_id", "currency"], how="left")
        .with_columns(promised_before_minor=pl.col("promised_minor").fill_null(0))
        .sort("notice_id", "amount_minor", "opportunity_id", descending=[False, True, False], nulls_last=True)
        .select(
            "notice_id",
            "opportunity_id",
            "kind",
            "owed",
            "amount_minor",
            "currency",
            "promised_before_minor",
            "evidence",
            *SUBJECT,
            "expires_at",
        )
        .collect()
    )
    whom = proposals.join(customers, on="customer_id", how="left").with_columns(recipient=address())
    rows = list(_rows(whom.sort("notice_id").collect(), details, style, day))
    recipients = {row["notice_id"]: row.pop("recipient") for row in rows}
    wrong = Counter(problem for row in rows for problem in row.pop("problems"))
    notices = pl.DataFrame(rows, schema=NOTICES, orient="row")
    return Written(notices, recipients, details.drop("expires_at"), dict(sorted(wrong.items())))


def _rows(
    proposals: pl.DataFrame, details: pl.DataFrame, style: Style, day: date
) -> Iterator[dict[str, Any]]:
    """One dictionary per notice: templates speak about one message at a time."""
    grouped = groupby(details.iter_rows(named=True), key=itemgetter("notice_id"))
    batch_id = batch_id_of(day)
    for proposal, (notice_id, group) in zip(proposals.iter_rows(named=True), grouped, strict=True):
        assert proposal["notice_id"] == notice_id
        link = style.links.of(proposal["customer_id"], day).address if style.links else ""
        yield _row(proposal, list(group), style, link) | {"batch_id": batch_id}


def _row(proposal: dict[str, Any], details: list[dict[str, Any]], style: Style, link: str) -> dict[str, Any]:
    told = [_told(one) for one in details]
    message, wrong = _worded(proposal, told, style, link)
    passed_on = ("notice_id", "customer_id", "channel", "purpose", "person", "timezone", "send_after")
    where = {name: proposal[name] for name in ("recipient", "channel", "purpose")}
    return {name: proposal[name] for name in passed_on} | {
        "recipient": proposal["recipient"],
        "amount_minor": proposal["value_minor"],
        "currency": proposal["currency"],
        "subject": message.subject,
        "text": message.text,
        "html": message.html,
        "template": message.template,
        "state": "held" if proposal["held"] or wrong else "proposed",
        "problems": wrong,
        "send_by": min((one["expires_at"] for one in details if one["expires_at"]), default=None),
        "content_hash": content_hash(**where, amounts=told, message=message),
    }


def _told(row: dict[str, Any]) -> Told:
    """An opportunity as it is told; what opens a promise has the reference of that promise."""
    promised = row["owed"] in MONEY
    reference = reference_of(row["notice_id"], row["opportunity_id"]) if promised else None
    return Told(**{name: row[name] for name in TOLD}, reference=reference)


def _worded(
    proposal: dict[str, Any], told: list[Told], style: Style, link: str
) -> tuple[Message, list[Problem]]:
    """The message, and what is wrong with it."""
    purpose, reader = proposal["purpose"], Reader(proposal["locale"], proposal["timezone"])
    frame = NO_CHANNEL if proposal["channel"] == NO_CHANNEL else purpose
    message = compose(frame, told, reader, style.settings, style.own, link=link)
    words = style.sensitive_words
    return message, problems(purpose, told, message, style.settings, words, style.own, link=link)


TOLD = ("opportunity_id", "kind", "amount_minor", "currency", "evidence")
PROPOSALS = (
    "notice_id",
    "customer_id",
    "person",
    "channel",
    "purpose",
    "currency",
    "value_minor",
    "held",
    "timezone",
    "locale",
    "send_after",
)
"""What `decide` hands on about each notice; addresses are looked up where they are needed."""
