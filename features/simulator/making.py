"""Makes a simulated retailer, a block of customers at a time."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

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
from warehouse.errors import AdvocateError

SET = 1_000
"""One set of all plants stands among so many customers."""

BLOCK = 20_000
"""Customers that are made at once."""

FIRST = date(2025, 6, 30)


@dataclass(frozen=True)
class Plan:
    """What to simulate.

    Attributes:
        customers: how many, planted ones among them.
        seed: where chance begins; the same seed gives the same bytes.
        first: the day of the first night.
        nights: how many, one a day, 1 to 3.
        each: customers per set of plants: one for so many that were begun; 0: no plants.
        activity: how often the crowd shops, where 1 is as often as the households of the Complete Journey, who
            are frequent shoppers.
    """

    customers: int
    seed: int = 0
    first: date = FIRST
    nights: int = 3
    each: int = SET
    activity: float = 0.25


@dataclass(frozen=True)
class Simulated:
    """What was made.

    Attributes:
        folder: where.
        nights: the day of each night and the folders to import before it.
        rows: rows written, by folder and table.
        planted: cases and look-alikes in the truth, by night and kind.
    """

    folder: Path
    nights: list[dict[str, Any]]
    rows: dict[str, dict[str, int]]
    planted: list[dict[str, Any]]


def simulate(plan: Plan, out: Path, *, say: Callable[[str], None] = lambda _: None) -> Simulated:
    """Writes `out/feed/…`, `out/truth.parquet` and `out/about.json`; all of it appears at once, or nothing.

    Args:
        plan: what.
        out: a folder that is not there yet, or holds nothing.
        say: is told what is being made.

    Raises:
        AdvocateError: the plan makes no sense, or something is in the folder already.
    """
    nights, ids = Nights(plan.first, plan.nights), Ids(plan.seed)
    sets = -(-plan.customers // plan.each) if plan.each else 0
    plants = Plants.of(nights, sets, ids)
    _refuse(plan, plants, out)
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    feeds = Feeds(partial / "feed", nights)
    say("customers and products")
    catalogue = Catalogue.of(_products(plan), plants.taken("product"), nights, plan.seed)
    _write_things(plants, catalogue, feeds, ids)
    _write_people(plan, plants, catalogue, feeds, ids, say)
    truth = plants.truth(nights.days())
    truth.write_parquet(partial / "truth.parquet")
    made = _summary(plan, out, feeds, truth)
    (partial / "about.json").write_text(json.dumps(asdict(made) | asdict(plan), indent=1, default=str) + "\n")
    if out.exists():
        out.rmdir()
    partial.rename(out)
    return made


def _refuse(plan: Plan, plants: Plants, out: Path) -> None:
    needed = plants.taken("customer")
    if not 1 <= plan.nights <= 3:
        raise AdvocateError(f"{plan.nights} nights cannot be simulated; take 1, 2 or 3")
    if plan.customers < max(needed, 1):
        raise AdvocateError(
            f"{plan.customers} customers are too few: the plants alone are {needed}; take more customers, or "
            "fewer plants (--each)"
        )
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise AdvocateError(f"{out} is there already; name a new folder, or remove it first")


def _products(plan: Plan) -> int:
    return min(60_000, 2_000 + plan.customers // 10)


def _write_things(plants: Plants, catalogue: Catalogue, feeds: Feeds, ids: Ids) -> None:
    """Products and what is known of them, and offers: everything that is nobody's."""
    products = pl.concat([plants.numbered("products"), catalogue.table(ids)], how="diagonal")
    word = ids.word(pl.col("title_number"))
    title = pl.concat_str(["brand", word, "package_size"], separator=" ", ignore_nulls=True)
    feeds.write("products", _filled("products", products.with_columns(title=title, sensitive=pl.lit(value=False))))
    crowds = {
        "prices": catalogue.prices(ids, feeds.nights),
        "availability": catalogue.availability(ids, feeds.nights),
        **people.offers(plants.taken("offer"), catalogue, ids),
    }
    for table, rows in crowds.items():
        feeds.write(table, _joined(plants, table, [rows]))


