"""What every DAG needs: the home, the day, and the assets that connect the DAGs of a night.

Settings come from the environment of the worker (`ADVOCATE_HOME`, `ADVOCATE_DATABASE_URL`,
`ADVOCATE_SETTINGS`), and from what people changed at the desk. A task passes on nothing but its receipt.
"""

from datetime import date, timedelta
from typing import Any

from airflow.sdk import Asset, get_current_context

from advocate.database import upgrade
from warehouse.setting_changes import in_force
from warehouse.settings import Settings, load_settings

FEATURES = Asset("advocate://features")
RECOMMENDATIONS = Asset("advocate://recommendations")
BATCH = Asset("advocate://batch")

DEFAULTS: dict[str, Any] = {"retries": 2, "retry_delay": timedelta(minutes=5), "owner": "advocate"}


def open_home() -> Settings:
    """The settings in force for a task, with the database brought up to date."""
    settings = load_settings()
    upgrade(settings)
    return in_force(settings)


def day_of() -> date:
    """The day the present run is for: its partition key, else its logical date.

    Raises:
        ValueError: the run has neither; trigger it with one of them.
    """
    run = get_current_context()["dag_run"]
    if key := run.partition_key:
        return date.fromisoformat(key[:10])
    if run.logical_date is not None:
        return run.logical_date.date()
    raise ValueError("this run has neither a partition key nor a logical date; trigger it for a day")
