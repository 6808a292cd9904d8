"""Whether the nights find what a simulated retailer owes: each planted case, exactly, and nothing else.

    python -m benchmarks.savings.simulated --customers 20000 --seed 1

Simulates, imports, runs the outreach of each night, and approves what it proposes before the next one. Prints
per kind what was planted, found with its exact amount, missed, and found too much, and exits 1 on any
difference. Kinds that no finder is registered for are named and left out.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import polars as pl

import outreach.export
from advocate.database import upgrade
from benchmarks.savings import recompute
from features.feeds.folder import read_folder
from features.importing import bring_in
from features.simulator import Plan, simulate
from outreach import review
from outreach.finders import FINDERS
from outreach.promises.uses import reconcile
from outreach.steps import decide, find, prepare_batch
from outreach.world import World, world_of
from warehouse import clock
from warehouse.settings import Settings, load_settings

KEYS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("price_guarantee", "price_drop", "late_delivery"), ("order_id", "line_id")),
    **dict.fromkeys(("watched_price_drop", "back_in_stock_cheaper"), ("customer_id", "product_id")),
    **dict.fromkeys(("cheaper_same", "recurring_trouble"), ("customer_id",)),
    "double_payment": ("order_id", "entitlement_id"),
    "failed_experience": ("incident_id", "order_id", "line_id"),
    "unclaimed_benefit": ("order_id", "line_id"),
    "unused_entitlement": ("entitlement_id",),
    "idle_subscription": ("entitlement_id",),
}
"""What a case of a kind is recognised by."""

SAID = {"opt_out": "Answer STOP.", "postal_address": "1 Market Square, 10115 Berlin"}
"""What advice has to say before any may go."""

CLAIM = ("owed", "amount_minor", "currency", "held")
"""What must be the same besides."""


def compared(truth: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """Every case, look-alike and find of one night, with `verdict`.

    Args:
        truth: the night's rows of `truth.parquet`.
        found: the night's opportunities.

    Returns:
        `kind, subject, case, misses, verdict` and what was expected and found; the verdicts are `exact`,
        `wrong` (found, but not as it should be), `missed`, `look-alike` (found, and must not be), `extra` and
        `rightly not`.
    """
    columns = ("kind", "subject", *CLAIM)
    expected = _subjects(truth.filter("expected")).select(*columns, "case", "customer_id")
    looks = _subjects(truth.filter(~pl.col("expected"))).select(
        "kind", "subject", "case", "misses", "customer_id"
    )
    finds = _subjects(found).select(*columns, customer="customer_id")
    both = _numbered(expected).join(
        _numbered(finds), on=["kind", "subject", "n"], how="full", coalesce=True, suffix="_found"
    )
    same = pl.all_horizontal(pl.col(name).eq_missing(pl.col(f"{name}_found")) for name in CLAIM)
    paired = both.join(
        looks.drop("customer_id"), on=["kind", "subject"], how="left", suffix="_look"
    ).with_columns(
        verdict=pl.when(pl.col("owed").is_null() & pl.col("case_look").is_not_null())
        .then(pl.lit("look-alike"))
        .when(pl.col("owed").is_null())
        .then(pl.lit("extra"))
        .when(pl.col("owed_found").is_null())
        .then(pl.lit("missed"))
        .when(same & (pl.col("customer_id") == pl.col("customer")))
        .then(pl.lit("exact"))
        .otherwise(pl.lit("wrong")),
        case=pl.coalesce("case", "case_look"),
    )
    spared = looks.join(finds, on=["kind", "subject"], how="anti").with_columns(verdict=pl.lit("rightly not"))
    return pl.concat([paired, spared], how="diagonal")


def _subjects(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with `subject`, the text of the ids that a case of their kind is recognised by."""
    subject = pl.lit(None, dtype=pl.String)
    for kind, key in KEYS.items():
        ids = pl.concat_str([pl.col(name).fill_null("") for name in key], separator=" ")
        if kind == "failed_experience":
            ids = pl.coalesce("incident_id", pl.concat_str("order_id", "line_id", separator=" "))
        subject = pl.when(pl.col("kind") == kind).then(ids).otherwise(subject)
    return rows.with_columns(subject=subject)


