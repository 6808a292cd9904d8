"""The ranker learns who buys what when, says it as a probability, and says the same live as at night."""

import os
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.sparse import csr_matrix

from recs.evaluation import fold, measure
from recs.fitting import Fits
from recs.history import History
from recs.pairs import contained
from recs.protocol import Recommender
from recs.ranker import Ranker
from recs.ranker.training import NEGATIVES, bought_after, negatives_kept, windows
from recs.reasons import Family
from recs.recommenders import Als, ItemItem, Popularity, make
from tests.recs.contract import RecommenderContract
from tests.recs.ranker.shops import END, history, rhythms
from tests.recs.worlds import town
from warehouse.settings import Settings

MEMBERS = ("popularity", "item_item", "als")


def fit(name: str, past: History) -> Recommender:
    models = {"popularity": Popularity(), "item_item": ItemItem(neighbours=8), "als": Als(factors=8, reg=1.0)}
    return models[name].fit(past)


def made() -> Ranker:
    return Ranker(members=MEMBERS, seed=1, fit=fit)


@cache
def learned() -> tuple[History, Ranker]:
    found = rhythms()
    past = found.before(END - 28)
    return found, made().fit(past)


class TestWithTooLittleToLearnFrom(RecommenderContract):
    """It keeps the contract by saying what `frequency` says."""

    def made(self) -> Recommender:
        return made()


def test_it_ranks_better_than_counts_and_every_member() -> None:
    found, ranker = learned()
    past = fold(found, 28)
    for slate, least in (("for_you", 0.1), ("discover", 0.02)):
        ours = measure(ranker, past, slate)["ndcg@10"]
        for name in (*MEMBERS, "frequency"):
            other = make(name, Settings()).fit(past.history)
            assert ours >= measure(other, past, slate)["ndcg@10"] + (least if name == "popularity" else -0.02)


def test_it_says_probabilities_that_come_true() -> None:
    found, ranker = learned()
    rows = np.arange(240)
    considered = ranker.pool.considered(rows)
    said = ranker.evidence(rows, considered.owner, considered.columns)
    true = contained(bought_after(found, END - 28, 28), considered.owner, considered.columns)
    assert said.min() >= 0
    assert said.max() <= 1
    for low, high in ((0.0, 0.2), (0.2, 0.6), (0.6, 1.0)):
        some = (said >= low) & (said < high)
        assert some.sum() > 100
        assert said[some].mean() == pytest.approx(true[some].mean(), abs=0.1)


def test_what_is_bought_every_week_stands_above_what_is_bought_every_seventh() -> None:
    _, ranker = learned()
    past = rhythms().before(END - 28)
    ids, _ = ranker.recommend(range(240), 2)
    baskets = past.interactions.counts
    usual = [baskets[row, ids[row]].toarray().mean() for row in range(240)]
    assert np.mean(usual) > 15


def test_one_customer_alone_has_the_numbers_of_the_night() -> None:
    _, ranker = learned()
    ids, scores = ranker.recommend(range(240), 10)
    for row in (0, 17, 239):
        one, score = ranker.recommend(row, 10)
        assert (one[0].tolist(), score[0].tobytes()) == (ids[row].tolist(), scores[row].tobytes())


def test_a_list_the_shop_already_has_is_scored_with_the_numbers_of_the_night() -> None:
    _, ranker = learned()
    ids, scores = ranker.recommend(5, 10)
    said = ranker.evidence(np.array([5]), np.zeros(10, np.int64), ids[0])
    np.testing.assert_allclose(said, scores[0], atol=2e-4)  # popularity's share on top
    assert (np.diff(said) <= 0).all()


def test_limits_are_kept_and_bring_in_what_was_not_considered() -> None:
    _, ranker = learned()
    past = rhythms().before(END - 28)
    rows = np.arange(40)
    seen = past.interactions.seen[rows]
    new, _ = ranker.recommend(rows, 10, exclude=seen)
    again, _ = ranker.recommend(rows, 10, only=seen)
    few = np.zeros(48, np.bool_)
    few[[3, 7, 11, 2]] = True
    narrow, _ = ranker.recommend(rows, 4, allowed=few)
    for row in rows:
        mine = set(seen[row].indices.tolist())
        assert not mine & set(new[row].tolist())
        assert {i for i in again[row].tolist() if i >= 0} <= mine
        assert set(narrow[row].tolist()) == {2, 3, 7, 11}


def test_a_newcomer_gets_what_is_popular() -> None:
    found = rhythms()
    ranker = made().fit(found)
    popular = Popularity().fit(found)
    assert ranker.recommend(found.nobody, 10)[0].tolist() == popular.recommend(found.nobody, 10)[0].tolist()


