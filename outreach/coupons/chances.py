"""The chance that a coupon in hand is used before it lapses; see docs/savings/coupons.md."""

from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import polars as pl

from features.events import bought, seen
from outreach.coupons.histories import described, features_of
from outreach.coupons.learning import learn
from outreach.coupons.records import HOLDING, KINDS, Records
from warehouse import clock
from warehouse.lake import Lake
from warehouse.settings import Settings

MOST_USES = 5_000
"""Uses after which older holdings are not learned from any more."""


@dataclass(frozen=True)
class Tables:
    """Tables of the feed contract that chances are learned from; `purchases` holds lines of products only."""

    purchases: pl.LazyFrame
    products: pl.LazyFrame
    offers: pl.LazyFrame
    offer_products: pl.LazyFrame
    entitlements: pl.LazyFrame
    entitlement_uses: pl.LazyFrame


def tables_of(lake: Lake, day: date) -> Tables:
    """The tables as they looked at the end of a day."""
    names = ("products", "offers", "offer_products", "entitlements", "entitlement_uses")
    return Tables(purchases=bought(lake, day), **{name: seen(lake, name, day) for name in names})


def chances(tables: Tables, day: date, settings: Settings) -> pl.LazyFrame:
    """The probability that each coupon valid at the end of a day is used from then until it lapses.

    Learned from coupons that lapsed by then. Unknown, and so null, is the chance of a coupon that was used
    before or never lapses, and of all where fewer than `outreach.min_coupon_uses` coupons that lapsed were
    used, or were not.

    Returns:
        `entitlement_id, probability`, one row per coupon for products that is valid, sorted.
    """
    end = clock.end_of(day)
    held = _holdings(tables, end).collect(engine="streaming")
    valid = held.filter(pl.col("ends_at").is_null() | (pl.col("ends_at") >= end))
    found = valid.select("holding_id", probability=pl.lit(None, pl.Float64))
    if _enough(held, end, settings):  # else what customers bought need not be read
        learned = learned_chances(_records(tables, held, end), valid, end, settings)
        found = found if learned is None else _left(learned, _ended(held, end), end)
    return found.select(entitlement_id="holding_id", probability="probability").sort("entitlement_id").lazy()


def learned_chances(
    records: Records, holdings: pl.DataFrame, end: datetime, settings: Settings
) -> pl.DataFrame | None:
    """`holdings` with the `probability` of a use between their beginning and their end.

    Args:
        records: what is known; a holding is described by what was known before its first day.
        holdings: what to judge, whole campaigns, with the columns of `HOLDING`.
        end: only holdings that had ended by then are learned from.
        settings: `seed` and `outreach.min_coupon_uses`.

    Returns:
        `None` where too few that have ended were used, or were not.
    """
    if not _enough(records.holdings, end, settings):
        return None
    past = described(records, _newest(_ended(records.holdings, end)))
    model = learn(past, features_of(past), settings.seed)
    if holdings.is_empty():
        return holdings.with_columns(probability=pl.lit(None, pl.Float64))
    now = described(records, holdings)
    return now.select(HOLDING).with_columns(probability=pl.Series(model.chances(now)))


def _enough(holdings: pl.DataFrame, end: datetime, settings: Settings) -> bool:
    """Whether enough holdings that have ended were used, and were not, to learn from them."""
    ended = _newest(_ended(holdings, end))
    uses = ended["used_at"].count()
    return min(uses, ended.height - uses) >= settings.outreach.min_coupon_uses


def _records(tables: Tables, held: pl.DataFrame, end: datetime) -> Records:
    lines = tables.purchases.filter(pl.col("purchased_at") < end).select(
        "customer_id",
        "order_id",
        "product_id",
        "purchased_at",
        with_offer=pl.col("offer_id").is_not_null(),
    )
    frames = (
        lines.join(held.lazy().select("customer_id").unique(), on="customer_id", how="semi"),
        tables.products.select("product_id", *KINDS),
        tables.offer_products.select("offer_id", "product_id"),
    )
    kept, products, offer_products = pl.collect_all(frames, engine="streaming")
    return Records(kept, products, offer_products, held)


def _holdings(tables: Tables, end: datetime) -> pl.LazyFrame:
    """Coupons for products that began before `end`; those that begin and end together are one campaign."""
    for_products = pl.col("covers").is_null() | (pl.col("covers") == "product")
    coupons = tables.offers.filter(pl.col("kind") == "coupon", for_products)
    uses = (
        tables.entitlement_uses.filter(pl.col("used_at") < end)
        .group_by("entitlement_id")
        .agg(pl.col("used_at").min())
    )
    return (
        tables.entitlements.filter(pl.col("starts_at") < end)
        .join(coupons, on="offer_id", how="semi")
        .join(uses, on="entitlement_id", how="left")
        .with_columns(
            holding_id="entitlement_id",
            ends_at="expires_at",
            campaign=pl.format(
                "{} to {}",
                pl.col("starts_at").dt.date(),
                pl.col("expires_at").dt.date().cast(pl.String).fill_null(""),
            ),
        )
        .select(HOLDING)
    )


def _ended(holdings: pl.DataFrame, end: datetime) -> pl.DataFrame:
    return holdings.filter(pl.col("ends_at") <= end)


def _newest(ended: pl.DataFrame) -> pl.DataFrame:
    """Those of the newest days of beginning that bring `MOST_USES` uses, whole days."""
    began = pl.col("starts_at").dt.date().alias("began")
    days = (
        ended.group_by(began)
        .agg(uses=pl.col("used_at").count())
        .sort("began", descending=True)
        .filter(pl.col("uses").cum_sum().shift(1, fill_value=0) < MOST_USES)
    )
    return ended.with_columns(began).join(days, on="began", how="semi").drop("began").sort("holding_id")


def _left(found: pl.DataFrame, ended: pl.DataFrame, end: datetime) -> pl.DataFrame:
    """The chance of a use from `end` on, for what has not been used until then.

    With p the chance of a use at all and l the share of uses that come later in a holding's life than `end`
    lies in this one's, Bayes' rule gives p l / (1 - p + p l).
    """
    life = (pl.col("ends_at") - pl.col("starts_at")).dt.total_seconds()
    used = ended.filter(pl.col("used_at").is_not_null())
    used_at = used.select(((pl.col("used_at") - pl.col("starts_at")).dt.total_seconds() / life).sort())
    passed = found.select((pl.lit(end) - pl.col("starts_at")).dt.total_seconds() / life).to_series()
    places = used_at.to_series().to_numpy()
    later = 1 - np.searchsorted(places, passed.fill_null(0).to_numpy()) / len(places)
    chance, open_ = pl.col("probability"), pl.col("used_at").is_null() & pl.col("ends_at").is_not_null()
    left = chance * pl.lit(pl.Series(later))
    return found.with_columns(probability=pl.when(open_).then(left / (1 - chance + left)))
