"""Makes a simulated retailer, a block of customers at a time."""

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from features.simulator import people
from features.simulator.blocks import Retailer, filled, joined, write_people
from features.simulator.catalogue import Catalogue
from features.simulator.ids import Ids
from features.simulator.nights import Nights
from features.simulator.sets import Plants
from features.simulator.writing import Feeds
from warehouse.errors import AdvocateError

SET = 1_000
"""One set of all plants stands among so many customers."""

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
        activity: how often the crowd shops; 1 is as often as the households of the Complete Journey, who are
            frequent shoppers.
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
    write_people(
        Retailer(plan.customers, plan.seed, plan.activity, nights, ids, plants, catalogue), feeds, say
    )
    truth = plants.truth(nights.days())
    truth.write_parquet(partial / "truth.parquet")
    made = _summary(out, feeds, truth)
    (partial / "about.json").write_text(
        json.dumps(asdict(plan) | asdict(made) | {"folder": "."}, indent=1, default=str) + "\n"
    )
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
    feeds.write(
        "products", filled("products", products.with_columns(title=title, sensitive=pl.lit(value=False)))
    )
    crowds = {
        "prices": catalogue.prices(ids, feeds.nights),
        "availability": catalogue.availability(ids, feeds.nights),
        **people.offers(plants.taken("offer"), catalogue, ids),
    }
    for table, rows in crowds.items():
        feeds.write(table, joined(plants, table, [rows]))


def _summary(out: Path, feeds: Feeds, truth: pl.DataFrame) -> Simulated:
    nights = [
        {"day": day, "imports": [f"feed/{name}" for name in feeds.imports(night)]}
        for night, day in enumerate(feeds.nights.days(), 1)
    ]
    counted = truth.group_by("night", "kind").agg(
        cases=pl.col("expected").sum(), look_alikes=(~pl.col("expected")).sum()
    )
    return Simulated(out, nights, feeds.rows, counted.sort("night", "kind").to_dicts())
