"""The truth fits the feed: subjects that exist, amounts that make sense, plants that nothing gives away."""

import polars as pl
import pytest

from features.feeds.folder import read_folder
from features.simulator import TRUTH, Simulated
from features.simulator.stage import OWED

MONEY = ("price_guarantee", "price_drop", "late_delivery", "unclaimed_benefit")


@pytest.fixture(scope="module")
def truth(shop: Simulated) -> pl.DataFrame:
    return pl.read_parquet(shop.folder / "truth.parquet")


def everything(shop: Simulated, table: str) -> pl.DataFrame:
    """A table as all imports together have it: the columns they share."""
    frames = [
        read_folder(shop.folder / name).tables[table].collect()
        for night in shop.nights
        for name in night["imports"]
        if table in read_folder(shop.folder / name).tables
    ]
    shared = [name for name in frames[0].columns if all(name in frame.columns for frame in frames)]
    return pl.concat([frame.select(shared) for frame in frames])


def test_every_kind_has_cases_and_look_alikes(truth: pl.DataFrame) -> None:
    assert truth.schema == pl.Schema(TRUTH)
    first = truth.filter(pl.col("night") == 1)
    for wanted in (True, False):
        assert set(first.filter(pl.col("expected") == wanted)["kind"]) == set(OWED)


def test_look_alikes_say_what_they_miss_and_cases_do_not(truth: pl.DataFrame) -> None:
    assert (truth["misses"].is_null() == truth["expected"]).all()
    looks = truth.filter(~pl.col("expected"))
    assert looks.filter(pl.col("amount_minor").is_not_null() | pl.col("held")).is_empty()


def test_every_case_of_a_night_is_said_once(truth: pl.DataFrame) -> None:
    ids = ["customer_id", "order_id", "line_id", "entitlement_id", "incident_id", "product_id"]
    assert truth.group_by("night", "kind", *ids).len().filter(pl.col("len") > 1).is_empty()


def test_money_owed_has_an_amount_and_a_currency(truth: pl.DataFrame) -> None:
    owed = truth.filter("expected", pl.col("owed") != "advice")
    assert (owed["amount_minor"] > 0).all()
    assert (truth["amount_minor"].is_null() == truth["currency"].is_null()).all()


def test_nothing_above_the_cap_is_owed_by_policy_and_ten_claims_at_most(truth: pl.DataFrame) -> None:
    policy = truth.filter("expected", pl.col("owed") == "policy")
    assert policy["amount_minor"].max() == 25_000
    claims = policy.unique(["kind", "customer_id", "order_id", "line_id", "entitlement_id"])
    assert claims.group_by("customer_id").len()["len"].max() == 10


def test_no_line_gives_more_than_was_paid_for_it(truth: pl.DataFrame, shop: Simulated) -> None:
    exponents = pl.col("currency").replace_strict(
        {"EUR": 2, "USD": 2, "JPY": 0, "KWD": 3}, return_dtype=pl.Int64
    )
    paid = everything(shop, "purchases").select(
        "order_id",
        "line_id",
        "currency",
        paid=(pl.col("line_total").cast(pl.Float64) * 10.0**exponents).round().cast(pl.Int64),
    )
    incidents = everything(shop, "incidents").select("incident_id", "order_id", "line_id").unique()
    found = truth.filter("expected", pl.col("amount_minor").is_not_null())
    lines = pl.concat(
        [
            found.filter(pl.col("kind").is_in(MONEY) | pl.col("incident_id").is_null()),
            found.drop("order_id", "line_id").join(incidents, on="incident_id"),
        ],
        how="diagonal_relaxed",
    )
    sums = (
        lines.filter(pl.col("line_id").is_not_null())
        .group_by("order_id", "line_id", "currency")
        .agg(pl.col("amount_minor").sum())
    )
    compared = sums.join(paid.unique(), on=["order_id", "line_id", "currency"])
    assert compared.height > 150
    held_again = truth.filter("held")["order_id"].implode()
    above = compared.filter(pl.col("amount_minor") > pl.col("paid"), ~pl.col("order_id").is_in(held_again))
    assert above.is_empty()


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("customers", "customer_id"),
        ("products", "product_id"),
        ("purchases", "order_id"),
        ("entitlements", "entitlement_id"),
        ("incidents", "incident_id"),
    ],
)
def test_every_subject_is_in_the_feed(table: str, column: str, truth: pl.DataFrame, shop: Simulated) -> None:
    named = truth.select(column).drop_nulls().unique()
    assert named.height
    assert named.join(everything(shop, table), on=column, how="anti").is_empty()


def test_planted_customers_stand_among_the_others(truth: pl.DataFrame, shop: Simulated) -> None:
    ids = everything(shop, "customers")["customer_id"].unique().sort()
    planted = ids.is_in(truth["customer_id"].implode())
    quarters = [planted.slice(start, 250).cast(pl.Int64).sum() / 250 for start in range(0, 1_000, 250)]
    among_all = planted.cast(pl.Int64).sum() / 1_000
    assert [share for share in quarters if abs(share - among_all) > 0.1] == []
    assert len(quarters) == 4
