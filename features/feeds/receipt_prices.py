"""List prices from what was paid, for a shop whose prices fall with quantity and that keeps no list.

Why these conditions, and why these numbers: docs/decisions/0015.
"""

import polars as pl

FEW_UNITS = 3
"""Lines of at most so many units carry the price of one: rebates for quantity begin above."""

PERSISTS_DAYS = 14
"""So long, from its first day to its last so far, a price has to last. An offer of a week does not."""

BUYERS = 3
"""So many customers have to have paid it in that time."""


def list_prices(lines: pl.LazyFrame) -> pl.LazyFrame:
    """List prices that receipts of few units bear out, on each day they are borne out anew.

    The price of a product and day is the one that most customers paid on lines of few units; of two, the
    dearer. It is a list price once it was the price of every day the product was so bought, for at least
    `PERSISTS_DAYS` days and `BUYERS` customers. Until then the list price before it stays in force.

    Args:
        lines: `customer_id`, `product_id`, `quantity`, `unit_price` (decimals), `day` (a date) and `at`, the
            line's moment in whatever form the feed has it, later ones greater.

    Returns:
        `product_id`, `price` and `effective_at`, the moment of the day's last such line: nothing that makes
        the price true lies after it.
    """
    few = lines.filter(pl.col("quantity") <= FEW_UNITS)
    of_day = ["product_id", "day"]
    days = (
        few.group_by(*of_day, "unit_price")
        .agg(buyers=pl.col("customer_id").n_unique(), at=pl.col("at").max())
        .group_by(of_day)
        .agg(
            price=pl.col("unit_price").sort_by("buyers", "unit_price").last(),
            effective_at=pl.col("at").max(),
        )
        .sort(of_day)
        .with_columns(run=pl.col("price").rle_id().over("product_id"))
    )
    run = ["product_id", "run"]
    new_buyers = (
        few.join(days, left_on=[*of_day, "unit_price"], right_on=[*of_day, "price"])
        .group_by(*run, "customer_id")
        .agg(day=pl.col("day").min())
        .group_by(*run, "day")
        .agg(new=pl.len())
    )
    lasted = pl.col("day") - pl.col("day").min().over(run)
    return (
        days.join(new_buyers, on=[*run, "day"], how="left")
        .sort(of_day)
        .filter(
            pl.col("new").fill_null(0).cum_sum().over(run) >= BUYERS,
            lasted >= pl.duration(days=PERSISTS_DAYS),
        )
        .select("product_id", "price", "effective_at")
    )
