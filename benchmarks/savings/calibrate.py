"""What the simulator's constants were measured as, on the Complete Journey.

    python -m benchmarks.savings.calibrate

Prints JSON; `features/simulator/calibration.py` holds the same numbers, rounded.
"""

import json

import numpy as np
import polars as pl

from features.feeds.complete_journey import read_complete_journey

TOP = (1_000, 10_000)
"""Between these ranks the popularity of products is fitted."""


def measure(lines: pl.DataFrame, prices: pl.DataFrame) -> dict[str, float]:
    """The constants, from lines with text columns of the feed contract and list prices."""
    baskets = lines.group_by("customer_id", "order_id").agg(size=pl.len())
    each = baskets.group_by("customer_id").agg(visits=pl.len())["visits"].to_numpy()
    sizes = baskets["size"].to_numpy()
    ranked = lines["product_id"].value_counts(sort=True)["count"].to_numpy()
    rank = np.arange(1, len(ranked) + 1)
    window = (rank >= TOP[0]) & (rank <= TOP[1])
    slope = np.polyfit(np.log(rank[window]), np.log(ranked[window]), 1)[0]
    head = np.polyfit(np.log(rank[: TOP[0]]), np.log(ranked[: TOP[0]]), 1)[0]
    price = np.log(prices["price"].cast(pl.Float64).to_numpy())
    quantity = lines["quantity"].cast(pl.Float64)
    return {
        "households": len(each),
        "baskets a household and year, mean": each.mean(),
        "baskets a household and year, sigma of the log": np.log(each).std(),
        "lines a basket, mean": sizes.mean(),
        "lines a basket, mean of the log": np.log(sizes).mean(),
        "lines a basket, sigma of the log": np.log(sizes).std(),
        "popularity, exponent of the first 1,000 products": -head,
        "popularity, exponent of ranks 1,000 to 10,000": -slope,
        "share of lines with more than one unit": (quantity > 1).mean() or 0.0,
        "list price, mean of the log": price.mean(),
        "list price, sigma of the log": price.std(),
    }


def main() -> None:
    """Measures and prints."""
    tables = read_complete_journey().tables
    lines = tables["purchases"].select("customer_id", "order_id", "product_id", "quantity").collect()
    kept = lines.filter(pl.col("quantity").cast(pl.Float64) > 0)
    prices = tables["prices"].select("product_id", "price").group_by("product_id").agg(pl.col("price").last())
    found = measure(kept, prices.collect().filter(pl.col("price").cast(pl.Float64) > 0))
    print(json.dumps({name: round(float(value), 3) for name, value in found.items()}, indent=1))


if __name__ == "__main__":
    main()