def test_windows_need_days_before_and_after_them() -> None:
    assert windows(history([(0, 0, END - 200), (0, 0, END - 1)], 1, 1), 28) == [END - 28, END - 56, END - 84]
    assert windows(history([(0, 0, END - 90), (0, 0, END - 1)], 1, 1), 28) == [END - 28, END - 56]
    assert windows(history([(0, 0, END - 30)], 1, 1), 28) == []
    assert windows(history([], 1, 1), 28) == []


def test_it_learns_nothing_from_after_its_history() -> None:
    found = rhythms()
    other = replace(found, lines=found.lines.filter(pl.col("day") < END - 28))
    cut = other.before(END - 28)
    _, ranker = learned()
    again = made().fit(cut)
    assert again.booster is not None
    assert ranker.booster is not None
    assert again.booster.text == ranker.booster.text


def test_the_same_negatives_are_kept_whoever_else_is_asked() -> None:
    rows, columns = np.arange(400), np.tile(np.arange(20, dtype=np.int32), 400)
    owner = np.repeat(np.arange(400), 20)
    kept = negatives_kept(rows, owner, columns)
    assert kept.mean() == pytest.approx(1 / NEGATIVES, abs=0.02)
    assert (
        negatives_kept(rows[100:], np.repeat(np.arange(300), 20), columns[2000:]).tolist()
        == kept[2000:].tolist()
    )


def test_a_saved_ranker_answers_the_same(tmp_path: Path) -> None:
    _, ranker = learned()
    assert ranker.save(tmp_path) == tmp_path / "ranker.npz"
    again = Ranker.load(tmp_path)
    for limits in ({}, {"allowed": np.arange(48) % 3 == 0}):
        one, other = ranker.recommend(range(240), 10, **limits), again.recommend(range(240), 10, **limits)
        assert [array.tobytes() for array in one] == [array.tobytes() for array in other]


def test_bought_products_are_habits_and_new_ones_have_a_kind_of_evidence() -> None:
    _, ranker = learned()
    past = rhythms().before(END - 28)
    rows = np.arange(60)
    ids, _ = ranker.recommend(rows, 20)
    families, _ = ranker.reasons(rows, ids)
    owner, slot = np.nonzero(ids >= 0)
    bought = contained(past.interactions.seen[rows], owner, ids[owner, slot])
    told = families[owner, slot]
    assert (told[bought] == Family.HABIT).all()
    assert not (told[~bought] == Family.HABIT).any()
    assert {Family.TOGETHER, Family.ALIKE, Family.CATEGORY} & set(told[~bought].tolist())


def test_a_product_that_goes_together_with_another_names_one_that_the_customer_bought() -> None:
    past = rhythms(categories=0).before(END - 28)
    ranker = Ranker(members=("popularity", "item_item"), seed=1, fit=fit).fit(past)
    rows = np.arange(60)
    families, behind = ranker.reasons(rows, ranker.recommend(rows, 20)[0])
    together = families == Family.TOGETHER
    assert together.any()
    for row, place in np.argwhere(together):
        assert past.interactions.seen[row, behind[row, place, 0]]


def test_an_empty_shop_can_be_asked() -> None:
    nothing = history([], 2, 3)
    ids, _ = made().fit(nothing).recommend([0, 1, 2], 2, only=csr_matrix((3, 3), dtype=np.float32))
    assert (ids == -1).all()


def test_the_town_is_too_small_to_learn_from() -> None:
    assert made().fit(town()).booster is None


@pytest.mark.slow
def test_one_thread_and_two_learn_the_same(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib\n"
        "from tests.recs.ranker.test_ranker import made\n"
        "from tests.recs.ranker.shops import rhythms\n"
        "model = made().fit(rhythms())\n"
        "model.save(pathlib.Path(sys.argv[1]))\n"
    )
    for threads in ("1", "2"):
        (tmp_path / threads).mkdir()
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS")
        environment = os.environ | dict.fromkeys(names, threads)
        command = [sys.executable, "-c", program, str(tmp_path / threads)]
        subprocess.run(command, env=environment, check=True, cwd=Path(__file__).parents[3])
    files = sorted(path.name for path in (tmp_path / "1").iterdir())
    assert "ranker.lightgbm.txt" in files
    for name in files:
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes(), name


def test_looks_that_began_lately_do_not_spoil_what_was_learned_before_them() -> None:
    found = rhythms()
    looks = found.lines.filter(pl.col("day") >= END - 3).select("row", "column", "day", kind=pl.lit("view"))
    found = replace(found, views=looks)
    fits = Fits(Settings())
    before, now = fits.get("ranker", found.before(END - 28)), fits.get("ranker", found)
    assert isinstance(before, Ranker)
    assert isinstance(now, Ranker)
    assert set(now.members) - set(before.members) == {"sessions"}
    assert now.recommend([0], 3)[0].min() >= 0
