"""Where customers stand with us: who they are, how they can be reached, what they said.

The night asks as of its day, sending asks as of now; both ask here.
"""

from datetime import datetime

import polars as pl

from features.contract import CONTRACTS
from warehouse.errors import NotFoundError
from warehouse.lake import Lake
from warehouse.settings import OutreachSettings

ADDRESS = {"email": "email", "sms": "phone", "call": "phone"}
"""The column that holds a channel's address; the other channels need none."""
PURPOSES = ("service", "marketing")
PROBLEMS = ("no_channel", "no_consent", "no_address", "bounced")
"""What can be wrong with a channel, from farthest from usable to nearest."""


def everybody(customers: pl.LazyFrame, *referred: pl.LazyFrame) -> pl.LazyFrame:
    """All customers, also those who are only referred to, with `person` (accounts of one person share it)."""
    ids = pl.concat([frame.select("customer_id") for frame in (customers, *referred)]).unique()
    return ids.join(customers, on="customer_id", how="left").with_columns(
        person=pl.coalesce("person_id", "customer_id")
    )


def refuse_unknown(lake: Lake, customer_id: str) -> None:
    """Refuses a customer whom neither the customer table nor a purchase knows.

    Raises:
        NotFoundError: there is none.
    """
    for name in ("customers", "purchases"):
        rows = lake.scan(CONTRACTS[name].table).filter(pl.col("customer_id") == customer_id)
        if not rows.head(1).collect().is_empty():
            return
    raise NotFoundError(f"customer {customer_id!r} is not known; ids are case-sensitive text")


def objections(people: pl.LazyFrame, responses: pl.LazyFrame) -> pl.LazyFrame:
    """`person, complained, unsubscribed`: what any account of a person said counts for all of them."""
    return (
        responses.join(people.select("customer_id", "person"), on="customer_id")
        .group_by("person")
        .agg(
            complained=(pl.col("kind") == "complained").any(),
            unsubscribed=(pl.col("kind") == "unsubscribed").any(),
        )
    )


def recent_contacts(people: pl.LazyFrame, contacts: pl.LazyFrame, since: datetime) -> pl.LazyFrame:
    """`person, contacts`: messages to any account of a person from `since` on."""
    return (
        contacts.filter(pl.col("at") >= since)
        .join(people.select("customer_id", "person"), on="customer_id")
        .group_by("person")
        .agg(contacts=pl.len().cast(pl.Int64))
    )


def reach(
    people: pl.LazyFrame, consents: pl.LazyFrame, responses: pl.LazyFrame, settings: OutreachSettings
) -> pl.LazyFrame:
    """Whether each person can be reached on each channel for each purpose.

    Returns:
        `customer_id, purpose, channel, rank, address, problem`: rank 0 is the channel to try first (the
        customer's preferred one where it is configured, then the settings' order); `problem` is null where
        the channel may be used, else one of `PROBLEMS`.
    """
    channels = pl.LazyFrame(
        {"channel": settings.channels, "rank": range(1, len(settings.channels) + 1)},
        schema={"channel": pl.String, "rank": pl.Int64},
    )
    ways = people.join(pl.LazyFrame({"purpose": PURPOSES}), how="cross").join(channels, how="cross")
    bounced = responses.filter(pl.col("kind") == "bounced")
    known = bounced.select("customer_id", "channel", bounced=pl.lit(value=True)).unique()
    unknown = (
        bounced.filter(pl.col("channel").is_null()).select("customer_id", lost=pl.lit(value=True)).unique()
    )
    marked = (
        ways.join(latest(consents), on=["customer_id", "channel", "purpose"], how="left")
        .join(known, on=["customer_id", "channel"], how="left")
        .join(unknown, on="customer_id", how="left")
    )
    preferred = pl.col("channel") == pl.col("preferred_channel")
    return marked.select(
        "customer_id",
        "purpose",
        "channel",
        rank=pl.when(preferred.fill_null(value=False)).then(0).otherwise("rank"),
        address=address(),
        problem=_problem(),
    )


def best_way(ways: pl.LazyFrame) -> pl.LazyFrame:
    """One row per customer and purpose: the first usable channel, else why none is (the nearest miss)."""
    nearness = pl.col("problem").replace_strict(
        {name: -place for place, name in enumerate(PROBLEMS)}, default=-len(PROBLEMS), return_dtype=pl.Int64
    )
    return (
        ways.sort("customer_id", "purpose", nearness, "rank")
        .unique(["customer_id", "purpose"], keep="first", maintain_order=True)
        .select(
            "customer_id",
            "purpose",
            "address",
            channel=pl.when(pl.col("problem").is_null()).then("channel"),
            channel_problem="problem",
        )
    )


def latest(consents: pl.LazyFrame) -> pl.LazyFrame:
    """`customer_id, channel, purpose, granted`: the latest word on each."""
    return (
        consents.sort("recorded_at")
        .group_by("customer_id", "channel", "purpose")
        .agg(granted=pl.col("granted").last())
    )


def address() -> pl.Expr:
    """Where a message goes, from a customer's row and its `channel`: the customer id where none is needed."""
    needed = [pl.when(pl.col("channel") == channel).then(column) for channel, column in ADDRESS.items()]
    needs_none = pl.when(~pl.col("channel").is_in(list(ADDRESS))).then("customer_id")
    return pl.coalesce(*needed, needs_none)


def _problem() -> pl.Expr:
    return (
        pl.when(~pl.col("granted").fill_null(value=False))
        .then(pl.lit("no_consent"))
        .when(address().is_null())
        .then(pl.lit("no_address"))
        .when(pl.coalesce("bounced", "lost").fill_null(value=False))
        .then(pl.lit("bounced"))
    )
