"""Rights without a message: money that is a customer's own, and that no message of the night tells of.

Only the message competes. What is a customer's right is put before the reviewer all the same, as a notice on
the channel `none`: approving it opens the promise, nothing is ever sent, and it counts as no contact. So is
what we choose to pay to customers who chose not to hear of it: to want quiet costs nobody money.
"""

from datetime import date

import polars as pl

from features.choices import MESSAGES, OFF
from outreach.choices.themes import with_unwanted
from outreach.ids import content_ids
from outreach.standing import everybody
from outreach.states import NO_CHANNEL
from outreach.writing import PROPOSALS
from warehouse.settings import OutreachSettings

_BUNDLE = ("customer_id", "currency", "held")


def unsaid(
    opportunities: pl.LazyFrame,
    told: pl.DataFrame,
    customers: pl.LazyFrame,
    choices: pl.LazyFrame,
    settings: OutreachSettings,
    day: date,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The notices without a message of a night, one per customer, currency and held-ness.

    Args:
        opportunities: those of the day.
        told: `opportunity_id` of what the night's messages tell of.
        customers: as the night sees them.
        choices: what customers chose, as the night sees it.
        settings: how unknown locales and zones are written.
        day: the night.

    Returns:
        proposals and members like those of `outreach.decisions.decide`.
    """
    rights = _due(opportunities, choices).join(
        told.lazy().select("opportunity_id"), on="opportunity_id", how="anti"
    )
    bundles = rights.group_by(_BUNDLE).agg(value_minor=pl.col("amount_minor").sum())
    people = everybody(customers, rights).select("customer_id", "person", "timezone", "locale")
    identity = (pl.lit(day.isoformat()), "customer_id", "currency", pl.col("held").cast(pl.String))
    proposals = (
        bundles.join(people, on="customer_id", how="left")
        .with_columns(
            notice_id=content_ids("notice without a message", *identity),
            channel=pl.lit(NO_CHANNEL),
            purpose=pl.lit("service"),
            timezone=pl.coalesce("timezone", pl.lit(settings.default_timezone or "UTC")),
            locale=pl.coalesce("locale", pl.lit(settings.default_locale)),
            send_after=pl.lit(None, dtype=pl.Datetime("us", "UTC")),
        )
        .select(PROPOSALS)
        .sort("notice_id")
        .collect()
    )
    members = (
        rights.join(proposals.lazy().select(*_BUNDLE, "notice_id"), on=list(_BUNDLE))
        .select("notice_id", "opportunity_id")
        .sort("notice_id", "opportunity_id")
        .collect()
    )
    return proposals, members


def _due(opportunities: pl.LazyFrame, choices: pl.LazyFrame) -> pl.LazyFrame:
    """What is promised whether or not it is told."""
    quiet = choices.filter(pl.col("what") == MESSAGES, pl.col("value") == OFF).select(
        "customer_id", quiet=pl.lit(value=True)
    )
    wished = pl.col("unwanted") | pl.col("quiet").fill_null(value=False)
    return (
        with_unwanted(opportunities, choices)
        .join(quiet, on="customer_id", how="left")
        .filter((pl.col("owed") == "right") | ((pl.col("owed") == "policy") & wished))
        .drop("unwanted", "quiet")
    )