def _numbered(rows: pl.DataFrame) -> pl.DataFrame:
    """Several finds of one subject are told apart by their place, in the order of their amounts."""
    ordered = rows.sort("kind", "subject", "amount_minor", "currency", nulls_last=True)
    return ordered.with_columns(n=pl.int_range(pl.len()).over("kind", "subject"))


def summary(verdicts: pl.DataFrame) -> list[dict[str, Any]]:
    """Counts by kind."""

    def many(verdict: str) -> pl.Expr:
        return (pl.col("verdict") == verdict).sum()

    return (
        verdicts.group_by("kind")
        .agg(
            planted=pl.col("verdict").is_in(["exact", "wrong", "missed"]).sum(),
            exact=many("exact"),
            wrong=many("wrong"),
            missed=many("missed"),
            extra=many("extra"),
            look_alikes=many("look-alike") + many("rightly not"),
            look_alikes_found=many("look-alike"),
        )
        .sort("kind")
        .to_dicts()
    )


@dataclass(frozen=True)
class Night:
    """A simulated night.

    Attributes:
        day: the day it is of.
        settings: the home.
        world: as its finders saw it.
        verdicts: see `compared`.
    """

    day: date
    settings: Settings
    world: World
    verdicts: pl.DataFrame

    @property
    def differences(self) -> pl.DataFrame:
        """What was not found as it should be."""
        return self.verdicts.filter(~pl.col("verdict").is_in(["exact", "rightly not"]))


def nights(plan: Plan, folder: Path) -> Iterator[Night]:
    """Runs the nights of a new retailer in a new home, one after the other."""
    made = simulate(plan, folder / "shop")
    truth = pl.read_parquet(made.folder / "truth.parquet").filter(pl.col("kind").is_in(list(FINDERS)))
    settings = load_settings(home=folder / "home", outreach=SAID)
    upgrade(settings)
    for night in made.nights:
        day: date = night["day"]
        with ExitStack() as stack:
            stack.enter_context(clock.at(datetime.combine(day, time(7), tzinfo=UTC) + timedelta(days=1)))
            for name in night["imports"]:
                receipt = bring_in(settings, read_folder(made.folder / name))
                if receipt.rejected:
                    raise SystemExit(f"{name}: the wall refused {receipt.rejected}")
            found = _night(settings, day)
            verdicts = compared(truth.filter(pl.col("day") == day), found)
            yield Night(day, settings, world_of(settings, day), verdicts)


def _night(settings: Settings, day: date) -> pl.DataFrame:
    """Finds, decides and approves; gives what was found."""
    receipts = [step(settings, day) for step in (reconcile, find, decide, prepare_batch)]
    if warned := [text for receipt in receipts for text in receipt.warnings]:
        raise SystemExit(f"the night of {day} warns: {warned}")
    review.approve(settings, day.isoformat(), by="the benchmark")
    return outreach.export.opportunities(settings, day).collect()


def _apart(night: Night) -> int:
    """How many rows the night and the same rules in SQL do not share, and prints some."""
    found = recompute.of_night(night.settings, night.day)
    theirs = recompute.recompute(night.settings, night.day, list(FINDERS))
    by_kind = recompute.compare(found, theirs)
    print(recompute.report(by_kind), file=sys.stderr)
    return sum(len(one["only_night"]) + len(one["only_sql"]) for one in by_kind.values())


def main() -> None:
    """Compares, prints, and exits 1 on any difference."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--customers", type=int, default=20_000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--nights", type=int, default=3)
    options.add_argument("--show", type=int, default=20, help="differences to print")
    options.add_argument("--sql", action="store_true", help="also compare each night with the SQL's")
    given = options.parse_args()
    wrong, apart = 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for night in nights(Plan(given.customers, given.seed, nights=given.nights), Path(folder)):
            print(json.dumps({"night": str(night.day), "kinds": summary(night.verdicts)}, indent=1))
            bad = night.differences
            wrong += bad.height
            if given.sql:
                apart += _apart(night)
            for row in (
                bad.unique(["kind", "case", "verdict"], maintain_order=True).head(given.show).to_dicts()
            ):
                print({name: value for name, value in row.items() if value is not None}, file=sys.stderr)
    missing = sorted(set(KEYS) - set(FINDERS))
    told = {"differences": wrong, "kinds without a finder": missing}
    print(json.dumps(told | ({"differences to the SQL": apart} if given.sql else {})))
    if wrong or apart:
        sys.exit(1)


if __name__ == "__main__":
    main()
