"""Reasons are true, short, and name nothing sensitive."""

from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from recs import reasons
from recs.reasons import Family
from recs.recommenders import Als, Frequency, ItemItem, Popularity
from recs.wording import (
    ALIKE,
    BASKET,
    BASKET_UNNAMED,
    BOUGHT,
    CATEGORY,
    LATELY,
    LOCAL,
    LOOKED,
    PICKED,
    POPULAR,
    RHYTHM,
    SIMILAR,
    SIMILAR_UNNAMED,
    TOGETHER,
    TOGETHER_UNNAMED,
    UNTRIED,
    VIEWED,
    VIEWED_UNNAMED,
    sentence,
)
from recs.world import World, load
from tests.conftest import at
from tests.recs.shops import history, shop_of
from tests.recs.worlds import DAY, TOWN, fill, purchase
from warehouse.settings import Settings


def days(year: int, month: int, day: int) -> int:
    return (date(year, month, day) - date(1970, 1, 1)).days


def words(code: int, first: int = 0, second: int = 0) -> str:
    return sentence(code, first, second, "Bread", "BAKERY", DAY.year)


NOVEMBER = days(2017, 11, 3)


@pytest.mark.parametrize(
    ("sentence", "row"),
    [
        ("You bought this 7 times, last on 3 November", (BOUGHT, 7, NOVEMBER)),
        ("You bought this twice, last on 30 December 2016", (BOUGHT, 2, days(2016, 12, 30))),
        ("You bought this on 3 November", (BOUGHT, 1, NOVEMBER)),
        ("You buy this about every day, last on 3 November", (RHYTHM, 1, NOVEMBER)),
        ("You buy this about every week, last on 3 November", (RHYTHM, 7, NOVEMBER)),
        ("You buy this about every 10 days, last on 3 November", (RHYTHM, 10, NOVEMBER)),
        ("You buy this about every 2 weeks, last on 3 November", (RHYTHM, 11, NOVEMBER)),
        ("You buy this about every 3 weeks, last on 3 November", (RHYTHM, 20, NOVEMBER)),
        ("You buy this about every 8 weeks, last on 3 November", (RHYTHM, 59, NOVEMBER)),
        ("You buy this about every 2 months, last on 3 November", (RHYTHM, 60, NOVEMBER)),
        ("153 customers bought this", (POPULAR, 153)),
        ("One customer bought this", (POPULAR, 1)),
        ("Be the first to try this", (UNTRIED, 0)),
        ("Often bought with Bread, which you bought in October", (TOGETHER, 4, days(2017, 10, 9))),
        ("Often bought with Bread, which you bought in December 2016", (TOGETHER, 4, days(2016, 12, 9))),
        ("Often bought with something you buy", (TOGETHER_UNNAMED, -1)),
        ("Customers with baskets like yours buy this", (ALIKE,)),
        ("You often buy BAKERY", (CATEGORY, 4, 3)),
        ("You bought BAKERY lately", (CATEGORY, 4, 2)),
        ("Popular where you shop lately: 12 customers", (LOCAL, 12)),
        ("Similar to Bread, which you bought in November", (SIMILAR, 4, NOVEMBER)),
        ("Similar to something you bought", (SIMILAR_UNNAMED, -1)),
        ("Goes with Bread, which you looked at on 3 November", (VIEWED, 4, NOVEMBER)),
        ("Goes with something you looked at", (VIEWED_UNNAMED, -1)),
        ("Picked by the shop", (PICKED,)),
        ("You looked at this lately", (LOOKED,)),
        ("Goes with Bread in your basket", (BASKET, 4)),
        ("Goes with your basket", (BASKET_UNNAMED,)),
        ("Goes with Bread, which you looked at lately", (LATELY, 4)),
    ],
)
def test_each_reason_reads_like_a_person_wrote_it(sentence: str, row: tuple[int, ...]) -> None:
    assert words(*row) == sentence


def town(**more: Any) -> dict[str, Any]:
    """`TOWN`, every unit bought in an order of its own, on the first days of November."""
    lines = [
        purchase(customer, product, f"2017-11-{n + 1:02d}")
        for customer, basket in TOWN.items()
        for product, times in basket.items()
        for n in range(times)
    ]
    return {"purchases": lines} | more


@pytest.fixture
def world(settings: Settings) -> World:
    fill(settings, **town())
    return load(settings, DAY)


def column(world: World, product: str) -> int:
    return world.catalogue["product_id"].to_list().index(product)


