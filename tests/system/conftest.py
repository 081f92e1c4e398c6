"""A whole Airflow for the tests of one file, that is in no hurry."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_codat.simulator import LocalCodat

pytest.register_assert_rewrite("dag_runs")

SCRIPTS = Path(__file__).parents[2] / "scripts"
QUICK = {
    # Not sooner: a busy machine must not be taken for a dead worker.
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "45",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "1",
    "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
    "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "1",
    "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "20",
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600",
}


@pytest.fixture(scope="session")
def connection() -> Callable[..., str]:
    """Return the value of an environment variable that names a Codat to Airflow."""

    def do(codat: LocalCodat, **extra: float) -> str:
        return json.dumps({**json.loads(codat.airflow_connection()), "extra": extra})

    return do


@pytest.fixture(scope="module")
def start_airflow(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[..., Any]]:
    """Start an Airflow that notices soon what was killed; it stops after the file."""
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.syspath_prepend(str(SCRIPTS))
        from local_airflow import LocalAirflow  # noqa: PLC0415 - found by the line above

        def start(dags: Path, codat: LocalCodat, **env: str) -> Any:  # noqa: ANN401 - scripts/local_airflow.py
            place = {
                "CODAT_COMPANY_ID": codat.company_id,
                "CODAT_CONNECTION_ID": codat.connection_id,
            }
            home = tmp_path_factory.mktemp("airflow")
            return stack.enter_context(
                LocalAirflow(home, dags, {**QUICK, **place, **env})
            )

        yield start
    del sys.modules["local_airflow"]
