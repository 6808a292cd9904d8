"""What chances are learned from: purchases, products, and who held which offer when.

A *holding* is one customer's right to one offer. It is described by what was known when it began, so that one
that ended long ago and one that began today are described alike.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

HISTORY_DAYS = 365
"""Days before a holding began that its description looks at."""

HOLDING = ["holding_id", "customer_id", "offer_id", "campaign", "starts_at", "ends_at", "used_at"]
"""Columns of holdings.

`campaign` names those that were given out together, `ends_at` is the first moment of no validity, `used_at`
the first use, null where there was none.
"""

KINDS = ("title", "category", "department", "brand")
"""What products can have in common."""


@dataclass(frozen=True)
class Records:
    """Tables that holdings are described from.

    Attributes:
        lines: `customer_id, order_id, product_id, purchased_at, with_offer` of products bought.
        products: `product_id, title, category, department, brand`, one row each.
        offer_products: `offer_id, product_id`, one row each.
        holdings: all that is known of, with the columns of `HOLDING`, also those to be described.
    """

    lines: pl.DataFrame
    products: pl.DataFrame
    offer_products: pl.DataFrame
    holdings: pl.DataFrame

    def before(self, moment: datetime) -> "Records":
        """What was known just before a moment, the start of a day, of customers who held something by then.

        A use that came later is not known of. Who is given something on the moment's own day counts as well.
        """
        began = pl.col("starts_at") < moment
        used = pl.when(pl.col("used_at") < moment).then("used_at")
        people = self.holdings.filter(pl.col("starts_at") < moment + timedelta(days=1))
        start = moment - timedelta(days=HISTORY_DAYS)
        return Records(
            lines=self.lines.filter(pl.col("purchased_at").is_between(start, moment, closed="left"))
            .join(people, on="customer_id", how="semi")
            .join(self.products, on="product_id", how="left")
            .with_columns(age=age_of(pl.col("purchased_at"), moment)),
            products=self.products,
            offer_products=self.offer_products,
            holdings=self.holdings.filter(began).with_columns(used_at=used),
        )


def age_of(at: pl.Expr, moment: datetime) -> pl.Expr:
    """Days between a moment in a column and a later one."""
    return (pl.lit(moment) - at).dt.total_seconds() / 86_400


def whole(value: pl.Expr) -> pl.Expr:
    """The value in whole 2⁻²⁴ths, so that sums are exact and the order of rows changes nothing (ADR 2)."""
    return (value * 2**24).round() / 2**24
