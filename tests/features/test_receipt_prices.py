"""List prices from receipts: a bulk price, an offer, one customer's price are none; a lasting one is."""

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.feeds.receipt_prices import BUYERS, PERSISTS_DAYS, list_prices
from tests.conftest import at

START = date(2011, 3, 1)


def bought(*lines: tuple[int, str, int, str]) -> pl.LazyFrame:
    """Lines of one product: the day's number, customer, quantity, price for one."""
    rows = [(START + timedelta(days=day), who, quantity, price) for day, who, quantity, price in lines]
    columns = {
        "day": pl.Date(),
        "customer_id": pl.String(),
        "quantity": pl.Int64(),
        "unit_price": pl.String(),
    }
    return (
        pl.LazyFrame(rows, schema=columns, orient="row")
        .cast({"quantity": pl.Decimal(18, 6), "unit_price": pl.Decimal(18, 6)})
        .with_columns(
            product_id=pl.lit("lantern"),
            at=pl.col("day").cast(pl.Datetime("us", "UTC")) + pl.duration(hours=12),
        )
    )


def listed(*lines: tuple[int, str, int, str]) -> list[tuple[int, str]]:
    """Each list price as the number of its day and its text, in their order, repetitions left out."""
    found = list_prices(bought(*lines)).collect().sort("effective_at")
    rows = [
        ((moment.date() - START).days, f"{price:.2f}")
        for price, moment in found.select("price", "effective_at").rows()
    ]
    return [row for place, row in enumerate(rows) if place == 0 or rows[place - 1][1] != row[1]]


def weeks(first: int, last: int, price: str, quantity: int = 1) -> list[tuple[int, str, int, str]]:
    """A line every other day, each by another customer."""
    return [(day, f"c{day}", quantity, price) for day in range(first, last + 1, 2)]


def test_a_price_that_lasts_two_weeks_is_a_list_price_from_then_on() -> None:
    assert listed(*weeks(0, 14, "2.95")) == [(14, "2.95")]


def test_a_price_of_thirteen_days_is_none() -> None:
    lines = [*weeks(0, 12, "2.95"), (13, "c13", 1, "2.95")]
    assert listed(*lines) == []


def test_a_lasting_fall_is_a_new_list_price() -> None:
    assert listed(*weeks(0, 20, "2.95"), *weeks(22, 36, "2.55")) == [(14, "2.95"), (36, "2.55")]


def test_a_weekly_offer_changes_nothing() -> None:
    lines = [*weeks(0, 20, "2.95"), *weeks(22, 29, "2.55"), *weeks(30, 50, "2.95")]
    assert listed(*lines) == [(14, "2.95")]


@pytest.mark.parametrize(("units", "listed_prices"), [(3, [(14, "2.55")]), (4, [])])
def test_only_one_to_three_units_say_the_price_of_one(
    units: int, listed_prices: list[tuple[int, str]]
) -> None:
    assert listed(*weeks(0, 14, "2.55", quantity=units)) == listed_prices


def test_a_bulk_price_beside_the_list_price_changes_nothing() -> None:
    lines = [*weeks(0, 40, "2.95"), *weeks(20, 40, "2.55", quantity=64)]
    assert listed(*lines) == [(14, "2.95")]


@pytest.mark.parametrize(("customers", "said"), [(2, []), (3, [(14, "2.95")])])
def test_three_customers_must_have_paid_it(customers: int, said: list[tuple[int, str]]) -> None:
    lines = [(day, f"c{day % customers}", 1, "2.95") for day in range(15)]
    assert listed(*lines) == said


def test_what_most_customers_paid_on_a_day_counts_and_of_two_the_dearer() -> None:
    special = [(day, f"s{day}", 1, "2.10") for day in range(0, 15, 2)]
    assert listed(*weeks(0, 14, "2.95"), *special) == [(14, "2.95")]
    one_buys_often = [(day, "s", units, "2.10") for day in range(0, 15, 2) for units in (1, 2, 3)]
    assert listed(*weeks(0, 14, "2.95"), *one_buys_often) == [(14, "2.95")]


def test_a_price_begins_at_the_last_line_that_bears_it_out() -> None:
    lines = bought(*weeks(0, 14, "2.95"))
    found = list_prices(lines).collect()
    assert found["effective_at"].to_list() == [at("2011-03-15 12:00")]


lines_of_a_shop = st.lists(
    st.tuples(
        st.integers(0, 40),
        st.sampled_from(["a", "b", "c", "d"]),
        st.integers(1, 5),
        st.sampled_from(["1.00", "0.90", "0.50"]),
    ),
    max_size=60,
)


@given(lines_of_a_shop, st.integers(0, 40))
def test_no_list_price_rests_on_what_was_bought_later(
    lines: list[tuple[int, str, int, str]], day: int
) -> None:
    moment = at("2011-03-01 23:00") + timedelta(days=day)
    known = [line for line in lines if line[0] <= day]
    whole = list_prices(bought(*lines)).filter(pl.col("effective_at") <= moment).collect()
    early = list_prices(bought(*known)).collect()
    assert whole.sort("effective_at").equals(early.sort("effective_at"))


@given(lines_of_a_shop)
def test_every_list_price_was_paid_for_few_units_by_enough_customers_over_two_weeks(
    lines: list[tuple[int, str, int, str]],
) -> None:
    for price, moment in list_prices(bought(*lines)).collect().select("price", "effective_at").rows():
        day = (moment.date() - START).days
        paid = [line for line in lines if line[0] <= day and line[2] <= 3 and f"{price:.2f}" == line[3]]
        assert len({line[1] for line in paid}) >= BUYERS
        assert day - min(line[0] for line in paid) >= PERSISTS_DAYS
