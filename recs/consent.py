"""Whose own purchases and views may shape what they are shown.

A customer who withdrew their `personalisation` consent on any channel is shown what is popular in their
market. Where such consent is required, so is everybody who never gave it.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray


def impersonal(consents: pl.LazyFrame, customers: pl.Series, *, required: bool) -> NDArray[np.bool_]:
    """Which rows get what is popular, (customers + 1,); nobody's, the last, has nothing personal anyway.

    Args:
        consents: `consents` of the feed contract, as seen on the day, customers' own choices among them; the
            latest word of each channel counts.
        customers: ids, sorted.
        required: whether a customer who said nothing is meant too.
    """
    granted = pl.col("granted")
    said = (
        consents.filter(pl.col("purpose") == "personalisation")
        .sort("recorded_at")
        .group_by("customer_id", "channel", maintain_order=True)
        .agg(granted.last())
        .group_by("customer_id")
        .agg(agreed=granted.all())
        .collect()
    )
    agreed = customers.to_frame("customer_id").join(
        said, on="customer_id", how="left", maintain_order="left"
    )["agreed"]
    return np.append(~agreed.fill_null(not required).to_numpy(), False)
