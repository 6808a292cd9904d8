"""Lists are exactly what sorting every product would give, whatever the limits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from recs.arrays import read_npz, write_npz
from recs.ranking import Candidates, Limits, Popular, best_of_block, top
from recs.recommenders import Als, Frequency, ItemItem, Popularity
from tests.recs.worlds import history
from warehouse.errors import ModelError


@st.composite
def questions(draw: st.DrawFn) -> dict:
    users, items, n = draw(st.integers(1, 4)), draw(st.integers(1, 12)), draw(st.integers(1, 14))
    cells = st.lists(st.booleans(), min_size=users * items, max_size=users * items)
    pattern = cells.map(lambda c: np.array(c).reshape(users, items))
    few = st.sampled_from([0.0, -1.0, 0.5, 1.0, 4096.0])  # ties; beside 4096 no float32 shows popularity
    values = draw(st.lists(few, min_size=users * items, max_size=users * items))
    shares = draw(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=items, max_size=items))
    return {
        "evidence": np.array(values, np.float32).reshape(users, items),
        "share": np.array(shares, np.float32),
        "n": n,
        "exclude": draw(st.none() | pattern),
        "only": draw(st.none() | pattern),
        "allowed": draw(st.none() | st.lists(st.booleans(), min_size=items, max_size=items).map(np.array)),
    }


def share_or_named(q: dict, row: int, i: int) -> bool:
    """Somebody bought it, or the caller named it: what nobody bought fills no list."""
    return bool(q["share"][i] > 0 or q["only"] is not None)


def brute_force(q: dict) -> np.ndarray:
    """Every product scored, sorted by score, popularity and column."""
    out = np.full((len(q["evidence"]), q["n"]), -1)
    for row, evidence in enumerate(q["evidence"]):
        score = np.maximum(evidence, 0) + np.float32(1e-4) * q["share"]
        eligible = [
            i
            for i in range(len(score))
            if (share_or_named(q, row, i) or evidence[i] > 0)
            and (q["exclude"] is None or not q["exclude"][row, i])
            and (q["only"] is None or q["only"][row, i])
            and (q["allowed"] is None or q["allowed"][i])
        ]
        best = sorted(eligible, key=lambda i: (-score[i], -q["share"][i], i))[: q["n"]]
        out[row, : len(best)] = best
    return out


def pattern(mask: np.ndarray | None) -> csr_matrix | None:
    return None if mask is None else csr_matrix(mask.astype(np.float32))


@given(questions())
@settings(max_examples=200, deadline=None)
def test_lists_are_those_of_brute_force(q: dict) -> None:
    shape, n = q["evidence"].shape, q["n"]
    limits = Limits.checked(shape, pattern(q["exclude"]), pattern(q["only"]), q["allowed"])
    popular, columns = Popular.of(q["share"]), np.arange(shape[1], dtype=np.int32)
    if q["only"] is None:
        block = np.maximum(q["evidence"], 0)
        limits.bar(block, columns)
        found = best_of_block(block, columns, popular, n)
    else:
        owner, column = np.nonzero(q["only"])
        said = np.maximum(q["evidence"][owner, column], 0)
        found = Candidates(owner, column.astype(np.int32), said)
    ids, scores = top(found, popular, shape[0], n, limits)
    assert ids.tolist() == brute_force(q).tolist()
    assert (np.isneginf(scores) == (ids == -1)).all()


@given(st.dictionaries(
    st.sampled_from("abcdefgh"),
    st.dictionaries(st.sampled_from("mnopqrst"), st.sampled_from([0.25, 1.0, 3.0]), max_size=8),
    min_size=1,
), st.integers(1, 9))  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_no_model_breaks_a_limit_or_repeats_a_product(bought: dict, n: int) -> None:
    data = history(bought)
    everyone, items = np.arange(data.interactions.counts.shape[0]), len(data.catalogue)
    seen = data.interactions.seen
    for model in (Popularity(), Frequency(), ItemItem(), Als(factors=2, epochs=2)):
        model.fit(data)
        for limits in ({"exclude": seen}, {"only": seen}, {}):
            ids, _ = model.recommend(everyone, n, **limits)
            for row, listed in enumerate(ids.tolist()):
                kept = [i for i in listed if i >= 0]
                mine = set(seen[row].indices.tolist())
                eligible = {"exclude": set(range(items)) - mine, "only": mine}.get(
                    next(iter(limits), ""), set(range(items))
                )
                assert len(kept) == len(set(kept)) == min(n, len(eligible))
                assert set(kept) <= eligible


def test_wide_blocks_lose_nothing_to_grouping() -> None:
    random = np.random.default_rng(0)
    evidence = random.choice([0, 0, 0.5, 1, 2, 3], (5, 1000)).astype(np.float32)
    share = random.choice([0, 0.5, 1], 1000).astype(np.float32)
    q = {
        "evidence": evidence,
        "share": share,
        "n": 20,
        "exclude": evidence == 3,
        "only": None,
        "allowed": None,
    }
    limits, columns = Limits(exclude=pattern(q["exclude"])), np.arange(1000, dtype=np.int32)
    block = evidence.copy()
    limits.bar(block, columns)
    found = best_of_block(block, columns, Popular.of(share), 20)
    assert top(found, Popular.of(share), 5, 20, limits)[0].tolist() == brute_force(q).tolist()


def test_a_nan_among_scores_is_named() -> None:
    broken = Candidates(np.array([0]), np.array([0], np.int32), np.array([np.nan], np.float32))
    with pytest.raises(ModelError, match="a score is NaN"):
        top(broken, Popular.of(np.ones(2, np.float32)), 1, 2, Limits())


def test_arrays_on_disk_carry_no_time(tmp_path) -> None:
    arrays = {"b": np.arange(3), "a": np.ones((2, 2), np.float32)}
    one = write_npz(tmp_path / "one.npz", arrays).read_bytes()
    two = write_npz(tmp_path / "two.npz", dict(reversed(arrays.items()))).read_bytes()
    assert one == two
    assert {name: a.tolist() for name, a in read_npz(tmp_path / "one.npz").items()} == {
        "a": [[1, 1], [1, 1]],
        "b": [0, 1, 2],
    }
