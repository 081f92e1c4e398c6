"""What becomes of customers when Airflow itself is struck: the ledger is counted.

A real Airflow, one for all tests, whose processes are killed at chosen moments.
"""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from dag_runs import (
    AIRFLOW,
    PATIENCE_SECONDS,
    PENDING_SECONDS,
    CustomerRun,
    logs_after_all,
)

from airflow_provider_codat.simulator import LocalCodat

pytestmark = pytest.mark.slow

DAGS = Path(__file__).parent / "dags"
EXTRA = {
    "read_timeout_seconds": 5,
    "retry_budget_seconds": 60,
    "request_lifetime_seconds": 8,
}


@pytest.fixture(scope="module")
def airflow(
    codat: LocalCodat,
    start_airflow: Callable[..., Any],
    connection: Callable[..., str],
) -> Any:  # noqa: ANN401 - scripts/local_airflow.py
    """Start one Airflow for all tests."""
    url = connection(codat, **EXTRA)
    return start_airflow(DAGS, codat, AIRFLOW_CONN_CODAT_DEFAULT=url)


@pytest.fixture
def run(airflow: Any, codat: LocalCodat) -> Callable[..., CustomerRun]:  # noqa: ANN401 - scripts/local_airflow.py
    """Start a DAG run for a customer."""

    def start(dag_id: str, name: str, **conf: str) -> CustomerRun:
        run_id = airflow.trigger(dag_id, {"name": name, **conf})
        return CustomerRun(airflow, codat, dag_id, run_id, name)

    return start


def kill(process: psutil.Process) -> None:
    os.kill(process.pid, signal.SIGKILL)


def supervisor(process: psutil.Process) -> psutil.Process:
    """Return the process that speaks with Airflow for a task."""
    found = process.parent()
    assert found is not None
    return found


def keys_of(run: CustomerRun) -> set[str]:
    return {entry.idempotency_key for entry in run.creates()}


# --- kill -9

# What Codat, or the wire, does to the first create, to make the moment last.
MOMENTS: dict[str, dict[str, Any] | None] = {
    "before it begins": None,
    "while Codat works on it": {"kind": "slow", "seconds": 60},
    "before Codat has seen it": {"kind": "no_answer_before_commit", "seconds": 80},
    "before the answer has come": {"kind": "no_answer_after_commit", "seconds": 80},
    "while it waits in the worker": {
        "kind": "stay_pending",
        "seconds": PENDING_SECONDS,
    },
}


def struck(
    run: Callable[..., CustomerRun],
    codat: LocalCodat,
    victim: str,
    hold: Path,
    strike: Callable[[psutil.Process], None],
) -> list[CustomerRun]:
    """Kill something of each of a set of tasks, each at a moment of its own."""
    runs = []
    for moment, order in MOMENTS.items():
        name = f"Fen {victim} {moment}"
        if order is not None:
            codat.order(**order, customer=name)
        held = {"hold": str(hold)} if order is None else {}
        runs.append(run("patient", name, **held))
    for each, order in zip(runs, MOMENTS.values(), strict=True):
        if order is None:
            each.until("begun", hold.with_suffix(".begun").exists)
        elif order["kind"] == "stay_pending":
            each.accepted()
        else:
            each.sent()
            assert each.creates()[0].misfortune == order["kind"]
        strike(each.process())
    codat.settle_creates()
    return runs


def test_killed_task(
    run: Callable[..., CustomerRun], codat: LocalCodat, tmp_path: Path
) -> None:
    """A task whose process is killed, at whatever moment, creates one record."""
    runs = struck(run, codat, "task", tmp_path / "never", kill)
    for each in runs:
        each.succeeded_once()
        # Airflow 2 begins some tries that do nothing.
        assert each.instance["try_number"] == 2 or AIRFLOW < (3,), each.log()
        assert len(keys_of(each)) == 1


def test_killed_supervisor(
    run: Callable[..., CustomerRun], codat: LocalCodat, tmp_path: Path
) -> None:
    """A task that outlives its supervisor, and its successor, create one record."""
    orphans: list[psutil.Process] = []

    def strike(process: psutil.Process) -> None:
        orphans.append(process)
        kill(supervisor(process))

    hold = tmp_path / "hold"
    runs = struck(run, codat, "supervisor", hold, strike)
    for each in runs:
        each.airflow.forget_heartbeats(each.dag_id, each.run_id)
    runs[0].until_state("success")
    # The first one begins only now.
    sent = len(runs[0].creates())
    hold.touch()
    gone, alive = psutil.wait_procs(orphans, timeout=PATIENCE_SECONDS)
    assert not alive, gone
    assert len(runs[0].creates()) == sent == 1
    for each in runs:
        if AIRFLOW < (3,):
            # There an orphan that fails marks its task, whatever that has become since.
            each.clear()
        each.succeeded_once()
        assert each.instance["try_number"] == 2 or AIRFLOW < (3,), each.log()
        assert len(keys_of(each)) == 1


