"""The laws of the example that takes customers from a warehouse, on a real Postgres."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import BaseHook

from airflow_provider_codat.simulator import LocalCodat

pytest.importorskip("airflow.providers.postgres.hooks.postgres")

AIRFLOW = tuple(int(part) for part in version("apache-airflow").split(".")[:2])
MOMENT = "logical_date" if AIRFLOW >= (3,) else "execution_date"

pytestmark = pytest.mark.slow


@pytest.fixture
def local_codat(start_codat: Callable[..., LocalCodat]) -> LocalCodat:
    """Serve a Codat that reads the books at once."""
    return start_codat(refresh_seconds=0)


@pytest.fixture
def insert(
    servers: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., None]:
    """Insert customers into the table of a Postgres, by number, as of a day."""
    fields = servers("postgres").connection
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", json.dumps(fields))
    monkeypatch.setenv("CODAT_STAGING", str(tmp_path / "staging"))

    def run(*statements: str) -> None:
        hook: Any = BaseHook.get_connection("warehouse").get_hook()
        hook.run(list(statements))

    run(
        "DROP TABLE IF EXISTS customers",
        "CREATE TABLE customers (no INTEGER PRIMARY KEY, company TEXT, email TEXT, "
        "street TEXT, zip INTEGER, city TEXT, created_at TIMESTAMP)",
    )

    def add(*numbers: int, day: int) -> None:
        run(
            *(
                f"INSERT INTO customers VALUES ({n}, 'Fen {n}', 'fen{n}@fen.example', "
                f"'Main {n}', {1000 + n}, 'Ely', '2026-03-{day:02} 12:00')"
                for n in numbers
            )
        )

    return add


def test_each_night_takes_its_own_rows(
    run_dag: Callable[..., Any],
    local_codat: LocalCodat,
    insert: Callable[..., None],
) -> None:
    """A second night creates what is new, a night without rows is skipped."""
    insert(1, 2, day=2)
    insert(3, day=3)

    def night(day: int) -> Any:  # noqa: ANN401 - conftest.py's FinishedRun
        at = {MOMENT: datetime(2026, 3, day, 2, 30, tzinfo=UTC)}
        file, dag_id = "examples/codat_from_warehouse.py", "codat_from_warehouse"
        run = run_dag(file, dag_id, **at)
        return run.task("create_customers").state

    assert night(3) == "success"
    assert Counter(local_codat.counts_by_name()) == {"Fen 1": 1, "Fen 2": 1}
    assert night(4) == "success"
    assert night(5) == "skipped"
    assert local_codat.counts_by_name() == {"Fen 1": 1, "Fen 2": 1, "Fen 3": 1}
    record = min((each.record for each in local_codat.ledger()), key=str)
    assert record["addresses"] == [
        {"type": "Billing", "line1": "Main 1", "postalCode": "1001", "city": "Ely"}
    ]


def test_all_of_them_and_those_alone_that_are_new(
    run_dag: Callable[..., Any],
    local_codat: LocalCodat,
    insert: Callable[..., None],
) -> None:
    """A second run of the whole table creates only what is not in the books."""
    file, dag_id = "examples/codat_from_warehouse.py", "codat_from_warehouse_all"
    insert(1, 2, day=2)
    assert run_dag(file, dag_id).state == "success"
    insert(3, day=3)
    second = run_dag(file, dag_id)
    told = second.xcom(task_id="create_customers")
    assert told["counts"] == {"Exists": 2, "Success": 1}
    assert local_codat.counts_by_name() == {"Fen 1": 1, "Fen 2": 1, "Fen 3": 1}
