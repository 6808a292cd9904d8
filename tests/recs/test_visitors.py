"""What goes with a basket is found by what was bought together, whoever bought it."""

from pathlib import Path

import numpy as np
import pytest

from recs.affinity import read, write
from recs.history import History
from recs.recommenders import IAls
from recs.similar import DEPTH, Similar
from recs.visitors import FACTORS, LOSS, Visit, Visitors, baskets, learn, restored
from tests.recs.worlds import together
from warehouse.errors import ModelError, NotFoundError

# Bread goes with butter, butter sometimes with jam; beer goes with crisps. Two people bought one tie each.
BASKETS = [
    *[("bread", "butter")] * 12,
    *[("bread", "butter", "jam")] * 5,
    *[("beer", "crisps")] * 9,
    *[("milk",)] * 6,
    *[("bread", "tie"), ("beer", "tie")],
]
NAMES = ["beer", "bread", "butter", "crisps", "jam", "milk", "tie"]
ALL = np.ones(len(NAMES), np.bool_)

KINDS = pytest.mark.parametrize("kind", ["ease", "ials"])


@pytest.fixture(scope="module")
def known() -> History:
    return together(BASKETS)


@pytest.fixture(scope="module")
def visitors(known: History) -> dict[str, Visitors]:
    return {kind: learn(kind, known, 0) for kind in ("ease", "ials")}


def columns(*names: str) -> np.ndarray:
    return np.array([NAMES.index(name) for name in names], np.int32)


def ones(n: int) -> np.ndarray:
    return np.ones(n, np.float32)


def best(visitors: Visitors, *have: str, n: int = 10, allowed: np.ndarray = ALL) -> list[str]:
    found = columns(*have)
    [(items, scores)] = visitors.best([Visit(found, ones(len(found)), n, found)], allowed)
    assert (np.diff(scores) <= 0).all()
    assert (scores > 0).all()
    return [NAMES[item] for item in items]


@KINDS
def test_what_was_bought_together_is_found(visitors: dict[str, Visitors], kind: str) -> None:
    assert best(visitors[kind], "bread")[0] == "butter"
    assert best(visitors[kind], "bread", "butter")[0] == "jam"
    assert best(visitors[kind], "beer")[0] == "crisps"


@KINDS
def test_only_what_is_allowed_comes_back_and_no_more_than_asked_for(
    visitors: dict[str, Visitors], kind: str
) -> None:
    allowed = ALL.copy()
    allowed[columns("butter")] = False
    assert "butter" not in best(visitors[kind], "bread", allowed=allowed)
    assert len(best(visitors[kind], "bread", n=1)) == 1


@KINDS
def test_what_too_few_bought_says_nothing_and_is_not_found(visitors: dict[str, Visitors], kind: str) -> None:
    assert best(visitors[kind], "tie") == []
    assert best(visitors[kind]) == []
    assert "tie" not in best(visitors[kind], "bread")
    assert visitors[kind].said(columns("bread"), ones(1), columns("tie")).tolist() == [0]


@KINDS
def test_single_products_are_said_what_lists_are_made_of(visitors: dict[str, Visitors], kind: str) -> None:
    have = columns("bread", "beer")
    [(items, scores)] = visitors[kind].best([Visit(have, ones(2), 10, have[:0])], ALL)
    assert visitors[kind].said(have, ones(2), items) == pytest.approx(scores, rel=1e-4)


@KINDS
def test_what_counts_more_weighs_more(visitors: dict[str, Visitors], kind: str) -> None:
    have, asked = columns("bread", "beer"), columns("butter", "crisps")
    more_bread, more_beer = (
        visitors[kind].said(have, np.array(worth, np.float32), asked) for worth in ((1, 0.2), (0.2, 1))
    )
    assert more_bread[0] > more_bread[1]
    assert more_beer[1] > more_beer[0]


@KINDS
def test_what_one_gets_does_not_depend_on_who_asks_at_the_same_time(
    visitors: dict[str, Visitors], kind: str
) -> None:
    asked = [
        Visit(columns(*names), ones(len(names)), n, columns(*names))
        for names, n in ((("bread",), 1), (("beer", "jam"), 5), (("tie",), 3), ((), 2), (("bread",), 7))
    ]
    together_ = visitors[kind].best(asked, ALL)
    for visit, (items, scores) in zip(asked, together_, strict=True):
        [(alone, said)] = visitors[kind].best([visit], ALL)
        assert items.tolist() == alone.tolist()
        assert scores.tolist() == said.tolist()


def test_ease_names_the_product_that_stands_behind(visitors: dict[str, Visitors]) -> None:
    have = columns("bread", "beer", "tie")
    behind = visitors["ease"].behind(have, ones(3), columns("butter", "crisps", "tie"))
    assert behind.tolist() == [*columns("bread", "beer"), -1]
    assert visitors["ease"].behind(columns("tie"), ones(1), columns("butter")).tolist() == [-1]


def test_a_visitor_is_solved_for_as_training_solves_for_a_basket(known: History) -> None:
    visitors = learn("ials", known, 0)
    together_ = baskets(known, visitors.columns)
    together_.data *= np.float32(LOSS["alpha"])
    trained, products = IAls(factors=FACTORS, alpha=LOSS["alpha"], reg=LOSS["reg"]).side(
        together_, visitors.arrays()["factors"]
    )
    for order in (0, 13, 20):
        have = visitors.columns[together_[order].indices]
        expected = np.maximum(products @ trained[order], 0)
        said = visitors.said(have, ones(len(have)), visitors.columns)
        assert said == pytest.approx(expected, rel=1e-3, abs=1e-5)


@KINDS
def test_what_was_written_answers_the_same(visitors: dict[str, Visitors], kind: str, tmp_path: Path) -> None:
    none = Similar(np.full((len(NAMES), DEPTH), -1, np.int32), np.zeros((len(NAMES), DEPTH), np.float32))
    write(tmp_path, visitors[kind], none)
    again, _ = read(tmp_path)
    assert again.kind == kind
    for have in (("bread",), ("beer", "jam")):
        assert best(again, *have) == best(visitors[kind], *have)


def test_what_cannot_be_read_says_what_to_do(visitors: dict[str, Visitors], tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="run the night again"):
        read(tmp_path)
    none = Similar(np.full((len(NAMES), DEPTH), -1, np.int32), np.zeros((len(NAMES), DEPTH), np.float32))
    write(tmp_path, visitors["ease"], none)
    broken = tmp_path / "affinity" / "visitors.ease" / "weights.npy"
    broken.write_bytes(broken.read_bytes()[:50])
    with pytest.raises(NotFoundError, match="run the night again"):
        read(tmp_path)


def test_an_unknown_kind_is_refused(known: History) -> None:
    with pytest.raises(ModelError, match="ease and ials"):
        learn("magic", known, 0)


@KINDS
def test_a_shop_without_purchases_knows_nothing(kind: str) -> None:
    nothing = learn(kind, together([("tie",)]), 0)
    again = restored(kind, nothing.arrays(), 1)
    visit = Visit(np.array([0], np.int32), ones(1), 5, columns())
    [(items, _)] = again.best([visit], np.ones(1, np.bool_))
    assert items.tolist() == []
    asked = np.array([0], np.int32)
    assert again.said(asked, ones(1), asked).tolist() == [0]
    assert again.behind(asked, ones(1), asked).tolist() == [-1]
