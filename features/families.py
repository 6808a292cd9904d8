"""The purchase features, one row per customer, per product and per customer × product.

All are as of the end of a UTC day. Counts are whole; `weight` is the decayed number of lines: a line
counts ½ after `features.half_life_days`. `days` is the number of distinct UTC days with a purchase,
`gap_days` the mean number of days between two of them (null with one), `due_at` the last purchase plus
that gap. `spend_minor` and `paid_minor` (the mean price per unit) are in `currency`, that of the newest
purchase; lines in other currencies do not count towards them.
"""

import dataframely as dy


def _moment(*, nullable: bool = False) -> dy.Datetime:
    return dy.Datetime(nullable=nullable, time_zone="UTC", time_unit="us")


def _number(*, nullable: bool = False) -> dy.Float64:
    return dy.Float64(nullable=nullable, min=0)


class PurchaseFeatures(dy.Schema):
    """What every family knows of the lines it counts."""

    lines = dy.Int64(min=1)
    baskets = dy.Int64(min=1)
    quantity = _number()
    currency = dy.String()
    spend_minor = dy.Int64(min=0)
    first_at = _moment()
    last_at = _moment()
    recency_days = _number()
    weight = _number()
    gap_days = _number(nullable=True)


class CustomerFeatures(PurchaseFeatures):
    """What is known of a customer from buying; `market` is that of their newest order."""

    customer_id = dy.String(primary_key=True)
    market = dy.String()
    days = dy.Int64(min=1)
    products = dy.Int64(min=1)
    due_at = _moment(nullable=True)


class ProductFeatures(PurchaseFeatures):
    """What is known of a product from being bought.

    `customers_again` counts customers who bought it on two days or more; `gap_days` is the mean of theirs.
    """

    product_id = dy.String(primary_key=True)
    customers = dy.Int64(min=1)
    customers_again = dy.Int64(min=0)
    paid_minor = _number(nullable=True)


class CustomerProductFeatures(PurchaseFeatures):
    """What is known of a customer and a product they bought, sorted by customer and product."""

    customer_id = dy.String(primary_key=True)
    product_id = dy.String(primary_key=True)
    days = dy.Int64(min=1)
    paid_minor = _number(nullable=True)
    due_at = _moment(nullable=True)
