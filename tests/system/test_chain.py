"""What becomes of a chain of three data types whose tasks are killed on the way."""

import os
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
from dag_runs import PENDING_SECONDS, DagRun

from airflow_provider_codat.simulator import LocalCodat
from airflow_provider_codat.simulator.world import BANK_ACCOUNT_ID

pytestmark = pytest.mark.slow

DAGS = Path(__file__).parent / "dags"
CHAIN = {"customer": "customers", "invoice": "invoices", "payment": "payments"}
# What Codat, or the wire, does to the create, to make the moment last.
MOMENTS: dict[str, dict[str, Any]] = {
    "before Codat has seen it": {"kind": "no_answer_before_commit", "seconds": 80},
    "before the answer has come": {"kind": "no_answer_after_commit", "seconds": 80},
    "while it waits": {"kind": "stay_pending", "seconds": PENDING_SECONDS},
}
POINTS = [(task, moment) for task in CHAIN for moment in MOMENTS]


class Chain(DagRun):
    """One DAG run of three tasks."""

    def task(self, task_id: str) -> dict[str, Any]:
        return next(i for i in self.instances() if i["task_id"] == task_id)

    def killed(self, task_id: str) -> bool:
        """Kill the process of a task without a word, if it is struck by now.

        Airflow is asked only then: it has enough to do.
        """
        begun = f"{self.name} {task_id}".encode()
        met = [e for e in self.codat.journal() if e.misfortune and begun in e.body]
        if not met:
            return False
        instance = self.task(task_id)
        if met[0].misfortune == "stay_pending" and not self.waits(instance):
            return False
        os.kill(instance["pid"], signal.SIGKILL)
        return True

    def waits(self, instance: dict[str, Any]) -> bool:
        """Whether a task has told which push operation it waits for."""
        try:
            return bool(self.airflow.xcom(instance, "push_operation_key"))
        except HTTPError as error:
            error.close()
            return False


@pytest.fixture(scope="module")
def airflow(
    codat: LocalCodat,
    start_airflow: Callable[..., Any],
    connection: Callable[..., str],
) -> Any:  # noqa: ANN401 - scripts/local_airflow.py
    """Start one Airflow for all chains."""
    return start_airflow(
        DAGS,
        codat,
        AIRFLOW_CONN_CODAT_DEFAULT=connection(codat, request_lifetime_seconds=8),
        CODAT_BANK_ACCOUNT_ID=BANK_ACCOUNT_ID,
    )


def test_killed_at_ten_points(
    codat: LocalCodat,
    airflow: Any,  # noqa: ANN401 - scripts/local_airflow.py
) -> None:
    """No record is there twice, none is lost, and each belongs to the one before."""
    runs, left = [], []
    for number, (task, moment) in enumerate(POINTS):
        name = f"Fen {number}"
        codat.order(**MOMENTS[moment], record=f"{name} {task}")
        run_id = airflow.trigger("chain", {"name": name})
        run = Chain(airflow, codat, "chain", run_id, name)
        runs.append(run)
        left.append((run, task))
        if number == 0:
            # One chain is killed at two of its tasks.
            codat.order(
                **MOMENTS["before the answer has come"], record=f"{name} payment"
            )
            left.append((run, "payment"))

    def all_killed() -> bool:
        left[:] = [(run, task) for run, task in left if not run.killed(task)]
        return not left

    runs[0].until("killed at every point", all_killed)
    codat.settle_creates()
    for run in runs:
        assert run.ended() == {"success": len(CHAIN)}, run.logs()
    assert codat.duplicates() == {}
    assert Counter(codat.counts_by_type()) == dict.fromkeys(CHAIN.values(), len(POINTS))
    ids = {record.name: record.record_id for record in codat.ledger()}
    for record in codat.ledger():
        name = str(record.name).rpartition(" ")[0]
        told = {
            "customers": {},
            "invoices": {"customerRef": {"id": ids[f"{name} customer"]}},
            "payments": {"customerRef": {"id": ids[f"{name} customer"]}},
        }[record.data_type]
        assert told.items() <= record.record.items()
        for line in record.record.get("lines", ()):
            assert line["links"][0]["id"] == ids[f"{name} invoice"]
