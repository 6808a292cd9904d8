"""Turns what was decided into notices: one message per proposal, ready for review."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from operator import itemgetter
from typing import Any

import polars as pl

from outreach.formats import Reader
from outreach.ids import content_id
from outreach.slots import Told
from outreach.standing import address
from outreach.texts import compose, content_hash, frame_of
from warehouse.settings import OutreachSettings

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
    """

    notices: pl.DataFrame
    recipients: dict[str, str]
    members: pl.DataFrame


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
    settings: OutreachSettings,
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
    rows = list(_rows(whom.sort("notice_id").collect(), details, settings, day))
    recipients = {row["notice_id"]: row.pop("recipient") for row in rows}
    return Written(pl.DataFrame(rows, schema=NOTICES, orient="row"), recipients, details.drop("expires_at"))


def _rows(
    proposals: pl.DataFrame, details: pl.DataFrame, settings: OutreachSettings, day: date
) -> Iterator[dict[str, Any]]:
    """One dictionary per notice: templates speak about one message at a time."""
    grouped = groupby(details.iter_rows(named=True), key=itemgetter("notice_id"))
    batch_id = batch_id_of(day)
    for proposal, (notice_id, group) in zip(proposals.iter_rows(named=True), grouped, strict=True):
        assert proposal["notice_id"] == notice_id
        yield _row(proposal, list(group), settings) | {"batch_id": batch_id}


def _row(
    proposal: dict[str, Any], details: list[dict[str, Any]], settings: OutreachSettings
) -> dict[str, Any]:
    told = [
        Told(*(one[c] for c in ("opportunity_id", "kind", "amount_minor", "currency", "evidence")))
        for one in details
    ]
    reader = Reader(proposal["locale"], proposal["timezone"])
    frame = frame_of(proposal["channel"], proposal["purpose"], told)
    message = compose(frame, told, reader, settings)
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
        "state": "held" if proposal["held"] else "proposed",
        "send_by": min((one["expires_at"] for one in details if one["expires_at"]), default=None),
        "content_hash": content_hash(**where, amounts=told, message=message),
    }


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
