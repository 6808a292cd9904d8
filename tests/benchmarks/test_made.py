"""The invented retailer is a home like any other, and the peer answers from the same factors."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.scoring import made
from benchmarks.scoring.asking import Questions
from benchmarks.scoring.peer_server import Basket, Peer
from benchmarks.scoring.retailer import PRODUCTS_EACH, Retailer
from recs import registry
from recs.bundle import SLATES, Bundle, folder_of
from recs.context import Context
from recs.scoring import Scorer
from recs.shop import Shop
from recs.threads import one_blas_thread
from recs.topk import top_k
from warehouse.settings import Settings

SMALL = made.Size(customers=300, products=400, length=8, factors="random", deep=20)


@pytest.fixture
def bundles(settings: Settings) -> tuple[str, str]:
    return made.made(settings, SMALL)


def test_customers_are_the_same_whenever_they_are_asked_for() -> None:
    shop = Retailer.of(25_000, 1_000)
    last = list(shop.blocks())[-1]
    again = list(Retailer.of(25_000, 1_000).blocks())[-1]
    assert last[0] == again[0] == 20_000
    assert (last[1] != again[1]).nnz == 0


def test_few_products_are_bought_by_many_and_customers_keep_to_their_categories() -> None:
    shop = Retailer.of(20_000, 10_000)
    ((_, bought),) = shop.blocks()
    assert bought.nnz / 20_000 == pytest.approx(PRODUCTS_EACH, rel=0.15)
    buyers = np.sort(np.bincount(bought.indices, minlength=10_000))[::-1]
    assert buyers[:100].sum() > 10 * buyers[5_000:5_100].sum()
    own = shop.category[bought.indices]
    kinds = [
        len(set(own[a:b])) / (b - a) for a, b in zip(bought.indptr[:200], bought.indptr[1:201], strict=True)
    ]
    assert np.mean(kinds) < 0.7


def test_lists_hold_what_they_may_and_are_exact(settings: Settings, bundles: tuple[str, str]) -> None:
    opened, folder = Bundle.open(settings, bundles[0]), folder_of(settings, bundles[0])
    shop = Shop.open(folder)
    with np.load(folder / "models" / "ials.npz") as model:
        customers, products = model["customer_factors"][:300], model["product_factors"]
    best, _ = top_k(customers, products, SMALL.deep, exclude=shop.bought[:300], allowed=~shop.sensitive)
    assert (opened.slates["discover"]["items"][:300] == best).all()
    for row in range(300):
        own = set(shop.bought[row].indices.tolist())
        again = [item for item in opened.slates["buy_again"]["items"][row].tolist() if item >= 0]
        assert again
        assert set(again) <= own
    for slate in SLATES:
        assert (np.diff(opened.slates[slate]["scores"][:300].clip(-1e9), axis=1) <= 0).all()


def test_the_scorer_answers_from_it_with_reasons_and_under_rules(
    settings: Settings, bundles: tuple[str, str]
) -> None:
    scorer = Scorer.open(settings, watch=False)
    listed = scorer.recommend("c017", n=10)
    assert {item.bundle_id for item in listed} == {bundles[0]}
    assert all(item.reason and item.title for item in listed)
    without = scorer.recommend("c017", n=10, context=Context(exclude=(listed[0].product_id,)))
    assert [item.product_id for item in without][:9] == [item.product_id for item in listed][1:]
    assert scorer.similar(listed[0].product_id).source == "session"
    assert "customers bought this" in scorer.recommend("nobody")[0].reason


def test_the_second_bundle_differs_in_titles_and_lists(settings: Settings, bundles: tuple[str, str]) -> None:
    scorer = Scorer.open(settings, watch=False)
    one = scorer.recommend("c017")
    registry.promote(settings, bundles[1], by="test")
    two = Scorer.open(settings, watch=False).recommend("c017")
    assert all(item.title.endswith(made.MARK) for item in two)
    assert [item.product_id for item in one] != [item.product_id for item in two]


def test_a_home_is_made_once(settings: Settings, bundles: tuple[str, str]) -> None:
    registry.promote(settings, bundles[1], by="test")
    kept = folder_of(settings, bundles[0]).stat().st_mtime_ns
    assert made.made(settings, SMALL) == made.there(settings) == bundles
    assert folder_of(settings, bundles[0]).stat().st_mtime_ns == kept
    assert Scorer.open(settings, watch=False).bundle_id == bundles[0]


def test_a_home_that_was_not_made_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"benchmarks\.scoring\.made"):
        made.there(Settings(home=tmp_path))


def test_learned_factors_serve_as_well(settings: Settings) -> None:
    made.made(settings, made.Size(200, 300, length=8, factors="learned", deep=10))
    assert len(Scorer.open(settings, watch=False).recommend("c017")) == 10


def test_the_peer_answers_from_the_same_factors_without_the_basket(
    settings: Settings, bundles: tuple[str, str]
) -> None:
    with one_blas_thread():
        peer = Peer.open(folder_of(settings, bundles[0]))
    basket = ["p001", "p007", "unknown"]
    told = json.loads(peer.answer(Basket(products=basket, n=5)))
    factors = peer.model.item_factors
    gram, mine = factors.T @ factors, factors[[1, 7]]
    customer = np.linalg.solve(gram + peer.model.regularization * np.eye(8), mine.sum(axis=0))
    scores = factors @ customer
    scores[[1, 7]] = -np.inf
    best = np.argsort(-scores)[:5]
    assert [item["product_id"] for item in told["items"]] == [f"p{column:03}" for column in best]
    assert [item["score"] for item in told["items"]] == pytest.approx(scores[best].tolist(), rel=1e-3)
    assert all(item["title"] for item in told["items"])


@pytest.mark.parametrize("kind", ["ials", "ease"])
def test_both_kinds_of_visitors_answer_a_basket(settings: Settings, kind: str) -> None:
    made.made(settings, replace(SMALL, visitors=kind))
    scorer = Scorer.open(settings, watch=False)
    shop = Shop.open(folder_of(settings, scorer.bundle_id))
    known = [f"p{column:03}" for column in np.flatnonzero(~shop.sensitive)[:3]]
    answer = scorer.for_basket(known, n=5)
    assert (answer.source, len(answer)) == ("session", 5)
    assert len(scorer.score("c017", known)) == 3


def test_questions_are_of_known_customers_and_products(settings: Settings, bundles: tuple[str, str]) -> None:
    asked, products = Questions.of(settings, bundles[0], 50), set(Bundle.open(settings, bundles[0]).products)
    assert len(set(asked.customers)) > 30
    for basket, views in asked.baskets:
        assert basket
        assert set(basket) | set(views) <= products
        assert not set(basket) & set(views)
    bodies = [json.loads(request.body) for request in asked.live()]
    assert bodies[0] == {"products": asked.baskets[0][0], "views": asked.baskets[0][1], "n": 10}
