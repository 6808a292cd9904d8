"""Why customers hear nothing, counted, listed and, where they are owed, summed."""

from datetime import date
from typing import Any

import pytest

from outreach import silence
from tests.outreach.test_unsaid import found, night_with
from tests.outreach.worlds import DAY, consenting, fill, night, shop
from warehouse.errors import NotFoundError
from warehouse.lake import Lake
from warehouse.settings import Settings


@pytest.fixture
def town(home: Settings) -> Lake:
    """Ada and Ben are told of money, Cleo agreed to nothing, Dora bought nothing that fell."""
    rows = shop("ada", "ben")
    rows["purchases"] += [{"order_id": "c", "customer_id": "cleo"}]
    rows["purchases"] += [
        {"order_id": f"d{n}", "customer_id": f"dora{n}", "product_id": "tea"} for n in range(3)
    ]
    fill(home, rows)
    night(home)
    return Lake.of(home)


def test_every_customer_counts_once_under_the_reason_of_its_outcome(town: Lake) -> None:
    counted = [(one["outcome"], one["reason"], one["customers"]) for one in silence.reasons(town, DAY)]
    assert counted == [
        ("silent", "nothing_found", 3),
        ("silent", "no_consent", 1),
        ("proposed", "money_owed", 2),
    ]
    assert silence.reasons(town, DAY)[0]["meaning"] == "nothing was found to tell this customer"


def test_the_customers_of_a_reason_are_listed_page_by_page(town: Lake) -> None:
    pages = [silence.customers(town, DAY, "nothing_found", first=first, limit=2) for first in (0, 2, 4)]
    assert [[one["customer_id"] for one in page.customers] for page in pages] == [
        ["dora0", "dora1"],
        ["dora2"],
        [],
    ]
    assert {page.total for page in pages} == {3}


def test_a_day_is_the_newest_unless_one_is_named(town: Lake) -> None:
    assert (silence.chosen(town, None), silence.chosen(town, DAY)) == (DAY, DAY)
    with pytest.raises(NotFoundError, match="no decisions for 2017-11-29; there are for 2017-11-30 to"):
        silence.chosen(town, date(2017, 11, 29))


def test_where_no_night_has_run_it_is_said_what_to_run(home: Settings) -> None:
    with pytest.raises(NotFoundError, match="no night has decided anything yet; run"):
        silence.chosen(Lake.of(home), None)


def owed(lake: Lake) -> list[tuple[Any, ...]]:
    names = ("way", "owed", "reason", "currency", "customers", "amount_minor")
    return [tuple(one[name] for name in names) for one in silence.owed(lake, DAY)]


def test_who_is_owed_and_not_told_is_summed_by_currency(home: Settings) -> None:
    people = [{"customer_id": one} for one in ("ann", "bob", "cid", "told")]
    fill(home, {"customers": people, "consents": consenting("told")})
    night_with(
        home,
        found("ann", 300),
        found("bob", 200),
        found("bob", 5000, currency="JPY"),
        found("cid", 70, owed="policy"),
        found("cid", 80, owed="advice"),
        found("told", 900),
    )
    lake = Lake.of(home)
    assert owed(lake) == [
        ("unsaid", "right", "no_consent", "JPY", 1, 5000),
        ("unsaid", "right", "no_consent", "USD", 2, 500),
        ("left", "policy", "no_consent", "USD", 1, 70),
    ]
    listed = silence.owed_customers(lake, DAY, "unsaid", first=1, limit=1)
    assert (listed.total, listed.customers) == (
        3,
        [
            {
                "customer_id": "bob",
                "reason": "no_consent",
                "owed": "right",
                "currency": "JPY",
                "amount_minor": 5000,
            }
        ],
    )


def test_a_debt_of_somebody_who_is_written_to_about_something_else_says_so(home: Settings) -> None:
    fill(home, {"customers": [{"customer_id": "told"}], "consents": consenting("told")})
    night_with(home, found("told", 900), found("told", 5000, currency="JPY"))
    (only,) = silence.owed(Lake.of(home), DAY)
    assert (only["way"], only["reason"]) == ("unsaid", "another_message")
    assert only["meaning"] == "they are written to about something else that night"
