"""The factor models of `implicit`, and what it would do wrong."""

import numpy as np
import pytest

from recs.protocol import Recommender
from recs.recommenders import Als, Bpr
from tests.recs.contract import CUSTOMERS, PRODUCTS, RecommenderContract
from tests.recs.worlds import town
from warehouse.errors import ModelError


class TestAls(RecommenderContract):
    def made(self) -> Recommender:
        return Als(factors=4, reg=0.1, epochs=15, seed=1)

    def test_a_baker_discovers_jam_and_a_cat_person_toys(self) -> None:
        seen = town().interactions.seen
        ids, _ = self.made().fit(town()).recommend([0, CUSTOMERS.index("dan")], 1, exclude=seen[[0, 4]])
        assert [PRODUCTS[i] for i in ids[:, 0]] == ["jam", "toys"]

    def test_the_most_similar_products_are_those_of_the_same_baskets(self) -> None:
        ids, _ = Als(factors=4, reg=0.1, seed=1).fit(town()).similar_items(PRODUCTS.index("toys"), 2)
        assert {PRODUCTS[i] for i in ids[0]} == {"litter", "treats"}

    def test_a_customer_without_history_has_no_factors(self) -> None:
        model = Als(factors=4, reg=0.1).fit(town())
        assert not model.customer_factors[CUSTOMERS.index("nobody")].any()

    def test_another_seed_is_another_start(self) -> None:
        scores = [Als(factors=4, reg=0.1, epochs=1, seed=s).fit(town()).recommend(0, 7)[1] for s in (1, 2)]
        assert scores[0].tobytes() != scores[1].tobytes()

    def test_broken_factors_are_named_where_they_appear(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from implicit.cpu.als import AlternatingLeastSquares

        def broken(self: AlternatingLeastSquares, counts: object, **_: object) -> None:
            self.user_factors = np.full((9, 4), np.nan, np.float32)
            self.item_factors = np.zeros((7, 4), np.float32)

        monkeypatch.setattr(AlternatingLeastSquares, "fit", broken)
        with pytest.raises(ModelError, match="factors of als"):
            self.made().fit(town())


class TestBpr(RecommenderContract):
    def made(self) -> Recommender:
        return Bpr(factors=4, rate=0.1, epochs=200, seed=1)

    def test_a_baker_discovers_jam_and_a_cat_person_toys(self) -> None:
        seen = town().interactions.seen
        ids, _ = self.made().fit(town()).recommend([0, CUSTOMERS.index("dan")], 1, exclude=seen[[0, 4]])
        assert [PRODUCTS[i] for i in ids[:, 0]] == ["jam", "toys"]

    def test_what_lies_below_zero_is_in_order_and_above_nothing(self) -> None:
        model = self.made().fit(town())
        dots = model.customer_factors @ model.product_factors.T
        assert (dots[:8] < 0).any()
        owner, columns = np.divmod(np.arange(56), 7)
        said = model.evidence(np.arange(8), owner, columns.astype(np.int32)).reshape(8, 7)
        assert (said > 0).all()
        assert (np.argsort(said, axis=1) == np.argsort(dots[:8], axis=1)).all()

    def test_a_customer_without_history_has_no_factors(self) -> None:
        assert not self.made().fit(town()).customer_factors[CUSTOMERS.index("nobody")].any()
