"""Every list keeps the retailer's rules, night and day, whatever the model would rather show."""

from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pydantic import ValidationError

from recs import rules
from recs.bundle import SLATES
from recs.consent import impersonal
from recs.due import DAYS_AHEAD, resting
from recs.history import History
from recs.recommenders import Frequency
from recs.rules import Rules
from recs.shop import Shop
from recs.slates import rank
from recs.wording import PICKED, POPULAR, RHYTHM
from recs.world import load
from tests.conftest import at
from tests.recs.shops import history, shop_of
from tests.recs.worlds import DAY, fill, purchase
from warehouse.errors import SettingsError
from warehouse.settings import Settings, load_settings

# Ann buys bread most, then ale, then milk; others buy them too, and beer, and cake, which she never did.
LINES = [
    *[("ann", "bread", n) for n in (1, 2, 3, 4, 5)],
    *[("ann", "ale", n) for n in (1, 2, 3)],
    ("ann", "milk", 9),
    *[(c, p, 3) for c in ("ben", "cleo", "dan") for p in ("beer", "milk")],
    *[(c, "cake", 3) for c in ("ben", "cleo")],
    ("eve", "bread", 100),
]
PRODUCTS = [
    {"product_id": "ale", "category": "BEER", "sensitive": True},
    {"product_id": "beer", "category": "BEER", "sensitive": True},
    {"product_id": "bread", "category": "BAKERY"},
    {"product_id": "cake", "category": "BAKERY"},
    {"product_id": "milk", "category": "DAIRY"},
    {"product_id": "new", "category": "DAIRY"},
]
NAMES = [p["product_id"] for p in PRODUCTS]
CUSTOMERS = ["ann", "ben", "cleo", "dan", "eve"]


def lists(shop: Shop, known: History, slate: str = "for_you", more: tuple[Rules, ...] = ()) -> dict[str, Any]:
    """By customer the product ids of a slate made by habits, and of nobody."""
    model, found = Frequency().fit(known), {}
    for group in shop.groups((shop.policy.rules, *more)):
        made = rank(shop, model, slate, group, 5, more)
        for row, items in zip(group.rows.tolist(), made["items"], strict=True):
            found[[*CUSTOMERS, "nobody"][row]] = [NAMES[i] for i in items if i >= 0]
    return found


@pytest.fixture
def known() -> History:
    return history(LINES, PRODUCTS)


def test_without_rules_a_list_is_the_models(known: History) -> None:
    assert lists(shop_of(known), known)["ann"] == ["bread", "ale", "milk", "cake"]


# Sensitive products --------------------------------------------------------------------------------


def test_a_sensitive_product_is_shown_to_who_bought_it_and_to_nobody_else(known: History) -> None:
    shop = shop_of(known)
    shown = {slate: lists(shop, known, slate) for slate in SLATES}
    assert shown["for_you"]["ben"] == ["milk", "beer", "cake", "bread"]
    assert shown["for_you"]["eve"] == ["bread", "milk", "cake"]
    assert shown["for_you"]["nobody"] == ["milk", "cake", "bread"]
    assert shown["buy_again"]["ann"] == ["bread", "ale", "milk"]
    assert shown["discover"]["ann"] == ["cake"]


@given(
    lines=st.lists(
        st.tuples(st.sampled_from(CUSTOMERS), st.sampled_from(NAMES), st.integers(0, 90)),
        min_size=1,
        max_size=25,
    ),
    hidden=st.sets(st.sampled_from(NAMES)),
    plain=st.sets(st.sampled_from(CUSTOMERS)),
    pinned=st.sampled_from(NAMES),
    denied=st.sampled_from(["BEER", "BAKERY", "none"]),
    cap=st.integers(0, 2),
    slate=st.sampled_from(SLATES),
)
@examples(deadline=None)
def test_no_list_breaks_a_rule_whatever_was_bought(lines, hidden, plain, pinned, denied, cap, slate) -> None:
    products = [p | {"sensitive": p["product_id"] in hidden} for p in PRODUCTS]
    known = history([*lines, *((c, "milk", 80) for c in CUSTOMERS)], products)
    rule = {"pins": {pinned: 1}, "deny": [denied], "boosts": {"cake": 2}}
    shop = shop_of(known, impersonal=plain, category_cap=cap, rules=rule)
    had = {(c, p) for c, p, _ in lines} | {(c, "milk") for c in CUSTOMERS}
    for customer, shown in lists(shop, known, slate).items():
        assert len(set(shown)) == len(shown)
        for product in shown:
            bought = (customer, product) in had
            assert product not in hidden or (bought and customer not in plain)
            assert slate == "for_you" or bought == (slate == "buy_again")
            assert dict(zip(NAMES, [p["category"] for p in PRODUCTS], strict=True))[product] != denied


