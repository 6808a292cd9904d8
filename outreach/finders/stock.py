"""Whether a product could be had in a market at a moment."""

import polars as pl

from outreach.world import World


def could_be_had(rows: pl.LazyFrame, world: World, moment: str, name: str) -> pl.LazyFrame:
    """Rows with `name`: whether their product could be had in their market at a moment of theirs.

    The newest row of `availability` up to that moment says it, else `products.available`; never before
    `available_from`. A product that nothing is known of can be had, as the feed contract has it.

    Args:
        rows: with `product_id`, `market` and the moment.
        world: availability and products.
        moment: the column of the moment.
        name: what to call the answer.
    """
    said = world.availability.select("product_id", "market", "effective_at", _said="available")
    usually = world.products.select("product_id", _usually="available", _from="available_from")
    beside = rows.sort(moment).join_asof(
        said.sort("effective_at"),
        left_on=moment,
        right_on="effective_at",
        by=["product_id", "market"],
        strategy="backward",
        check_sortedness=False,  # both sides are sorted; Polars cannot see it within groups
    )
    on_sale = pl.col("_from").is_null() | (pl.col("_from") <= pl.col(moment))
    had = pl.coalesce("_said", "_usually", pl.lit(value=True)) & on_sale
    return (
        beside.join(usually, on="product_id", how="left")
        .with_columns(had.alias(name))
        .drop("_said", "_usually", "_from", "effective_at", strict=False)
    )
