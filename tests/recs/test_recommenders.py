"""Each model keeps the contract, and is right about the town in its own way."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from recs.protocol import Recommender
from recs.recommenders import NAMES, Als, Frequency, ItemItem, Popularity, make, read
from tests.recs.contract import CUSTOMERS, PRODUCTS, RecommenderContract
from tests.recs.worlds import TOWN, history, town
from warehouse.errors import ModelError
from warehouse.settings import Settings


class TestPopularity(RecommenderContract):
    def made(self) -> Recommender:
        return Popularity()

    def test_one_eager_customer_does_not_make_a_product_popular(self) -> None:
        data = history({"ann": {"jam": 99}, "ben": {"bread": 1}, "cleo": {"bread": 1}})
        ids, _ = Popularity().fit(data).recommend(0, 2)
        assert data.interactions.products.gather(ids[0]).to_list() == ["bread", "jam"]

    def test_what_was_bought_long_ago_counts_less(self) -> None:
        data = history({"ann": {"jam": 0.1}, "ben": {"jam": 0.1}, "cleo": {"bread": 0.9}})
        ids, _ = Popularity().fit(data).recommend(0, 2)
        assert data.interactions.products.gather(ids[0]).to_list() == ["bread", "jam"]

    def test_equals_are_ordered_by_column(self) -> None:
        data = history({"ann": dict.fromkeys("dcba", 1)})
        ids, _ = Popularity().fit(data).recommend(0, 4)
        assert ids.tolist() == [[0, 1, 2, 3]]


class TestFrequency(RecommenderContract):
    def made(self) -> Recommender:
        return Frequency()

    def test_habits_come_first_and_popular_products_fill_the_rest(self) -> None:
        ids, scores = self.made().fit(town()).recommend(CUSTOMERS.index("ann"), 7)
        expected = ["bread", "milk", "butter", "litter", "treats", "jam", "toys"]
        assert self.names(ids[0]) == expected
        assert scores[0, 0] == pytest.approx(5 + 1e-4 * 4 / 8)
        assert scores[0, 3] == pytest.approx(1e-4 * 4 / 8)

    def test_equal_habits_are_ordered_by_popularity(self) -> None:
        ids, _ = self.made().fit(town()).recommend(CUSTOMERS.index("carl"), 4)
        assert self.names(ids[0]) == ["milk", "bread", "butter", "jam"]

    def test_a_very_old_habit_ranks_below_what_everyone_buys(self) -> None:
        data = history({"ann": {"fax": 1e-6, "milk": 1}, "ben": {"milk": 1}, "zoe": {"fax": 1e-6}})
        ids, _ = self.made().fit(data).recommend(CUSTOMERS.index("ann"), 2)
        assert data.interactions.products.gather(ids[0]).to_list() == ["milk", "fax"]


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

    @pytest.mark.slow
    def test_one_thread_and_two_give_the_same_file(self, tmp_path: Path) -> None:
        program = (
            "import sys, numpy as np, pathlib\n"
            "from tests.recs.worlds import history\n"
            "from recs.recommenders import Als, ItemItem\n"
            "r = np.random.default_rng(0)\n"
            "shop = {f'c{u:03d}': {f'p{i:03d}': float(r.integers(1, 9)) for i in r.integers(0, 80, 12)}"
            " for u in range(300)}\n"
            "data = history(shop)\n"
            "for model in (Als(factors=16, reg=1.0), ItemItem()):\n"
            "    model.fit(data).save(pathlib.Path(sys.argv[1]))\n"
            "    np.save(f'{sys.argv[1]}/{model.name}.npy', model.recommend(range(300), 10)[1])\n"
        )
        for threads in ("1", "2"):
            (tmp_path / threads).mkdir()
            environment = os.environ | {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
            command = [sys.executable, "-c", program, str(tmp_path / threads)]
            subprocess.run(command, env=environment, check=True, cwd=Path(__file__).parents[2])
        for name in ("als.npz", "als.npy", "item_item.npz", "item_item.npy"):
            assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()


def test_every_name_can_be_made_and_read(tmp_path: Path) -> None:
    for name in NAMES:
        model = make(name, Settings()).fit(town())
        model.save(tmp_path)
        assert type(read(name, tmp_path)) is type(model)


def test_a_name_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="popularity, frequency"):
        make("oracle", Settings())
    with pytest.raises(ModelError, match="popularity, frequency"):
        read("oracle", tmp_path)
