"""Published slates as rows, for people and for other systems."""

from collections.abc import Iterator
from datetime import date

import numpy as np
import polars as pl

from recs import registry
from recs.bundle import ARRAYS, SLATES, Bundle
from recs.naming import reasons
from recs.streaming import streamed
from warehouse.settings import Settings

CHUNK = 2048
"""Customers turned into rows at once; 150 rows each at the default depth."""

SCHEMA = {
    "customer_id": pl.String(),
    "slate": pl.String(),
    "rank": pl.Int32(),
    "product_id": pl.String(),
    "score": pl.Float32(),
    "reason": pl.String(),
    "bundle_id": pl.String(),
}


def recommendations(settings: Settings, day: date) -> pl.LazyFrame:
    """Every position of every slate of every customer in the bundle of `day`, by customer, slate and rank.

    Rows are made as they are read, a few thousand customers at a time.

    Raises:
        NotFoundError: there is no bundle for that day, or its folder is gone.
    """
    bundle = Bundle.open(settings, registry.of_day(settings, day))

    def pieces() -> Iterator[pl.DataFrame]:
        for start in range(0, len(bundle.customers), CHUNK):
            yield chunk(bundle, start, min(start + CHUNK, len(bundle.customers)))

    return streamed(pieces, SCHEMA)


def chunk(bundle: Bundle, start: int, stop: int) -> pl.DataFrame:
    """The rows of a range of customers."""
    together = {
        name: np.stack([bundle.slates[slate][name][start:stop] for slate in SLATES], axis=1)
        for name in ARRAYS
    }
    living = bundle.living[start:stop, None, None]
    who, which, rank = np.nonzero((together["items"] >= 0) & living)
    items, codes, facts = (together[name][who, which, rank] for name in ("items", "codes", "facts"))
    ids = pl.Series(np.char.decode(np.asarray(bundle.customers[start:stop]), "utf-8"), dtype=pl.String)
    return pl.DataFrame(
        {
            "customer_id": ids.gather(who),
            "slate": pl.Series(SLATES).gather(which),
            "rank": (rank + 1).astype(np.int32),
            "product_id": bundle.products.gather(items),
            "score": together["scores"][who, which, rank],
            "reason": reasons(bundle, codes, facts),
            "bundle_id": pl.repeat(bundle.bundle_id, len(who), eager=True),
        },
        schema=SCHEMA,
    )
