"""Beside a product stand those that the same customers bought, then those described alike."""

import numpy as np

from recs.recommenders import Content, ItemItem
from recs.similar import DEPTH, Similar
from tests.recs.worlds import together

TEXTS = {
    "bread": {"title": "Rye bread", "category": "BAKERY"},
    "butter": {"title": "Salted butter", "category": "DAIRY"},
    "rolls": {"title": "Rye rolls", "category": "BAKERY"},
    "cream": {"title": "Sweet butter cream", "category": "DAIRY"},
    "pen": {"title": "Blue pen", "category": "OFFICE"},
}
NAMES = sorted(TEXTS)


def similar() -> Similar:
    known = together([("bread", "butter")] * 5 + [("bread",), ("pen",)], TEXTS)
    return Similar.of(known, ItemItem().fit(known), Content().fit(known))


def beside(found: Similar, product: str) -> list[str]:
    return [NAMES[column] for column in found.items[NAMES.index(product)] if column >= 0]


def test_what_customers_buy_comes_before_what_words_say() -> None:
    assert beside(similar(), "bread") == ["butter", "rolls"]
    assert beside(similar(), "butter") == ["bread", "cream"]


def test_a_product_nobody_bought_has_neighbours_by_its_words() -> None:
    assert beside(similar(), "rolls") == ["bread"]


def test_a_product_like_no_other_has_none() -> None:
    assert beside(similar(), "pen") == []


def test_no_list_holds_itself_or_a_product_twice_and_scores_fall() -> None:
    found = similar()
    assert found.items.shape == (len(NAMES), DEPTH)
    for column, (items, scores) in enumerate(zip(found.items, found.scores, strict=True)):
        real = items[items >= 0]
        assert column not in real
        assert len(set(real.tolist())) == len(real)
        assert (np.diff(scores[: len(real)]) <= 0).all()
        assert (scores[: len(real)] > 0).all()
        assert (scores[len(real) :] == 0).all()
