import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from benchmarks.savings.ranks import measure, ranked

USED = np.array([True, False, True, False, False, False])
SCORES = np.array([0.9, 0.8, 0.5, 0.5, 0.5, 0.1])
ONCE = np.ones(6)


def test_equal_scores_share_their_places() -> None:
    rank = ranked(USED, SCORES)
    assert [rank.found(ONCE, top) for top in (1, 2, 3, 5)] == pytest.approx([1, 1, 1 + 1 / 3, 2])


def test_the_area_is_that_of_scikit_learn_with_and_without_weights() -> None:
    chance = np.random.default_rng(0)
    used, scores = chance.random(200) < 0.2, chance.integers(0, 20, 200).astype(float)
    for weight in (np.ones(200), chance.poisson(1, 200).astype(float)):
        assert ranked(used, scores).auc(weight) == pytest.approx(
            roc_auc_score(used, scores, sample_weight=weight)
        )


def test_households_are_drawn_whole() -> None:
    used, scores = np.tile(USED, 200), np.tile(SCORES, 200)
    campaigns = np.zeros(1200, dtype=np.int64)
    alone = measure(used, scores, np.arange(1200), campaigns, seed=0)["auc"]
    together = measure(used, scores, np.repeat(np.arange(200), 6), campaigns, seed=0)["auc"]
    assert alone.mean == together.mean == pytest.approx(roc_auc_score(used, scores))
    # All households are alike, so it does not matter which of them are drawn.
    assert together.high - together.low < 1e-9 < alone.high - alone.low