def _write_people(
    plan: Plan, plants: Plants, catalogue: Catalogue, feeds: Feeds, ids: Ids, say: Callable[[str], None]
) -> None:
    """Everything that is somebody's: large tables a block at a time, small ones at the end."""
    kept: dict[str, list[pl.DataFrame]] = {}
    for part, block in enumerate(_blocks(plan, plants)):
        say(f"customers from {int(block.number[0]):,} of {plan.customers:,}")
        large = purchases(block, catalogue, feeds.nights, ids, plan.activity)
        strangers = _strangers(block, plants)
        large["views"] = people.views(strangers, catalogue, feeds.nights, ids)
        for table, rows in large.items():
            feeds.write(table, _joined(plants, table, [rows], part, -(-plan.customers // BLOCK)), part)
        first = int(block.number[0])
        small = people.rights(strangers, plants.taken("offer"), plants.taken("entitlement") + 3 * first, feeds.nights, ids)
        small["incidents"] = people.incidents(strangers, plants.taken("incident") + first, feeds.nights, ids)
        for table, rows in small.items():
            kept.setdefault(table, []).append(_filled(table, rows))
        _write_customers(plan, plants, block, feeds, ids, part)
    for table, frames in kept.items():
        feeds.write(table, _joined(plants, table, frames))


def _write_customers(plan: Plan, plants: Plants, block: Block, feeds: Feeds, ids: Ids, part: int) -> None:
    strangers = _strangers(block, plants)
    market = pl.Series(MARKETS).gather(strangers.market)
    crowd = people.described(strangers.number, 0.8, ids, plan.seed, feeds.nights).with_columns(market=market)
    known = plants.numbered("customers").filter(pl.col("number").is_in(pl.Series(block.number).implode()))
    numbers = known["number"].to_numpy()
    planted = people.described(numbers, 1.1, ids, plan.seed, feeds.nights).join(
        known.drop("customer_id"), on="number", maintain_order="left"
    )
    everybody = pl.concat([crowd, planted], how="diagonal")
    feeds.write("customers", _filled("customers", everybody), part)
    feeds.write("consents", _filled("consents", people.consents(everybody)), part)


def _blocks(plan: Plan, plants: Plants) -> Iterator[Block]:
    for part, start in enumerate(range(0, plan.customers, BLOCK)):
        number = np.arange(start, min(start + BLOCK, plan.customers))
        chance = np.random.default_rng([plan.seed, 4, part])
        stranger = number >= plants.taken("customer")
        market = np.where(stranger, chance.choice(len(MARKETS), len(number), p=[0.5, 0.3, 0.2]), 0)
        member = stranger & (chance.random(len(number)) < people.MEMBERS)
        shops = ~plants.is_quiet(pl.Series(number)).to_numpy()
        orders = plants.taken("order") + most_orders(start)
        yield Block(number, market, shops, member, orders, chance)


def _strangers(block: Block, plants: Plants) -> Block:
    """The customers of a block who are no plants."""
    which = block.number >= plants.taken("customer")
    chosen = (block.number[which], block.market[which], block.shops[which], block.member[which])
    return Block(*chosen, block.order_start, block.chance)


def _joined(
    plants: Plants, table: str, frames: list[pl.DataFrame], part: int = 0, parts: int = 1
) -> pl.DataFrame:
    """The crowd's rows and those of the plants, of which each part gets its share."""
    found = [_filled(table, frame) for frame in frames]
    if table in plants.tables():
        planted = plants.rows(table)
        if parts > 1:
            planted = planted.filter(pl.int_range(pl.len()) % parts == part)
        found.append(planted)
    return pl.concat(found, how="diagonal").with_columns(_night(found))


def _night(found: list[pl.DataFrame]) -> pl.Expr:
    named = any(NIGHT in frame.columns for frame in found)
    return (pl.col(NIGHT).fill_null(0) if named else pl.lit(0, dtype=pl.Int64)).alias(NIGHT)


def _filled(table: str, rows: pl.DataFrame) -> pl.DataFrame:
    """The raw columns of a table, with those that are missing empty."""
    return rows.select(
        pl.col(name).cast(dtype) if name in rows.columns else pl.lit(None, dtype=dtype).alias(name)
        for name, dtype in columns(table).items()
    )


def _summary(plan: Plan, out: Path, feeds: Feeds, truth: pl.DataFrame) -> Simulated:
    nights = [
        {"day": day, "imports": [f"feed/{name}" for name in feeds.imports(night)]}
        for night, day in enumerate(feeds.nights.days(), 1)
    ]
    counted = truth.group_by("night", "kind").agg(
        cases=pl.col("expected").sum(), look_alikes=(~pl.col("expected")).sum()
    )
    assert plan.nights == len(nights)
    return Simulated(out, nights, feeds.rows, counted.sort("night", "kind").to_dicts())
