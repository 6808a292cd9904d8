"""Small shops with a known truth, as histories: who buys what, and when, is decided here."""

from collections.abc import Iterable

import numpy as np
import polars as pl

from recs.history import CATALOGUE, LINES, VIEWS, History

END = 17_500
"""The first day that is not seen."""


def history(
    lines: Iterable[tuple[int, int, int]], users: int, items: int, *, end: int = END, categories: int = 0
) -> History:
    """A history of (row, column, day) lines; all lines of a customer's day are one basket.

    With `categories`, product j is of category j modulo that number.
    """
    schema = {"row": pl.Int32, "column": pl.Int32, "day": pl.Int32}
    frame = (
        pl.DataFrame(sorted(lines), schema=schema, orient="row")
        .sort("row", "day", "column")
        .with_columns(
            order=pl.struct("row", "day").rle_id().cast(pl.Int32),
            market=pl.lit(0, pl.Int32),
            quantity=pl.lit(1, pl.Float32),
            unit_minor=pl.lit(100, pl.Float32),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in LINES.items())
    )
    products = [f"p{number:03d}" for number in range(items)]
    texts = {
        "product_id": products,
        "title": products,
        "category": [f"kind{n % categories}" if categories else None for n in range(items)],
        "sensitive": [False] * items,
    }
    catalogue = pl.DataFrame(texts, schema_overrides={"category": pl.String})
    catalogue = catalogue.select(
        (pl.col(name) if name in texts else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in CATALOGUE.items()
    )
    customers = pl.Series("customer_id", [f"c{number:03d}" for number in range(users)])
    return History.of(end, (customers, catalogue), frame, pl.DataFrame(schema=VIEWS), 60)


def rhythms(*, categories: int = 4) -> History:
    """Each customer buys two products of their kind every week and two every seventh week.

    Customers and products are of four kinds; every fourth week a customer tries another one of their kind.
    """
    users, items, days = 240, 48, 200
    random, lines = np.random.default_rng(3), set()
    for row in range(users):
        mine = np.arange(row % 4, items, 4)
        weekly, seldom = np.split(random.choice(mine, 4, replace=False), 2)
        phase = int(random.integers(0, 49))
        for day in range(END - days + row % 7, END, 7):
            lines |= {(row, int(product), day) for product in weekly if random.random() < 0.9}
            if (day + phase) // 7 % 7 == 0:
                lines |= {(row, int(product), day) for product in seldom}
            if (day + phase) // 7 % 4 == 0:
                lines.add((row, int(random.choice(mine)), day))
    return history(lines, users, items, categories=categories)
