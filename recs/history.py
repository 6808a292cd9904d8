"""What models learn from, as of the end of a day: lines bought, views, and what the shop says of products.

Ids are numbers from here on: `row` for customers, `column` for products, days as days since 1970-01-01. All
of an earlier moment is `history.before(end)`: the same rows and columns, without the lines and views from
`end` on. So a model that is judged on the past, or trains on earlier windows, cannot see what came later.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.interactions import Interactions, from_lines

LINES = {
    "row": pl.Int32(),
    "column": pl.Int32(),
    "order": pl.Int32(),
    "day": pl.Int32(),
    "market": pl.Int32(),
    "quantity": pl.Float32(),
    "unit_minor": pl.Float32(),
}
"""One line bought: `order` numbers baskets, a customer's in the order of their days; `market` is -1 where it
is unknown; `unit_minor` was paid for one unit, null in another currency than most of the product's
lines are in. Sorted by row, day, order and column."""

VIEWS = {"row": pl.Int32(), "column": pl.Int32(), "day": pl.Int32(), "kind": pl.String()}
"""One look at a product: `view`, `cart` or `wishlist`. Sorted by row, day, column and kind."""

CATALOGUE = {
    "product_id": pl.String(),
    "title": pl.String(),
    "category": pl.String(),
    "department": pl.String(),
    "brand": pl.String(),
    "sensitive": pl.Boolean(),
    "consumable": pl.Boolean(),
}
"""One row per column. `title` is the id where nobody named the product; other texts are null where
unknown."""


@dataclass(frozen=True)
class History:
    """Everything a model may learn from.

    Attributes:
        end: the first day that is not seen.
        interactions: counts and weights; the last row is nobody's, any customer who is not known.
        half_life_days: the age in days at which a line counts half in the weights.
        catalogue: `CATALOGUE`, one row per column.
        lines: `LINES`.
        views: `VIEWS`.
    """

    end: int
    interactions: Interactions
    half_life_days: int
    catalogue: pl.DataFrame
    lines: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=LINES))
    views: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=VIEWS))

    @classmethod
    def of(
        cls,
        end: int,
        ids: tuple[pl.Series, pl.DataFrame],
        lines: pl.DataFrame,
        views: pl.DataFrame,
        half_life_days: int,
    ) -> "History":
        """A history from its lines.

        Args:
            end: the first day that is not seen; later lines and views are left out.
            ids: all customers, sorted, and the catalogue, sorted by product.
            lines: `LINES`, sorted.
            views: `VIEWS`, sorted.
            half_life_days: see the attribute.
        """
        customers, catalogue = ids
        known = pl.col("day") < end
        lines, views = lines.filter(known), views.filter(known)
        counted = from_lines(lines, customers, catalogue["product_id"], end, half_life_days)
        return cls(end, counted, half_life_days, catalogue, lines, views)

    def before(self, end: int) -> "History":
        """The same as it looked before the day `end`."""
        ids = (self.interactions.customers, self.catalogue)
        return History.of(end, ids, self.lines, self.views, self.half_life_days)

    @property
    def nobody(self) -> int:
        """The row of the customer nobody knows."""
        return len(self.interactions.customers)

    @property
    def first_day(self) -> int:
        """The day of the first line; `end` where there is none."""
        first = self.lines["day"].min()
        return self.end if first is None else int(first)  # type: ignore[arg-type]

    @cached_property
    def buyers(self) -> NDArray[np.int64]:
        """How many customers bought each product, (I,)."""
        counts = self.interactions.counts
        return np.bincount(counts.indices, minlength=counts.shape[1]).astype(np.int64)

    @cached_property
    def pairs(self) -> pl.DataFrame:
        """One row per customer and product bought, sorted by `row` and `column`.

        `baskets`, `days` (distinct), `first` and `last` day; `gap_median` and `gap_deviation` of the days
        between two purchases (null with fewer than one, or two, of them), `quantity` and `unit_minor` of the
        newest line.
        """
        cell = ("row", "column")
        days = (
            self.lines.lazy()
            .group_by(*cell, "day")
            .agg(
                orders=pl.col("order").n_unique(),
                quantity=pl.col("quantity").last(),
                unit_minor=pl.col("unit_minor").last(),
            )
            .sort(*cell, "day")
        )
        same = (pl.col("row") == pl.col("row").shift()) & (pl.col("column") == pl.col("column").shift())
        gap = pl.when(same).then(pl.col("day") - pl.col("day").shift()).cast(pl.Float64)
        return (
            days.with_columns(gap=gap)
            .group_by(*cell)
            .agg(
                baskets=pl.col("orders").sum().cast(pl.Int32),
                days=pl.len().cast(pl.Int32),
                first=pl.col("day").min(),
                last=pl.col("day").max(),
                gap_median=pl.col("gap").median().cast(pl.Float32),
                _squares=(pl.col("gap") ** 2).sum(),
                quantity=pl.col("quantity").last(),
                unit_minor=pl.col("unit_minor").last(),
            )
            .sort(*cell)
            .with_columns(gap_deviation=_deviation().cast(pl.Float32))
            .drop("_squares")
            .collect()
        )

    def codes(self, name: str) -> NDArray[np.int32]:
        """A text of the catalogue as numbers in the texts' order, (I,); -1 where it is unknown.

        A title that is only the product's id is unknown.
        """
        text = self.catalogue[name]
        if name == "title":
            named = pl.when(pl.col("title") != pl.col("product_id")).then("title")
            text = self.catalogue.select(named)["title"]
        return (text.rank("dense").cast(pl.Int32) - 1).fill_null(-1).to_numpy()

    @property
    def kinds(self) -> NDArray[np.int32]:
        """(I, 2) category and department of each product as numbers, -1 where unknown."""
        return np.stack([self.codes(name) for name in ("category", "department")], axis=1)


def bare(interactions: Interactions, texts: Mapping[str, Mapping[str, str]] | None = None) -> History:
    """A history of counts and weights only, with what `texts` says of products by id."""
    rows = [{"product_id": p} | dict((texts or {}).get(p, {})) for p in interactions.products.to_list()]
    catalogue = pl.DataFrame(rows, schema=CATALOGUE).with_columns(
        pl.coalesce("title", "product_id").alias("title"), pl.col("sensitive").fill_null(False)
    )
    return History(0, interactions, 60, catalogue)


def _deviation() -> pl.Expr:
    """The standard deviation of gaps between days: whole numbers, so their sums are exact in any order."""
    gaps, total = pl.col("days") - 1, pl.col("last") - pl.col("first")
    spread = pl.col("_squares") - total.cast(pl.Float64) ** 2 / gaps
    return pl.when(gaps > 1).then((spread.clip(0) / (gaps - 1)).sqrt())
