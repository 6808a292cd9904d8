"""Rights without a message: money that is a customer's own, and that no message of the night tells of.

Only the message competes. What is a customer's right is put before the reviewer all the same, as a notice on
the channel `none`: approving it opens the promise, nothing is ever sent, and it counts as no contact.
"""

from datetime import date

import polars as pl

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
    settings: OutreachSettings,
    day: date,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The notices without a message of a night, one per customer, currency and held-ness.

    Args:
        opportunities: those of the day.
        told: `opportunity_id` of what the night's messages tell of.
        customers: as the night sees them.
        settings: how unknown locales and zones are written.
        day: the night.

    Returns:
        proposals and members like those of `outreach.decisions.decide`.
    """
    rights = opportunities.filter(pl.col("owed") == "right").join(
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
