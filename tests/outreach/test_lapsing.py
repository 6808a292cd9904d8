"""Advice that ends before its message may go."""

import pytest

from tests.outreach.test_decisions import ANN, advised, changed, decided, ids_of, owed_and_advised, verdict
from tests.outreach.worlds import Rows


def with_coupons(*ends: str | None) -> dict[str, Rows]:
    """Ann with one coupon per end, each for something else that she keeps buying."""
    goods = [(f"good {n}", end) for n, end in enumerate(ends)]
    return advised("ann") | {
        "purchases": [
            {"order_id": f"{good}{n}", "product_id": good, "purchased_at": f"2017-11-{20 + n}"}
            for good, _ in goods
            for n in range(2)
        ],
        "offers": [{"offer_id": good, "value_minor": 50, "currency": "USD"} for good, _ in goods],
        "offer_products": [{"offer_id": good, "product_id": good} for good, _ in goods],
        "entitlements": [
            {"entitlement_id": good, "offer_id": good, "customer_id": "ann", "expires_at": end}
            for good, end in goods
        ],
    }


@pytest.mark.parametrize(
    ("end", "zone", "verdict_then"),
    [
        pytest.param("2017-12-01", "UTC", ("silent", "lapses_first"), id="as the day ends"),
        pytest.param("2017-12-01 09:00", "UTC", ("silent", "lapses_first"), id="as people wake"),
        pytest.param("2017-12-01 09:00:01", "UTC", ("proposed", "could_save"), id="just after people wake"),
        pytest.param("2017-12-01 08:30", "UTC", ("silent", "lapses_first"), id="asleep in London"),
        pytest.param("2017-12-01 08:30", "Europe/Berlin", ("proposed", "could_save"), id="awake in Berlin"),
        pytest.param("2017-12-01 08:30", "Asia/Tokyo", ("proposed", "could_save"), id="awake in Tokyo"),
        pytest.param("2017-12-01", "Asia/Tokyo", ("silent", "lapses_first"), id="as Tokyo wakes"),
    ],
)
def test_advice_that_lapses_before_it_could_be_read_is_not_given(
    end: str, zone: str, verdict_then: tuple[str, str]
) -> None:
    tables = with_coupons(end) | {"customers": [ANN | {"timezone": zone}]}
    assert verdict(tables) == verdict_then


def test_advice_that_lapses_takes_nothing_else_down() -> None:
    done = decided(with_coupons("2017-12-01", "2017-12-24", None))
    assert done.decisions.select("reason", "opportunities", "value_minor").row(0) == ("could_save", 2, 100)
    assert done.members.height == 2
    both = owed_and_advised("ann")
    both["entitlements"] = [both["entitlements"][0] | {"expires_at": "2017-12-01"}]
    assert verdict(both) == ("proposed", "money_owed")


def test_advice_that_lapses_leaves_its_place_to_advice_that_lasts() -> None:
    tables = with_coupons("2017-12-01", "2017-12-24")
    tables["offers"][0] |= {"value_minor": 900}
    assert decided(tables, config=changed(advice_items=1)).decisions["value_minor"].to_list() == [50]


def test_advice_given_before_has_not_lapsed_first() -> None:
    tables = with_coupons("2017-12-01")
    told = [{"opportunity_id": one} for one in ids_of(tables)]
    assert verdict(tables, {"told": told}) == ("silent", "already_told")
    assert verdict(with_coupons("2017-12-01", "2017-12-01"), {"told": told}) == ("silent", "lapses_first")


def test_without_a_zone_nothing_is_said_to_lapse() -> None:
    assert verdict(with_coupons("2017-12-01"), {}, changed(default_timezone="")) == ("silent", "no_timezone")
