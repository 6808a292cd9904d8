"""A night makes one bundle, the same one every time, and a killed one leaves the last good state."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from features.steps import build_features
from recs import archive, bundle, evaluation, registry, slates
from recs.export import recommendations
from recs.fitting import Fits
from recs.notebook import Notebook
from recs.rules import Rules
from recs.scoring import Scorer
from recs.served import Served, ServedLog
from recs.steps import evaluate, recommend, tune
from recs.tuning import Tuning
from tests.recs.worlds import DAY, fill, purchase
from warehouse import clock
from warehouse.errors import NotFoundError
from warehouse.receipts import Receipt, latest
from warehouse.settings import ExperimentSettings, Settings


def files(settings: Settings) -> dict[str, bytes]:
    folder = bundle.bundles_folder(settings)
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_a_night_publishes_slates_for_every_customer(shop: Settings) -> None:
    receipt = recommend(shop, DAY)
    rows = recommendations(shop, DAY).collect()
    assert rows["customer_id"].n_unique() == 41
    assert receipt.rows_in == {"customers": 41, "products": 21}
    counts = dict(rows.group_by("slate").len().iter_rows())
    assert receipt.rows_out == counts
    assert counts["for_you"] == counts["discover"] == 41 * 5
    assert receipt.numbers["bundle_id"] == rows["bundle_id"].unique().item()
    assert receipt.numbers["verdict"] == "judged"
    assert receipt.numbers["serving"]["buy_again"] == "frequency"
    assert latest(shop, "recommend", DAY) == receipt.as_json()


def test_a_customer_who_never_bought_gets_popular_products_and_nothing_to_buy_again(served: Settings) -> None:
    rows = recommendations(served, DAY).filter(pl.col("customer_id") == "newcomer").collect()
    assert set(rows["slate"]) == {"for_you", "discover"}
    first = rows.row(0, named=True)
    assert (first["product_id"], first["reason"]) == ("milk", "40 customers bought this")


def test_the_same_night_twice_is_byte_for_byte_the_same(shop: Settings) -> None:
    first = recommend(shop, DAY)
    before = files(shop)
    second = recommend(shop, DAY)
    assert first.numbers == second.numbers
    assert files(shop) == before
    now = registry.current(shop)
    assert now is not None
    assert now.previous_id is None


def test_the_manifest_names_every_file_by_its_hash_and_no_time(shop: Settings) -> None:
    import hashlib

    receipt = recommend(shop, DAY)
    folder = Path(receipt.artifacts["bundle"])
    manifest = json.loads((folder / "manifest.json").read_text())
    found = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()} - {"manifest.json"}
    assert found == set(manifest["files"])
    for name, digest in manifest["files"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    served = {f"models/{name}.npz" for name in manifest["serving"].values()}
    assert served <= {name for name in found if name.startswith("models/")}


def test_other_purchases_make_another_bundle(shop: Settings) -> None:
    one = recommend(shop, DAY).numbers["bundle_id"]
    fill(shop, purchases=[purchase("c00", "tea", "2017-11-29", order_id="new")])
    two = recommend(shop, DAY).numbers["bundle_id"]
    now = registry.current(shop)
    assert one != two
    assert now is not None
    assert (now.bundle_id, now.previous_id) == (two, one)


def test_a_backfill_is_kept_but_not_served(served: Settings) -> None:
    earlier = DAY - timedelta(days=7)
    from features.steps import build_features

    build_features(served, earlier)
    receipt = recommend(served, earlier)
    now = registry.current(served)
    assert now is not None
    assert now.day == DAY
    assert "kept but not served" in receipt.notes[0]
    assert (
        recommendations(served, earlier).collect()["bundle_id"].unique().item()
        == receipt.numbers["bundle_id"]
    )


def test_a_backfill_knows_nothing_of_later_purchases(shop: Settings) -> None:
    earlier = DAY - timedelta(days=30)
    fill(shop, day=earlier, purchases=[purchase("c00", "fad", "2017-11-29", order_id="new")])
    recommend(shop, earlier)
    rows = recommendations(shop, earlier).collect()
    assert "fad" not in rows["product_id"]
    assert not rows.filter(pl.col("reason").str.contains("November")).height


class Killed(BaseException):
    pass


@pytest.mark.parametrize("where", ["slates.build", "bundle.finish", "registry.register", "registry.publish"])
def test_a_killed_night_leaves_the_last_good_state_and_the_next_cleans_up(
    served: Settings, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    import shutil

    good = files(served)
    fill(served, purchases=[purchase("c00", "tea", "2017-11-29", order_id="new")])

    def kill(*_args: object, **_more: object) -> None:
        raise Killed

    module, name = where.split(".")
    with monkeypatch.context() as patched:
        patched.setattr({"slates": slates, "bundle": bundle, "registry": registry}[module], name, kill)
        patched.setattr(shutil, "rmtree", lambda *_a, **_m: None)  # SIGKILL tidies nothing up
        with pytest.raises(Killed):
            recommend(served, DAY)
    assert good.items() <= files(served).items()
    assert Scorer.open(served).recommend("c00")
    receipt = recommend(served, DAY)
    left = {p.name for p in bundle.bundles_folder(served).iterdir()}
    assert left == {next(iter(good)).split("/")[0], receipt.numbers["bundle_id"]}


def test_old_bundles_go_but_never_the_current_and_the_previous(shop: Settings) -> None:
    keep_two = shop.model_copy(update={"recs": shop.recs.model_copy(update={"keep_bundles": 2})})
    made = []
    for number in range(4):
        fill(shop, purchases=[purchase("c00", "tea", "2017-11-29", order_id=f"new{number}")])
        made.append(recommend(keep_two, DAY).numbers["bundle_id"])
    assert {p.name for p in bundle.bundles_folder(shop).iterdir()} == set(made[2:])
    assert [row.bundle_id for row in registry.bundles(shop)] == made[:1:-1]


def challenged(settings: Settings, challenger: str, **more: Any) -> Settings:
    """The same home with an experiment."""
    experiment = ExperimentSettings(challenger=challenger, share=0.5)
    changed = settings.recs.model_copy(update={"experiment": experiment} | more)
    return settings.model_copy(update={"recs": changed})


def test_nights_keep_the_challenger_and_do_not_warn_of_it(shop: Settings) -> None:
    made = [recommend(shop, DAY).numbers["bundle_id"]]
    keep_two = challenged(shop, made[0], keep_bundles=2)
    for number in range(3):
        fill(shop, purchases=[purchase("c00", "tea", "2017-11-29", order_id=f"new{number}")])
        receipt = recommend(keep_two, DAY)
        made.append(receipt.numbers["bundle_id"])
        assert receipt.warnings == []
    assert {p.name for p in bundle.bundles_folder(shop).iterdir()} == {made[0], *made[2:]}


def test_a_challenger_that_does_not_exist_is_warned_of(shop: Settings) -> None:
    (warning,) = recommend(challenged(shop, "2017-11-30-ghost"), DAY).warnings
    assert "recs.experiment.challenger is 2017-11-30-ghost, which is no bundle" in warning


def test_experiments_and_served_lists_do_not_change_what_a_night_makes(shop: Settings) -> None:
    one = recommend(shop, DAY).numbers["bundle_id"]
    assert recommend(challenged(shop, one, served_days=5), DAY).numbers["bundle_id"] == one


def test_a_night_removes_served_lists_older_than_the_setting_by_the_clock(shop: Settings) -> None:
    log = ServedLog(shop)
    for age in (90, 91):
        shown = datetime(2018, 6, 1, 12, tzinfo=UTC) - timedelta(days=age)
        log.put(Served(shown, "r", "c", "recommend", "for_you", "slate", "champion", "b", ("milk",)))
    assert log.close(20)
    with clock.at(datetime(2018, 6, 1, 4, tzinfo=UTC)):
        recommend(shop, DAY)
    assert [path.name for path in archive.folder_of(shop).iterdir()] == ["day=2018-03-03.parquet"]


def test_evaluation_says_how_good_each_model_is_and_publishes_nothing(shop: Settings) -> None:
    receipt = evaluate(shop, DAY)
    assert set(receipt.numbers["metrics"]["als"]["discover"]) >= {"ndcg@10", "recall@10", "customers"}
    assert registry.current(shop) is None


def tuning(settings: Settings) -> Settings:
    """The same home, in which nights may search for half a minute."""
    return settings.model_copy(update={"recs": settings.recs.model_copy(update={"tune_seconds": 30})})


def manifest_of(settings: Settings, receipt: Receipt) -> dict[str, Any]:
    return bundle.manifest_of(settings, receipt.numbers["bundle_id"])


def test_the_first_night_tunes_itself_and_later_ones_use_what_it_found(shop: Settings) -> None:
    first = recommend(tuning(shop), DAY)
    found = first.numbers["tuning"]
    assert 0 < found["planned"] == found["finished"]
    fill(shop, purchases=[purchase("c00", "tea", "2017-11-29", order_id="new")])
    later = recommend(tuning(shop), DAY)
    assert "tuning" not in later.numbers
    for receipt in (first, later):
        manifest = manifest_of(shop, receipt)
        assert manifest["tuning"] == found
        made_with = manifest["models"]
        assert all(made_with[model].items() >= chosen.items() for model, chosen in found["models"].items())


def test_a_home_that_must_not_tune_takes_the_models_own_parameters(shop: Settings) -> None:
    manifest = manifest_of(shop, recommend(shop, DAY))
    assert (manifest["models"], manifest["tuning"]["planned"]) == (Fits(shop).made_with, 0)
    assert not (shop.home / "tuning").exists()


def test_tuning_again_looks_at_newer_purchases_and_the_next_night_uses_it(shop: Settings) -> None:
    recommend(tuning(shop), DAY)
    fill(shop, purchases=[purchase("c00", "tea", "2017-08-29", order_id="new")])
    receipt = tune(shop, DAY, 30)
    assert latest(shop, "tune", DAY) == receipt.as_json()
    manifest = manifest_of(shop, recommend(tuning(shop), DAY))
    assert manifest["tuning"] == receipt.numbers["tuning"]


def test_tuning_with_too_little_history_says_so(settings: Settings) -> None:
    fill(settings, purchases=[purchase("ann", "bread", "2017-11-01")])
    receipt = tune(settings, DAY)
    assert receipt.numbers["tuning"]["planned"] == 0
    assert receipt.notes == [
        "nothing was tried: there is too little history for two folds, or too little time"
    ]


def worst(metrics: dict[str, Any], slate: str) -> str:
    """What a judge without judgement would choose."""
    return min(metrics, key=lambda name: metrics[name][slate]["ndcg@10"])


def test_a_first_bundle_worse_than_counting_is_kept_and_counts_are_served(
    shop: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluation, "best", worst)
    receipt = recommend(shop, DAY)
    assert receipt.numbers["verdict"] == "counts"
    assert receipt.numbers["serving"] == evaluation.COUNTS
    assert any("is worse on average than by frequency (counts)" in warning for warning in receipt.warnings)
    assert "tables of counts are served; `advocate models promote" in receipt.warnings[-1]
    now = registry.current(shop)
    assert now is not None
    assert now.bundle_id == receipt.numbers["bundle_id"]
    assert {row.verdict for row in registry.bundles(shop)} == {"refused", "counts"}
    again, before = recommend(shop, DAY), files(shop)
    assert registry.current(shop) == now
    assert files(shop) == before
    assert again.numbers["verdict"] == "refused"


def test_a_bundle_worse_than_what_is_served_is_kept_back_with_the_reason(
    shop: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = recommend(shop, DAY).numbers["bundle_id"]
    fill(shop, purchases=[purchase("c00", "tea", "2017-11-29", order_id="new")])
    monkeypatch.setattr(evaluation, "MODELS", ("popularity",))  # a version that has lost its other models
    for slate in bundle.SLATES:
        monkeypatch.setitem(evaluation.COUNTS, slate, "popularity")
    receipt = recommend(shop, DAY)
    now = registry.current(shop)
    assert now is not None
    assert now.bundle_id == good
    refused = receipt.numbers["bundle_id"]
    row = registry.entry(shop, refused)
    assert (row.verdict, receipt.numbers["verdict"]) == ("refused", "refused")
    assert row.gate["reasons"] == receipt.warnings[:-1]
    assert receipt.warnings[0].startswith("buy_again by popularity is worse than by frequency (served now)")
    assert receipt.warnings[-1].startswith(f"{refused} was refused, {good} goes on being served")
    assert registry.of_day(shop, DAY) == good


def test_the_same_recipe_over_more_data_is_served_without_comparing_it_with_itself(served: Settings) -> None:
    fill(served, purchases=[purchase("c00", "tea", "2017-11-29", order_id="new")])
    receipt = recommend(served, DAY)
    assert {one["against"] for one in receipt.numbers["gate"]["compared"]} <= {"counts"}
    assert registry.of_day(served, DAY) == receipt.numbers["bundle_id"]


def test_a_tuned_bundle_is_compared_with_the_untuned_one_that_is_served(served: Settings) -> None:
    found = Tuning(DAY.isoformat(), models={"als": {"reg": 1.0}}, judge_days=served.recs.judge_days)
    Notebook(served).keep(DAY, found.as_json(), "key")
    receipt = recommend(tuning(served), DAY)
    compared = receipt.numbers["gate"]["compared"]
    assert {one["slate"] for one in compared if one["against"] == "served now"} == set(bundle.SLATES)


def test_what_cannot_be_compared_any_more_is_said(shop: Settings) -> None:
    first = recommend(shop, DAY).numbers["bundle_id"]
    manifest = bundle.folder_of(shop, first) / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"frequency"', '"forgotten"'))
    fill(shop, purchases=[purchase("c00", "tea", "2017-11-29", order_id="new")])
    receipt = recommend(shop, DAY)
    assert registry.of_day(shop, DAY) == receipt.numbers["bundle_id"] != first
    assert receipt.warnings[0].startswith(f"the new bundle was not compared with {first}: there is no model")


def test_without_features_the_night_says_what_to_run(settings: Settings) -> None:
    with pytest.raises(NotFoundError, match="run `advocate nightly"):
        recommend(settings, DAY)


@pytest.mark.parametrize(
    "purchases",
    [
        [purchase("ann", "bread", "2017-11-01")],
        [purchase("ann", "bread", "2017-11-01"), purchase("ann", "bread", "2017-11-29")],
        [purchase(f"c{n:02d}", f"p{n % 5}", "2017-11-29") for n in range(30)],
        [purchase("ann", "bread", "2017-12-24")],
    ],
    ids=["one purchase", "one customer and product", "thirty customers", "nothing bought yet"],
)
def test_a_small_shop_is_served_by_counts(settings: Settings, purchases: list) -> None:
    fill(settings, purchases=purchases, customers=[{"customer_id": "newcomer"}])
    receipt = recommend(settings, DAY)
    assert receipt.numbers["verdict"] == "counts"
    assert receipt.numbers["serving"] == {
        "for_you": "frequency",
        "buy_again": "frequency",
        "discover": "popularity",
    }
    assert len(receipt.notes) == 3
    rows = recommendations(settings, DAY).collect()
    bought = {p["product_id"] for p in purchases if p["purchased_at"].date() <= DAY}
    assert set(rows["product_id"]) == bought
    assert [r.product_id for r in Scorer.open(settings).recommend("newcomer", n=1)] == sorted(bought)[:1]


def test_slates_are_int32_and_the_last_row_is_nobodys(shop: Settings) -> None:
    receipt = recommend(shop, DAY)
    open_bundle = bundle.Bundle.open(shop, receipt.numbers["bundle_id"])
    items = open_bundle.slates["buy_again"]["items"]
    assert (items.shape, items.dtype) == ((42, 5), np.int32)
    assert (items[-1] == -1).all()
    assert isinstance(items.base, np.memmap)
    assert open_bundle.day == date(2017, 11, 30)


def test_a_feed_that_stopped_is_warned_of_when_counts_take_the_place_of_models(shop: Settings) -> None:
    judged = recommend(shop, DAY)
    assert judged.warnings == []
    later = DAY + timedelta(days=60)
    build_features(shop, later)
    receipt = recommend(shop, later)
    assert receipt.numbers["verdict"] == "counts"
    assert f"counts take the place of {judged.numbers['bundle_id']}" in receipt.warnings[0]


def test_a_rule_that_names_what_is_not_there_is_warned_of(shop: Settings) -> None:
    rules = Rules(deny=("dairy", "icecream"), exclude=("nope", "milk"), boosts={"naught": 2.0})
    misspelled = shop.model_copy(update={"recs": shop.recs.model_copy(update={"rules": rules})})
    assert recommend(misspelled, DAY).warnings == [
        "recs.rules.deny names what no product or category is called: icecream",
        "recs.rules.exclude names what no product or category is called: nope",
        "recs.rules.boosts names what no product or category is called: naught",
    ]
