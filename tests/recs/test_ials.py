"""Alternating least squares with a weight for what was not bought."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix, random_array

from recs.protocol import Recommender
from recs.recommenders import IAls
from tests.recs.contract import CUSTOMERS, PRODUCTS, RecommenderContract
from tests.recs.worlds import town


def dense(weights: np.ndarray, others: np.ndarray, model: IAls) -> np.ndarray:
    """The factors of rows by the formula, one row after the other."""
    solved = np.zeros((len(weights), others.shape[1]))
    for row, weight in enumerate(weights):
        bought = np.flatnonzero(weight)
        if not len(bought):
            continue
        reg = model.reg * (len(bought) + model.unobserved * len(others)) ** model.scaling
        system = model.unobserved * others.T @ others + reg * np.eye(others.shape[1])
        system += (others[bought].T * weight[bought]) @ others[bought]
        solved[row] = np.linalg.solve(system, others[bought].T @ weight[bought])
    return solved


def loss(weights: np.ndarray, rows: np.ndarray, columns: np.ndarray, model: IAls) -> float:
    """What is minimised."""
    said, bought = rows @ columns.T, weights > 0
    total = (weights * (said - 1) ** 2)[bought].sum() + model.unobserved * (said**2).sum()
    for mine, entries, others in ((rows, bought.sum(1), len(columns)), (columns, bought.sum(0), len(rows))):
        decay = (entries + model.unobserved * others) ** model.scaling
        total += model.reg * (decay * (mine**2).sum(1))[entries > 0].sum()
    return float(total)


class TestIAls(RecommenderContract):
    def made(self) -> Recommender:
        return IAls(factors=4, alpha=2.0, reg=0.05, epochs=15, seed=1)

    def world(self) -> csr_matrix:
        """Rows with no entry, with fewer entries than factors, and with more."""
        weights = random_array((40, 60), density=0.3, rng=np.random.default_rng(0)).toarray()
        weights[:4], weights[20:30, 4:] = 0, 0
        return csr_matrix(weights.astype(np.float32))

    @pytest.mark.parametrize("scaling", [0.0, 0.5, 1.0])
    @pytest.mark.parametrize("unobserved", [0.05, 1.0])
    def test_a_side_is_the_closed_form_solution(self, scaling: float, unobserved: float) -> None:
        weights, model = self.world(), IAls(factors=6, reg=0.1, scaling=scaling, unobserved=unobserved)
        entries = np.diff(weights.indptr)
        assert (entries == 0).any()
        assert ((entries > 0) & (entries < 6)).any()
        assert (entries > 6).any()
        others = np.random.default_rng(1).standard_normal((60, 6)).astype(np.float32)
        solved, turned = model.side(weights, others)
        expected = dense(weights.toarray().astype(np.float64), others.astype(np.float64), model)
        np.testing.assert_allclose(solved @ turned.T, expected @ others.T, atol=1e-5)
        np.testing.assert_allclose(
            np.linalg.norm(solved, axis=1), np.linalg.norm(expected, axis=1), atol=1e-5
        )

    def test_each_epoch_brings_the_loss_down(self) -> None:
        weights = self.world()
        losses = []
        for epochs in (1, 2, 4, 8):
            model = IAls(factors=6, reg=0.1, epochs=epochs)
            losses.append(loss(weights.toarray().astype(np.float64), *model.solve(weights), model))
        assert losses == sorted(losses, reverse=True)
        assert losses[-1] < losses[0]

    def test_a_few_epochs_bring_what_many_would(self) -> None:
        weights = self.world()
        few, many = (IAls(factors=6, epochs=epochs) for epochs in (2, 50))
        expected = loss(weights.toarray().astype(np.float64), *many.solve(weights), many)
        assert loss(weights.toarray().astype(np.float64), *few.solve(weights), few) < 1.02 * expected

    def test_there_are_no_more_factors_than_customers_or_products(self) -> None:
        assert IAls(factors=100).fit(town()).product_factors.shape == (7, 7)

    def test_blocks_do_not_change_the_solution(self, monkeypatch: pytest.MonkeyPatch) -> None:
        weights, model = self.world(), IAls(factors=6)
        others = np.random.default_rng(1).standard_normal((60, 6)).astype(np.float32)
        whole, _ = model.side(weights, others)
        monkeypatch.setattr("recs.recommenders.ials._AT_ONCE", 100)
        np.testing.assert_allclose(model.side(weights, others)[0], whole, atol=1e-5)

    def test_a_baker_discovers_jam_and_a_cat_person_toys(self) -> None:
        seen = town().interactions.seen
        ids, _ = self.made().fit(town()).recommend([0, CUSTOMERS.index("dan")], 1, exclude=seen[[0, 4]])
        assert [PRODUCTS[i] for i in ids[:, 0]] == ["jam", "toys"]

    def test_the_most_similar_products_are_those_of_the_same_baskets(self) -> None:
        ids, _ = self.made().fit(town()).similar_items(PRODUCTS.index("toys"), 2)
        assert {PRODUCTS[i] for i in ids[0]} == {"litter", "treats"}
