"""The half of a night that learns what each customer would want next, and publishes it."""

from typing import Any

from airflow.sdk import PartitionedAssetTimetable, dag, task

from dags.run import DEFAULTS, FEATURES, RECOMMENDATIONS, day_of, open_home
from recs import steps


@dag(
    dag_id="advocate_recommendations",
    schedule=PartitionedAssetTimetable(assets=FEATURES),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    tags=["advocate", "night"],
    doc_md=__doc__,
)
def advocate_recommendations() -> None:
    """As soon as the day's features are there."""

    @task(outlets=[RECOMMENDATIONS])
    def recommend() -> dict[str, Any]:
        return steps.recommend(open_home(), day_of()).as_json()

    recommend()


advocate_recommendations()
