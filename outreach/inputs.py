"""The frozen inputs of a run: contacts, responses and promises as the nights before left them.

They are written once per day and reused when that day runs again, so that approving and sending in the
meantime changes nothing of what a rerun gives.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl
from sqlalchemy import Executable, Select, case, func, select

from features.contract import CONTRACTS
from features.events import seen
from outreach.models import BatchRow, NoticeOpportunityRow, NoticeRow
from outreach.promises.accounts import promised_sum
from outreach.promises.models import PromiseRow
from outreach.states import NO_CHANNEL, TOLD
from warehouse import clock
from warehouse.database import engine_for, reading
from warehouse.lake import Lake
from warehouse.models import Moment
from warehouse.settings import Settings

_UTC = pl.Datetime("us", "UTC")
SCHEMAS: dict[str, dict[str, pl.DataType]] = {
    "contacts": {"customer_id": pl.String(), "channel": pl.String(), "at": _UTC},
    "responses": {"customer_id": pl.String(), "channel": pl.String(), "kind": pl.String(), "at": _UTC},
    "promised": {
        **{"opportunity_id": pl.String(), "currency": pl.String(), "promised_minor": pl.Int64()},
        **dict.fromkeys(("customer_id", "kind", "owed"), pl.String()),
        **dict.fromkeys(("order_id", "line_id", "entitlement_id", "incident_id"), pl.String()),
        "first_at": _UTC,
    },
    "told": {"opportunity_id": pl.String()},
    "kinds": {"kind": pl.String()},
}


@dataclass(frozen=True)
class Inputs:
    """What earlier nights left behind; every frame is lazy.

    Attributes:
        contacts: `customer_id, channel, at` of messages by other systems and by us; one of ours that is yet
            to go counts at the moment it is planned for.
        responses: `customer_id, channel, kind, at`; the channel is null where the message is not known.
        promised: `opportunity_id, currency, promised_minor`: promised and not voided, in each currency; with
            `customer_id, kind, owed`, what it was about (`order_id, line_id, entitlement_id, incident_id`;
            null where that was not kept yet) and `first_at`, when it was promised first.
        told: `opportunity_id` of what customers have been, or are about to be, told of.
        kinds: `kind` of what they were told of.
    """

    contacts: pl.LazyFrame
    responses: pl.LazyFrame
    promised: pl.LazyFrame
    told: pl.LazyFrame
    kinds: pl.LazyFrame


def freeze(settings: Settings, lake: Lake, day: date) -> Inputs:
    """The inputs of a day: those frozen by its first run, else as they are now."""
    makers = {
        "contacts": _contacts,
        "responses": _responses,
        "promised": _promised,
        "told": _told,
        "kinds": _kinds,
    }
    for name, make in makers.items():
        if not lake.has(f"outreach_{name}", day):
            frame = make(settings, lake, day).collect()
            lake.put(f"outreach_{name}", day, frame.sort(frame.columns))
    return Inputs(**{name: _shaped(lake.get(f"outreach_{name}", day), SCHEMAS[name]) for name in makers})


def are_frozen(lake: Lake, day: date) -> bool:
    """Whether a night froze all inputs of a day, so that looking at them writes nothing."""
    return all(lake.has(f"outreach_{name}", day) for name in SCHEMAS)


def _shaped(frozen: pl.LazyFrame, schema: dict[str, pl.DataType]) -> pl.LazyFrame:
    """What an earlier version froze lacks the columns it did not know; they are unknown."""
    there = frozen.collect_schema().names()
    lacking = [pl.lit(None, dtype=dtype).alias(name) for name, dtype in schema.items() if name not in there]
    return frozen.with_columns(lacking).select(list(schema))


def _contacts(settings: Settings, lake: Lake, day: date) -> pl.LazyFrame:
    others = seen(lake, "contacts", day).select("customer_id", "channel", at="sent_at")
    handed = case((NoticeRow.handed_at < clock.end_of(day), NoticeRow.handed_at), else_=NoticeRow.send_after)
    ours = _before(select(NoticeRow.customer_id, NoticeRow.channel, handed), day)
    return pl.concat([others, _read(settings, ours, SCHEMAS["contacts"])])


def _responses(settings: Settings, lake: Lake, day: date) -> pl.LazyFrame:
    return with_channels(settings, lake, seen(lake, "responses", day))


def with_channels(
    settings: Settings, lake: Lake, responses: pl.LazyFrame, customer_ids: Sequence[str] = ()
) -> pl.LazyFrame:
    """Responses with the channel of the message they answer, ours or another system's, where known.

    Args:
        settings: the home's settings.
        lake: the home's.
        responses: as the feed has them.
        customer_ids: whose they are, where they are a few customers'; by default anybody's.
    """
    query = select(NoticeRow.notice_id, NoticeRow.channel)
    if customer_ids:
        query = query.where(NoticeRow.customer_id.in_(customer_ids))
    ours = _read(settings, query, {"notice_id": pl.String(), "our_channel": pl.String()})
    others = lake.scan(CONTRACTS["contacts"].table).select("contact_id", other_channel="channel")
    return (
        responses.join(ours, on="notice_id", how="left")
        .join(others, on="contact_id", how="left")
        .select("customer_id", "kind", "at", channel=pl.coalesce("our_channel", "other_channel"))
        .select(list(SCHEMAS["responses"]))
    )


def _promised(settings: Settings, _lake: Lake, day: date) -> pl.LazyFrame:
    told = NoticeOpportunityRow
    about = (told.order_id, told.line_id, told.entitlement_id, told.incident_id)
    facts = (PromiseRow.customer_id, told.kind, told.owed, *about)
    opened = func.min(PromiseRow.opened_at, type_=Moment)
    sums = (
        select(told.opportunity_id, PromiseRow.currency, promised_sum(), *map(func.max, facts), opened)
        .select_from(PromiseRow)
        .join(told, told.promise_id == PromiseRow.promise_id)
        .join(NoticeRow, NoticeRow.notice_id == told.notice_id)
        .join(BatchRow, BatchRow.batch_id == NoticeRow.batch_id)
        .where(BatchRow.day < day)
        .group_by(told.opportunity_id, PromiseRow.currency)
    )
    return _read(settings, sums, SCHEMAS["promised"]).filter(pl.col("promised_minor") > 0)


def _told(settings: Settings, _lake: Lake, day: date) -> pl.LazyFrame:
    ids = select(NoticeOpportunityRow.opportunity_id).join(
        NoticeRow, NoticeRow.notice_id == NoticeOpportunityRow.notice_id
    )
    return _read(settings, _before(ids, day), SCHEMAS["told"]).unique()


def _kinds(settings: Settings, _lake: Lake, day: date) -> pl.LazyFrame:
    kinds = select(NoticeOpportunityRow.kind).join(
        NoticeRow, NoticeRow.notice_id == NoticeOpportunityRow.notice_id
    )
    return _read(settings, _before(kinds, day).distinct(), SCHEMAS["kinds"])


def _before(query: Select[Any], day: date) -> Select[Any]:
    """The query, for messages approved or further in batches of earlier days."""
    return query.join(BatchRow, BatchRow.batch_id == NoticeRow.batch_id).where(
        BatchRow.day < day, NoticeRow.state.in_(TOLD), NoticeRow.channel != NO_CHANNEL
    )


def _read(settings: Settings, query: Executable, schema: dict[str, pl.DataType]) -> pl.LazyFrame:
    with reading(engine_for(settings)) as session:
        rows = [tuple(row) for row in session.execute(query)]
    return pl.DataFrame(rows, schema=schema, orient="row").lazy()
