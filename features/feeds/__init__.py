"""Feeds: where tables of the feed contract come from.

A feed only says where raw values are and what they are called in the contract; every one of its rows still
passes the wall (`features.wall`).
"""

from dataclasses import dataclass, field

import polars as pl


@dataclass(frozen=True)
class Delivery:
    """What a feed brings.

    Attributes:
        source: which feed, in a few words without personal data.
        tables: raw tables by their name in the feed contract.
        refused: rows the feed itself knows to be no rows of the contract, by table, with a column `reason`.
        notes: what a person should know about this feed.
    """

    source: str
    tables: dict[str, pl.LazyFrame]
    refused: dict[str, pl.LazyFrame] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
