"""What a customer bought: how often, and whether it is due again."""

import numpy as np
import pytest

from recs.history import History
from recs.protocol import Recommender
from recs.recommenders import Frequency, Replenishment
from tests.recs.contract import CUSTOMERS, RecommenderContract
from tests.recs.worlds import dated, history, town


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


def every(customer: str, product: str, days: int, last: str, times: int) -> list[tuple[str, ...]]:
    """Purchases a fixed number of days apart."""
    newest = np.datetime64(last)
    return [(customer, product, str(newest - days * place)) for place in range(times)]


class TestReplenishment(RecommenderContract):
    def made(self) -> Recommender:
        return Replenishment()

    def due(self, data: History, **parameters: float) -> dict[tuple[str, str], float]:
        model = Replenishment(**parameters).fit(data)
        pairs = data.pairs.select("row", "column").to_numpy()
        said = model.evidence(pairs[:, 0].astype(np.int64), np.arange(len(pairs)), pairs[:, 1])
        names = data.interactions.customers.to_list(), data.interactions.products.to_list()
        return {(names[0][u], names[1][i]): float(p) for (u, i), p in zip(pairs, said, strict=True)}

    def test_evidence_is_a_probability(self) -> None:
        lines = every("ann", "milk", 7, "2017-11-28", 12) + every("ben", "soap", 90, "2017-11-01", 3)
        assert all(0 < p < 1 for p in self.due(dated(lines, end="2017-12-01")).values())

    def test_a_weekly_habit_is_surer_than_a_quarterly_one(self) -> None:
        lines = every("ann", "milk", 7, "2017-11-28", 12) + every("ann", "soap", 90, "2017-11-28", 4)
        due = self.due(dated(lines, end="2017-12-01"))
        assert due["ann", "milk"] > 0.9
        assert due["ann", "soap"] < 0.3

    def test_what_comes_back_monthly_is_due_after_a_month_and_not_after_a_week(self) -> None:
        others = [line for c in "cdefgh" for line in every(c, "filters", 30, "2017-11-20", 8)]
        lines = (
            others
            + every("early", "filters", 30, "2017-11-25", 8)
            + every("late", "filters", 30, "2017-11-02", 8)
        )
        due = self.due(dated(lines, end="2017-12-01"), window=7)
        assert due["late", "filters"] > 3 * due["early", "filters"]

    def test_a_product_bought_once_is_due_as_others_say(self) -> None:
        quick = [line for c in "abcdef" for line in every(c, "bread", 7, "2017-11-28", 10)]
        slow = [line for c in "abcdef" for line in every(c, "broom", 150, "2017-11-28", 2)]
        once = [("new", "bread", "2017-11-28"), ("new", "broom", "2017-11-28")]
        due = self.due(dated(quick + slow + once, end="2017-12-01"), product=1.0)
        assert due["new", "bread"] > 2 * due["new", "broom"]

    def test_who_comes_back_faster_than_others_is_expected_sooner(self) -> None:
        others = [line for c in "cdefgh" for line in every(c, "coffee", 28, "2017-11-28", 8)]
        due = self.due(
            dated(others + every("fast", "coffee", 7, "2017-11-28", 20), end="2017-12-01"), window=7
        )
        assert due["fast", "coffee"] > 2 * due["c", "coffee"]

    def test_a_habit_that_was_given_up_is_not_due_for_ever(self) -> None:
        lines = every("ann", "milk", 7, "2017-11-28", 20) + every("gone", "milk", 7, "2017-03-01", 5)
        due = self.due(dated(lines, end="2017-12-01"))
        assert due["gone", "milk"] < 0.3 < due["ann", "milk"]

    def test_a_longer_window_makes_everything_likelier(self) -> None:
        data = dated(every("ann", "milk", 7, "2017-11-28", 5), end="2017-12-01")
        chances = [self.due(data, window=days)["ann", "milk"] for days in (1, 7, 28, 90)]
        assert chances == sorted(chances)
        assert chances[0] < chances[-1]

    def test_two_baskets_of_one_day_are_one_purchase(self) -> None:
        lines = every("ann", "milk", 7, "2017-11-28", 5)
        assert self.due(dated(lines * 2, end="2017-12-01")) == self.due(dated(lines, end="2017-12-01"))
