"""What customers bought of what champion and challenger showed them: reads an experiment's result.

Counted are the lists of known customers, of the calls that choose what is shown, once the days in which a
purchase counts are over. A purchase counts where the customer was shown the product before, once each.
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

CALLS = ("recommend", "basket", "similar")
"""`score` is left out: the shop chose those products, so both arms show the same ones."""


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
    counts = pl.col("customer_id").is_not_null() & pl.col("call").is_in(CALLS)
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
    over, pair = pl.col("at") <= until, ["customer_id", "product_id"]
    shown = archive.positions(lists.filter(over)).select(*pair, "at")
    soon = (pl.col("purchased_at") > pl.col("at")) & (pl.col("purchased_at") <= pl.col("at") + WITHIN)
    hits = shown.join(lines, on=pair).filter(soon).group_by(pair).agg(hit=pl.lit(1))
    products = (
        shown.group_by(pair)
        .agg()
        .join(hits, on=pair, how="left")
        .group_by("customer_id")
        .agg(shown=pl.len(), bought=pl.col("hit").count())
    )
    return (
        lists.group_by("customer_id", "arm")
        .agg(lists=pl.len(), over=over.sum())
        .join(products, on="customer_id", how="left")
        .with_columns(pl.col("shown", "bought").fill_null(0))
        .sort("customer_id")
        .collect(engine="streaming")
    )
