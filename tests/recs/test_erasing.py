"""A customer taken out of a bundle: nobody stands in their row, and nobody else's lists change."""

import pytest
from polars.testing import assert_frame_equal

from recs import erasing, registry
from recs.bundle import Bundle, damaged, folder_of
from recs.export import recommendations
from recs.recommenders import read
from recs.steps import recommend
from tests.recs.worlds import DAY
from warehouse.settings import Settings


def current(home: Settings) -> Bundle:
    now = registry.current(home)
    assert now is not None
    return Bundle.open(home, now.bundle_id)


@pytest.mark.parametrize("gone", [["c00"], ["c17", "c16"], ["c16", "c17"], ["newcomer"]])
def test_the_others_keep_their_lists_and_the_gone_are_nobody(served: Settings, gone: list[str]) -> None:
    before = recommendations(served, DAY).collect()
    for one in gone:
        assert erasing.erase_bundles(served, one) == 1
        assert erasing.erase_bundles(served, one) == 0
    bundle = current(served)
    assert [bundle.row_of(one) for one in gone] == [len(bundle.customers)] * len(gone)
    assert not any(one.encode() in bundle.customers.tobytes() for one in gone)
    kept = before.filter(~before["customer_id"].is_in(gone))
    assert_frame_equal(recommendations(served, DAY).collect(), kept)
    assert damaged(folder_of(served, bundle.bundle_id), bundle.manifest["files"]) == []


def test_the_models_know_the_row_as_that_of_nobody(served: Settings) -> None:
    row = current(served).row_of("c05")
    erasing.erase_bundles(served, "c05")
    bundle = current(served)
    for path in (folder_of(served, bundle.bundle_id) / "models").glob("*.npz"):
        if "signals" not in path.name:
            model = read(path.stem, path.parent)
            lists, _ = model.recommend([row, len(bundle.customers)], 5)
            assert lists[0].tolist() == lists[1].tolist(), path.name


def test_a_night_after_it_runs_as_ever(served: Settings) -> None:
    erasing.erase_bundles(served, "c05")
    assert recommend(served, DAY).artifacts["bundle"]
