"""Shops without a lake, for rules that must hold for any purchases."""

from typing import Any

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix

from recs.availability import Availability
from recs.history import CATALOGUE, LINES, VIEWS, History
from recs.local import Local
from recs.prices import Prices
from recs.shop import Shop
from recs.world import number_of
from tests.recs.worlds import DAY
from warehouse.settings import RecsSettings

TODAY = number_of(DAY)


def history(
    lines: list[tuple[str, str, int]], products: list[dict[str, Any]], half_life: int = 60
) -> History:
    """Lines as (customer, product, days ago), each an order of its own in one market; all `products`."""
    customers = pl.Series(sorted({customer for customer, _, _ in lines}), dtype=pl.String)
    catalogue = pl.DataFrame(products, schema=CATALOGUE).sort("product_id")
    catalogue = catalogue.with_columns(
        pl.coalesce("title", "product_id").alias("title"), pl.col("sensitive").fill_null(value=False)
    )
    places = [{id_: n for n, id_ in enumerate(ids)} for ids in (customers, catalogue["product_id"])]
    rows = sorted((places[0][c], places[1][p], TODAY - ago) for c, p, ago in lines)
    rows.sort(key=lambda line: (line[0], line[2], line[1]))
    frame = pl.DataFrame(
        [
            {
                "row": row,
                "column": column,
                "order": n,
                "day": day,
                "market": 0,
                "quantity": 1,
                "unit_minor": 100,
            }
            for n, (row, column, day) in enumerate(rows)
        ],
        schema=LINES,
    )
    return History.of(TODAY + 1, (customers, catalogue), frame, pl.DataFrame(schema=VIEWS), half_life)


def shop_of(known: History, *, impersonal: set[str] = frozenset(), **settings: Any) -> Shop:
    """A shop of one market that sells everything, without prices."""
    users, items = known.nobody + 1, known.catalogue.height
    customers = known.interactions.customers.to_list()
    unknown = np.full(users, -1, np.int32)
    return Shop.of(
        known,
        RecsSettings(**settings),
        Availability(np.ones(items, np.bool_), (np.empty(0, np.int64),), np.zeros(users, np.int64)),
        Prices((), np.empty(0, np.int32), unknown, csr_matrix((0, items)), np.empty((0, items))),
        np.array([*(c in impersonal for c in customers), False]),
        Local.of(np.zeros(users, np.int32)).fit(known),
        pl.Series([*(["default"] * (users - 1)), None], dtype=pl.String),
    )