def why(world: World, customer: str, product: str, family: Family, behind: str | None = None) -> list[int]:
    """Code and facts of one product, when a model says the family and the product behind it."""

    class Says(Popularity):
        def reasons(self, rows: np.ndarray, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:  # noqa: ARG002
            source = -1 if behind is None else column(world, behind)
            return np.full(ids.shape, family, np.uint8), np.full((*ids.shape, 2), source, np.int32)

    row = world.interactions.customers.to_list().index(customer)
    ids = np.array([[column(world, product), -1]], np.int32)
    codes, facts = reasons.find(Says(), world.shop, np.array([row]), ids)
    assert (codes[0, 1], *facts[0, 1]) == (0, 0, 0)
    return [int(codes[0, 0]), *facts[0, 0].tolist()]


def test_a_habit_is_told_with_its_baskets_and_last_day(world: World) -> None:
    ann = np.array([0])
    ids = np.array([[column(world, "butter"), column(world, "toys"), -1]], np.int32)
    codes, facts = reasons.find(Frequency().fit(world.history), world.shop, ann, ids)
    assert codes.tolist() == [[BOUGHT, POPULAR, 0]]
    assert facts.tolist() == [[[1, days(2017, 11, 1)], [3, 0], [0, 0]]]


def test_what_popularity_filled_is_called_popular_whatever_the_model(world: World) -> None:
    nobody = np.array([world.nobody])
    for model in (Popularity(), Frequency(), ItemItem(), Als(factors=2)):
        ids, _ = model.fit(world.history).recommend(nobody, 3)
        codes, facts = reasons.find(model, world.shop, nobody, ids)
        assert codes.tolist() == [[POPULAR] * 3]
        assert facts[0, :, 0].tolist() == [8, 4, 4]


def test_a_companion_is_bought_by_the_customer_and_adds_most(world: World) -> None:
    model, ann = ItemItem(neighbours=6).fit(world.history), np.array([0])
    ids = np.array([[column(world, "jam")]], np.int32)
    codes, facts = reasons.find(model, world.shop, ann, ids)
    # All who buy jam buy bread and butter, which are alike in everything; bread is the first of them.
    assert (codes.item(), *facts[0, 0].tolist()) == (TOGETHER, column(world, "bread"), days(2017, 11, 5))


def test_a_sensitive_companion_is_not_named(settings: Settings) -> None:
    hidden = [{"product_id": p, "sensitive": True, "available": True} for p in ("bread", "butter", "milk")]
    fill(settings, **town(products=hidden))
    world = load(settings, DAY)
    model, ann = ItemItem(neighbours=6).fit(world.history), np.array([0])
    ids = np.array([[column(world, "jam")]], np.int32)
    codes, facts = reasons.find(model, world.shop, ann, ids)
    assert (codes.item(), facts[0, 0, 0]) == (TOGETHER_UNNAMED, -1)
    assert why(world, "ann", "jam", Family.CONTENT, "bread") == [SIMILAR_UNNAMED, -1, 0]


def test_als_speaks_of_similar_baskets(world: World) -> None:
    model = Als(factors=4, reg=0.1, seed=1).fit(world.history)
    codes, _ = reasons.find(model, world.shop, np.array([0]), np.array([[column(world, "jam")]], np.int32))
    assert codes.item() == ALIKE


def test_a_model_that_claims_more_than_the_records_say_is_not_believed(world: World) -> None:
    popular = [POPULAR, 3, 0]
    assert why(world, "ann", "toys", Family.HABIT) == popular
    assert why(world, "ann", "toys", Family.TOGETHER, "litter") == popular
    assert why(world, "ann", "toys", Family.CONTENT, "litter") == popular
    assert why(world, "ann", "toys", Family.SESSION, "bread") == popular
    assert why(world, "ann", "toys", Family.CATEGORY) == popular


def test_a_likeness_is_told_with_what_the_customer_bought_and_when(world: World) -> None:
    expected = [SIMILAR, column(world, "bread"), days(2017, 11, 5)]
    assert why(world, "ann", "jam", Family.CONTENT, "bread") == expected


@pytest.mark.parametrize(
    ("bought_on", "expected"),
    [
        (["09-22", "10-12", "11-03"], [RHYTHM, 21, NOVEMBER]),
        (["10-12", "11-03"], [BOUGHT, 2, NOVEMBER]),  # one gap is no rhythm
        (["09-01", "09-03", "11-03"], [BOUGHT, 3, NOVEMBER]),  # nor are a gap of 2 and one of 61 days
        (["02-01", "02-08", "02-15"], [BOUGHT, 3, days(2017, 2, 15)]),  # nor is one that has ended
    ],
)
def test_a_rhythm_is_told_where_there_is_one(settings: Settings, bought_on, expected) -> None:
    fill(settings, purchases=[purchase("ann", "milk", f"2017-{when}") for when in bought_on])
    assert why(load(settings, DAY), "ann", "milk", Family.HABIT) == expected


@pytest.fixture
def bakery(settings: Settings) -> World:
    """Ann bought three breads in three baskets of November; a roll is of the same category, ale of hers."""
    titles = [("bread", "BREAD"), ("roll", "BREAD"), ("ale", "BEERS"), ("stout", "BEERS")]
    fill(
        settings,
        purchases=[
            *(purchase("ann", "bread", f"2017-11-{n:02d}", market="north") for n in (1, 5, 20)),
            *(purchase("ann", "ale", f"2017-11-{n:02d}", market="north") for n in (1, 5, 20)),
            *(purchase(c, "roll", "2017-11-20", market="north") for c in "bcd"),
            *(purchase(c, "roll", "2017-10-20", market="north") for c in "ef"),
            *(purchase(c, "stout", "2017-11-20", market="south") for c in "gh"),
        ],
        products=[{"product_id": p, "category": c, "available": True} for p, c in titles],
        views=[{"customer_id": "ann", "product_id": p, "viewed_at": at("2017-11-28"), "kind": "view"}
               for p in ("roll", "ale")],
    )  # fmt: skip
    return load(settings, DAY)


def test_a_category_is_told_with_its_late_baskets_unless_it_is_sensitive(bakery: World) -> None:
    assert why(bakery, "ann", "roll", Family.CATEGORY) == [CATEGORY, column(bakery, "roll"), 3]
    assert why(bakery, "b", "bread", Family.CATEGORY) == [CATEGORY, column(bakery, "bread"), 1]
    assert why(bakery, "ann", "stout", Family.CATEGORY) == [POPULAR, 2, 0]


def test_popularity_where_a_customer_shops_counts_its_customers_of_the_last_weeks(bakery: World) -> None:
    assert why(bakery, "ann", "roll", Family.LOCAL) == [LOCAL, 3, 0]
    assert why(bakery, "ann", "stout", Family.LOCAL) == [POPULAR, 2, 0]


def test_what_a_customer_looked_at_is_told_with_the_day_unless_it_is_sensitive(bakery: World) -> None:
    expected = [VIEWED, column(bakery, "roll"), days(2017, 11, 28)]
    assert why(bakery, "ann", "bread", Family.SESSION, "roll") == expected
    assert why(bakery, "ann", "bread", Family.SESSION, "ale") == [VIEWED_UNNAMED, -1, 0]


PRODUCTS = [f"p{n}" for n in range(5)]


@given(
    lines=st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from(PRODUCTS), st.integers(0, 90)),
        min_size=1,
        max_size=20,
    ),
    sensitive=st.sets(st.sampled_from(PRODUCTS)),
    family=st.sampled_from(Family),
    behind=st.sampled_from(PRODUCTS),
)
@examples(deadline=None)
def test_a_reason_names_only_what_was_bought_and_is_not_sensitive(lines, sensitive, family, behind) -> None:
    known = history(lines, [{"product_id": p, "sensitive": p in sensitive} for p in PRODUCTS])
    world = World(DAY, known, shop_of(known), "")
    told = {}
    for customer in sorted({c for c, _, _ in lines}):
        for product in PRODUCTS:
            told[customer, product] = why(world, customer, product, family, behind)
    for (customer, product), (code, first, second) in told.items():
        mine = [(p, days(2017, 11, 30) - ago) for c, p, ago in lines if c == customer]
        if code in (TOGETHER, SIMILAR):
            named = PRODUCTS[first]
            assert named == behind
            assert named not in sensitive
            assert second == max(day for p, day in mine if p == named)
        elif code in (BOUGHT, RHYTHM):
            on = [day for p, day in mine if p == product]
            assert second == max(on)
            gaps = np.diff(sorted(set(on)))
            assert first == len(on) if code == BOUGHT else abs(first - np.median(gaps)) <= 0.5
            assert code == BOUGHT or len(gaps) >= 2
        elif code == POPULAR:
            assert first == len({c for c, p, _ in lines if p == product})
        elif code == LOCAL:
            assert 1 < first <= len({c for c, p, _ in lines if p == product})
        else:
            assert code in (ALIKE, TOGETHER_UNNAMED, SIMILAR_UNNAMED, UNTRIED)
            assert code != SIMILAR_UNNAMED or behind in sensitive or behind == product  # one title
