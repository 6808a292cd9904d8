"""Products that are described alike."""

from dataclasses import replace

import numpy as np
import pytest

from recs.history import History
from recs.protocol import Recommender
from recs.recommenders import Content
from tests.recs.contract import RecommenderContract
from tests.recs.worlds import dated

TEXTS = {
    "b1": {"title": "Whole milk", "category": "dairy", "brand": "Green Farm"},
    "b2": {"title": "Skimmed milk", "category": "dairy", "brand": "Green Farm"},
    "b3": {"title": "Blue cheese", "category": "dairy", "brand": "Old Barn"},
    "b4": {"title": "Milk chocolate", "category": "sweets", "brand": "Sugar & Co"},
    "b5": {"title": "b5"},
}
BOUGHT = [(f"c{i}", product, "2017-11-01") for i in range(3) for product in ("b1", "b3", "b5")]


def shop() -> History:
    """Skimmed milk and milk chocolate are new; of b5 nothing is known."""
    return dated(BOUGHT, end="2017-12-01", texts=TEXTS)


class TestContent(RecommenderContract):
    def made(self) -> Recommender:
        return Content()

    def test_a_product_nobody_bought_has_neighbours(self) -> None:
        ids, scores = Content().fit(shop()).similar_items(1, 4)
        assert ids.tolist() == [[0, 2, -1, -1]]  # the other milk, then the cheese of the same category
        assert scores[0, 0] > 2 * scores[0, 1]

    def test_what_was_bought_points_to_products_that_were_never_bought(self) -> None:
        data = shop()
        ids, _ = Content().fit(data).recommend(0, 2, exclude=data.interactions.seen[[0]])
        assert ids.tolist() == [[1, -1]]

    def test_a_product_without_words_says_nothing(self) -> None:
        model = Content().fit(shop())
        assert model.similar_items(4, 1)[0].tolist() == [[-1]]
        assert 4 not in model.columns

    def test_a_shop_that_describes_nothing_is_left_to_popularity(self) -> None:
        model = Content().fit(dated(BOUGHT, end="2017-12-01"))
        assert len(model.columns) == 0
        assert model.recommend(0, 3)[0].tolist() == [[0, 1, 2]]

    def test_of_products_described_equally_the_one_of_a_like_price_is_nearer(self) -> None:
        cheap_and_dear = {f"w{i}": {"title": "Red wine", "category": "wine"} for i in range(3)}
        data = dated(
            [("ann", wine, "2017-11-01") for wine in cheap_and_dear], end="2017-12-01", texts=cheap_and_dear
        )
        price = {0: 500.0, 1: 5000.0, 2: 550.0}
        lines = data.lines.with_columns(
            data.lines["column"]
            .replace_strict(price)
            .cast(data.lines.schema["unit_minor"])
            .alias("unit_minor")
        )
        model = Content().fit(replace(data, lines=lines))
        assert model.similar_items(0, 2)[0].tolist() == [[2, 1]]

    def test_of_products_described_equally_the_popular_one_is_nearer(self) -> None:
        texts = {f"w{i}": {"title": "Red wine", "category": "wine"} for i in range(3)}
        lines = [(f"c{i}", "w2", "2017-11-01") for i in range(3)]
        assert Content().fit(dated(lines, end="2017-12-01", texts=texts)).similar_items(0, 2)[0].tolist() == [
            [2, 1]
        ]

    def test_each_product_keeps_so_many_neighbours(self) -> None:
        texts = {f"w{i:02d}": {"title": f"Red wine {i % 3} dry", "category": "wine"} for i in range(20)}
        model = Content(neighbours=4).fit(
            dated([("ann", "w00", "2017-11-01")], end="2017-12-01", texts=texts)
        )
        assert np.diff(model.similarity.indptr).tolist() == [4] * 20
        assert not model.similarity.diagonal().any()

    def test_a_large_category_is_cut_along_its_titles(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("recs.recommenders.content.MOST", 2)
        titles = ["apple juice", "pear juice", "apple jam", "pear jam"]
        texts = {f"w{i}": {"title": title, "category": "fruit"} for i, title in enumerate(titles)}
        model = Content().fit(dated([("ann", "w0", "2017-11-01")], end="2017-12-01", texts=texts))
        assert model.similar_items(range(4), 2)[0].tolist() == [[2, -1], [3, -1], [0, -1], [1, -1]]
