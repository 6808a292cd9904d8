"""What every recommender promises, on a town whose right answers can be seen by eye."""

import json
from abc import ABC, abstractmethod
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from features.interactions import Interactions
from recs.history import bare
from recs.protocol import Recommender
from recs.ranking import FILL
from tests.recs.worlds import TOWN, dated_town, history
from warehouse.errors import ModelError

CUSTOMERS = [*sorted(TOWN), "nobody"]
PRODUCTS = ["bread", "butter", "jam", "litter", "milk", "toys", "treats"]
BY_POPULARITY = ["milk", "bread", "butter", "litter", "treats", "jam", "toys"]


class RecommenderContract(ABC):
    """Inherit, and say how a model is `made`."""

    @abstractmethod
    def made(self) -> Recommender: ...

    @pytest.fixture
    def model(self) -> Recommender:
        return self.made().fit(dated_town())

    def names(self, ids: np.ndarray) -> list[str]:
        return [PRODUCTS[i] for i in ids if i >= 0]

    def test_lists_are_int32_ids_and_float32_scores_best_first(self, model: Recommender) -> None:
        ids, scores = model.recommend(range(9), 4)
        assert (ids.shape, ids.dtype, scores.shape, scores.dtype) == ((9, 4), np.int32, (9, 4), np.float32)
        assert (np.diff(scores, axis=1) <= 0).all()

    def test_one_customer_is_answered_like_many(self, model: Recommender) -> None:
        ids, scores = model.recommend(range(9), 7)
        for row in range(9):
            one, score = model.recommend(row, 7)
            assert one.tolist() == [ids[row].tolist()]
            np.testing.assert_allclose(score[0], scores[row], rtol=1e-5, atol=1e-6)

    def test_no_list_repeats_a_product(self, model: Recommender) -> None:
        ids, _ = model.recommend(range(9), 7)
        assert all(len(set(row)) == 7 for row in ids.tolist())

    def test_a_customer_without_history_gets_what_is_popular(self, model: Recommender) -> None:
        ids, _ = model.recommend(CUSTOMERS.index("nobody"), 7)
        assert self.names(ids[0]) == BY_POPULARITY

    def test_only_what_is_left_is_returned_and_the_rest_is_minus_one(self, model: Recommender) -> None:
        all_but_jam = csr_matrix([[p != "jam" for p in PRODUCTS]], dtype=np.float32)
        ids, scores = model.recommend(0, 4, exclude=all_but_jam)
        assert ids.tolist() == [[PRODUCTS.index("jam"), -1, -1, -1]]
        assert np.isneginf(scores[0, 1:]).all()
        assert np.isfinite(scores[0, 0])

    def test_nothing_left_is_an_empty_list(self, model: Recommender) -> None:
        ids, scores = model.recommend([0, 8], 3, allowed=np.zeros(7, bool))
        assert (ids == -1).all()
        assert np.isneginf(scores).all()

    def test_each_customer_has_their_own_exclusions(self, model: Recommender) -> None:
        bought = dated_town().interactions.seen
        ids, _ = model.recommend(range(9), 7, exclude=bought)
        for row, customer in enumerate(CUSTOMERS):
            assert set(self.names(ids[row])) == set(PRODUCTS) - set(TOWN.get(customer, {}))

    def test_only_limits_a_list_to_what_is_named(self, model: Recommender) -> None:
        ids, _ = model.recommend(range(9), 7, only=dated_town().interactions.seen)
        for row, customer in enumerate(CUSTOMERS):
            assert set(self.names(ids[row])) == set(TOWN.get(customer, {}))

    def test_limits_work_together(self, model: Recommender) -> None:
        allowed = np.array([p != "butter" for p in PRODUCTS])
        bread = csr_matrix([[p == "bread" for p in PRODUCTS]], dtype=np.float32)
        ids, _ = model.recommend(
            0, 7, only=dated_town().interactions.seen[[0]], exclude=bread, allowed=allowed
        )
        assert self.names(ids[0]) == ["milk"]

    def test_a_short_list_begins_a_long_one(self, model: Recommender) -> None:
        long, _ = model.recommend(range(9), 7)
        for n in range(1, 7):
            short, _ = model.recommend(range(9), n)
            assert short.tolist() == long[:, :n].tolist()

    def test_more_than_there_are_products_ends_in_minus_one(self, model: Recommender) -> None:
        ids, scores = model.recommend(range(9), 9)
        assert (ids[:, 7:] == -1).all()
        assert np.isneginf(scores[:, 7:]).all()

    def test_a_saved_model_answers_the_same(self, model: Recommender, tmp_path: Path) -> None:
        path = model.save(tmp_path)
        assert path == tmp_path / f"{model.name}.npz"
        loaded = type(model).load(tmp_path)
        for before, after in zip(model.recommend(range(9), 7), loaded.recommend(range(9), 7), strict=True):
            assert before.tobytes() == after.tobytes()

    def test_a_loaded_model_has_the_parameters_it_was_made_with(
        self, model: Recommender, tmp_path: Path
    ) -> None:
        model.save(tmp_path)
        assert type(model).load(tmp_path).parameters == model.parameters == self.made().parameters

    def test_a_file_holds_no_ids_and_nothing_pickled(self, model: Recommender, tmp_path: Path) -> None:
        with np.load(model.save(tmp_path), allow_pickle=False) as arrays:
            texts = [str(arrays[name]) for name in arrays.files if arrays[name].dtype.kind in "US"]
        assert texts == [json.dumps(model.parameters, sort_keys=True)]

    def test_a_score_is_evidence_and_a_little_popularity(self, model: Recommender) -> None:
        ids, scores = model.recommend(range(9), 7)
        owner, slot = np.nonzero(ids >= 0)
        said = model.evidence(np.arange(9), owner, ids[owner, slot])
        buyers = np.array([sum(p in basket for basket in TOWN.values()) for p in PRODUCTS])
        assert (said >= 0).all()
        filled = scores[owner, slot] - said
        np.testing.assert_allclose(filled, FILL * buyers[ids[owner, slot]] / 8, atol=1e-5)

    def test_evidence_is_the_same_in_whatever_order_pairs_are_asked(self, model: Recommender) -> None:
        owner, columns = np.divmod(np.arange(63), 7)
        said = model.evidence(np.arange(9), owner, columns.astype(np.int32))
        order = np.random.default_rng(0).permutation(63)
        again = model.evidence(np.arange(9), owner[order], columns[order].astype(np.int32))
        np.testing.assert_allclose(again, said[order], rtol=1e-6)

    def test_nothing_is_said_of_a_customer_without_history(self, model: Recommender) -> None:
        said = model.evidence(np.array([8]), np.zeros(7, np.int64), np.arange(7, dtype=np.int32))
        assert not said.any()

    def test_the_same_data_gives_the_same_file(self, tmp_path: Path) -> None:
        files = []
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            files.append(self.made().fit(dated_town()).save(tmp_path / name).read_bytes())
        assert files[0] == files[1]

    def test_fitting_again_forgets_what_was_learned(self) -> None:
        small = history({c: TOWN[c] for c in ("ann", "ben", "cleo")})
        again, new = self.made().fit(small).fit(dated_town()), self.made().fit(dated_town())
        assert again.recommend(range(9), 7)[1].tobytes() == new.recommend(range(9), 7)[1].tobytes()

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_broken_numbers_are_named_when_they_come_in(self, bad: float) -> None:
        data = dated_town().interactions
        weights = data.weights.copy()
        weights.data[3] = bad
        with pytest.raises(ModelError, match="1 values that are NaN or infinite"):
            self.made().fit(bare(Interactions(data.customers, data.products, data.counts, weights)))

    def test_an_unfitted_model_says_so(self) -> None:
        with pytest.raises(ModelError, match="not fitted"):
            self.made().recommend(0, 1)

    @pytest.mark.parametrize("row", [-1, 9])
    def test_a_row_that_is_not_there_is_refused(self, model: Recommender, row: int) -> None:
        with pytest.raises(ModelError, match="rows must lie in"):
            model.recommend([0, row], 1)

    def test_limits_of_another_shape_are_refused(self, model: Recommender) -> None:
        with pytest.raises(ModelError, match="exclude has shape"):
            model.recommend([0, 1], 1, exclude=dated_town().interactions.seen)
        with pytest.raises(ModelError, match="allowed has shape"):
            model.recommend([0, 1], 1, allowed=np.ones(3, bool))

    def test_a_missing_or_broken_file_says_what_to_do(self, model: Recommender, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match="run the night again"):
            type(model).load(tmp_path)
        (tmp_path / f"{model.name}.npz").write_bytes(b"PK not really")
        with pytest.raises(ModelError, match="run the night again"):
            type(model).load(tmp_path)

    @pytest.mark.parametrize("shop", [{"ann": {"bread": 1}}, {}])
    def test_a_shop_with_one_customer_and_product_or_none_works(self, shop: dict) -> None:
        model = self.made().fit(history(shop))
        ids, _ = model.recommend(range(len(shop) + 1), 2)
        assert ids.tolist() == [[0, -1] if shop else [-1, -1]] * (len(shop) + 1)
