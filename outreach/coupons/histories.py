"""Holdings described by what was known before they began: the features that chances are learned from."""

from datetime import datetime

import polars as pl

from outreach.coupons.customers import customers
from outreach.coupons.matches import PAIR, matches
from outreach.coupons.offers import offers
from outreach.coupons.records import HOLDING, Records

PLACED = ("own_weight", "own_lines", "own_orders", "title_weight", "category_mixed_weight")
"""Features that are also compared with those of the customer's other offers of the campaign."""


def described(records: Records, holdings: pl.DataFrame) -> pl.DataFrame:
    """Holdings with their features, sorted by `holding_id`; nothing from their first day on is looked at.

    Args:
        records: what is known; `records.holdings` holds at least all that began before `holdings`.
        holdings: what is to be described, whole campaigns, with the columns of `HOLDING`.

    Returns:
        The columns of `HOLDING`, then one float per feature, null where it is not known.
    """
    parts = [
        _described(records, begun, moment)
        for (moment,), begun in holdings.group_by(pl.col("starts_at").dt.truncate("1d"), maintain_order=True)
        if isinstance(moment, datetime)
    ]
    if not parts:
        return holdings.select(HOLDING)
    return pl.concat(parts).sort("holding_id")


def features_of(frame: pl.DataFrame) -> list[str]:
    """The names of the features in what `described` gives."""
    return [name for name in frame.columns if name not in HOLDING]


def _described(records: Records, begun: pl.DataFrame, moment: datetime) -> pl.DataFrame:
    known = records.before(moment)
    oldest = known.lines["age"].max()
    span = max(float(oldest), 1.0) if isinstance(oldest, float) else 1.0
    offered = offers(known, begun.select("offer_id").unique(), span)
    pairs = begun.select(PAIR).unique()
    found = (
        begun.select(HOLDING)
        .join(customers(known, moment, span), on="customer_id", how="left")
        .join(offered.described, on="offer_id", how="left")
        .join(matches(pairs, known, offered, span), on=PAIR, how="left")
    )
    # Sums within a group of rows follow their order, which joins do not promise to keep.
    named = _placed(found.sort("holding_id"))
    return named.with_columns(pl.col(features_of(named)).cast(pl.Float64))


def _placed(found: pl.DataFrame) -> pl.DataFrame:
    """With each offer's place among the customer's in the campaign, and each customer's among the offer's."""
    mine, everybody = ["customer_id", "campaign"], ["offer_id", "campaign"]
    places = [
        pl.col(name).rank("average", descending=True).over(mine).alias(f"place_{name}") for name in PLACED
    ]
    shares = [
        (pl.col(name) / (pl.col(name).sum().over(mine) + 1e-9)).alias(f"share_{name}") for name in PLACED
    ]
    among = [
        (pl.col(name).rank("average", descending=True).over(everybody) / pl.len().over(everybody)).alias(
            f"among_{name}"
        )
        for name in PLACED
    ]
    return found.with_columns(
        *places,
        *shares,
        *among,
        campaign_offers=pl.col("offer_id").n_unique().over("campaign"),
        campaign_customers=pl.col("customer_id").n_unique().over("campaign"),
        campaign_days=(pl.col("ends_at") - pl.col("starts_at")).dt.total_days(),
        campaign_bought=(pl.col("own_lines") > 0).sum().over(mine),
    )
