"""The Complete Journey's campaigns as records: every coupon of every campaign that a household was sent.

Of Type A campaigns a household got only some of the coupons, unknown which (ADR 4), so these are not
entitlements; they are what a ranking has to choose from. Read from the package's own files.
"""

from pathlib import Path

import polars as pl

from features.feeds.complete_journey import data_folder, read_complete_journey
from outreach.coupons.records import HOLDING, KINDS, Records

_UTC = pl.Datetime("us", "UTC")


def read_records(types: tuple[str, ...] = ("Type A", "Type B", "Type C")) -> Records:
    """Purchases, and the pairs of household and coupon of all campaigns of the given types."""
    folder = data_folder()
    campaigns = pl.scan_parquet(folder / "campaign_descriptions.parquet").filter(
        pl.col("campaign_type").is_in(types)
    )
    coupons = pl.scan_parquet(folder / "coupons.parquet").join(campaigns, on="campaign_id")
    offer = pl.concat_str("campaign_id", "coupon_upc", separator="-")
    lines = pl.scan_parquet(folder / "transactions.parquet").filter(pl.col("quantity") > 0)
    frames = (
        lines.select(
            pl.col("household_id").cast(pl.String).alias("customer_id"),
            pl.col("basket_id").cast(pl.String).alias("order_id"),
            pl.col("product_id").cast(pl.String),
            purchased_at=pl.col("transaction_timestamp").dt.replace_time_zone("UTC").cast(_UTC),
            with_offer=pl.col("coupon_disc") > 0,
        ),
        read_complete_journey().tables["products"].select("product_id", *KINDS),
        coupons.select(offer_id=offer, product_id=pl.col("product_id").cast(pl.String)).unique(),
        _pairs(coupons.with_columns(offer_id=offer), folder),
    )
    return Records(*pl.collect_all(frames))


def _pairs(coupons: pl.LazyFrame, folder: Path) -> pl.LazyFrame:
    key = ["household_id", "campaign_id", "coupon_upc"]
    used = (
        pl.scan_parquet(folder / "coupon_redemptions.parquet")
        .group_by(key)
        .agg(pl.col("redemption_date").min())
    )
    given = coupons.select("campaign_id", "coupon_upc", "offer_id", "start_date", "end_date").unique()
    moments = [
        pl.col(name).dt.replace_time_zone("UTC").cast(_UTC) for name in ("starts_at", "ends_at", "used_at")
    ]
    return (
        pl.scan_parquet(folder / "campaigns.parquet")
        .unique()
        .join(given, on="campaign_id")
        .join(used, on=key, how="left")
        .select(
            pl.concat_str("household_id", "offer_id", separator="-").alias("holding_id"),
            pl.col("household_id").cast(pl.String).alias("customer_id"),
            "offer_id",
            pl.col("campaign_id").cast(pl.String).alias("campaign"),
            starts_at="start_date",
            ends_at=pl.col("end_date") + pl.duration(days=1),
            used_at="redemption_date",
        )
        .with_columns(moments)
        .select(HOLDING)
        .sort("holding_id")
    )
