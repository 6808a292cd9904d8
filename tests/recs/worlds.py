"""Tiny shops whose right answers can be seen by eye."""

from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix

from features.contract import CONTRACTS
from features.interactions import Interactions
from features.steps import build_features
from recs.history import History, bare
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
