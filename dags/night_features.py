"""The first DAG of a night: brings the feed in where `feed.path` is set, and live events; builds features."""

from typing import Any

from airflow.sdk import CronPartitionTimetable, dag, task

from dags.run import DEFAULTS, FEATURES, day_of, open_home
from features import steps


@dag(
    dag_id="advocate_features",
    schedule=CronPartitionTimetable("0 2 * * *", timezone="UTC", run_offset=-1, key_format="%Y-%m-%d"),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    tags=["advocate", "night"],
    doc_md=__doc__,
)
def advocate_features() -> None:
    """At two in the morning UTC, for the day that has just ended."""

    @task
    def import_feed() -> dict[str, Any] | None:
        receipt = steps.import_feed(open_home())
        return receipt.as_json() if receipt else None

    @task
    def import_live() -> dict[str, Any] | None:
        receipt = steps.import_live(open_home())
        return receipt.as_json() if receipt else None

    @task(outlets=[FEATURES])
    def build_features() -> dict[str, Any]:
        return steps.build_features(open_home(), day_of()).as_json()

    import_feed() >> import_live() >> build_features()


advocate_features()
