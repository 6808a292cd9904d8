"""How many price drops would be claimed if any price on a receipt were a list price, and how many are.

    python -m benchmarks.savings.list_prices [--online-retail FILE] [--json]

imports the Complete Journey, and Online Retail where its file is given, into homes of their own. A line is
claimed when a lower price began within `outreach.protection_days` after it: the lowest price per unit on any
receipt for the same product in the same market; on any of no more units; and the list price as the feed
derives it. Whoever paid that little already has no claim. Needs the `demo` and `dev` extras.
"""

import argparse
import json
import tempfile
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path

from advocate.database import upgrade
from benchmarks.savings.world import opened, statement
from features.feeds import Delivery
from features.feeds.complete_journey import read_complete_journey
from features.feeds.online_retail import read_online_retail
from features.importing import bring_in
from warehouse.settings import load_settings

LAST_DAYS = {"Complete Journey": date(2017, 12, 31), "Online Retail": date(2011, 12, 9)}
WAYS = {
    "any_receipt": "any price on a later receipt",
    "no_more_units": "any, on receipts of no more units",
    "list_price": "the derived list price",
}


def count(read: Callable[[], Delivery], last_day: date) -> dict[str, int]:
    """Lines, and for each way how many of them are claimed and for how much."""
    with tempfile.TemporaryDirectory(prefix="advocate-list-prices-") as folder:
        settings = load_settings(home=Path(folder))
        upgrade(settings)
        bring_in(settings, read())
        with opened(settings, last_day) as connection:
            connection.execute(statement("base"))
            counted = connection.sql(statement("list_prices"))
            (row,) = counted.fetchall()
            return dict(zip(counted.columns, row, strict=True))


def as_markdown(found: dict[str, dict[str, int]]) -> str:
    """The table that docs/benchmarks.md shows."""
    rows = ["| lines claimed by | " + " | ".join(found) + " |", "|---|" + "---|" * len(found)]
    for way, words in WAYS.items():
        cells = [
            f"{one[way]:,} of {one['lines']:,} ({one[way] / one['lines']:.2%})" for one in found.values()
        ]
        rows.append(f"| {words} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def main() -> None:
    """Counts from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--online-retail", type=Path)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    feeds: dict[str, Callable[[], Delivery]] = {"Complete Journey": read_complete_journey}
    if options.online_retail:
        feeds["Online Retail"] = partial(read_online_retail, options.online_retail)
    found = {name: count(read, LAST_DAYS[name]) for name, read in feeds.items()}
    print(json.dumps(found) if options.json else as_markdown(found))


if __name__ == "__main__":
    main()
