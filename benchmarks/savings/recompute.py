"""The opportunities of a night once more, from the rule book as SQL, compared row for row.

    python -m benchmarks.savings.recompute HOME --day D [--json]

reads the home's lake as of the day and the frozen promises of the nights before, runs `rules/*.sql` in
DuckDB, and compares what they give with the `opportunities` of the night. The rules were written from
docs/savings/ and the issue, not from `outreach.finders`. Prints counts and differences per kind; exits 1
where there are any.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from benchmarks.savings.world import opened, statement
from outreach.finders import FINDERS
from warehouse.ids import content_id
from warehouse.lake import Lake
from warehouse.settings import Settings, load_settings

OWED = {
    "price_guarantee": "right",
    "price_drop": "policy",
    "double_payment": "right",
    "failed_experience": "right",
    "late_delivery": "policy",
    "unclaimed_benefit": "policy",
    "unused_entitlement": "advice",
    "idle_subscription": "policy",
    "watched_price_drop": "advice",
    "back_in_stock_cheaper": "advice",
    "cheaper_same": "advice",
    "recurring_trouble": "advice",
}
"""Every kind in the order of precedence, and what is owed (credits and gift cards: a right)."""

SUBJECT = ("order_id", "line_id", "entitlement_id", "incident_id", "product_id")
COMPARED = ("kind", *SUBJECT, "customer_id", "amount_minor", "currency", "held", "expires_at")
FOUND = """
CREATE TABLE found (
    opportunity_id VARCHAR, kind VARCHAR, owed VARCHAR, order_id VARCHAR, line_id VARCHAR,
    entitlement_id VARCHAR, incident_id VARCHAR, product_id VARCHAR, customer_id VARCHAR,
    claim_minor HUGEINT, least_minor HUGEINT,
    currency VARCHAR, expires_at TIMESTAMP, held BOOLEAN, market VARCHAR, price HUGEINT, price_from TIMESTAMP,
    priced_id VARCHAR,
    subject VARCHAR[]
)
"""


def recompute(settings: Settings, day: date, kinds: Sequence[str]) -> pl.DataFrame:
    """What the SQL says the night should have found, of these kinds: the columns of `COMPARED` and an id.

    Raises:
        SystemExit: the night has not run.
    """
    if not Lake.of(settings).has("outreach_promised", day):
        raise SystemExit(f"the night of {day} has not run there; run `advocate nightly --day {day}` first")
    with opened(settings, day) as connection:
        return settled(connection, kinds)


def settled(connection: duckdb.DuckDBPyConnection, kinds: Sequence[str]) -> pl.DataFrame:
    """The opportunities of these kinds in the tables of a connection, as `world.opened` gives it."""
    for name in ("base", "price_lines", "looks", "same_things"):
        connection.execute(statement(name))
    connection.execute(FOUND)
    connection.execute("SET VARIABLE kinds = ?", [list(OWED)])
    for kind in kinds:
        _find(connection, kind)
    connection.execute(statement("promised"))
    for kind in kinds:
        connection.execute("SET VARIABLE kind = ?", [kind])
        connection.execute(statement("purse"))
    connection.execute(statement("settle"))
    rows: pl.DataFrame = connection.sql("FROM opportunities").pl()
    return rows.with_columns(pl.col("expires_at").cast(pl.Datetime("us")).dt.replace_time_zone("UTC"))


def _find(connection: duckdb.DuckDBPyConnection, kind: str) -> None:
    """Adds the claims of one kind, each under the id of its subject."""
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE claims AS SELECT * FROM ({statement(kind)}) "
        "WHERE claim_minor IS NULL OR claim_minor >= 0"
    )
    subjects: list[list[str]] = [
        row[0] for row in connection.execute("SELECT DISTINCT subject FROM claims").fetchall()
    ]
    ids = pl.DataFrame(
        {"subject": subjects, "opportunity_id": [content_id(kind, *parts) for parts in subjects]},
        schema={"subject": pl.List(pl.String), "opportunity_id": pl.String},
    )
    connection.register("ids", ids)
    connection.execute(
        "INSERT INTO found BY NAME SELECT ? AS kind, ? AS owed, * FROM claims JOIN ids USING (subject)",
        [kind, OWED[kind]],
    )
    connection.unregister("ids")


def compare(ours: pl.DataFrame, theirs: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """Per kind: how many rows each side has, how many are alike, and the rows only one of them has."""
    columns = list(COMPARED)
    ours, theirs = (_numbered(frame.select(columns)) for frame in (ours, theirs))
    by = [*columns, "copy"]
    only_ours = ours.join(theirs, on=by, how="anti", nulls_equal=True)
    only_theirs = theirs.join(ours, on=by, how="anti", nulls_equal=True)
    return {
        kind: {
            "night": _of(ours, kind).height,
            "sql": _of(theirs, kind).height,
            "only_night": _of(only_ours, kind).drop("copy").sort(columns).to_dicts(),
            "only_sql": _of(only_theirs, kind).drop("copy").sort(columns).to_dicts(),
        }
        for kind in OWED
        if kind in FINDERS
    }


def _numbered(frame: pl.DataFrame) -> pl.DataFrame:
    """Rows with the number of each among its equals, so that copies are compared too."""
    return frame.with_columns(copy=pl.int_range(pl.len()).over(list(COMPARED)))


def _of(frame: pl.DataFrame, kind: str) -> pl.DataFrame:
    return frame.filter(pl.col("kind") == kind)


def of_night(settings: Settings, day: date) -> pl.DataFrame:
    """The opportunities the night found."""
    return Lake.of(settings).get("opportunities", day).collect()


def other_ids(ours: pl.DataFrame, theirs: pl.DataFrame) -> int:
    """How many rows of the night, alike in their subject, have another id in the SQL."""
    by = ["kind", *SUBJECT, "customer_id", "currency", "amount_minor"]
    both = ours.join(theirs, on=by, how="inner", nulls_equal=True, suffix="_sql")
    same = pl.col("opportunity_id") == pl.col("opportunity_id_sql")
    return both.group_by("opportunity_id").agg(same=same.any()).filter(~pl.col("same")).height


def report(found: dict[str, dict[str, Any]], shown: int = 5) -> str:
    """The comparison as text: a line per kind, and the first of the differences."""
    lines = []
    for kind, one in found.items():
        counts = ", ".join(f"{side} only {len(one[f'only_{side}'])}" for side in ("night", "sql"))
        lines.append(f"{kind:24} night {one['night']:8,}  sql {one['sql']:8,}  {counts}")
        for side in ("night", "sql"):
            lines += [f"    {side} only: {row}" for row in one[f"only_{side}"][:shown]]
    skipped = [kind for kind in OWED if kind not in FINDERS]
    if skipped:
        lines.append(f"skipped, no finder is registered: {', '.join(skipped)}")
    return "\n".join(lines)


def main(given: Sequence[str] | None = None) -> None:
    """Recomputes from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("home", type=Path)
    parser.add_argument("--day", type=date.fromisoformat, required=True)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(given)
    settings = load_settings(home=options.home)
    theirs = recompute(settings, options.day, [kind for kind in OWED if kind in FINDERS])
    ours = of_night(settings, options.day)
    found = compare(ours, theirs)
    differs = sum(len(one["only_night"]) + len(one["only_sql"]) for one in found.values())
    ids = other_ids(ours, theirs)
    if options.json:
        print(json.dumps({"kinds": found, "differences": differs, "other_ids": ids}, default=str))
    else:
        print(report(found))
        print(f"{differs} differences; {ids} rows with another id")
    sys.exit(1 if differs or ids else 0)


if __name__ == "__main__":
    main()
