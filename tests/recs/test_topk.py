"""Top-k is what sorting every score would give, whatever the limits, the shape and the number of threads."""

import os
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csc_matrix, csr_matrix
from scipy.sparse import random as sparse

from recs import topk, vnni
from recs.topk import ItemIndex, stream, top_k, top_k_near
from warehouse.errors import ModelError

ULPS = {"rtol": 1e-5, "atol": 1e-5}


def brute_force(
    users: np.ndarray, items: np.ndarray, k: int, exclude: np.ndarray | None, allowed: np.ndarray | None
) -> np.ndarray:
    """The best scores of every customer, (U, k), -inf where fewer are left."""
    score = users.astype(np.float64) @ items.T.astype(np.float64)
    if exclude is not None:
        score[exclude] = -np.inf
    if allowed is not None:
        score[:, ~allowed] = -np.inf
    score = np.pad(score, ((0, 0), (0, k)), constant_values=-np.inf)
    return -np.sort(-score, axis=1)[:, :k]


def check(users: np.ndarray, items: np.ndarray, k: int, exclude: np.ndarray | None = None,
          allowed: np.ndarray | None = None, **more: int) -> None:  # fmt: skip
    pattern = None if exclude is None else csr_matrix(exclude.astype(np.float32))
    ids, scores = top_k(users, items, k, exclude=pattern, allowed=allowed, **more)
    best = brute_force(users, items, k, exclude, allowed)
    assert (ids.dtype, scores.dtype) == (np.int32, np.float32)
    assert ids.shape == scores.shape == best.shape
    assert ((ids == -1) == np.isinf(best)).all()
    assert ((ids == -1) == np.isinf(scores)).all()
    lengths = (np.linalg.norm(matrix.astype(np.float64), axis=1) for matrix in (users, items))
    longest = np.prod([length.max(initial=0) for length in lengths])
    ulps = ULPS | {"atol": 1e-6 * longest}  # what may cancel is as large as the vectors are long
    np.testing.assert_allclose(scores, best, **ulps)
    for row, found in enumerate(ids):
        kept = found[found >= 0]
        assert len(set(kept.tolist())) == len(kept)
        np.testing.assert_allclose(items[kept] @ users[row], scores[row, : len(kept)], **ulps)
        assert exclude is None or not exclude[row, kept].any()
        assert allowed is None or allowed[kept].all()


VALUES = np.array([-2.0, -0.5, 0.0, 0.5, 1.0, 1e-3, 4096.0], np.float32)


@st.composite
def questions(draw: st.DrawFn) -> dict:
    """Few customers and products or many, with many equal and many extreme numbers among their factors."""
    users, items, factors = (draw(st.integers(0, most)) for most in (20, draw(st.sampled_from([9, 300])), 9))
    chance = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    asking, asked = (chance.choice(VALUES, (many, factors)) for many in (users, items))
    return {
        "users": asking,
        "items": asked,
        "k": draw(st.integers(1, 25)),
        "exclude": chance.random((users, items)) < 0.3 if draw(st.booleans()) else None,
        "allowed": chance.random(items) < 0.6 if draw(st.booleans()) else None,
        "threads": draw(st.integers(0, 3)),
    }


@pytest.fixture(params=["8 bits", "BLAS"], scope="module")
def way(request: pytest.FixtureRequest) -> Iterator[str]:
    """Both ways to multiply: with the instructions of this processor, and as on one without them."""
    if request.param == "8 bits" and not vnni.available():
        pytest.skip("this processor has no VNNI")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vnni, "available", lambda: request.param == "8 bits")
        yield request.param


@settings(max_examples=300, deadline=None)
@given(questions())
def test_any_small_question_is_answered_as_by_sorting(way: str, q: dict) -> None:
    check(**q)


@pytest.mark.parametrize("kind", ["random", "skewed", "outliers", "all alike", "all nothing"])
@pytest.mark.parametrize(("users", "items"), [(1, 5000), (63, 700), (1300, 2500), (2, 40_000)])
def test_many_tiles_and_blocks_are_answered_as_by_sorting(
    way: str, kind: str, users: int, items: int
) -> None:
    chance = np.random.default_rng(3)
    asking = chance.standard_normal((users, 16), dtype=np.float32)
    asked = chance.standard_normal((items, 16), dtype=np.float32)
    if kind == "skewed":
        asked *= (np.arange(1, items + 1, dtype=np.float32) ** -0.7)[chance.permutation(items), None]
    if kind == "outliers":
        asked[:, 3] *= 1000
        asking[::2] *= 1e-6
    if kind == "all alike":
        asked[:] = asked[0]
    if kind == "all nothing":
        asked[:] = 0
    barred = sparse(users, items, 0.02, "csr", np.float32, random_state=1).toarray() > 0
    check(asking, asked, 20, barred, chance.random(items) < 0.7)
    check(asking, asked, 20)


