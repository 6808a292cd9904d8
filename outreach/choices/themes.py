"""Themes: the topics of messages as customers choose among them; each is one or more kinds."""

import polars as pl

from features.choices import OFF, TOPIC

THEMES: dict[str, tuple[str, ...]] = {
    "fallen_prices": ("price_guarantee", "price_drop"),
    "payments": ("double_payment", "unclaimed_benefit", "idle_subscription"),
    "troubles": ("late_delivery", "failed_experience", "follow_up"),
    "rights": ("unused_entitlement",),
    "looked_at": ("watched_price_drop", "back_in_stock_cheaper"),
    "cheaper": ("cheaper_same",),
}
"""The kinds of each theme. Every kind that a message can tell of is in one."""


def unwanted_kinds(choices: pl.LazyFrame) -> pl.LazyFrame:
    """`customer_id, kind, unwanted`: kinds that customers do not want to hear of; `unwanted` is true."""
    rows = [(f"{TOPIC}{theme}", kind) for theme, kinds in THEMES.items() for kind in kinds]
    kinds = pl.LazyFrame(rows, schema={"what": pl.String, "kind": pl.String}, orient="row")
    return (
        choices.filter(pl.col("value") == OFF)
        .join(kinds, on="what")
        .select("customer_id", "kind", unwanted=pl.lit(value=True))
    )


def with_unwanted(opportunities: pl.LazyFrame, choices: pl.LazyFrame) -> pl.LazyFrame:
    """Opportunities with `unwanted`: their customer does not want to hear of them."""
    marked = opportunities.join(unwanted_kinds(choices), on=["customer_id", "kind"], how="left")
    return marked.with_columns(pl.col("unwanted").fill_null(value=False))
