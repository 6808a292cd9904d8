"""What customers bought of what champion and challenger showed them: reads an experiment's result.

Counted are the lists that `recommend` made for known customers, once the days in which a purchase counts are
over. A purchase counts where the customer was shown the product before, once each.
"""

from datetime import date, datetime, timedelta

import polars as pl

from features.events import bought
from recs import archive
from recs.arms import WITHIN, Comparison, compared
from recs.experiment import arm_of
from warehouse import clock
from warehouse.errors import SettingsError
from warehouse.lake import Lake
from warehouse.settings import ExperimentSettings, Settings

CALL = "recommend"
"""The one call that counts.

Products that go with a basket or a page have no customer, and the champion always answers; those of `score`
the shop chose itself, so both arms show the same ones.
"""

LISTS_AT_ONCE = 500_000
"""Lists whose products are looked at together, so that memory does not grow with them."""


def compare(settings: Settings, day: date, days: int) -> Comparison:
    """Compares the arms of the experiment that the settings name.

    Args:
        settings: the home; `recs.min_judged_customers` are enough customers per arm.
        day: the last UTC day that counts.
        days: how many days of lists are looked at, up to that day.

    Raises:
        SettingsError: there is no experiment.
    """
    experiment = settings.recs.experiment
    if not experiment.challenger:
        raise SettingsError(
            "there is no experiment: recs.experiment.challenger is empty; name a bundle and a share there"
        )
    first = day - timedelta(days=days - 1)
    counts = pl.col("customer_id").is_not_null() & (pl.col("call") == CALL)
    lists = archive.read(settings, first, day).filter(counts)
    changed = _changed(lists, experiment)
    lists = lists if changed is None else lists.filter(pl.col("at") > changed)
    lines = bought(Lake.of(settings), day).select("customer_id", "product_id", "purchased_at")
    newest = lines.select(pl.col("purchased_at").max()).collect(engine="streaming").item()
    until = None if newest is None else newest - WITHIN
    people = _people(lists, lines, until)
    return compared(settings, people, changed or clock.start_of(first), until)


def _changed(lists: pl.LazyFrame, experiment: ExperimentSettings) -> datetime | None:
    """The last moment at which a list was served otherwise than the settings say now; `None` if never.

    Before the experiment began, or had another share, salt or challenger, another arm served some customers.
    Comparing across such a change would compare other days and other customers.
    """
    ways = (
        lists.group_by("customer_id", "arm", challenged=pl.col("bundle_id") == experiment.challenger)
        .agg(pl.col("at").max())
        .collect(engine="streaming")
    )
    arms = pl.Series(
        [arm_of(customer_id, experiment) for customer_id in ways["customer_id"]], dtype=pl.String
    )
    otherwise = (pl.col("arm") != arms) | (pl.col("challenged") != (arms == "challenger"))
    last = ways.filter(otherwise)["at"].max()
    return last if isinstance(last, datetime) else None


def _people(lists: pl.LazyFrame, lines: pl.LazyFrame, until: datetime | None) -> pl.DataFrame:
    """One row per customer served, as `recs.arms.compared` takes them, sorted."""
    over = pl.col("at") <= pl.lit(until, pl.Datetime("us", "UTC"))
    served = (
        lists.group_by("customer_id", "arm")
        .agg(lists=pl.len(), over=over.sum())
        .sort("customer_id")
        .collect(engine="streaming")
    )
    parts = -(-int(served["lists"].sum()) // LISTS_AT_ONCE)
    of_part = pl.col("customer_id").hash() % max(parts, 1)
    products = [
        _products(lists.filter(over, of_part == part), lines.filter(of_part == part)) for part in range(parts)
    ]
    none = pl.DataFrame(schema={"customer_id": pl.String, "shown": pl.UInt32, "bought": pl.UInt32})
    return served.join(
        pl.concat([none, *products]), on="customer_id", how="left", maintain_order="left"
    ).with_columns(pl.col("shown", "bought").fill_null(0))


def _products(lists: pl.LazyFrame, lines: pl.LazyFrame) -> pl.DataFrame:
    """How many products each customer was shown, and how many of these they bought in time."""
    pair = ["customer_id", "product_id"]
    shown = archive.positions(lists).select(*pair, "at").join(lines, on=pair, how="left")
    soon = (pl.col("purchased_at") > pl.col("at")) & (pl.col("purchased_at") <= pl.col("at") + WITHIN)
    return (
        shown.group_by(pair)
        .agg(hit=soon.any())
        .group_by("customer_id")
        .agg(shown=pl.len(), bought=pl.col("hit").sum())
        .collect(engine="streaming")
    )
