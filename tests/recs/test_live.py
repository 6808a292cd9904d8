"""The storefront asks with a context, a basket or a page, and events of a second ago count."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from advocate.database import upgrade
from features.live import Event
from recs.bundle import SLATES
from recs.context import Context
from recs.scoring import MOST, Basket, Scorer
from recs.steps import recommend
from tests.recs.bakery import KINDS, NOW, bakers_and_cats, did, ids
from tests.recs.worlds import DAY, fill, purchase
from warehouse import clock
from warehouse.errors import FeedError, NotFoundError, SettingsError
from warehouse.settings import Settings


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    few = {"depth": 6, "min_judged_customers": 10, "als_factors": 4, "tune_seconds": 0}
    settings = Settings(home=Path(tmp_path_factory.mktemp("home")), recs=few)
    upgrade(settings)
    fill(settings, **bakers_and_cats())
    recommend(settings, DAY)
    return settings


@pytest.fixture
def scorer(home: Settings) -> Iterator[Scorer]:
    with clock.at(NOW):
        yield Scorer.open(home, watch=False)


# Where an answer comes from -------------------------------------------------------------------------


def test_an_answer_says_which_step_of_the_chain_it_comes_from(scorer: Scorer) -> None:
    assert scorer.recommend("c00").source == "customer"
    assert scorer.recommend("c04").source == "segment"  # their own purchases shape nothing
    assert scorer.recommend("c04", context=Context(market="nowhere")).source == "market"
    assert scorer.recommend("private").source == "market"
    assert scorer.recommend("stranger").source == "market"
    assert scorer.recommend("stranger", context=Context(market="south")).source == "segment"
    assert scorer.recommend("stranger", context=Context(market="nowhere")).source == "market"
    assert scorer.for_basket(["bread"]).source == "session"
    assert scorer.for_basket(["never seen"]).source == "market"
    assert scorer.similar("never seen").source == "market"


def test_a_stranger_in_a_market_gets_what_sells_there(scorer: Scorer) -> None:
    north, south = (ids(scorer.recommend("s", context=Context(market=m), n=4)) for m in ("north", "south"))
    assert {"bread", "butter"} < set(north)
    assert {"litter", "salt"} < set(south)
    assert "salt" not in ids(scorer.recommend("s", context=Context(market="north"), n=10))
    assert "salt" in ids(scorer.recommend("s", context=Context(market="south"), n=10))


def test_a_customer_away_from_home_is_shown_what_is_there(scorer: Scorer) -> None:
    at_home = scorer.recommend("c01", n=6)
    away = scorer.recommend("c01", n=6, context=Context(market="north"))
    assert "salt" in ids(at_home)
    assert "salt" not in ids(away)
    assert away.source == "customer"
    assert ids(away)[:2] == [product for product in ids(at_home) if product != "salt"][:2]


# The context ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("context", "holds"),
    [
        (Context(exclude=("bread", "milk")), lambda p: p not in ("bread", "milk")),
        (Context(categories=("DAIRY",)), lambda p: KINDS[p] == "DAIRY"),
        (Context(deny=("DAIRY", "CATS")), lambda p: KINDS[p] not in ("DAIRY", "CATS")),
        (Context(in_stock=("jam", "toys")), lambda p: p in ("jam", "toys")),
        (Context(in_stock=()), lambda _: False),
        (Context(min_price_minor={"EUR": 250}), lambda p: p in ("butter", "jam")),
        (Context(max_price_minor={"default": 250}), lambda p: p not in ("butter", "jam")),
    ],
)
def test_every_way_to_ask_keeps_to_the_context(scorer: Scorer, context: Context, holds: Any) -> None:
    answers = [scorer.recommend("c00", slate, 10, context=context) for slate in SLATES]
    moved = context.model_copy(update={"market": "north"})  # where prices are known
    answers += [scorer.recommend("stranger", context=moved), scorer.similar("bread", context=moved)]
    answers.append(scorer.for_basket(["litter"], ["treats"], context=moved))
    for answer in answers:
        assert all(holds(product) for product in ids(answer))
        assert [item.rank for item in answer] == list(range(1, len(answer) + 1))
    if context.in_stock != ():
        assert len(answers[0])


def test_a_seed_deals_the_same_list_again_and_its_products_are_those_that_may_be_shown(
    scorer: Scorer,
) -> None:
    plain = ids(scorer.recommend("c00", n=6))
    dealt = [ids(scorer.recommend("c00", n=6, context=Context(seed=seed))) for seed in range(20)]
    assert dealt == [ids(scorer.recommend("c00", n=6, context=Context(seed=seed))) for seed in range(20)]
    assert all(sorted(one) == sorted(plain) and one[0] == plain[0] for one in dealt)
    assert len({tuple(one) for one in dealt}) > 3
    beside = {tuple(ids(scorer.similar("bread", context=Context(seed=seed)))) for seed in range(20)}
    assert len(beside) > 1


# Events of a second ago -----------------------------------------------------------------------------


def test_a_look_a_second_ago_changes_the_next_answer(scorer: Scorer) -> None:
    before = scorer.recommend("c02", "discover", 6)
    assert scorer.take([did("c02", "litter")]) == 1
    after = scorer.recommend("c02", "discover", 6)
    assert ids(after) != ids(before)
    assert ids(after)[0] in ("litter", "treats", "toys")
    assert {item.product_id: item.reason for item in after}["litter"] == "You looked at this lately"
    assert "Goes with Litter, which you looked at lately" in [item.reason for item in after]
    assert after.source == "customer"


def test_what_was_bought_a_second_ago_is_not_recommended_again(scorer: Scorer) -> None:
    assert "bread" in ids(scorer.recommend("c08", "buy_again", 6))
    scorer.take([did("c08", "bread", "buy")])
    for slate in SLATES:
        assert "bread" not in ids(scorer.recommend("c08", slate, 6))


def test_a_stranger_with_events_gets_what_goes_with_them(scorer: Scorer) -> None:
    scorer.take([did("passer-by", "litter", "cart")])
    found = scorer.recommend("passer-by")
    assert found.source == "session"
    assert "litter" not in ids(found)
    assert found[0].product_id in ("treats", "toys")
    assert found[0].reason == "Goes with Litter in your basket"


def test_what_was_put_into_the_basket_hours_ago_counts_as_looked_at(scorer: Scorer) -> None:
    scorer.take([did("yesterday's", "litter", "cart", minutes=121)])
    assert scorer.recommend("yesterday's")[0].reason == "Goes with Litter, which you looked at lately"


def test_events_of_other_processes_count_when_they_are_followed(scorer: Scorer, home: Settings) -> None:
    other = Scorer.open(home, watch=False)
    other.take([did("two doors", "litter")])
    assert scorer.recommend("two doors").source == "market"
    scorer.follow()
    assert scorer.recommend("two doors").source == "session"


def test_who_withdrew_from_personalisation_is_shown_the_same_whatever_they_do(scorer: Scorer) -> None:
    before = scorer.recommend("c04", n=6)
    scorer.take([did("c04", "litter"), did("c04", "toys", "cart")])
    assert scorer.recommend("c04", n=6) == before


def test_a_look_at_something_sensitive_shapes_nothing(scorer: Scorer) -> None:
    before = scorer.recommend("c12", n=6)
    scorer.take([did("c12", "test")])
    assert ids(scorer.recommend("c12", n=6)) == ids(before)
    basket = scorer.for_basket(["test"])
    assert basket.source == "market"
    assert "test" not in ids(basket)


def test_what_is_sensitive_and_was_bought_just_now_leaves_the_lists(scorer: Scorer) -> None:
    assert "test" in ids(scorer.recommend("c06", "buy_again", 6))
    scorer.take([did("c06", "test", "buy")])
    assert "test" not in ids(scorer.recommend("c06", "buy_again", 6))


def test_what_a_customer_without_a_past_does_is_a_session(scorer: Scorer) -> None:
    scorer.take([did("private", "litter"), did("shy", "test")])
    assert scorer.recommend("private").source == "session"
    assert scorer.score("private", ["treats", "jam"]).source == "session"
    assert scorer.recommend("shy").source == "market"  # what is sensitive shaped nothing
    assert scorer.recommend("private", "buy_again").source == "market"


def test_an_event_told_twice_counts_as_it_was_told_first(scorer: Scorer) -> None:
    first, second = (
        Event("twice", p, "view", NOW - timedelta(minutes=1), "one key") for p in ("litter", "jam")
    )
    assert scorer.take([first]) == 1
    answer = scorer.recommend("twice")
    assert scorer.take([second]) == 0
    assert scorer.recommend("twice") == answer


def test_a_list_with_events_is_no_longer_than_the_bundle_is_deep(scorer: Scorer) -> None:
    scorer.take([did("c18", "litter"), did("c18", "toys")])
    assert len(scorer.recommend("c18", n=50)) == 6


def test_an_impossible_event_is_refused_and_counts_nowhere(scorer: Scorer) -> None:
    with pytest.raises(FeedError, match="kind is 'stare'"):
        scorer.take([did("someone", "litter"), did("someone", "toys", "stare")])
    assert scorer.recommend("someone").source == "market"


# A basket, a page, the shop's own list --------------------------------------------------------------


def test_baskets_that_are_asked_about_together_are_answered_as_one_by_one(scorer: Scorer) -> None:
    asked = [
        Basket(["bread"], (), 3),
        Basket([], ["milk"], 1000),
        Basket([], [], 2),
        Basket(["nothing"], ["bread", "milk"]),
    ]
    alone = [scorer.for_basket(one.product_ids, one.views, one.n) for one in asked]
    assert scorer.for_baskets(asked) == alone
    assert scorer.for_baskets([]) == []
    with pytest.raises(SettingsError, match="ask for at least 1"):
        scorer.for_baskets([asked[0], Basket(["bread"], (), 0)])


def test_what_goes_with_a_basket_is_not_of_it_and_fills_up_with_what_is_popular(scorer: Scorer) -> None:
    found = scorer.for_basket(["bread", "unheard of"], views=["jam"], n=5)
    assert found[0].product_id == "butter"
    assert {"bread", "jam", "test"}.isdisjoint(ids(found))
    assert len(found) == 5
    assert [item.score for item in found] == sorted((item.score for item in found), reverse=True)


def test_beside_a_product_stand_those_that_go_with_it(scorer: Scorer) -> None:
    found = scorer.similar("bread", 3)
    assert found.source == "session"
    assert found[0].product_id in ("butter", "jam", "milk")
    assert found[0].reason == "Goes with Bread"
    assert "bread" not in ids(found)
    assert "test" not in ids(scorer.similar("diapers", 10))


def test_a_sensitive_product_is_named_beside_no_other(scorer: Scorer) -> None:
    found = scorer.similar("test", 10)
    assert "diapers" in ids(found)
    assert not any("Test" in item.reason for item in found)


def test_the_shops_own_list_comes_back_whole_and_in_order(scorer: Scorer) -> None:
    asked = ["toys", "unheard of", "bread", "litter", "bread", "butter", "jam", "ünbekannt"]
    found = scorer.score("c00", asked)
    assert sorted(ids(found)) == sorted(set(asked))
    assert ids(found)[-2:] == ["unheard of", "ünbekannt"]
    assert {"bread", "butter"} == set(ids(found)[:2])
    assert [item.score for item in found] == sorted((item.score for item in found), reverse=True)
    listed = [p for p in ids(scorer.recommend("c00", n=6)) if p in asked]
    assert [p for p in ids(found) if p in listed] == listed


def test_the_shops_own_list_heeds_what_was_done_just_now(scorer: Scorer) -> None:
    scorer.take([did("c16", "litter"), did("c16", "bread", "buy")])
    found = ids(scorer.score("c16", ["bread", "treats", "diapers"]))
    assert found.index("treats") < found.index("diapers")
    assert found[-1] == "bread"


def test_a_customer_nobody_knows_gets_the_shops_list_by_popularity(scorer: Scorer) -> None:
    found = scorer.score("stranger", ["jam", "milk", "salt"])
    assert ids(found)[0] == "milk"
    assert found.source == "market"
    assert len(scorer.score("stranger", [])) == 0


def test_too_much_at_once_is_refused(scorer: Scorer) -> None:
    for ask in (
        lambda: scorer.recommend("c00", n=MOST + 1),
        lambda: scorer.score("c00", [str(n) for n in range(MOST + 1)]),
        lambda: scorer.for_basket(["bread"], [str(n) for n in range(MOST)]),
        lambda: scorer.similar("bread", 0),
    ):
        with pytest.raises(SettingsError):
            ask()


# Explaining -----------------------------------------------------------------------------------------


def test_an_explanation_tells_places_reasons_and_facts(scorer: Scorer) -> None:
    found = scorer.explain("c00", "bread")
    assert found.title == "Bread"
    assert set(found.ranks) == {"for_you", "buy_again"}
    assert found.reason
    assert any("You bought this 8 times" in fact for fact in (found.reason, *found.facts))
    assert found.facts[-1].endswith("customers bought this")
    assert found.barred == ()


@pytest.mark.parametrize(
    ("customer", "product", "why"),
    [
        ("c00", "salt", "It is not on sale where this customer shops"),
        ("c01", "test", "Its kind is shown only to customers who bought it before"),
        ("c04", "bread", "This customer's own purchases do not shape the lists"),
    ],
)
def test_an_explanation_tells_what_keeps_a_product_out(
    scorer: Scorer, customer: str, product: str, why: str
) -> None:
    assert why in scorer.explain(customer, product).barred


def test_an_explanation_of_an_unknown_product_says_so(scorer: Scorer) -> None:
    with pytest.raises(NotFoundError, match="does not know the product 'unheard of'"):
        scorer.explain("c00", "unheard of")


def test_a_withdrawn_customers_purchases_are_told_to_nobody(scorer: Scorer) -> None:
    plain = scorer.explain("c04", "bread")
    assert not any("You " in fact for fact in plain.facts)
    scorer.take([did("c04", "bread", "buy")])
    assert scorer.explain("c04", "bread") == plain


# Experiments ----------------------------------------------------------------------------------------


def test_an_experiment_gives_each_customer_one_bundle_of_two(home: Settings) -> None:
    one = recommend(home, DAY).numbers["bundle_id"]
    fill(home, purchases=[purchase("c00", "salt", "2017-11-30", order_id="new")])
    two = recommend(home, DAY).numbers["bundle_id"]
    experiment = home.recs.experiment.model_copy(update={"challenger": one, "share": 0.5})
    trying = home.model_copy(update={"recs": home.recs.model_copy(update={"experiment": experiment})})
    scorer = Scorer.open(trying, watch=False)
    answers = {f"c{n:02d}": scorer.recommend(f"c{n:02d}") for n in range(40)}
    assert {answer.arm: answer.bundle_id for answer in answers.values()} == {
        "champion": two,
        "challenger": one,
    }
    again = Scorer.open(trying, watch=False)
    assert all(again.recommend(customer) == answer for customer, answer in answers.items())


def test_a_challenger_that_is_not_there_leaves_everybody_to_the_champion(
    home: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    experiment = home.recs.experiment.model_copy(update={"challenger": "2017-11-30-misspelt", "share": 1})
    trying = home.model_copy(update={"recs": home.recs.model_copy(update={"experiment": experiment})})
    scorer = Scorer.open(trying, watch=False)
    assert scorer.recommend("c00").arm == "champion"
    scorer.refresh()
    assert caplog.text.count("the champion serves everybody") == 1


def test_where_consent_is_required_nobody_unknown_is_followed(small: Settings) -> None:
    recs = small.recs.model_copy(update={"require_personalisation_consent": True, "depth": 6})
    strict = small.model_copy(update={"recs": recs})
    fill(strict, **bakers_and_cats())
    recommend(strict, DAY)
    with clock.at(NOW):
        scorer = Scorer.open(strict, watch=False)
        before = scorer.recommend("newbie")
        scorer.take([did("newbie", "litter", "cart")])
        assert scorer.recommend("newbie") == before
        assert scorer.for_basket(["litter"]).source == "session"  # a visit without a name


@pytest.mark.parametrize("extra", [{"mmr": 0.5}, {"category_cap": 1}])
def test_pins_stand_at_their_places_whatever_else_moves(small: Settings, extra: dict[str, Any]) -> None:
    rules = small.recs.rules.model_copy(update={"pins": {"treats": 2}})
    pinning = small.model_copy(
        update={"recs": small.recs.model_copy(update={"rules": rules, "depth": 6} | extra)}
    )
    fill(pinning, **bakers_and_cats())
    recommend(pinning, DAY)
    with clock.at(NOW):
        scorer = Scorer.open(pinning, watch=False)
        scorer.take([did("c00", "toys")])
        for answer in (scorer.recommend("c00"), scorer.for_basket(["bread"])):
            assert ids(answer)[1] == "treats"
        assert "treats" not in ids(scorer.for_basket(["treats"]))