@pytest.mark.parametrize(
    ("mine", "theirs"), [(1, 1e-30), (1e-30, 1), (1, 1e-23), (1e18, 1e18), (1e-20, 1e20)]
)
def test_factors_of_any_size_are_answered_as_by_sorting(way: str, mine: float, theirs: float) -> None:
    chance = np.random.default_rng(4)
    asking, asked = (chance.standard_normal((n, 16), dtype=np.float32) for n in (20, 3000))
    check(asking * np.float32(mine), asked * np.float32(theirs), 10)


@pytest.mark.parametrize("factors", [1, 3, 70_000])
def test_vectors_of_any_length_are_answered_as_by_sorting(way: str, factors: int) -> None:
    chance = np.random.default_rng(4)
    check(*(chance.standard_normal((n, factors), dtype=np.float32) for n in (9, 150)), 10)


def test_vectors_without_factors_score_nothing(way: str) -> None:
    ids, scores = top_k(np.ones((2, 0)), np.ones((3, 0)), 2)
    assert (ids >= 0).all()
    assert not scores.any()


def test_exclusions_may_be_of_any_format_and_in_any_order(way: str) -> None:
    chance = np.random.default_rng(4)
    asking, asked = (chance.standard_normal((n, 4), dtype=np.float32) for n in (600, 50))
    barred = chance.random((600, 50)) < 0.5
    expected = top_k(asking, asked, 5, exclude=csr_matrix(barred))[0]
    backwards = csr_matrix(barred)
    for row in range(600):
        mine = slice(backwards.indptr[row], backwards.indptr[row + 1])
        backwards.indices[mine] = backwards.indices[mine][::-1].copy()
    backwards.has_sorted_indices = backwards.has_canonical_format = False
    for pattern in (csc_matrix(barred), backwards):
        assert (top_k(asking, asked, 5, exclude=pattern)[0] == expected).all()


def test_factors_may_be_read_only_and_anywhere_in_memory(way: str, tmp_path: Path) -> None:
    chance = np.random.default_rng(4)
    asking, asked = (chance.standard_normal((n, 4), dtype=np.float32) for n in (9, 50))
    expected = top_k(asking, asked, 5)[0]
    np.save(tmp_path / "asked.npy", asked)
    mapped = np.load(tmp_path / "asked.npy", mmap_mode="r")
    for mine, theirs in ((asking, mapped), (np.asfortranarray(asking), np.repeat(asked, 2, axis=1)[:, ::2])):
        assert (top_k(mine, theirs, 5)[0] == expected).all()


def test_any_number_of_threads_gives_the_same_bits(way: str) -> None:
    chance = np.random.default_rng(5)
    asking, asked = (chance.standard_normal((n, 24), dtype=np.float32) for n in (1500, 3000))
    one, two = (top_k(asking, ItemIndex.of(asked), 10, threads=threads) for threads in (1, 2))
    for first, second in zip(one, two, strict=True):
        assert first.tobytes() == second.tobytes()


def test_threads_of_the_caller_may_share_an_index() -> None:
    chance = np.random.default_rng(6)
    asking, asked = (chance.standard_normal((n, 24), dtype=np.float32) for n in (64, 3000))
    index = ItemIndex.of(asked)
    expected = top_k(asking, index, 5)[0]
    wrong: list[int] = []

    def ask(row: int) -> None:
        for _ in range(20):
            if top_k(asking[row : row + 1], index, 5)[0].tolist() != expected[[row]].tolist():
                wrong.append(row)

    threads = [threading.Thread(target=ask, args=(row,)) for row in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_of_equal_scores_the_lower_id_comes_first() -> None:
    ids, _ = top_k(np.ones((1, 2)), np.ones((4, 2)), 4)
    assert ids.tolist() == [[0, 1, 2, 3]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"k": 0}, "at least 1"),
        ({"user_factors": np.ones((2, 3))}, "customers have 3 factors, products 2"),
        ({"user_factors": np.ones(2)}, "user_factors has shape"),
        ({"user_factors": np.full((2, 2), np.nan)}, "user_factors holds NaN"),
        ({"item_factors": np.full((5, 2), np.inf)}, "item_factors holds NaN or infinity"),
        ({"exclude": csr_matrix((3, 5))}, "exclude has shape"),
        ({"allowed": np.ones(4, bool)}, r"allowed is bool of shape \(4,\)"),
        ({"allowed": np.ones(5, int)}, "allowed is int64"),
        ({"threads": -1}, "threads is -1"),
        ({"user_factors": np.full((2, 2), 1e20), "item_factors": np.full((5, 2), 1e19)}, "more than float32"),
    ],
)
def test_a_question_that_does_not_fit_says_why(change: dict, message: str) -> None:
    asked = {"user_factors": np.ones((2, 2)), "item_factors": np.ones((5, 2)), "k": 1} | change
    with pytest.raises(ModelError, match=message):
        top_k(**asked)


