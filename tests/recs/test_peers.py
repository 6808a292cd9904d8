"""The peers of `benchmarks.recs` see only the past, list what they may, and are judged as ours are."""

import itertools
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix, load_npz

from benchmarks.recs import peers
from benchmarks.recs.peer_models import LIBRARIES, Peer, Purchases
from benchmarks.recs.peer_runner import SLATES, K, best, drawn, listed, ndcg, rows_of
from recs.evaluation import fold
from recs.metrics import Hits
from recs.world import history
from tests.recs.worlds import DAY
from warehouse.settings import Settings

COSINE = next(peer for peer in LIBRARIES["implicit"].peers if peer.name == "cosine")
MODELS = [pytest.param(p, id=f"{name} {p.name}") for name, lib in LIBRARIES.items() for p in lib.peers]


def listing(scores: list[float], bought: list[int]) -> dict[str, list[int]]:
    """The lists of one customer without the places left empty."""
    counts = csr_matrix([[float(place in bought) for place in range(len(scores))]])
    found = listed(lambda _: np.array([scores], np.float32), Purchases(counts, counts), np.array([0]))
    return {slate: [i for i in ids[0].tolist() if i >= 0] for slate, ids in found.items()}


def test_each_slate_lists_what_it_may_best_first_and_equals_by_popularity() -> None:
    assert listing([1, 3, 3, 2], bought=[2, 3]) == {
        "for_you": [1, 2, 3, 0],
        "buy_again": [2, 3],
        "discover": [1, 0],
    }


def test_products_a_peer_has_no_opinion_of_come_last() -> None:
    assert listing([np.nan, -5, np.nan], bought=[])["for_you"] == [1, 0, 2]


@given(st.integers(0, 2**32 - 1), st.integers(1, 1500), st.integers(1, 5))
def test_the_best_are_those_of_a_full_sort(seed: int, products: int, different: int) -> None:
    scores = np.random.default_rng(seed).integers(0, different * 100, (3, products)).astype(np.float32)
    full = np.argsort(-scores, axis=1, kind="stable")[:, :K]
    assert (best(scores)[:, : full.shape[1]] == full).all()


@given(st.integers(0, 2**32 - 1))
def test_a_search_is_led_by_the_figure_we_judge_by(seed: int) -> None:
    chance = np.random.default_rng(seed)
    bought = chance.random((6, 30)) < 0.2
    bought[0, 3] = True
    truth = csr_matrix(bought.astype(np.float32))
    lists = best(chance.random((6, 30)))
    some = np.flatnonzero(np.diff(truth.indptr))
    assert ndcg(lists, truth) == pytest.approx(Hits.of(lists[some], truth[some]).ndcg().mean())


@pytest.mark.parametrize("peer", MODELS)
def test_a_search_tries_the_defaults_first_and_nothing_twice(peer: Peer) -> None:
    tried = list(itertools.islice(drawn(peer, 0), 40))
    assert tried == list(itertools.islice(drawn(peer, 0), 40))
    assert tried[0] == dict(peer.default)
    assert len({str(parameters) for parameters in tried[1:]}) == len(tried) - 1
    assert (
        len(tried) == 40 or not peer.space or len(tried) == 1 + np.prod([len(v) for v in peer.space.values()])
    )


@pytest.mark.parametrize("peer", [m for m in MODELS if m.values[0].space])
def test_whatever_the_defaults_set_can_be_searched(peer: Peer) -> None:
    assert set(peer.default) <= set(peer.space)


def test_every_library_is_pinned() -> None:
    for name, library in LIBRARIES.items():
        assert f"\n{library.package}==" in (peers.REQUIREMENTS / f"{name}.txt").read_text()


def test_peers_see_what_was_bought_before_the_cutoff_and_nothing_else(shop: Settings, tmp_path: Path) -> None:
    past = fold(history(shop, DAY), 14)
    columns = peers.write_known(tmp_path / "known", past, truth=False)
    assert sorted(f.name for f in (tmp_path / "known").iterdir()) == ["counts.npz", "decayed.npz"]
    before = history(shop, DAY - timedelta(days=14))
    milk = past.history.interactions.products.to_list().index("milk")
    assert columns[0] == milk, "the most bought product comes first"
    lines_of_milk = before.lines.filter(column=before.catalogue["product_id"].to_list().index("milk")).height
    assert load_npz(tmp_path / "known" / "counts.npz")[:, [0]].sum() == lines_of_milk


@pytest.fixture
def folder(shop: Settings, tmp_path: Path) -> Path:
    """What peers may see of the small shop, for its last four weeks."""
    past = fold(history(shop, DAY), 28)
    peers.write_known(tmp_path / "known", past, truth=False)
    peers.write_known(tmp_path / "earlier", fold(past.history, 28), truth=True)
    return tmp_path


@pytest.mark.filterwarnings("ignore:Method expects CSR input")  # implicit warns of its own matrix
def test_a_model_is_answered_for_with_its_defaults_and_tuned(folder: Path) -> None:
    (default, lists), (tuned, _) = rows_of(COSINE, folder, 0.2, 0)
    assert default["slates"]["for_you"]["parameters"] == {}
    assert tuned["trials"] > 1
    assert {slate: ids.shape for slate, ids in lists.items()} == dict.fromkeys(SLATES, (41, K))


def test_a_model_that_fails_says_why(folder: Path) -> None:
    ((row, lists),) = rows_of(Peer("cosine", COSINE.fit, {"K": "many"}, {}), folder, 0, 0)
    assert row["failed"]
    assert lists == {}


def test_a_library_that_does_not_install_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "implicit.txt").write_text("./not-there\n")
    monkeypatch.setattr(peers, "REQUIREMENTS", tmp_path)
    (row,) = peers.run_library("implicit", tmp_path, tmp_path / "environments", 0)
    assert "not-there" in row["failed"]


def test_lists_of_everyone_and_of_the_judged_are_judged_alike(shop: Settings) -> None:
    past = fold(history(shop, DAY), 14)
    judged = past.customers("discover")
    everyone = np.zeros((past.history.nobody + 1, K), np.int32) - 1
    everyone[:, 0] = past.truth["discover"].indices[0]
    one, other = (
        peers.judged({"lists": {"discover": lists}}, past)["discover"]
        for lists in (everyone, everyone[judged])
    )
    assert one.tolist() == other.tolist()
    assert one.max() > 0


def test_the_table_marks_what_ours_is_surely_better_than() -> None:
    def slates(low: float) -> dict:
        said = {"ndcg@10": 0.25, "interval": [0.2, 0.3], "ours_minus": [low, 0.1], "seconds": 2.0}
        return dict.fromkeys(SLATES, said)

    rows = [
        {
            "library": "one",
            "version": "1.0",
            "model": "als",
            "variant": "tuned",
            "trials": 7,
            "slates": slates(0.01),
        },
        {"library": "other", "model": "als", "slates": slates(-0.01)},
        {"library": "third", "failed": "no wheel"},
    ]
    better, alike, failed = peers.as_markdown({"rows": rows}).splitlines()[2:]
    assert better == f"| one 1.0 als tuned | {' | '.join(['0.250 (0.200 … 0.300) +'] * 3)} | 2.0 | 7 |"
    assert "+" not in alike
    assert failed == "| third | failed: no wheel | | | | |"
