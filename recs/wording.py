"""Why a product stands in a slate: a code and two whole numbers on disk, words where a person reads them.

The storefront reads these without loading a model; `recs.reasons` finds them.
"""

from datetime import date

import polars as pl

NOTHING = 0
BOUGHT = 1
"""The customer's own habit: baskets, and the last day as days since 1970-01-01."""
POPULAR = 2
"""Popularity: how many customers bought it."""
TOGETHER = 3
"""Bought with something the customer bought: the column of that product."""
TOGETHER_UNNAMED = 4
"""The same where that product is sensitive: it is not named."""
ALIKE = 5
"""Bought by customers with similar baskets."""


def wording(day: date) -> pl.Expr:
    """The sentence for each row of `code`, `first`, `second` and `title` (of the product `first` names).

    Args:
        day: the bundle's day; a date in another year is told with its year.
    """
    code, first = pl.col("code"), pl.col("first")
    last = pl.from_epoch(pl.col("second"), time_unit="d")
    this_year = last.dt.year() == day.year
    on = pl.when(this_year).then(last.dt.strftime("%-d %B")).otherwise(last.dt.strftime("%-d %B %Y"))
    return (
        pl.when((code == BOUGHT) & (first == 1))
        .then(pl.format("You bought this on {}", on))
        .when((code == BOUGHT) & (first == 2))
        .then(pl.format("You bought this twice, last on {}", on))
        .when(code == BOUGHT)
        .then(pl.format("You bought this {} times, last on {}", first, on))
        .when((code == POPULAR) & (first == 1))
        .then(pl.lit("One customer bought this"))
        .when(code == POPULAR)
        .then(pl.format("{} customers bought this", first))
        .when(code == TOGETHER)
        .then(pl.format("Customers who buy {} often buy this", "title"))
        .when(code == TOGETHER_UNNAMED)
        .then(pl.lit("Often bought with something you buy"))
        .when(code == ALIKE)
        .then(pl.lit("Customers with baskets like yours buy this"))
        .alias("reason")
    )