def test_killed_triggerer(
    run: Callable[..., CustomerRun],
    codat: LocalCodat,
    airflow: Any,  # noqa: ANN401 - scripts/local_airflow.py
) -> None:
    """Tasks that waited in a triggerer that was killed end, and nothing is sent."""
    runs = []
    for number in range(2):
        name = f"Fen triggerer {number}"
        codat.order("stay_pending", seconds=PENDING_SECONDS, customer=name)
        runs.append(run("deferrable", name))
    for each in runs:
        each.until_deferred()
    airflow.kill("triggerer")
    codat.settle_creates()
    airflow.spawn("triggerer")
    for each in runs:
        each.succeeded_once()
        assert each.instance["try_number"] == 1, each.log()
        assert len(each.creates()) == 1


# --- what people do in the web page

KILLED = "Killed while a create (idempotency key "


def test_cleared_after_success(run: Callable[..., CustomerRun]) -> None:
    """Clear after success returns the same record, and sends nothing."""
    cleared = run("in_the_worker", "Fen cleared")
    result = cleared.succeeded_once()
    cleared.clear()
    assert cleared.succeeded_once() == result
    assert len(cleared.creates()) == 1


def test_cleared_with_another_payload(
    run: Callable[..., CustomerRun],
    airflow: Any,  # noqa: ANN401 - scripts/local_airflow.py
) -> None:
    """A payload that has changed since success fails the task, naming the record."""
    airflow.set_variable("phone", "1")
    changed = run("changing", "Fen changed")
    result = changed.succeeded_once()
    airflow.set_variable("phone", "2")
    changed.clear()
    assert changed.ended() == {"failed": 1}
    # Not once more: it would end the same.
    assert changed.instance["try_number"] == 2
    log = changed.log()
    assert "PayloadChanged: [CODAT-E03] an earlier try of this task made" in log
    assert result["record_id"] in log
    assert len(changed.creates()) == 1
    assert changed.codat.counts_by_name()["Fen changed"] == 1


def test_marked_failed_amid_a_create(
    run: Callable[..., CustomerRun], codat: LocalCodat
) -> None:
    """A task that is stopped while it creates, and then cleared, creates one record."""
    codat.order("no_answer_after_commit", seconds=80, customer="Fen stopped")
    stopped = run("patient", "Fen stopped")
    stopped.sent()
    process = stopped.process()
    stopped.mark_failed()
    stopped.until("told what goes on", lambda: KILLED in stopped.log())
    assert stopped.instance["state"] == "failed"
    psutil.wait_procs([process], timeout=PATIENCE_SECONDS)
    stopped.clear()
    stopped.succeeded_once()
    assert len(keys_of(stopped)) == 1


def test_marked_failed_while_deferred(
    run: Callable[..., CustomerRun], codat: LocalCodat
) -> None:
    """A deferred task that is stopped says so; once cleared, it sends nothing."""
    codat.order("stay_pending", seconds=PENDING_SECONDS, customer="Fen stopped later")
    stopped = run("deferrable", "Fen stopped later")
    key = stopped.accepted()
    stopped.until_state("deferred")
    asked = len(codat.journal())
    # Airflow tells only a trigger that runs (earlier than 3.3: none), and 3.1's
    # triggerer dies of one that is stopped while it reads its connection.
    stopped.until("watched by a trigger", lambda: len(codat.journal()) > asked)
    stopped.mark_failed()
    if AIRFLOW >= (3, 3):
        said = f"Killed while waiting for push operations {key}"
        stopped.until("told what goes on", lambda: said in stopped.log())
    codat.settle_creates()
    stopped.clear()
    assert stopped.succeeded_once()["push_operation_key"] == key
    assert len(stopped.creates()) == 1


# --- time


def test_execution_timeout_amid_a_create(
    run: Callable[..., CustomerRun], codat: LocalCodat, tmp_path: Path
) -> None:
    """A create that outlasts execution_timeout is taken up by the next try."""
    codat.order("slow", seconds=30, customer="Fen hurried")
    hurried = run("hurried", "Fen hurried", began=str(tmp_path / "began"))
    hurried.succeeded_once()
    assert hurried.instance["try_number"] > 1
    assert "AirflowTaskTimeout" in hurried.log()
    assert len(keys_of(hurried)) == 1