# Categories, products and prices -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"categories": ["DAIRY", "BEER"]}, ["ale", "milk"]),
        ({"deny": ["BAKERY"]}, ["ale", "milk"]),
        ({"exclude": ["bread", "nothing like it"]}, ["ale", "milk", "cake"]),
        ({"categories": ["BAKERY"], "exclude": ["cake"]}, ["bread"]),
        ({"categories": ["PETS"]}, []),
        ({"min_price_minor": {"default": 1}}, []),  # nobody knows any price here
    ],
)
def test_only_what_passes_is_shown_by_night_and_by_request(known: History, rule, expected) -> None:
    assert lists(shop_of(known, rules=rule), known)["ann"] == expected
    assert lists(shop_of(known), known, more=(Rules(**rule),))["ann"] == expected


def test_a_request_cannot_lift_what_the_night_bars(known: History) -> None:
    shop = shop_of(known, rules={"deny": ["BEER"]})
    assert lists(shop, known, more=(Rules(categories=("BEER", "DAIRY")),))["ann"] == ["milk"]


def price(product: str, market: str, price: str, **more: Any) -> dict[str, Any]:
    return {"product_id": product, "market": market, "currency": "EUR", "kind": "list", "price": price} | {
        "effective_at": at("2017-11-01")
    } | more  # fmt: skip


def test_a_price_is_the_list_price_in_force_else_the_last_paid_in_the_markets_currency(
    settings: Settings,
) -> None:
    fill(
        settings,
        purchases=[
            purchase("a", "tea", "2017-11-01", market="north", line_total_minor=500),
            purchase("a", "tea", "2017-11-02", market="north", line_total_minor=480, quantity=2),
            purchase("b", "tea", "2017-11-02", market="south", line_total_minor=900),
            purchase("b", "rum", "2017-11-02", market="south", line_total_minor=1500),
            purchase("c", "tea", "2017-11-02", market="east", line_total_minor=7, currency="JPY"),
        ],
        prices=[
            price("tea", "south", "3.99"),
            price("tea", "south", "2.99", effective_at=at("2017-11-05"), ends_at=at("2017-11-09")),
            price("tea", "south", "1.00", kind="promotion", effective_at=at("2017-11-06")),
            price("tea", "south", "8.00", effective_at=at("2017-12-01")),
            price("rum", "east", "5.00"),
        ],
        customers=[{"customer_id": "d"}],
    )
    world = load(settings, DAY)
    prices = world.shop.prices
    found = dict(zip("abcd", (prices.at(int(home)) for home in prices.home), strict=False))
    rum_and_tea = {customer: (minor.tolist(), currency) for customer, (minor, currency) in found.items()}
    assert rum_and_tea["a"] == ([1500, 240], "EUR")  # rum is sold in the south only, in the same currency
    assert rum_and_tea["b"] == ([1500, 399], "EUR")
    assert rum_and_tea["d"][1] == "EUR"
    east, currency = rum_and_tea["c"]
    assert (np.isnan(east[0]), east[1], currency) == (True, 7, "JPY")


def test_a_range_is_asked_in_each_customers_currency() -> None:
    cost = np.array([100, 200, 300, np.nan])
    ranges = [Rules(min_price_minor={"EUR": 150}, max_price_minor={"default": 250})]
    assert rules.affordable(ranges, cost, "EUR").tolist() == [False, True, False, False]
    assert rules.affordable(ranges, cost, "JPY").tolist() == [True, True, False, False]
    assert rules.affordable([Rules(min_price_minor={"EUR": 150})], cost, "JPY").all()


