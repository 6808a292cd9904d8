"""The DAGs import, hang together by assets, and a night in Airflow is the night of the command line."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from polars.testing import assert_frame_equal

import outreach.export
import recs.export
from advocate.database import upgrade
from advocate.night import run_night
from features.events import seen
from features.feeds.folder import read_folder
from features.importing import bring_in
from features.live import Event, record
from tests.preloaded import Preloaded
from tests.worlds import END, write_feed
from warehouse.lake import Lake
from warehouse.receipts import latest
from warehouse.settings import Settings, load_settings

pytestmark = [pytest.mark.airflow, pytest.mark.slow]
DAY = date(2017, 11, 30)
NIGHT_STEPS = {
    "import_live", "features", "recommend", "outreach.find", "outreach.decide", "outreach.prepare_batch",
    "outreach.ageing", "outreach.digest", "outreach.follow_up", "outreach.reconcile",
}  # fmt: skip

LOOK = """
import json
from airflow.dag_processing.dagbag import DagBag
bag = DagBag()
print("RESULT" + json.dumps({
    "errors": bag.import_errors,
    "tasks": {
        dag.dag_id: {task.task_id: sorted(task.upstream_task_ids) for task in dag.tasks}
        for dag in bag.dags.values()
    },
    "retries": min(t.retries for dag in bag.dags.values() for t in dag.tasks),
    "assets": {dag.dag_id: dag.timetable.asset_condition.uri
        for dag in bag.dags.values() if getattr(dag.timetable, "asset_condition", None)},
}))
"""

NIGHT = """
import json, sys
from datetime import datetime, timezone
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from sqlalchemy import select
from dags.night_features import advocate_features
from dags.night_recommendations import advocate_recommendations
from dags.night_outreach import advocate_outreach
day = datetime(2017, 11, 30, tzinfo=timezone.utc)
states = {}
for make in (advocate_features, advocate_recommendations, advocate_outreach):
    dag = make()
    states[dag.dag_id] = str(dag.test(logical_date=day).state)
with create_session() as session:
    receipts = {row.task_id: row.value for row in session.execute(select(XComModel.task_id, XComModel.value))}
print("RESULT" + json.dumps({"states": states, "receipts": receipts}))
"""


WARNED = """
import json, sys
from datetime import datetime, timezone
import recs.evaluation
from dags.night_features import advocate_features
from dags.night_recommendations import advocate_recommendations
if sys.argv[-1] == "choose the worst":
    recs.evaluation.best = lambda metrics, slate: min(metrics, key=lambda m: metrics[m][slate]["ndcg@10"])
day = datetime(2017, 11, 30, tzinfo=timezone.utc)
advocate_features().test(logical_date=day)
run = advocate_recommendations().test(logical_date=day)
tasks = {task.task_id: str(task.state) for task in run.get_task_instances()}
print("RESULT" + json.dumps({"run": str(run.state), "tasks": tasks}))
"""


def _result(airflow: Preloaded, script: str, *words: str, **environment: str) -> dict[str, object]:
    done = airflow.run(script, *words, **environment)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    found: dict[str, object] = json.loads(done.stdout.split("RESULT", 1)[1].splitlines()[0])
    return found


def test_every_dag_imports_with_retries_and_in_the_order_of_a_night(airflow: Preloaded) -> None:
    look = _result(airflow, LOOK)
    assert look["errors"] == {}
    assert look["tasks"] == {
        "advocate_features": {
            "import_feed": [],
            "import_live": ["import_feed"],
            "build_features": ["import_live"],
        },
        "advocate_recommendations": {"recommend": [], "warn": ["recommend"]},
        "advocate_outreach": {
            "reconcile": [],
            "find": ["reconcile"],
            "follow_up": ["find"],
            "decide": ["follow_up"],
            "prepare_batch": ["decide"],
            "ageing": ["prepare_batch"],
            "digest": ["ageing"],
        },
        "advocate_send": {"send": []},
    }
    assert look["retries"] >= 1
    assert look["assets"] == {
        "advocate_recommendations": "advocate://features/",
        "advocate_outreach": "advocate://features/",
    }


@pytest.mark.parametrize(("words", "warns"), [("", "success"), ("choose the worst", "skipped")])
def test_a_bundle_that_was_kept_back_is_seen_in_the_grid_without_failing_the_run(
    airflow: Preloaded, tmp_path: Path, words: str, warns: str
) -> None:
    settings = load_settings(home=tmp_path / "home")
    upgrade(settings)
    bring_in(settings, read_folder(write_feed(tmp_path / "feed", customers=60)))
    environment = {"ADVOCATE_HOME": str(settings.home), "ADVOCATE_RECS__TUNE_SECONDS": "0"}
    assert _result(airflow, WARNED, words, **environment) == {
        "run": "success",
        "tasks": {"recommend": "success", "warn": warns},
    }


@pytest.fixture
def two_homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Settings, Settings]:
    """Two homes with the same data, some of it live: for Airflow and the command line; none tunes itself."""
    monkeypatch.setenv("ADVOCATE_RECS__TUNE_SECONDS", "0")
    feed = write_feed(tmp_path / "feed", customers=400, products=120)
    homes = load_settings(home=tmp_path / "airflow-night"), load_settings(home=tmp_path / "cli-night")
    for settings in homes:
        upgrade(settings)
        bring_in(settings, read_folder(feed))
        record(settings, [Event("c1", "p9", "cart", END - timedelta(hours=1))])
    return homes


def test_a_night_in_airflow_ends_in_the_same_tables_as_nightly_and_passes_on_only_receipts(
    airflow: Preloaded, two_homes: tuple[Settings, Settings]
) -> None:
    by_airflow, by_hand = two_homes
    ran = _result(airflow, NIGHT, ADVOCATE_HOME=str(by_airflow.home))
    assert set(ran["states"].values()) == {"success"}, ran
    passed_on = [json.loads(v) if isinstance(v, str) else v for v in ran["receipts"].values()]
    assert {receipt["step"] for receipt in passed_on if receipt} == NIGHT_STEPS
    assert run_night(by_hand, DAY).failed == {}
    made = latest(by_hand, "recommend", DAY)
    assert made is not None
    assert "ranker" in made["numbers"]["metrics"], "too small a world to judge anything"
    for table in (
        recs.export.recommendations,
        outreach.export.opportunities,
        outreach.export.decisions,
        outreach.export.notices,
    ):
        one, other = (table(settings, DAY).collect() for settings in two_homes)
        assert_frame_equal(one, other)
        assert one.height
    for settings in two_homes:
        assert seen(Lake.of(settings), "views", DAY).collect()["product_id"].to_list() == ["p9"]
