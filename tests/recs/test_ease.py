"""Every product as a weighted sum of the others."""

import numpy as np
import pytest

from recs.history import History
from recs.protocol import Recommender
from recs.recommenders import Ease
from tests.recs.contract import CUSTOMERS, PRODUCTS, RecommenderContract
from tests.recs.worlds import history, town


def dense(data: History, reg: float) -> np.ndarray:
    """Evidence by the formula, over all products."""
    weights = data.interactions.weights.toarray().astype(np.float64)
    bags = np.where(weights > 0, 0.5 + np.log1p(weights), 0)
    inverse = np.linalg.inv(bags.T @ bags + reg * np.eye(bags.shape[1]))
    near = -inverse / np.diag(inverse)
    np.fill_diagonal(near, 0)
    return np.maximum(bags @ near, 0)


class TestEase(RecommenderContract):
    def made(self) -> Recommender:
        return Ease(reg=1.0)

    def said(self, model: Ease, products: int = 7) -> np.ndarray:
        owner, columns = np.divmod(np.arange(9 * products), products)
        return model.evidence(np.arange(9), owner, columns.astype(np.int32)).reshape(9, products)

    @pytest.mark.parametrize("reg", [0.5, 10.0])
    def test_from_the_side_of_products_it_is_the_closed_form(self, reg: float) -> None:
        model = Ease(reg=reg).fit(town())
        assert model.weights.shape == (7, 7)
        np.testing.assert_allclose(self.said(model), dense(town(), reg), atol=1e-5)

    @pytest.mark.parametrize("reg", [0.5, 10.0])
    def test_from_the_side_of_few_customers_it_is_the_same(self, reg: float) -> None:
        chance = np.random.default_rng(0)
        shop = {
            f"c{u}": {f"p{i}": float(chance.integers(1, 5)) for i in range(8) if (i + u) % 5}
            for u in range(5)
        }
        model = Ease(reg=reg, items=6).fit(history(shop | {"x": {}, "y": {}, "z": {}}))
        assert model.weights.shape == (5, 5)  # eight products and five who bought: the customers' is smaller
        np.testing.assert_allclose(
            self.said(model, 8), dense(history(shop | {"x": {}, "y": {}, "z": {}}), reg), atol=1e-5
        )

    def test_of_too_many_products_only_those_bought_most_have_weights(self) -> None:
        model = Ease(reg=1.0, items=3).fit(town())
        assert [PRODUCTS[i] for i in model.columns] == ["bread", "butter", "milk"]
        assert not self.said(model)[:, [PRODUCTS.index(p) for p in ("jam", "toys")]].any()

    def test_a_baker_discovers_jam_and_a_cat_person_toys(self) -> None:
        seen = town().interactions.seen
        ids, _ = self.made().fit(town()).recommend([0, CUSTOMERS.index("dan")], 1, exclude=seen[[0, 4]])
        assert [PRODUCTS[i] for i in ids[:, 0]] == ["jam", "toys"]
