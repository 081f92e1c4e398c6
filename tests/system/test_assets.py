"""What a DAG that waits for customers learns, in a real Airflow."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from dag_runs import DagRun, logs_after_all

from airflow_provider_codat.simulator import LocalCodat

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

EXAMPLE = Path(__file__).parents[2] / "dags" / "codat_create_customer_taskflow.py"
WRITER, READER = EXAMPLE.stem, "codat_note_customer"


@pytest.fixture
def codat() -> Iterator[LocalCodat]:
    """Serve a Codat."""
    with LocalCodat(settle_seconds=0.5) as codat:
        yield codat


@pytest.fixture
def airflow(
    codat: LocalCodat,
    start_airflow: Callable[..., Any],
    connection: Callable[..., str],
    tmp_path: Path,
) -> Any:  # noqa: ANN401 - scripts/local_airflow.py
    """Start an Airflow with the example."""
    shutil.copy(EXAMPLE, tmp_path)
    conn = {"AIRFLOW_CONN_CODAT_DEFAULT": connection(codat)}
    return start_airflow(tmp_path, codat, **conn)


def test_an_event_starts_the_dag_that_waits(airflow: Any, codat: LocalCodat) -> None:  # noqa: ANN401 - scripts/local_airflow.py
    """A company nobody named beforehand: who waits for the alias learns the record."""
    conf = {"customer_name": "Fen Bakery", "email_address": "a@fen.example"}
    run_id = airflow.trigger(WRITER, conf)
    run = DagRun(airflow, codat, WRITER, run_id, "Fen Bakery")
    assert run.ended() == {"success": 1}
    [record] = codat.ledger()

    def waiting() -> list[dict[str, Any]]:
        found = airflow.ask("GET", f"/api/v2/dags/{READER}/dagRuns")["dag_runs"]
        return [each for each in found if each["run_type"] == "asset_triggered"]

    [triggered] = run.until("noted", waiting)
    noting = DagRun(airflow, codat, READER, triggered["dag_run_id"], "Fen Bakery")
    assert noting.ended() == {"success": 1}
    assert airflow.xcom(noting.instance) == [record.record_id]
    assert logs_after_all(airflow, codat)
