"""Products bought by the same customers."""

import numpy as np
import pytest

from recs.protocol import Recommender
from recs.recommenders import Bm25, ItemItem
from tests.recs.contract import CUSTOMERS, PRODUCTS, RecommenderContract
from tests.recs.worlds import TOWN, history, town


class TestItemItem(RecommenderContract):
    def made(self) -> Recommender:
        return ItemItem(neighbours=3)

    def test_a_baker_discovers_jam_and_a_cat_person_toys(self) -> None:
        seen = town().interactions.seen
        ids, _ = self.made().fit(town()).recommend([0, CUSTOMERS.index("dan")], 1, exclude=seen[[0, 4]])
        assert [PRODUCTS[i] for i in ids[:, 0]] == ["jam", "toys"]

    def test_the_most_similar_products_are_those_of_the_same_baskets(self) -> None:
        model = ItemItem(neighbours=3).fit(town())
        ids, scores = model.similar_items([PRODUCTS.index("toys"), PRODUCTS.index("bread")], 2)
        assert {PRODUCTS[i] for i in ids[0]} == {"litter", "treats"}
        assert PRODUCTS[ids[1, 0]] == "butter"
        # Toys were bought by three, all of whom are among the four who bought litter.
        assert scores[0, 0] == pytest.approx(3 / np.sqrt(3 * 4))

    def test_a_list_is_as_long_as_asked_whatever_is_excluded(self) -> None:
        ids, _ = self.made().fit(town()).recommend(range(9), 2, exclude=town().interactions.seen)
        assert ids.shape == (9, 2)
        assert (ids >= 0).all()

    def test_the_largest_reason_is_something_the_customer_bought(self) -> None:
        model = ItemItem(neighbours=6).fit(town())
        ids, _ = model.recommend(range(9), 7)
        source = model.largest_reason(np.arange(9), ids)
        similarity = model.similarity.toarray()
        for row, customer in enumerate(CUSTOMERS):
            for column, why in zip(ids[row], source[row], strict=True):
                mine = [PRODUCTS.index(p) for p in TOWN.get(customer, {})]
                best = max((similarity[p, column] for p in mine), default=0)
                assert (why in mine and similarity[why, column] == best) if best > 0 else why == -1

    def test_no_product_is_its_own_neighbour(self) -> None:
        model = ItemItem(neighbours=3).fit(town())
        assert model.similarity.nnz > 0
        assert not model.similarity.diagonal().any()

    def test_rare_products_have_no_neighbours_and_are_left_to_popularity(self) -> None:
        data = history(TOWN | {"ann": TOWN["ann"] | {"caviar": 1}})
        model = ItemItem().fit(data)
        caviar = data.interactions.products.to_list().index("caviar")
        assert model.similar_items(caviar, 1)[0].tolist() == [[-1]]
        assert data.interactions.products.gather(model.recommend(4, 8)[0][0])[-1] == "caviar"


class TestBm25(RecommenderContract):
    def made(self) -> Recommender:
        return Bm25(neighbours=3, length=0.1)

    def test_a_baker_discovers_jam_and_a_cat_person_toys(self) -> None:
        seen = town().interactions.seen
        ids, _ = self.made().fit(town()).recommend([0, CUSTOMERS.index("dan")], 1, exclude=seen[[0, 4]])
        assert [PRODUCTS[i] for i in ids[:, 0]] == ["jam", "toys"]

    def test_one_who_buys_little_says_more_than_one_who_buys_much(self) -> None:
        pairs = {f"few{i}": {"ink": 1, "pens": 1} for i in range(3)}
        hoards = {f"much{i}": {"ink": 1, "salt": 1} | {f"p{j}": 1 for j in range(30)} for i in range(3)}
        data = history(pairs | hoards)
        products = data.interactions.products.to_list()
        both = [products.index("pens"), products.index("salt")]
        for model, equal in ((ItemItem(), True), (Bm25(length=0.0), False)):
            near = model.fit(data).similarity.toarray()[model.columns.tolist().index(products.index("ink"))]
            pens, salt = (near[model.columns.tolist().index(product)] for product in both)
            assert pens == pytest.approx(salt) if equal else pens > 1.1 * salt
