"""The half of a night that finds what customers are owed or could save, and prepares the batch."""

from typing import Any

from airflow.sdk import PartitionedAssetTimetable, dag, task

from dags.run import BATCH, DEFAULTS, FEATURES, day_of, open_home
from outreach import digest as digests
from outreach import recovery, steps
from outreach.promises import ageing as promises
from outreach.promises import uses


@dag(
    dag_id="advocate_outreach",
    schedule=PartitionedAssetTimetable(assets=FEATURES),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    tags=["advocate", "night"],
    doc_md=__doc__,
)
def advocate_outreach() -> None:
    """As soon as the day's features are there; people approve what it prepares."""

    @task
    def reconcile() -> dict[str, Any]:
        return uses.reconcile(open_home(), day_of()).as_json()

    @task
    def find() -> dict[str, Any]:
        return steps.find(open_home(), day_of()).as_json()

    @task
    def follow_up() -> dict[str, Any]:
        return recovery.follow_up(open_home(), day_of()).as_json()

    @task
    def decide() -> dict[str, Any]:
        return steps.decide(open_home(), day_of()).as_json()

    @task(outlets=[BATCH])
    def prepare_batch() -> dict[str, Any]:
        return steps.prepare_batch(open_home(), day_of()).as_json()

    @task
    def ageing() -> dict[str, Any]:
        return promises.ageing(open_home(), day_of()).as_json()

    @task
    def digest() -> dict[str, Any]:
        return digests.digest(open_home(), day_of()).as_json()

    reconcile() >> find() >> follow_up() >> decide() >> prepare_batch() >> ageing() >> digest()


advocate_outreach()
