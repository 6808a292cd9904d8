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
"""Bought with something the customer bought: the column of that product, and the day they last bought it."""
TOGETHER_UNNAMED = 4
"""The same where that product is sensitive: it is not named."""
ALIKE = 5
"""Bought by customers with similar baskets."""
RHYTHM = 6
"""The customer's own habit, at regular intervals: their days, and the last day."""
CATEGORY = 7
"""A category the customer buys: the column of a product of it, and in how many late baskets it was."""
LOCAL = 8
"""Popular where the customer shops: how many customers bought it there in the last weeks."""
SIMILAR = 9
"""Like something the customer bought: the column of that product, and the day they last bought it."""
SIMILAR_UNNAMED = 10
VIEWED = 11
"""Goes with something the customer looked at: the column of that product, and the day."""
VIEWED_UNNAMED = 12
PICKED = 13
"""Put there by the retailer."""
UNTRIED = 14
"""Nobody bought it yet."""

OFTEN = 3
"""From so many baskets of three months on a category is bought often."""

NAMING = (TOGETHER, SIMILAR, VIEWED, CATEGORY)
"""Codes whose first number is a product, of which the title or the category is told."""


def wording(day: date) -> pl.Expr:
    """The sentence for each row of `code`, `first`, `second`, `title` and `category`.

    Title and category are those of the product that `first` names, for the codes of `NAMING`.

    Args:
        day: the bundle's day; a date in another year is told with its year.
    """
    code, last = pl.col("code"), pl.from_epoch(pl.col("second"), time_unit="d")
    this_year = last.dt.year() == day.year
    on = pl.when(this_year).then(last.dt.strftime("%-d %B")).otherwise(last.dt.strftime("%-d %B %Y"))
    month = pl.when(this_year).then(last.dt.strftime("%B")).otherwise(last.dt.strftime("%B %Y"))
    sentences = {
        BOUGHT: _habit(on),
        POPULAR: _many("One customer bought this", "{} customers bought this"),
        TOGETHER: pl.format("Often bought with {}, which you bought in {}", "title", month),
        TOGETHER_UNNAMED: pl.lit("Often bought with something you buy"),
        ALIKE: pl.lit("Customers with baskets like yours buy this"),
        RHYTHM: pl.format("You buy this about {}, last on {}", _interval(pl.col("first")), on),
        CATEGORY: _category(),
        LOCAL: pl.format("Popular where you shop lately: {} customers", "first"),
        SIMILAR: pl.format("Similar to {}, which you bought in {}", "title", month),
        SIMILAR_UNNAMED: pl.lit("Similar to something you bought"),
        VIEWED: pl.format("Goes with {}, which you looked at on {}", "title", on),
        VIEWED_UNNAMED: pl.lit("Goes with something you looked at"),
        PICKED: pl.lit("Picked by the shop"),
        UNTRIED: pl.lit("Be the first to try this"),
    }
    return pl.coalesce(pl.when(code == key).then(words) for key, words in sentences.items()).alias("reason")


def _habit(on: pl.Expr) -> pl.Expr:
    times = pl.col("first")
    return (
        pl.when(times == 1)
        .then(pl.format("You bought this on {}", on))
        .when(times == 2)
        .then(pl.format("You bought this twice, last on {}", on))
        .otherwise(pl.format("You bought this {} times, last on {}", times, on))
    )


def _category() -> pl.Expr:
    often = pl.col("second") >= OFTEN
    lately = pl.format("You bought {} lately", "category")
    return pl.when(often).then(pl.format("You often buy {}", "category")).otherwise(lately)


def _many(one: str, many: str) -> pl.Expr:
    return pl.when(pl.col("first") == 1).then(pl.lit(one)).otherwise(pl.format(many, "first"))


def _interval(days: pl.Expr) -> pl.Expr:
    """Days as a person would say them: up to ten in days, then in weeks, from two months on in months."""
    weeks, months = (days / 7).round().cast(pl.Int32), (days / 30.4).round().cast(pl.Int32)
    return (
        pl.when(days == 1)
        .then(pl.lit("every day"))
        .when(days == 7)
        .then(pl.lit("every week"))
        .when(days <= 10)
        .then(pl.format("every {} days", days))
        .when(days < 60)
        .then(pl.format("every {} weeks", weeks))
        .otherwise(pl.format("every {} months", months))
    )
