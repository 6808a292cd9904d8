"""What many customers bought: everyone's, and a market's own."""

import pytest

from recs.protocol import Recommender
from recs.recommenders import Popularity, Segment
from tests.recs.contract import RecommenderContract
from tests.recs.worlds import dated, history


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


class TestSegment(RecommenderContract):
    def made(self) -> Recommender:
        return Segment(worth=1.0)

    def shop(self) -> tuple[list[tuple[str, ...]], list[str]]:
        """Three in the north drink tea, five in the south coffee."""
        north = [(f"n{i}", "tea", "2017-11-01", "north") for i in range(3)]
        south = [(f"s{i}", "coffee", "2017-11-01", "south") for i in range(5)]
        return north + south, ["coffee", "tea"]

    def first(self, model: Recommender, row: int, products: list[str]) -> str:
        return products[model.recommend(row, 1)[0][0, 0]]

    def test_each_market_sees_its_own_first_and_nobody_what_most_buy(self) -> None:
        lines, products = self.shop()
        model = Segment(worth=1.0).fit(dated(lines, end="2017-12-01"))
        assert [self.first(model, row, products) for row in (0, 3, 8)] == ["tea", "coffee", "coffee"]

    def test_a_market_of_few_customers_is_told_what_all_buy(self) -> None:
        lines, products = self.shop()
        model = Segment(worth=1000.0).fit(dated(lines, end="2017-12-01"))
        assert self.first(model, 0, products) == "coffee"

    def test_a_customer_belongs_where_they_buy_most(self) -> None:
        lines, products = self.shop()
        visits = [("guest", "tea", f"2017-11-0{day}", "south") for day in (1, 2)]
        data = dated([*lines, *visits, ("guest", "tea", "2017-11-03", "north")], end="2017-12-01")
        model = Segment(worth=1.0).fit(data)
        assert self.first(model, data.interactions.customers.to_list().index("guest"), products) == "coffee"

    def test_what_was_bought_lately_counts_more(self) -> None:
        old = [(f"c{i}", "fax", "2017-01-01") for i in range(4)]
        new = [(f"c{i}", "phone", "2017-11-20") for i in range(3)]
        ids, _ = Segment().fit(dated(old + new, end="2017-12-01")).recommend(0, 2)
        assert ids.tolist() == [[1, 0]]

    def test_a_share_is_that_of_the_market_blended_with_that_of_all(self) -> None:
        lines, _ = self.shop()
        model = Segment(worth=2.0, half_life_days=30).fit(dated(lines, end="2017-12-01"))
        decayed = 0.5 ** (29 / 30)
        assert model.recommend(0, 1)[1][0, 0] == pytest.approx(
            (3 * decayed + 2 * 3 * decayed / 8) / (3 + 2) + 1e-4 * 3 / 5, rel=1e-5
        )
