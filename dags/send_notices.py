"""Hands over approved notices through the day; each waits for its customer's waking hours."""

from typing import Any

from airflow.sdk import dag, task
from airflow.sdk.exceptions import AirflowSkipException

from dags.run import DEFAULTS, open_home
from outreach.sending import send as hand_over
from warehouse.errors import PausedError


@dag(
    dag_id="advocate_send",
    schedule="*/15 * * * *",
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    tags=["advocate"],
    doc_md=__doc__,
)
def advocate_send() -> None:
    """Every quarter of an hour; while sending is paused the task is skipped, and says who paused."""

    @task
    def send() -> dict[str, Any]:
        try:
            return hand_over(open_home()).as_json()
        except PausedError as paused:
            raise AirflowSkipException(str(paused)) from paused

    send()


advocate_send()
