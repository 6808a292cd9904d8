"""Nothing that cannot be had is ever shown."""

from datetime import timedelta

import polars as pl
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from recs.availability import availability, off_in_markets, on_sale
from recs.export import recommendations
from recs.steps import recommend
from tests.conftest import at
from tests.recs.worlds import DAY, fill, purchase
from warehouse.settings import Settings, load_settings

END = at("2017-12-01")


@pytest.mark.parametrize(
    ("available", "starts", "expected"),
    [
        (True, None, True),
        (None, None, True),
        (False, None, False),
        (True, END - timedelta(seconds=1), True),
        (True, END, False),
        (True, END + timedelta(days=9), False),
    ],
)
def test_a_product_is_on_sale_when_available_and_not_later(available, starts, expected) -> None:
    schema = {"product_id": pl.String, "available": pl.Boolean, "available_from": pl.Datetime("us", "UTC")}
    products = pl.LazyFrame([("p", available, starts)], schema=schema, orient="row")
    assert on_sale(products, END).collect()["on_sale"].to_list() == [expected]


def test_the_latest_word_of_a_market_counts() -> None:
    words = pl.LazyFrame(
        [
            ("tea", "north", at("2017-11-02"), True),
            ("tea", "north", at("2017-11-01"), False),
            ("tea", "south", at("2017-11-01"), True),
            ("tea", "south", at("2017-11-03"), False),
        ],
        schema=["product_id", "market", "effective_at", "available"],
        orient="row",
    )
    assert off_in_markets(words).collect().rows() == [("tea", "south")]


def test_a_customer_of_an_unknown_market_gets_only_what_no_market_has_off() -> None:
    off = pl.DataFrame({"column": [0, 1, 1], "market": ["north", "south", "west"]})
    markets = pl.Series(["north", "south", "elsewhere", None])
    import numpy as np

    found = availability(np.array([True, True, True, False]), off, markets)
    masks = {int(row): mask.tolist() for rows, mask in found.masks() for row in rows}
    assert masks == {
        0: [False, True, True, False],
        1: [True, False, True, False],
        2: [True, True, True, False],
        3: [False, False, True, False],
    }


PRODUCTS = [f"p{i}" for i in range(6)]


@given(
    bought=st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(PRODUCTS)), min_size=1, max_size=25),
    off=st.sets(st.sampled_from(PRODUCTS)),
    off_north=st.sets(st.sampled_from(PRODUCTS)),
    later=st.sets(st.sampled_from(PRODUCTS)),
    northerners=st.sets(st.sampled_from("abcdz")),
)
@examples(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.slow
def test_no_slate_ever_holds_what_it_must_not(
    tmp_path_factory, bought, off, off_north, later, northerners
) -> None:
    from advocate.database import upgrade

    home: Settings = load_settings(home=tmp_path_factory.mktemp("home"))
    upgrade(home)
    fill(
        home,
        purchases=[purchase(c, p, f"2017-10-{n + 1:02d}", market="south") for n, (c, p) in enumerate(bought)],
        products=[
            {
                "product_id": p,
                "available": p not in off,
                "available_from": END + timedelta(days=1) if p in later else None,
            }
            for p in PRODUCTS
        ],
        availability=[
            {"product_id": p, "market": "north", "effective_at": at("2017-11-01"), "available": False}
            for p in PRODUCTS
            if p in off_north
        ]
        + [
            {"product_id": p, "market": "south", "effective_at": at("2017-12-02"), "available": False}
            for p in PRODUCTS
        ],
        customers=[{"customer_id": c, "market": "north"} for c in northerners] or [{"customer_id": "z"}],
    )
    recommend(home, DAY)
    rows = recommendations(home, DAY).collect()
    had = set(bought)
    for customer, slate, product in rows.select("customer_id", "slate", "product_id").iter_rows():
        assert product not in off | later
        assert not (customer in northerners and product in off_north)
        assert product in {p for _, p in bought}
        assert slate == "for_you" or ((customer, product) in had) == (slate == "buy_again")
    assert rows.is_duplicated().sum() == 0
    assert rows.select("customer_id", "slate", "product_id").is_unique().all()
    everyone = {c for c, _ in bought} | (northerners or {"z"})
    sold = {p for _, p in bought} - off - later
    expected = {(c, p) for c in everyone for p in sold - (off_north if c in northerners else set())}
    # A customer whose market is unknown gets only what no market has off.
    unknown = everyone - northerners - {c for c, _ in bought}
    expected -= {(c, p) for c in unknown for p in off_north}
    for_you = rows.filter(pl.col("slate") == "for_you").select("customer_id", "product_id")
    assert set(for_you.iter_rows()) == expected