# Pins and boosts -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pins", "expected"),
    [
        ({"cake": 1}, ["cake", "bread", "ale", "milk"]),
        ({"new": 2}, ["bread", "new", "ale", "milk", "cake"]),  # also what nobody bought yet
        ({"bread": 3}, ["ale", "milk", "bread", "cake"]),
        ({"cake": 9}, ["bread", "ale", "milk", "cake"]),
        ({"milk": 1, "new": 3}, ["milk", "bread", "new", "ale", "cake"]),
        ({"bread": 4, "ale": 3}, ["milk", "cake", "ale", "bread"]),
        ({"beer": 1}, ["bread", "ale", "milk", "cake"]),  # sensitive, and she never bought it
        ({"nothing": 1}, ["bread", "ale", "milk", "cake"]),
    ],
)
def test_a_pinned_product_stands_at_its_place_where_it_may_be_shown(known: History, pins, expected) -> None:
    assert lists(shop_of(known, rules={"pins": pins}), known)["ann"] == expected


def test_pins_keep_to_the_slate_and_a_later_rule_wins_a_place(known: History) -> None:
    shop = shop_of(known, rules={"pins": {"milk": 1}})
    assert lists(shop, known, "discover")["ann"] == ["cake"]
    assert lists(shop, known, "buy_again")["ann"] == ["milk", "bread", "ale"]
    more = (Rules(pins={"ale": 1}),)
    assert lists(shop, known, "buy_again", more)["ann"] == ["ale", "bread", "milk"]


def test_a_pinned_product_is_said_to_be_picked(known: History) -> None:
    shop = shop_of(known, rules={"pins": {"milk": 1}})
    (group,) = shop.groups([shop.policy.rules], np.array([0]))
    made = rank(shop, Frequency().fit(known), "for_you", group, 5)
    assert made["codes"].tolist() == [[PICKED, RHYTHM, RHYTHM, POPULAR, 0]]
    assert made["scores"][0, 0] == pytest.approx(0.5 ** (9 / 60) + 1e-4, abs=1e-3)
    assert made["items"][0, 4] == -1
    assert np.isneginf(made["scores"][0, 4])


def test_boosts_change_the_order_within_their_limits(known: History) -> None:
    boosted = shop_of(known, rules={"boosts": {"ale": 2}})
    assert lists(boosted, known)["ann"] == ["ale", "bread", "milk", "cake"]
    twice = Rules(boosts={"ale": 2}, category_boosts={"BEER": 2, "DAIRY": 0.5})
    assert rules.factors([twice, twice], known.catalogue).tolist() == [2, 2, 1, 1, 0.5, 0.5]
    assert rules.factors([Rules(deny=("BEER",))], known.catalogue) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"boosts": {"ale": 2.1}},
        {"category_boosts": {"BEER": 0.4}},
        {"pins": {"ale": 0}},
        {"pins": {"ale": 1, "beer": 1}},
        {"pins": {"a": 1, "b": 2, "c": 3, "d": 4}},
        {"min_price_minor": {"EUR": 2}, "max_price_minor": {"EUR": 1}},
    ],
)
def test_rules_beyond_the_limits_are_refused(wrong, tmp_path) -> None:
    with pytest.raises(ValidationError):
        Rules(**wrong)
    with pytest.raises(SettingsError, match=r"recs\.rules"):
        load_settings(home=tmp_path, recs={"rules": wrong})


def test_caps_and_mmr_let_other_kinds_of_product_go_first() -> None:
    again = history([*LINES, ("ann", "cake", 1), ("ann", "cake", 2)], PRODUCTS)
    assert lists(shop_of(again), again, "buy_again")["ann"] == ["bread", "ale", "cake", "milk"]
    assert lists(shop_of(again, category_cap=1), again, "buy_again")["ann"] == [
        "bread",
        "ale",
        "milk",
        "cake",
    ]


# When a product is due -----------------------------------------------------------------------------


def rests(lines: list[tuple[str, str, int]], share: float, **kind: bool) -> list[bool]:
    known = history(lines, [{"product_id": p} | kind for p in sorted({p for _, p, _ in lines})])
    return resting(known, share).tolist()


def test_a_durable_never_returns_and_an_unknown_product_always_does() -> None:
    assert rests([("ann", "pan", 80)], 0, consumable=False) == [True]
    assert rests([("ann", "pan", 0)], 1) == [False]


