"""A real Airflow with a home of its own, imported and migrated once for all its tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.preloaded import Preloaded, preloaded

ROOT = Path(__file__).parents[2]
IMPORTS = """
import a2wsgi, airflow.api_fastapi.execution_api.app, airflow.dag_processing.dagbag
import airflow.sdk.execution_time.supervisor, alembic.command, sklearn.feature_extraction.text
import features.steps, outreach.steps, recs.steps
from airflow.utils.db import initdb
initdb()
"""


@pytest.fixture(scope="session")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Preloaded]:
    """A migrated Airflow home whose DAGs are this repository's, and processes inside that Airflow.

    Airflow changes warnings, logging and import hooks of the whole process, so each script has one to itself.
    """
    home = tmp_path_factory.mktemp("airflow")
    environment = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        with preloaded(IMPORTS, home) as made:
            yield made
