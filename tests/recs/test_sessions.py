"""What customers look at on the same day."""

import numpy as np

from recs.history import History
from recs.protocol import Recommender
from recs.recommenders import Sessions
from tests.recs.contract import RecommenderContract
from tests.recs.worlds import dated

END = "2017-12-01"


def shop(*more: tuple[str, str, str, str]) -> History:
    """Three customers looked at a tent and a stove on one day, and at a lamp on another; all bought milk."""
    looks = [
        (customer, product, day, "view")
        for customer in ("ann", "ben", "cleo")
        for product, day in (("tent", "2017-06-01"), ("stove", "2017-06-01"), ("lamp", "2017-07-01"))
    ]
    bought = [(customer, "milk", "2017-11-01") for customer in ("ann", "ben", "cleo", "zoe")]
    return dated(bought, end=END, views=[*looks, *more])


class TestSessions(RecommenderContract):
    def made(self) -> Recommender:
        return Sessions()

    def said(self, data: History, customer: str, **parameters: int) -> dict[str, float]:
        model = Sessions(**parameters).fit(data)
        row, products = data.interactions.customers.to_list().index(customer), data.interactions.products
        owner, columns = np.zeros(len(products), np.int64), np.arange(len(products), dtype=np.int32)
        said = model.evidence(np.array([row]), owner, columns).tolist()
        return {product: value for product, value in zip(products, said, strict=True) if value > 0}

    def test_a_look_points_to_what_is_looked_at_on_the_same_day(self) -> None:
        said = self.said(shop(("zoe", "tent", "2017-11-30", "view")), "zoe")
        assert set(said) == {"tent", "stove"}
        assert said["tent"] > said["stove"]

    def test_a_look_of_long_ago_points_nowhere(self) -> None:
        data = shop(("zoe", "tent", "2017-11-16", "view"))
        assert self.said(data, "zoe", recent_days=14) == {}
        assert set(self.said(data, "zoe", recent_days=15)) == {"tent", "stove"}

    def test_newer_looks_and_carts_count_more(self) -> None:
        last = self.said(shop(("zoe", "tent", "2017-11-30", "view")), "zoe")["stove"]
        older = self.said(shop(("zoe", "tent", "2017-11-24", "view")), "zoe")["stove"]
        cart = self.said(shop(("zoe", "tent", "2017-11-30", "cart")), "zoe")["stove"]
        assert older < last < cart

    def test_a_product_nobody_bought_is_found(self) -> None:
        model = Sessions().fit(shop(("zoe", "tent", "2017-11-30", "view")))
        ids, _ = model.recommend(3, 2)
        assert ids.tolist() == [[3, 2]]  # tent and stove; of lamp, milk, stove, tent

    def test_without_looks_popular_products_are_left(self) -> None:
        data = dated([("ann", "milk", "2017-11-01"), ("ben", "milk", "2017-11-01")], end=END)
        model = Sessions().fit(data)
        assert model.recommend(0, 2)[0].tolist() == [[0, -1]]
        assert model.similar_items(0, 1)[0].tolist() == [[-1]]

    def test_what_is_alike_is_what_is_looked_at_together(self) -> None:
        ids, scores = Sessions().fit(shop()).similar_items([3, 0], 1)
        assert ids.tolist() == [[2], [-1]]
        assert np.isclose(scores[0, 0], 1)  # always on the same days
