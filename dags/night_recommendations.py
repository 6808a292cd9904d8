"""The half of a night that learns what each customer would want next, and publishes it.

Where the gate keeps a bundle back the run succeeds, for something good is served all the same; but its last
task, `warn`, is skipped instead of green, and its log says why.
"""

from typing import Any

from airflow.sdk import PartitionedAssetTimetable, dag, task
from airflow.sdk.exceptions import AirflowSkipException

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

    @task
    def warn(receipt: Any) -> None:
        """Succeeds in silence; is skipped, and says why, where a person must read something."""
        if receipt["warnings"]:
            raise AirflowSkipException("; ".join(receipt["warnings"]))

    warn(recommend())


advocate_recommendations()
