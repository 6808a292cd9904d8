"""Events as a run for a day may see them: what happened before the day's end, and nothing later."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from features.contract import CONTRACTS
from warehouse import clock
from warehouse.lake import Lake


def seen(lake: Lake, name: str, day: date, known: Sequence[str] = ()) -> pl.LazyFrame:
    """The newest rows of a table of the feed contract, as they looked at the end of `day`.

    Args:
        lake: the home's.
        name: of the table.
        day: the day.
        known: columns of which to say whether the feed had them; see `Lake.scan`.
    """
    return lake.scan(CONTRACTS[name].table, before=clock.end_of(day), known=known)


def bought(lake: Lake, day: date) -> pl.LazyFrame:
    """Lines of products (neither shipping nor fees) bought before the end of `day`."""
    return seen(lake, "purchases", day).filter(pl.col("kind") == "product")


def kept(lake: Lake, day: date) -> pl.LazyFrame:
    """Lines of products with `kept_quantity`: units not returned by the end of `day` (never below 0)."""
    return with_kept_quantity(bought(lake, day), seen(lake, "returns", day))


def with_kept_quantity(lines: pl.LazyFrame, returns: pl.LazyFrame) -> pl.LazyFrame:
    """Lines with `kept_quantity`, what was bought less what came back.

    Dated returns and the undated `returned_quantity` are two ways to say the same; where both are given,
    the larger counts.
    """
    returned = returns.group_by("order_id", "line_id").agg(_dated=pl.col("quantity").sum())
    back = pl.max_horizontal(pl.col("_dated"), pl.col("returned_quantity")).fill_null(0)
    left = (pl.col("quantity") - back).clip(lower_bound=0).cast(pl.Decimal(18, 6))
    joined = lines.join(returned, on=["order_id", "line_id"], how="left")
    return joined.with_columns(kept_quantity=left).drop("_dated")