def test_execution_timeout_while_deferred(
    run: Callable[..., CustomerRun], codat: LocalCodat, tmp_path: Path
) -> None:
    """A deferred task fails when execution_timeout is over; Clear brings the record."""
    codat.order("stay_pending", seconds=PENDING_SECONDS, customer="Fen hurried later")
    began = str(tmp_path / "began")
    hurried = run("hurried_deferrable", "Fen hurried later", began=began)
    key = hurried.accepted()
    assert hurried.ended() == {"failed": 1}
    # Airflow 2 says so itself, and without a word.
    words = "" if AIRFLOW < (3,) else ": execution_timeout has passed"
    assert f"AirflowTaskTimeout{words}" in hurried.log()
    codat.settle_creates()
    hurried.clear()
    assert hurried.succeeded_once()["push_operation_key"] == key
    assert len(hurried.creates()) == 1


def test_an_outage_that_outlasts_a_try(
    run: Callable[..., CustomerRun], codat: LocalCodat
) -> None:
    """A task goes on after an outage that was longer than one try has patience."""
    # Within 5 seconds a try sends 5 times at most; on a busy machine, fewer.
    codat.order(
        "gateway_error_before_commit", status=503, count=6, customer="Fen after outage"
    )
    struck = run("impatient", "Fen after outage")
    struck.succeeded_once()
    assert struck.instance["try_number"] > 1
    assert len(struck.creates()) == 7
    assert len(keys_of(struck)) == 1


# --- every fault of the network and of Codat, at the first create

FAULTS: dict[str, dict[str, Any]] = {
    "reset before": {"kind": "reset_before_commit"},
    "reset after": {"kind": "reset_after_commit"},
    "slow": {"kind": "slow", "seconds": 7},
    "503": {"kind": "gateway_error_before_commit", "status": 503},
    "429": {"kind": "too_many_requests", "retry_after": 3},
    "cut": {"kind": "cut_body"},
    "junk": {"kind": "junk_body"},
}
# What was created is looked for among the operations of others; none may be pending.
UNKNOWN: dict[str, dict[str, Any]] = {
    "500 before": {"kind": "codat_error_before_commit"},
    "500 after": {"kind": "codat_error_after_commit"},
}
MAPPED = 5


def check_mapped(run: CustomerRun, kind: str) -> list[bool]:
    """Check that each customer was struck and came once; return which were adopted."""
    assert run.ended() == {"success": MAPPED}, run.logs()
    met = [(entry.misfortune or "").split("+") for entry in run.creates()]
    assert sum(kind in kinds for kinds in met) == MAPPED
    results = [run.told(instance) for instance in run.instances()]
    assert len({result["record_id"] for result in results}) == MAPPED
    return [result["adopted"] for result in results]


def test_mapped_deferrable(run: Callable[..., CustomerRun], codat: LocalCodat) -> None:
    """Five customers, each struck once: five records, whatever it was."""
    for fault, order in FAULTS.items():
        for number in range(MAPPED):
            name = f"Fen {fault} {number}"
            codat.order(**order, customer=name)
            codat.order("stay_pending", seconds=PENDING_SECONDS, customer=name)
    runs = {fault: run("mapped_deferrable", f"Fen {fault}") for fault in FAULTS}
    for each in runs.values():
        each.until_deferred()
    codat.settle_creates()
    for fault, each in runs.items():
        assert not any(check_mapped(each, FAULTS[fault]["kind"]))


def test_mapped(run: Callable[..., CustomerRun], codat: LocalCodat) -> None:
    """Five records where nobody knew at first; adopted are those that had come."""
    for fault, order in UNKNOWN.items():
        for number in range(MAPPED):
            codat.order(**order, customer=f"Fen {fault} {number}")
    runs = {fault: run("mapped", f"Fen {fault}") for fault in UNKNOWN}
    for fault, each in runs.items():
        adopted = check_mapped(each, UNKNOWN[fault]["kind"])
        assert adopted == [fault == "500 after"] * MAPPED


def test_deferrable_where_nobody_knew(
    run: Callable[..., CustomerRun], codat: LocalCodat
) -> None:
    """What had not come is sent anew and waited for; what had come is adopted."""
    codat.order("codat_error_before_commit", customer="Fen 500, sent anew")
    codat.order("stay_pending", seconds=PENDING_SECONDS, customer="Fen 500, sent anew")
    anew = run("deferrable", "Fen 500, sent anew")
    anew.until_deferred()
    codat.settle_creates()
    assert not anew.succeeded_once()["adopted"]
    codat.order("codat_error_after_commit", customer="Fen there already")
    assert run("deferrable", "Fen there already").succeeded_once()["adopted"]


def test_after_all(
    run: Callable[..., CustomerRun],
    codat: LocalCodat,
    airflow: Any,  # noqa: ANN401 - scripts/local_airflow.py
) -> None:
    """Whatever has happened: nobody came twice, no key changed its bytes, no log tells.

    A log of a task or a trigger holds neither a customer's name nor the API key.
    """
    run("in_the_worker", "Fen last").succeeded_once()
    logs = logs_after_all(airflow, codat)
    assert all(name.startswith("Fen ") for name in codat.counts_by_name())
    assert any("Sending a customer" in log for log in logs)
