"""Prices as spells: each from its beginning until the next one of its kind begins, or until its own end."""

import polars as pl

SAME = ["product_id", "market", "currency"]
"""What prices must share to be compared."""


def spells(prices: pl.LazyFrame, kind: str) -> pl.LazyFrame:
    """Prices of one kind by product, market and currency, each ending where the next one begins.

    Returns:
        `SAME, effective_at, until, price`, sorted by time; `until` is null where it goes on. A price of 0 is
        kept, for it ends the one before it; `stated` drops it.
    """
    following = pl.col("effective_at").shift(-1).over(SAME, order_by="effective_at")
    return (
        prices.filter(pl.col("kind") == kind)
        .select(*SAME, "effective_at", "price", until=pl.min_horizontal("ends_at", following))
        .sort("effective_at", *SAME)
        .set_sorted("effective_at")
    )


def stated(prices: pl.LazyFrame) -> pl.LazyFrame:
    """Spells with a price."""
    return prices.filter(pl.col("price") > 0)


def falling(prices: pl.LazyFrame) -> pl.LazyFrame:
    """Spells after which a lower price began, at whatever time.

    Returns:
        the spells and `next_from`, when the first price after them began.
    """
    later = {
        "next_from": pl.col("effective_at").shift(-1),
        "_lowest": pl.col("price").cum_min(reverse=True).shift(-1),
    }
    return (
        stated(prices)
        .with_columns(value.over(SAME, order_by="effective_at").alias(name) for name, value in later.items())
        .filter(pl.col("_lowest") < pl.col("price"))
        .drop("_lowest")
    )