@settings(max_examples=200, deadline=None)
@given(questions(), st.randoms(use_true_random=False))
def test_sums_over_neighbours_are_those_of_the_whole_matrix(q: dict, chance: random.Random) -> None:
    users, items = len(q["users"]), len(q["items"])
    draw = np.random.default_rng(chance.randrange(2**32))
    bags = draw.integers(0, 3, (users, items)).astype(np.float32)
    near = (draw.random((items, items)) * (draw.random((items, items)) < 0.4)).astype(np.float32)
    exclude, allowed = q["exclude"], q["allowed"]
    pattern = None if exclude is None else csr_matrix(exclude.astype(np.float32))
    ids, scores = top_k_near(
        csr_matrix(bags), csr_matrix(near), q["k"], exclude=pattern, allowed=allowed, threads=q["threads"]
    )
    whole = bags @ near
    whole[whole == 0] = -np.inf
    whole[exclude if exclude is not None else np.zeros(whole.shape, bool)] = -np.inf
    whole[:, ~allowed if allowed is not None else np.zeros(items, bool)] = -np.inf
    best = -np.sort(-np.pad(whole, ((0, 0), (0, q["k"])), constant_values=-np.inf), axis=1)[:, : q["k"]]
    np.testing.assert_allclose(scores, best, **ULPS)
    assert ((ids == -1) == np.isinf(best)).all()
    for row, found in enumerate(ids):
        kept = found[found >= 0]
        assert len(set(kept.tolist())) == len(kept)
        np.testing.assert_allclose(whole[row, kept], scores[row, : len(kept)], **ULPS)


def test_a_stream_is_the_same_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topk, "AT_ONCE", 7)
    chance = np.random.default_rng(8)
    asking, asked = (chance.standard_normal((n, 4), dtype=np.float32) for n in (20, 9))
    barred = sparse(20, 9, 0.5, "csr", np.float32, random_state=1)
    index = ItemIndex.of(asked)
    ids, scores = top_k(asking, index, 8, exclude=barred)
    frame = stream(asking, index, 8, exclude=barred)
    frame.sink_parquet(tmp_path / "lists.parquet")
    written = pl.read_parquet(tmp_path / "lists.parquet")
    owner, place = np.nonzero(ids >= 0)
    assert written["row"].to_list() == owner.tolist()
    assert written["rank"].to_list() == (place + 1).tolist()
    assert written["column"].to_list() == ids[owner, place].tolist()
    assert written["score"].to_list() == scores[owner, place].tolist()
    assert frame.head(10).collect().equals(written.head(10))
    one = frame.filter(pl.col("row") == 13).select("column", "rank").collect()
    assert one.equals(written.filter(pl.col("row") == 13).select("column", "rank"))


def test_a_stream_says_at_once_what_does_not_fit() -> None:
    with pytest.raises(ModelError, match="exclude has shape"):
        stream(np.ones((2, 2), np.float32), ItemIndex.of(np.ones((3, 2))), 1, exclude=csr_matrix((4, 3)))
    with pytest.raises(ModelError, match="at least 1"):
        stream(np.ones((0, 2), np.float32), ItemIndex.of(np.ones((3, 2))), 0)


def test_neighbours_that_do_not_fit_are_explained() -> None:
    outside = csr_matrix((np.ones(1, np.float32), np.array([0]), np.array([0, 1])), shape=(1, 1))
    outside.indices[0] = 9
    with pytest.raises(ModelError, match="similarity has a column"):
        top_k_near(csr_matrix((1, 1)), outside, 1)
    with pytest.raises(ModelError, match="bags are of 3 products, 2 have neighbours"):
        top_k_near(csr_matrix((1, 3)), csr_matrix((2, 2)), 1)
    with pytest.raises(ModelError, match="similarity holds NaN"):
        top_k_near(csr_matrix((1, 1)), csr_matrix([[np.nan]]), 1)


@pytest.mark.slow
@pytest.mark.parametrize("setting", ["NUMBA_CPU_NAME=generic", "NUMBA_ENABLE_AVX=0", "NUMBA_DISABLE_JIT=1"])
def test_code_for_another_processor_needs_no_8_bit_products(setting: str) -> None:
    program = (
        "import numpy as np; from recs import topk, vnni; assert not vnni.available();"
        "print(topk.top_k(np.eye(3), np.eye(3), 1)[0].tolist())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | dict([setting.split("=")]),
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout.strip() == "[[0], [1], [2]]"
