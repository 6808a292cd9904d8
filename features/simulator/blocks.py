"""Writes what belongs to customers, a block of them at a time: memory does not grow with their number."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from features.simulator import people
from features.simulator.catalogue import MARKETS, Catalogue
from features.simulator.crowd import Block, most_orders, purchases
from features.simulator.ids import Ids
from features.simulator.nights import Nights
from features.simulator.sets import Plants
from features.simulator.tables import NIGHT, columns
from features.simulator.writing import Feeds

BLOCK = 20_000
"""Customers that are made at once."""


@dataclass(frozen=True)
class Retailer:
    """Everything that blocks are made from.

    Attributes:
        customers: how many.
        seed: where chance begins.
        activity: how often the crowd shops.
        nights: which ones.
        ids: of this retailer.
        plants: the planted cases.
        catalogue: what the crowd buys.
    """

    customers: int
    seed: int
    activity: float
    nights: Nights
    ids: Ids
    plants: Plants
    catalogue: Catalogue

    @property
    def parts(self) -> int:
        """How many blocks there are."""
        return -(-self.customers // BLOCK)

    def blocks(self) -> Iterator[Block]:
        """The customers, block after block; plants have the first numbers, which no id tells."""
        for part, start in enumerate(range(0, self.customers, BLOCK)):
            number = np.arange(start, min(start + BLOCK, self.customers))
            chance = np.random.default_rng([self.seed, 4, part])
            stranger = number >= self.plants.taken("customer")
            market = chance.choice(len(MARKETS), len(number), p=[0.5, 0.3, 0.2])
            member = stranger & (chance.random(len(number)) < people.MEMBERS)
            shops = ~self.plants.is_quiet(pl.Series(number)).to_numpy()
            orders = self.plants.taken("order") + most_orders(start)
            yield Block(number, np.where(stranger, market, 0), shops, member, orders, chance)

    def strangers(self, block: Block) -> Block:
        """The customers of a block who are no plants."""
        which = block.number >= self.plants.taken("customer")
        chosen = (block.number[which], block.market[which], block.shops[which], block.member[which])
        return Block(*chosen, block.order_start, block.chance)


def write_people(retailer: Retailer, feeds: Feeds, say: Callable[[str], None]) -> None:
    """Writes large tables a block at a time, small ones at the end."""
    kept: dict[str, list[pl.DataFrame]] = {}
    for part, block in enumerate(retailer.blocks()):
        say(f"customers from {int(block.number[0]):,} of {retailer.customers:,}")
        large, small = _made(retailer, block)
        for table, rows in large.items():
            feeds.write(table, joined(retailer.plants, table, [rows], part, retailer.parts), part)
        for table, rows in small.items():
            kept.setdefault(table, []).append(filled(table, rows))
        _write_customers(retailer, block, feeds, part)
    for table, frames in kept.items():
        feeds.write(table, joined(retailer.plants, table, frames))


def _made(retailer: Retailer, block: Block) -> tuple[dict[str, pl.DataFrame], dict[str, pl.DataFrame]]:
    """What the crowd of a block did, in tables that are large and in those that are small."""
    plants, nights, ids = retailer.plants, retailer.nights, retailer.ids
    large = purchases(block, retailer.catalogue, nights, ids, retailer.activity)
    strangers, first = retailer.strangers(block), int(block.number[0])
    large["views"] = people.views(strangers, retailer.catalogue, nights, ids)
    entitlement = plants.taken("entitlement") + people.RIGHTS_EACH * first
    small = people.rights(strangers, plants.taken("offer"), entitlement, nights, ids)
    small["incidents"] = people.incidents(strangers, plants.taken("incident") + first, nights, ids)
    return large, small


def _write_customers(retailer: Retailer, block: Block, feeds: Feeds, part: int) -> None:
    ids, seed, nights = retailer.ids, retailer.seed, retailer.nights
    strangers = retailer.strangers(block)
    market = pl.Series(MARKETS).gather(strangers.market)
    crowd = people.described(strangers.number, ids, seed, nights).with_columns(market=market)
    known = retailer.plants.numbered("customers").filter(
        pl.col("number").is_between(int(block.number[0]), int(block.number[-1]))
    )
    planted = people.described(known["number"].to_numpy(), ids, seed, nights).with_columns(
        agrees=pl.lit(value=True)
    )
    planted = planted.join(known.drop("customer_id"), on="number", maintain_order="left")
    everybody = pl.concat([crowd, planted], how="diagonal")
    feeds.write("customers", filled("customers", everybody), part)
    feeds.write("consents", filled("consents", people.consents(everybody)), part)


def joined(
    plants: Plants, table: str, frames: list[pl.DataFrame], part: int = 0, parts: int = 1
) -> pl.DataFrame:
    """The crowd's rows and those of the plants, of which each part gets its share."""
    found = [filled(table, frame) for frame in frames]
    if table in plants.tables():
        planted = plants.rows(table)
        if parts > 1:
            planted = planted.filter(pl.int_range(pl.len()) % parts == part)
        found.append(planted)
    return pl.concat(found, how="diagonal").with_columns(_night(found))


def _night(found: list[pl.DataFrame]) -> pl.Expr:
    named = any(NIGHT in frame.columns for frame in found)
    return (pl.col(NIGHT).fill_null(0) if named else pl.lit(0, dtype=pl.Int64)).alias(NIGHT)


def filled(table: str, rows: pl.DataFrame) -> pl.DataFrame:
    """The raw columns of a table, with those that are missing empty."""
    return rows.select(
        pl.col(name).cast(dtype) if name in rows.columns else pl.lit(None, dtype=dtype).alias(name)
        for name, dtype in columns(table).items()
    )
