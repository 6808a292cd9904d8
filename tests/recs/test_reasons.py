"""Reasons are true, short, and name nothing sensitive."""

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from recs import reasons
from recs.recommenders import Als, Frequency, ItemItem, Popularity
from recs.wording import ALIKE, BOUGHT, POPULAR, TOGETHER, TOGETHER_UNNAMED, wording
from recs.world import World, load
from tests.recs.worlds import DAY, TOWN, fill, purchase
from warehouse.settings import Settings


def words(code: int, first: int = 0, second: int = 0, title: str = "Bread") -> str:
    row = pl.DataFrame({"code": [code], "first": [first], "second": [second], "title": [title]})
    return row.select(wording(DAY)).item()


def days(year: int, month: int, day: int) -> int:
    return (date(year, month, day) - date(1970, 1, 1)).days


@pytest.mark.parametrize(
    ("sentence", "row"),
    [
        ("You bought this 7 times, last on 3 November", (BOUGHT, 7, days(2017, 11, 3))),
        ("You bought this twice, last on 30 December 2016", (BOUGHT, 2, days(2016, 12, 30))),
        ("You bought this on 3 November", (BOUGHT, 1, days(2017, 11, 3))),
        ("153 customers bought this", (POPULAR, 153)),
        ("One customer bought this", (POPULAR, 1)),
        ("Customers who buy Bread often buy this", (TOGETHER, 4)),
        ("Often bought with something you buy", (TOGETHER_UNNAMED, -1)),
        ("Customers with baskets like yours buy this", (ALIKE,)),
    ],
)
def test_each_reason_reads_like_a_person_wrote_it(sentence: str, row: tuple[int, ...]) -> None:
    assert words(*row) == sentence


@pytest.fixture
def world(settings: Settings) -> World:
    """`TOWN`, every unit bought in an order of its own, on the first days of November."""
    fill(
        settings,
        purchases=[
            purchase(customer, product, f"2017-11-{n + 1:02d}")
            for customer, basket in TOWN.items()
            for product, times in basket.items()
            for n in range(times)
        ],
    )
    return load(settings, DAY)


def column(world: World, product: str) -> int:
    return world.catalogue["product_id"].to_list().index(product)


def test_a_habit_is_told_with_its_baskets_and_last_day(world: World) -> None:
    ann = np.array([0])
    ids = np.array([[column(world, "bread"), column(world, "toys"), -1]], np.int32)
    codes, facts = reasons.find(Frequency().fit(world.history), world, ann, ids)
    assert codes.tolist() == [[BOUGHT, POPULAR, 0]]
    assert facts.tolist() == [[[5, days(2017, 11, 5)], [3, 0], [0, 0]]]


def test_what_popularity_filled_is_called_popular_whatever_the_model(world: World) -> None:
    nobody = np.array([world.nobody])
    for model in (Popularity(), Frequency(), ItemItem(), Als(factors=2)):
        ids, _ = model.fit(world.history).recommend(nobody, 3)
        codes, facts = reasons.find(model, world, nobody, ids)
        assert codes.tolist() == [[POPULAR] * 3]
        assert facts[0, :, 0].tolist() == [8, 4, 4]


def test_a_companion_is_bought_by_the_customer_and_adds_most(world: World) -> None:
    model, ann = ItemItem(neighbours=6).fit(world.history), np.array([0])
    ids = np.array([[column(world, "jam")]], np.int32)
    codes, facts = reasons.find(model, world, ann, ids)
    # All who buy jam buy bread and butter, which are alike in everything; bread is the first of them.
    assert (codes.item(), facts[0, 0, 0]) == (TOGETHER, column(world, "bread"))


def test_a_sensitive_companion_is_not_named(world: World) -> None:
    hidden = world.catalogue.with_columns(sensitive=pl.col("product_id").is_in(["bread", "butter", "milk"]))
    model, ann = ItemItem(neighbours=6).fit(world.history), np.array([0])
    ids = np.array([[column(world, "jam")]], np.int32)
    codes, facts = reasons.find(
        model, replace(world, history=replace(world.history, catalogue=hidden)), ann, ids
    )
    assert (codes.item(), facts[0, 0, 0]) == (TOGETHER_UNNAMED, -1)


def test_als_speaks_of_similar_baskets(world: World) -> None:
    model = Als(factors=4, reg=0.1, seed=1).fit(world.history)
    codes, _ = reasons.find(model, world, np.array([0]), np.array([[column(world, "jam")]], np.int32))
    assert codes.item() == ALIKE