@pytest.mark.parametrize(("ago", "expected"), [(0, True), (7, True), (8, False), (40, False)])
def test_a_consumable_returns_when_a_share_of_the_usual_time_is_over_within_the_week(ago, expected) -> None:
    monthly = [("ann", "milk", ago), ("ann", "milk", ago + 32), ("ann", "milk", ago + 64)]
    assert (ago + 1 + DAYS_AHEAD < 0.5 * 32) == expected
    assert rests(monthly, 0.5, consumable=True) == [expected]
    assert rests(monthly, 0, consumable=True) == [False]


def test_who_bought_once_is_measured_by_the_others_and_nobody_by_no_one() -> None:
    others = [("ben", "milk", 60), ("ben", "milk", 30), ("cleo", "milk", 90), ("cleo", "milk", 30)]
    assert rests([("ann", "milk", 2), *others], 0.5, consumable=True) == [True, False, False]
    assert rests([("ann", "milk", 30), *others], 0.5, consumable=True) == [False, False, False]
    assert rests([("ann", "milk", 2)], 0.5, consumable=True) == [False]


def test_what_rests_is_not_in_buy_again_but_may_be_elsewhere() -> None:
    products = [p | {"consumable": p["product_id"] != "bread"} for p in PRODUCTS]
    known = history(LINES, products)
    shop = shop_of(known)
    assert lists(shop, known, "buy_again")["ann"] == ["ale", "milk"]
    assert lists(shop, known)["ann"][0] == "bread"


# Consent -------------------------------------------------------------------------------------------


def said(customer: str, granted: bool, when: str = "2017-11-01", channel: str = "email") -> dict[str, Any]:
    return {"customer_id": customer, "channel": channel, "purpose": "personalisation", "granted": granted} | {
        "recorded_at": at(when)
    }


@pytest.mark.parametrize(
    ("words", "required", "expected"),
    [
        ([], False, False),
        ([], True, True),
        ([said("ann", True)], True, False),
        ([said("ann", False)], False, True),
        ([said("ann", True), said("ann", False, "2017-11-02")], False, True),
        ([said("ann", False), said("ann", True, "2017-11-02")], True, False),
        ([said("ann", True, channel="sms"), said("ann", False)], False, True),
        ([said("ann", True) | {"purpose": "marketing"}], True, True),
        ([said("ann", False) | {"purpose": "marketing"}], False, False),
        ([said("ben", False)], False, False),
    ],
)
def test_the_latest_word_of_each_channel_says_whose_purchases_may_count(words, required, expected) -> None:
    schema = {"customer_id": pl.String, "channel": pl.String, "purpose": pl.String, "granted": pl.Boolean}
    table = pl.LazyFrame(words, schema=schema | {"recorded_at": pl.Datetime("us", "UTC")})
    assert impersonal(table, pl.Series(["ann"]), required=required).tolist() == [expected, False]


def test_who_withdrew_is_shown_what_is_popular_where_they_shop(settings: Settings) -> None:
    recent = str(DAY - timedelta(days=3))
    bought = [
        *(purchase(c, "pie", recent, market="north") for c in ("a", "b", "c")),
        *(purchase(c, "tea", recent, market="south") for c in "defgh"),
        purchase("ann", "jam", recent, market="north"),
        *(purchase(c, "jam", recent, market="north") for c in "ab"),
    ]
    fill(settings, purchases=bought, consents=[said("ann", False), said("d", False, "2017-12-24")])
    world = load(settings, DAY)
    shop, model = world.shop, Frequency().fit(world.history)
    row = world.interactions.customers.to_list().index("ann")
    (group,) = shop.groups([], np.array([row]))
    shown = {slate: rank(shop, model, slate, group, 3) for slate in SLATES}
    products = world.catalogue["product_id"].to_list()
    named = {slate: [products[i] for i in made["items"][0] if i >= 0] for slate, made in shown.items()}
    assert named == {"for_you": ["jam", "pie", "tea"], "buy_again": [], "discover": ["pie", "tea"]}
    assert shown["for_you"]["codes"].tolist() == [[POPULAR] * 3]
    assert shown["for_you"]["facts"][0, :, 0].tolist() == [3, 3, 5]
    assert np.flatnonzero(shop.impersonal).tolist() == [row]
