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
from dag_runs import AIRFLOW  # noqa: E402 - after the line above

SCRIPTS = Path(__file__).parents[2] / "scripts"
QUICK = {
    # A busy machine must not be taken for a dead worker; whoever kills one says so.
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "600",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "1",
    "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
    "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "1",
    "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "20",
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600",
}
# The same, as Airflow 2 calls it.
QUICK_2 = {
    "AIRFLOW__SCHEDULER__SCHEDULER_ZOMBIE_TASK_THRESHOLD": "600",
    "AIRFLOW__SCHEDULER__ZOMBIE_DETECTION_INTERVAL": "1",
    "AIRFLOW__SCHEDULER__LOCAL_TASK_JOB_HEARTBEAT_SEC": "1",
    "AIRFLOW__SCHEDULER__JOB_HEARTBEAT_SEC": "1",
    "AIRFLOW__SCHEDULER__MIN_FILE_PROCESS_INTERVAL": "600",
}


@pytest.fixture(scope="module")
def codat() -> Iterator[LocalCodat]:
    """Serve one Codat for all tests of a file; each has records of its own."""
    with LocalCodat(daily_quota=None) as codat:
        yield codat


@pytest.fixture(scope="module")
def free_port() -> Iterator[Callable[[], int]]:
    """Return a port that nobody listens on."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SCRIPTS))
        import local_airflow  # noqa: PLC0415 - found by the line above

        yield local_airflow.free_port


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

        env_of_all, kind = {**QUICK, **QUICK_2, **_in_postgres(stack)}, LocalAirflow
        if AIRFLOW < (3,):
            from local_airflow_2 import LocalAirflow2  # noqa: PLC0415 - the same

            kind = LocalAirflow2

        def start(
            dags: Path, codat: LocalCodat, port: int | None = None, **env: str
        ) -> Any:  # noqa: ANN401 - scripts/local_airflow.py
            place = {
                "CODAT_COMPANY_ID": codat.company_id,
                "CODAT_CONNECTION_ID": codat.connection_id,
            }
            home = tmp_path_factory.mktemp("airflow")
            settings = {**env_of_all, **place, **env}
            return stack.enter_context(kind(home, dags, settings, port=port))

        yield start
    for name in ("local_airflow", "local_airflow_2"):
        sys.modules.pop(name, None)


def _in_postgres(stack: ExitStack) -> dict[str, str]:
    """Start a Postgres; return what tells Airflow to keep its database there.

    An Airflow that has no store for the state of tasks keeps their journals there, too.
    The current one may do without: SQLite knows no locks of rows, and Airflow is told
    now and then on a busy machine that another one has written meanwhile.
    """
    import local_databases  # noqa: PLC0415 - found by its caller

    try:
        server = stack.enter_context(local_databases.postgres())
    except local_databases.NotInstalled as error:
        if AIRFLOW >= (3, 3):
            return {}
        pytest.skip(str(error))
    url = (
        f"postgresql+psycopg2://airflow@127.0.0.1:{server.connection['port']}/postgres"
    )
    env = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": url}
    if AIRFLOW < (3, 3):
        env["AIRFLOW_CONN_JOURNAL"] = json.dumps(server.connection)
        env["AIRFLOW__CODAT__JOURNAL_CONN_ID"] = "journal"
    return env
