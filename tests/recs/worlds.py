"""Tiny shops whose right answers can be seen by eye."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix

from features.contract import CONTRACTS
from features.interactions import Interactions
from features.steps import build_features
from recs.history import CATALOGUE, LINES, VIEWS, History, bare
from warehouse.lake import Lake
from warehouse.settings import Settings

DAY = date(2017, 11, 30)
IMPORTED = datetime(2018, 1, 1, tzinfo=UTC)


def history(bought: dict[str, dict[str, float]]) -> History:
    """Who bought what, with the decayed number of lines, and a last row for nobody."""
    customers, products = sorted(bought), sorted({p for basket in bought.values() for p in basket})
    weights = csr_matrix(
        [[bought.get(c, {}).get(p, 0) for p in products] for c in [*customers, ""]], dtype=np.float32
    )
    counts = csr_matrix((np.ceil(weights.data), weights.indices, weights.indptr), shape=weights.shape)
    return bare(
        Interactions(
            pl.Series(customers, dtype=pl.String), pl.Series(products, dtype=pl.String), counts, weights
        )
    )


def dated(
    lines: Iterable[tuple[str, ...]],
    *,
    end: str,
    views: Iterable[tuple[str, str, str, str]] = (),
    texts: Mapping[str, Mapping[str, str]] | None = None,
) -> History:
    """A history of days.

    Args:
        lines: customer, product, day, and perhaps market; each a unit for 1.00 in a basket of its own.
        end: the first day that is not seen.
        views: customer, product, day and kind.
        texts: what the catalogue says, by product; those nobody bought or saw are in it, too.
    """
    bought = pl.DataFrame(
        [(*line, "default")[:4] for line in lines],
        schema=["customer", "product", "day", "market"],
        orient="row",
    ).cast(pl.String)
    seen = pl.DataFrame(list(views), schema=["customer", "product", "day", "kind"], orient="row").cast(
        pl.String
    )
    both = pl.concat([bought.select("customer", "product"), seen.select("customer", "product")])
    products = sorted({*both["product"], *(texts or {})})
    customers = both["customer"].unique().sort()
    vocabularies = {"customer": customers, "product": pl.Series(products, dtype=pl.String)}
    vocabularies["market"] = bought["market"].unique().sort()

    def number(name: str) -> pl.Expr:
        return pl.col(name).cast(pl.Enum(vocabularies[name])).to_physical().cast(pl.Int32)

    day = pl.col("day").str.to_date().cast(pl.Int32)
    numbered = {"row": number("customer"), "column": number("product"), "day": day}
    found = (
        bought.select(**numbered, market=number("market"), quantity=1.0, unit_minor=100.0)
        .sort("row", "day", "column")
        .with_row_index("order")
        .select(pl.col(name).cast(dtype) for name, dtype in LINES.items())
    )
    looks = seen.select(**numbered, kind="kind").sort("row", "day", "column", "kind")
    catalogue = described(products, texts)
    return History.of(day_number(end), (customers, catalogue), found, looks.select(list(VIEWS)), 60)


def described(products: list[str], texts: Mapping[str, Mapping[str, str]] | None) -> pl.DataFrame:
    """A catalogue of products with what is said of them."""
    rows = [{"product_id": product} | dict((texts or {}).get(product, {})) for product in products]
    return pl.DataFrame(rows, schema=CATALOGUE).with_columns(
        pl.coalesce("title", "product_id").alias("title"), pl.col("sensitive").fill_null(False)
    )


def day_number(day: str) -> int:
    """A day as days since 1970-01-01."""
    return (date.fromisoformat(day) - date(1970, 1, 1)).days


# Bakers buy bread, butter and jam; cat people buy litter, treats and toys; everyone buys milk, and Ann and
# Dan have not yet bought all that their kind buys.
TOWN = {
    "ann": {"bread": 5, "butter": 1, "milk": 2},
    "ben": {"bread": 2, "butter": 2, "jam": 2, "milk": 1},
    "cleo": {"bread": 1, "butter": 1, "jam": 3, "milk": 1},
    "carl": {"bread": 1, "butter": 1, "jam": 1, "milk": 1},
    "dan": {"litter": 4, "milk": 1, "treats": 1},
    "eve": {"litter": 1, "milk": 1, "toys": 2, "treats": 1},
    "fay": {"litter": 2, "milk": 1, "toys": 1, "treats": 3},
    "gus": {"litter": 1, "milk": 3, "toys": 1, "treats": 1},
}


def town() -> History:
    """`TOWN` by name, and after its customers a row of nobody."""
    return history(TOWN)


def dated_town() -> History:
    """The same town by day, on all that a model may know: days, two markets, looks and descriptions.

    Each customer bought each of their products on the last day, and as often as `TOWN` says in the weeks
    before it.
    """
    last = date(2017, 11, 30)
    lines, looks = [], []
    for customer, basket in TOWN.items():
        for product, times in basket.items():
            lines += [
                (
                    customer,
                    product,
                    str(last - timedelta(days=7 * week)),
                    "north" if "bread" in basket else "south",
                )
                for week in range(times)
            ]
            looks.append((customer, product, str(last), "view"))
    kinds = {"bread": "bakery", "butter": "bakery", "jam": "bakery", "milk": "dairy"}
    texts = {
        p: {"title": f"{p} 1", "category": kinds.get(p, "cats")} for basket in TOWN.values() for p in basket
    }
    return dated(lines, end="2017-12-01", views=looks, texts=texts)


def purchase(customer: str, product: str, when: str, **more: Any) -> dict[str, Any]:
    """One order of one unit for 1.00."""
    line = {"customer_id": customer, "product_id": product, "purchased_at": _at(when), "line_id": "1"}
    price = {"quantity": 1, "line_total_minor": 100, "currency": "EUR"}
    return line | price | {"kind": "product", "market": "default"} | more


def fill(settings: Settings, *, day: date = DAY, **tables: list[dict[str, Any]]) -> None:
    """Puts rows into the lake as one import, missing columns being unknown, and builds the day's features."""
    frames = {}
    for name, rows in tables.items():
        table = CONTRACTS[name].table
        frame = pl.DataFrame(rows, infer_schema_length=None)
        if name == "purchases" and "order_id" not in frame.columns:
            frame = frame.with_row_index("order_id")
        columns = [
            (pl.col(column) if column in frame.columns else pl.lit(None)).cast(dtype).alias(column)
            for column, dtype in table.schema.items()
        ]
        frames[table] = frame.select(columns)
    Lake.of(settings).append(frames, imported_at=IMPORTED, source="test")
    build_features(settings, day)


def _at(when: str) -> datetime:
    return datetime.fromisoformat(when).replace(tzinfo=UTC)


def together(
    baskets: Iterable[tuple[str, ...]], texts: Mapping[str, Mapping[str, str]] | None = None
) -> History:
    """A history of baskets, each of a customer of its own and one day ago."""
    orders = list(baskets)
    products = sorted({product for basket in orders for product in basket} | set(texts or {}))
    rows = [
        {
            "row": n,
            "column": products.index(p),
            "order": n,
            "day": 0,
            "market": 0,
            "quantity": 1,
            "unit_minor": 100,
        }
        for n, basket in enumerate(orders)
        for p in sorted(basket)
    ]
    customers = pl.Series([f"c{n:03d}" for n in range(len(orders))], dtype=pl.String)
    lines = pl.DataFrame(rows, schema=LINES)
    return History.of(1, (customers, described(products, texts)), lines, pl.DataFrame(schema=VIEWS), 60)
