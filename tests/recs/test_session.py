"""What was done just now changes a list, and nothing of it is shown again."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recs.ranked import Ranked
from recs.session import DEPTH, Session, dealt, followed, fused, pinned, suggested
from recs.similar import DEPTH as SIDE
from recs.similar import Similar
from recs.visitors import learn
from recs.wording import (
    BASKET,
    BASKET_UNNAMED,
    BOUGHT,
    LATELY,
    LOOKED,
    PICKED,
    POPULAR,
    TOGETHER_UNNAMED,
    VIEWED_UNNAMED,
)
from tests.recs.worlds import together

NAMES = ["beer", "bread", "butter", "crisps", "jam", "milk", "wine"]
TITLES = np.arange(len(NAMES), dtype=np.int32)
ALL = np.ones(len(NAMES), np.bool_)
SENSITIVE = np.array([name in ("beer", "wine") for name in NAMES])


def columns(*names: str) -> np.ndarray:
    return np.array([NAMES.index(name) for name in names], np.int32)


def session(basket: str = "", bought: str = "", looks: str = "", sensitive: np.ndarray = ~ALL) -> Session:
    return Session.of(*(columns(*part.split()) for part in (basket, bought, looks)), sensitive)


def ranked(*names: str, code: int = POPULAR) -> Ranked:
    return Ranked.of(columns(*names), np.arange(len(names), 0, -1, dtype=np.float32), code)


def names(found: Ranked) -> list[str]:
    return [NAMES[item] for item in found.items]


# What a session is ----------------------------------------------------------------------------------


def test_a_product_counts_once_and_most_as_bought_then_as_in_the_basket() -> None:
    found = session(basket="bread butter bread", bought="butter", looks="jam bread milk jam")
    assert (names_of(found.basket), names_of(found.bought), names_of(found.looks)) == (
        ["bread"],
        ["butter"],
        ["jam", "milk"],
    )
    assert found.worth.tolist() == pytest.approx([1, 1, 0.5, 0.4])


def names_of(items: np.ndarray) -> list[str]:
    return [NAMES[item] for item in items]


def test_unknown_products_are_no_part_of_it() -> None:
    found = Session.of(np.array([-1, 1]), np.array([-1]), np.array([], int), ~ALL)
    assert names_of(found.have) == ["bread"]


def test_sensitive_products_shape_nothing_and_are_hidden() -> None:
    found = session(basket="beer bread", looks="wine", sensitive=SENSITIVE)
    assert names_of(found.have) == ["bread"]
    assert names_of(found.hidden) == ["beer"]
    assert bool(found)
    assert not Session.none()


# What goes with it ----------------------------------------------------------------------------------

KNOWN = together(
    [("bread", "butter")] * 8 + [("bread", "butter", "jam")] * 4 + [("beer", "crisps")] * 8 + [("milk",)] * 3,
    {"wine": {}},
)
VISITORS = learn("ease", KNOWN, 0)
LIKE = Similar(np.full((len(NAMES), SIDE), -1, np.int32), np.zeros((len(NAMES), SIDE), np.float32))
LIKE.items[NAMES.index("wine"), :2] = columns("beer", "crisps")
LIKE.scores[NAMES.index("wine"), :2] = 0.9, 0.3


def going(done: Session, allowed: np.ndarray = ALL, titles: np.ndarray = TITLES) -> Ranked:
    return suggested([(done, DEPTH)], VISITORS, LIKE, allowed, titles)[0]


def reasons(found: Ranked) -> dict[str, tuple[int, str]]:
    return {
        NAMES[item]: (int(code), NAMES[first] if first else "")
        for item, code, first in zip(found.items, found.codes, found.facts[:, 0], strict=True)
    }


def test_what_goes_with_the_basket_says_which_product_it_goes_with() -> None:
    assert reasons(going(session(basket="bread")))["butter"] == (BASKET, "bread")
    assert reasons(going(session(looks="bread")))["butter"] == (LATELY, "bread")
    assert reasons(going(session(bought="bread")))["butter"] == (TOGETHER_UNNAMED, "")


def test_nothing_of_the_session_is_suggested() -> None:
    found = going(session(basket="bread", bought="butter", looks="beer"))
    assert set(names(found)).isdisjoint({"bread", "butter", "beer"})
    assert {"jam", "crisps"} <= set(names(found))


def test_a_product_of_the_same_name_is_no_explanation() -> None:
    same = TITLES.copy()
    same[columns("butter")] = same[columns("bread")]
    assert reasons(going(session(basket="bread"), titles=same))["butter"] == (BASKET_UNNAMED, "")
    assert reasons(going(session(looks="bread"), titles=same))["butter"] == (VIEWED_UNNAMED, "")


def test_products_like_it_stand_in_where_baskets_say_nothing() -> None:
    found = going(session(basket="wine"))
    assert names(found) == ["beer", "crisps"]
    assert reasons(found)["beer"] == (BASKET, "wine")
    assert names(going(session(basket="wine"), allowed=ALL & (NAMES.index("beer") != TITLES))) == ["crisps"]


def test_what_may_not_be_shown_is_not_suggested() -> None:
    assert "butter" not in names(going(session(basket="bread"), allowed=NAMES.index("butter") != TITLES))


# How it changes a list ------------------------------------------------------------------------------


def test_both_lists_are_merged_and_what_both_hold_comes_first() -> None:
    base, goes = ranked("milk", "jam", "bread"), ranked("crisps", "jam")
    found = fused(base, session(looks="butter"), goes, ALL)
    assert names(found)[0] == "jam"
    assert set(names(found)) == {"milk", "jam", "bread", "crisps", "butter"}
    assert dict(zip(names(found), found.codes.tolist(), strict=True))["butter"] == LOOKED
    assert (np.diff(found.scores) <= 0).all()


def test_what_was_bought_or_is_in_the_basket_leaves_every_list() -> None:
    done = session(basket="bread wine", bought="milk", sensitive=SENSITIVE)
    found = fused(ranked("milk", "bread", "wine", "jam"), done, ranked("milk"), ALL)
    assert names(found) == ["jam"]


def test_a_sensitive_look_leaves_the_lists_as_they_are() -> None:
    done = session(looks="wine", sensitive=SENSITIVE)
    assert names(fused(ranked("wine", "jam"), done, Ranked.none(), ALL)) == ["wine", "jam"]


def test_a_list_holds_what_it_may_and_nothing_else() -> None:
    may = np.isin(np.arange(len(NAMES)), columns("bread", "jam"))
    found = fused(ranked("milk", "jam"), session(looks="bread crisps"), ranked("butter"), may)
    assert set(names(found)) == {"jam", "bread"}


def picked() -> Ranked:
    base = ranked("milk", "jam", "bread")
    return Ranked(base.items, base.scores, np.array([POPULAR, PICKED, BOUGHT], np.uint8), base.facts)


def test_the_retailers_own_products_keep_their_places() -> None:
    found = pinned(ranked("crisps", "beer", "jam"), picked(), session(looks="butter"))
    assert names(found) == ["crisps", "jam", "beer"]
    assert found.codes[1] == PICKED


def test_the_retailers_own_products_do_not_come_back_once_taken() -> None:
    for done in (session(basket="jam"), session(bought="jam")):
        assert names(pinned(ranked("crisps", "beer"), picked(), done)) == ["crisps", "beer"]


def test_what_goes_with_a_visit_comes_before_what_is_popular() -> None:
    found = followed(ranked("crisps", "jam"), ranked("milk", "jam", "bread"), session(looks="bread"))
    assert names(found) == ["crisps", "jam", "milk"]
    assert (np.diff(found.scores) <= 0).all()


# Dealing anew ---------------------------------------------------------------------------------------

LONG = Ranked.of(np.arange(50, dtype=np.int32), np.linspace(1, 0, 50, dtype=np.float32), POPULAR)


@given(seed=st.integers(0, 2**32 - 1), customer=st.text(max_size=8))
def test_the_same_seed_deals_the_same_list_of_the_same_products(seed: int, customer: str) -> None:
    one, two = (dealt(LONG, seed, customer) for _ in range(2))
    assert one.items.tolist() == two.items.tolist()
    assert sorted(one.items.tolist()) == list(range(50))
    assert one.items[0] == 0


def test_better_products_stand_in_front_more_often_and_every_one_is_seen_sometime() -> None:
    places = np.array([np.argsort(dealt(LONG, seed, "a").items) for seed in range(400)])
    mean = places.mean(axis=0)
    assert mean[1] < mean[5] < mean[20] < mean[45]
    assert (places[:, 1:] < 10).any(axis=0).all()


def test_pinned_products_are_not_dealt() -> None:
    codes = LONG.codes.copy()
    codes[3] = PICKED
    for seed in range(20):
        assert dealt(Ranked(LONG.items, LONG.scores, codes, LONG.facts), seed, "a").items[3] == 3


@given(st.data())
def test_no_session_makes_a_list_hold_a_product_twice(data: Any) -> None:
    some = st.lists(st.sampled_from(NAMES), max_size=6)
    done = Session.of(*(columns(*data.draw(some)) for _ in range(3)), SENSITIVE)
    base = ranked(*data.draw(st.permutations(NAMES)))
    found = fused(base, done, going(done), ALL)
    assert len(set(found.items.tolist())) == len(found.items) <= DEPTH + len(NAMES)
    assert set(found.items.tolist()).isdisjoint(done.bought.tolist())
