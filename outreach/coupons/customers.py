"""What is known of a customer before a holding begins: how they shop, and how they used earlier offers."""

from datetime import datetime

import polars as pl

from outreach.coupons.records import Records, age_of

WHO = "customer_id"


def customers(known: Records, moment: datetime, span: float) -> pl.DataFrame:
    """One row per customer who bought or held anything, features named `customer_…`.

    Args:
        known: what was known just before the moment.
        moment: when the holdings to be described begin.
        span: days of purchases that are known of, so that counts of a short history compare with a long one.
    """
    return _shopping(known.lines, span).join(
        _earlier_offers(known.holdings, moment), on=WHO, how="full", coalesce=True
    )


def _shopping(lines: pl.DataFrame, span: float) -> pl.DataFrame:
    orders, offered, newest = pl.col("order_id"), pl.col("with_offer"), pl.col("age") < 30
    return lines.group_by(WHO).agg(
        customer_orders_a_day=orders.n_unique() / span,
        customer_orders_30=orders.filter(newest).n_unique(),
        customer_lines_an_order=pl.len() / orders.n_unique(),
        customer_products_a_day=pl.col("product_id").n_unique() / span,
        customer_categories=pl.col("category").n_unique(),
        customer_recency=pl.col("age").min(),
        customer_offer_lines=offered.sum() / span,
        customer_offer_lines_30=(offered & newest).sum(),
        customer_offer_share=offered.mean(),
        customer_offer_orders=orders.filter(offered).n_unique() / orders.n_unique(),
        customer_offer_recency=pl.col("age").filter(offered).min(),
    )


def _earlier_offers(holdings: pl.DataFrame, moment: datetime) -> pl.DataFrame:
    used, age = pl.col("used_at").is_not_null(), age_of(pl.col("used_at"), moment)
    by_campaign = (
        holdings.group_by(WHO, "campaign")
        .agg(uses=used.sum())
        .group_by(WHO)
        .agg(
            campaigns=pl.len(),
            customer_campaigns_used=(pl.col("uses") > 0).sum() / (pl.len() + 1),
            customer_most_uses=pl.col("uses").max(),
        )
    )
    return (
        holdings.group_by(WHO)
        .agg(
            customer_uses=used.sum(),
            customer_use_share=used.mean(),
            customer_uses_60=(age < 60).sum(),
            customer_use_recency=age.min(),
        )
        .join(by_campaign, on=WHO)
        .with_columns(customer_uses_a_campaign=pl.col("customer_uses") / (pl.col("campaigns") + 1))
        .drop("campaigns")
    )
