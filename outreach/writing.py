"""Turns what was decided into notices: one message per proposal, ready for review."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from operator import itemgetter
from typing import Any

import polars as pl

from outreach.formats import Reader
from outreach.inputs import Inputs
from outreach.linting import REFUSING, Problem, fitness_of, problems
from outreach.opportunities import MONEY
from outreach.promises.ledger import promise_id_of
from outreach.promises.models import IN_HAND
from outreach.references import reference_of, subject_of
from outreach.risk import risks
from outreach.slots import Told
from outreach.slots.values import title
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
    **dict.fromkeys(("locale", "kinds", "market", "risks", "haystack", "fit_for"), pl.String()),
    "risk": pl.Int64(),
}
"""Notices as the lake keeps them; the address they go to stays in the database."""
SEARCHED = 400
"""Letters of what is searched of a notice."""
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
    inputs: Inputs,
    customers: pl.LazyFrame,
    style: Style,
    day: date,
) -> Written:
    """Writes the notices of a night from its proposals and what each of them tells of."""
    before = inputs.promised.select("opportunity_id", "currency", "promised_minor")
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
    unusual = risks(proposals, details.lazy(), inputs.kinds, inputs.contacts)
    whom = (
        proposals.join(customers.rename({"market": "own_market"}), on="customer_id", how="left")
        .join(unusual, on="notice_id", how="left")
        .with_columns(recipient=address())
    )
    rows = list(_rows(whom.sort("notice_id").collect(), details, style, day))
    recipients = {row["notice_id"]: row.pop("recipient") for row in rows}
    wrong = Counter(problem for row in rows for problem in row.pop("problems"))
    notices = pl.DataFrame(rows, schema=NOTICES, orient="row")
    promises = pl.Series("promise_id", [_promise(one) for one in details.iter_rows(named=True)], pl.String)
    due = pl.when(pl.col("kind").is_in(IN_HAND) & promises.is_not_null()).then("expires_at")
    opened = details.with_columns(promises, due_at=due).drop("expires_at")
    return Written(notices, recipients, opened, dict(sorted(wrong.items())))


def _promise(row: dict[str, Any]) -> str | None:
    """The promise that approving opens."""
    if row["owed"] not in MONEY:
        return None
    return promise_id_of(subject_of(row["notice_id"], row["opportunity_id"]))


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
    evidence = [json.loads(one["evidence"]) for one in details]
    fit = not any(problem.rule in REFUSING for problem in wrong)
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
        "locale": proposal["locale"],
        "kinds": f" {' '.join(sorted({one.kind for one in told}))} ",
        "market": next((one["market"] for one in evidence if one.get("market")), proposal["own_market"]),
        "risk": proposal["risk"],
        "risks": proposal["risks"],
        "haystack": haystack(proposal["customer_id"], message.subject, details, evidence),
        "fit_for": fitness_of(style.settings) if fit else None,
    }


def haystack(
    customer_id: str,
    subject: str,
    details: Sequence[Mapping[str, Any]],
    evidence: Sequence[Mapping[str, Any]],
) -> str:
    """What is searched of a notice, case-folded: its customer, subject, orders, and what they bought."""
    found = dict.fromkeys([customer_id, *(one["order_id"] for one in details), subject])
    found |= dict.fromkeys(title(one.get("item")) for one in evidence)
    return " ".join(" ".join(filter(None, found)).casefold().split())[:SEARCHED]


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
