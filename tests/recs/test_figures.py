"""The figures of a panel are what its customers' lists say, by segment and against the counts."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy.sparse import csr_matrix

from recs.figures import Panel, figures, mixed, segments
from recs.history import LINES, History
from tests.recs.worlds import town

KINDS = np.array([[0, 0], [0, 0], [1, 0], [-1, -1]], np.int32)


def panel(truth: list[list[int]], new: list[bool] | None = None) -> Panel:
    """Customers who bought some of four products: two of one category, one of another, one of none."""
    first = np.array(new or [False] * len(truth))
    return Panel(
        truth=csr_matrix(np.array(truth, np.float32)),
        eligible=np.array([True, True, True, False]),
        buyers=np.array([8, 4, 2, 1]),
        shoppers=8,
        kinds=KINDS,
        segments={"new": first, "light": ~first, "heavy": np.zeros(len(truth), bool)},
    )


def lists(*rows: list[int]) -> np.ndarray:
    return np.array(rows, np.int32)


def days(history: History, shopped: dict[int, int]) -> History:
    """Each row in the shop on so many days."""
    lines = [{"row": row, "column": 0, "day": day} for row, many in shopped.items() for day in range(many)]
    return replace(history, lines=pl.DataFrame(lines, schema=LINES))


def test_a_better_model_differs_surely_from_the_counts_and_the_counts_from_themselves_by_nothing() -> None:
    asked = panel([[1, 0, 0, 0]] * 30)
    found = figures(asked, {"counts": lists(*[[1, 0]] * 30), "good": lists(*[[0, 1]] * 30)}, "counts", 0)
    worth = 1 / np.log2(3)
    assert found["good"]["ndcg@2"] == 1
    assert found["counts"]["ndcg@2"] == pytest.approx(worth, abs=1e-6)
    assert found["good"]["difference"]["against"] == "counts"
    assert found["good"]["difference"]["interval"] == [pytest.approx(1 - worth, abs=1e-6)] * 2
    assert found["counts"]["difference"] == {"against": "counts", "ndcg@2": 0, "interval": [0, 0]}


def test_the_figures_of_lists_are_their_definitions() -> None:
    found = figures(panel([[1, 0, 1, 0], [0, 1, 0, 0]]), {"m": lists([0, 2], [0, 3])}, "m", 0)["m"]
    assert found["customers"] == 2
    assert found["recall@2"] == 0.5
    assert found["map@2"] == 0.5
    assert found["novelty"] == ((0 + 2) / 2 + (0 + 3) / 2) / 2
    assert found["diversity"] == 1  # of the second list's only pair one category is not known
    assert found["coverage"] == pytest.approx(2 / 3, abs=1e-6)
    assert found["gini"] == pytest.approx(4 / 9, abs=1e-6)


def test_segments_average_their_own_customers_and_an_empty_one_says_nothing() -> None:
    asked = panel([[1, 0, 0, 0]] * 4, new=[True, False, False, False])
    found = figures(asked, {"m": lists([2, 1], [0, 1], [0, 1], [2, 1])}, "m", 0)["m"]["segments"]
    assert found["new"] == {"customers": 1, "ndcg@2": 0, "interval": [0, 0]}
    assert (found["light"]["customers"], found["light"]["ndcg@2"]) == (3, pytest.approx(2 / 3, abs=1e-6))
    assert found["heavy"] == {"customers": 0, "ndcg@2": None, "interval": None}


def test_figures_are_plain_json_without_nan() -> None:
    empty = figures(panel([[1, 0, 0, 0]]), {"m": lists([-1, -1])}, "m", 0)
    assert json.loads(json.dumps(empty, allow_nan=False)) == empty
    assert (empty["m"]["ndcg@2"], empty["m"]["novelty"], empty["m"]["diversity"]) == (0, None, None)


def test_the_figures_of_a_model_do_not_depend_on_which_others_are_judged() -> None:
    chance = np.random.default_rng(1)
    asked = panel(np.eye(4, dtype=int)[chance.integers(0, 4, 60)].tolist())
    one, other = (np.argsort(chance.random((60, 4)), axis=1)[:, :2].astype(np.int32) for _ in range(2))
    alone = figures(asked, {"one": one}, "one", 0)["one"]
    assert figures(asked, {"other": other, "one": one}, "one", 0)["one"] == alone


def test_segments_part_the_customers_by_their_days_in_the_shop() -> None:
    found = segments(days(town(), {0: 2, 1: 3, 2: 4, 3: 5, 4: 5, 5: 5, 6: 9, 7: 12}))
    assert {name: np.flatnonzero(mask).tolist() for name, mask in found.items()} == {
        "new": [0, 8],
        "light": [1, 2, 3, 4, 5],
        "heavy": [6, 7],
    }


def test_where_all_come_equally_often_nobody_is_heavy() -> None:
    found = segments(days(town(), dict.fromkeys(range(8), 7)))
    assert found["light"].sum() == 8
    assert not found["heavy"].any()


def test_a_shop_without_purchases_has_only_new_customers() -> None:
    assert segments(town())["new"].all()


def test_more_diversity_costs_the_hits_that_it_moves_down() -> None:
    scores = np.tile(np.array([1.0, 0.9, 0.5], np.float32), (20, 1))
    found = mixed(panel([[1, 1, 0, 0]] * 20), lists(*[[0, 1, 2]] * 20), scores, 2, 0)
    assert found["as ranked"]["ndcg@2"] == 1
    assert found["as ranked"]["diversity"] == 0
    assert found["cap 2"]["difference"]["ndcg@2"] == 0
    assert found["cap 1"]["diversity"] == found["MMR 0.5"]["diversity"] == 1
    assert found["cap 1"]["difference"]["interval"][1] < 0


def test_without_categories_nothing_is_said_of_the_cost_of_diversity() -> None:
    unknown = replace(panel([[1, 1, 0, 0]]), kinds=np.full((4, 2), -1, np.int32))
    assert mixed(unknown, lists([0, 1, 2]), np.ones((1, 3), np.float32), 2, 0) == {}
