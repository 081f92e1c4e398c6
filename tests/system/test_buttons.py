"""What each of Airflow's buttons does to a customer that was, or may be, created.

The rows of the table in ``docs/exactly-once.md`` that no misfortune is needed for; a
real Airflow, and after each press the ledger is counted.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import pytest
import sqlalchemy
from dag_runs import (
    PATIENCE_SECONDS,
    PENDING_SECONDS,
    CustomerRun,
    logs_after_all,
)

from airflow_provider_codat.simulator import LocalCodat
from airflow_provider_codat.simulator.world import (
    SECOND_COMPANY_ID,
    SECOND_CONNECTION_ID,
)

pytestmark = pytest.mark.slow

DAGS = Path(__file__).parent / "dags"
EXTRA = {
    "read_timeout_seconds": 5,
    "retry_budget_seconds": 2,
    "request_lifetime_seconds": 3,
}

Runs = Callable[..., CustomerRun]


@pytest.fixture(scope="module")
def airflow(
    codat: LocalCodat,
    start_airflow: Callable[..., Any],
    connection: Callable[..., str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Any:  # noqa: ANN401 - scripts/local_airflow.py
    """Start one Airflow for all tests."""
    dags = tmp_path_factory.mktemp("dags")
    (dags / "buttons.py").write_text((DAGS / "buttons.py").read_text())
    url = connection(codat, **EXTRA)
    return start_airflow(
        dags,
        codat,
        AIRFLOW_CONN_CODAT_DEFAULT=url,
        CODAT_OTHER_COMPANY_ID=SECOND_COMPANY_ID,
        CODAT_UNTOUCHED_ID=codat.connections["options"],
    )


@pytest.fixture
def run(airflow: Any, codat: LocalCodat) -> Runs:  # noqa: ANN401 - scripts/local_airflow.py
    """Start a DAG run for a customer."""

    def start(dag_id: str, name: str, **more: str) -> CustomerRun:
        conf = {"name": name, "key": name.replace(" ", "_")}
        run_id = airflow.trigger(dag_id, conf, **more)
        return CustomerRun(airflow, codat, dag_id, run_id, name)

    return start


def change(run: CustomerRun, what: str, value: str) -> None:
    """Change what a Variable says for one run: its ``phone``, or what was ``found``."""
    run.airflow.set_variable(f"{what}_{run.name.replace(' ', '_')}", value)


def records(run: CustomerRun) -> list[str]:
    """Return the ids of the records that stand in the books under a run's name."""
    return [e.record_id for e in run.codat.ledger() if e.name == run.name]


def failed(run: CustomerRun, error: str) -> str:
    """Wait until a run has failed, with this error in its latest log; return that."""
    assert run.ended() == {"failed": 1}, run.logs()
    log: str = run.airflow.log(run.instance, run.instance["try_number"])
    assert error in log
    return log


# --- Clear


def test_clear_creates_another_where_that_is_wanted(run: Runs) -> None:
    """``on_clear="create"``: one more for each Clear, and none for its retries."""
    cleared = run("creating", "Fen once more")
    first = cleared.succeeded_once()["record_id"]
    cleared.clear()
    assert cleared.ended() == {"success": 1}, cleared.logs()
    second = cleared.airflow.xcom(cleared.instance)["record_id"]
    assert records(cleared) == [first, second]


@pytest.mark.parametrize("how", ["refused", "failed"])
def test_clear_sends_a_mended_payload(run: Runs, codat: LocalCodat, how: str) -> None:
    """A task that created nothing creates it with the payload of now."""
    name = f"Fen {how}"
    order = {"kind": "codat_error_before_commit", "status": 400}
    codat.order(**(order if how == "refused" else {"kind": "fail"}), customer=name)
    mended = run("usual", name)
    failed(mended, "Refused" if how == "refused" else "PushFailed")
    assert records(mended) == []
    change(mended, "phone", "2")
    mended.clear()
    mended.succeeded_once()
    assert [e.json()["phone"] for e in mended.creates()] == ["1", "2"]


def test_clear_obeys_what_a_person_has_found(run: Runs, codat: LocalCodat) -> None:
    """``unknown_resolution`` is heard after a Clear: the record's id, or none."""
    runs = {}
    for when in ("before", "after"):
        name = f"Fen unknown {when}"
        codat.order(f"codat_error_{when}_commit", customer=name)
        runs[when] = run("cautious", name)
    for when, each in runs.items():
        failed(each, "OutcomeUnknown")
        codat.settle_creates()
        found = records(each)
        assert len(found) == (when == "after")
        each.clear()
        failed(each, "OutcomeUnknown")  # nobody has said anything
        change(each, "found", found[0] if found else "not_created")
        each.clear()
        assert each.ended() == {"success": 1}, each.logs()
        assert [each.airflow.xcom(each.instance)["record_id"]] == records(each)
        assert len(each.creates()) == 1 + (when == "before")


def test_clear_asks_again_for_what_had_timed_out(run: Runs, codat: LocalCodat) -> None:
    """``PushTimedOut`` never leads to another create; a person may say what became."""
    codat.order("timed_out_then_lands", seconds=1, customer="Fen late")
    late = run("usual", "Fen late")
    failed(late, "PushTimedOut")
    codat.advance(seconds=60)
    late.clear()
    failed(late, "PushTimedOut")
    change(late, "found", *records(late))
    late.clear()
    assert late.ended() == {"success": 1}, late.logs()
    assert [late.airflow.xcom(late.instance)["record_id"]] == records(late)
    assert len(late.creates()) == 1


def test_clear_of_a_running_task_is_a_retry(run: Runs, codat: LocalCodat) -> None:
    """Airflow kills the try and makes another, which waits for the same operation."""
    codat.order("stay_pending", seconds=PENDING_SECONDS, customer="Fen amid")
    amid = run("again", "Fen amid")
    key = amid.accepted()

    def cleared() -> bool:
        # Airflow 2 has been seen to overlook one: a person presses the button again.
        amid.airflow.clear(amid.dag_id, amid.run_id)
        now = amid.instance
        return now["state"] != "running" or now["try_number"] == 2

    amid.until("cleared", cleared)
    amid.until_try(2)
    codat.settle_creates()
    assert amid.succeeded_once()["push_operation_key"] == key
    assert len(amid.creates()) == 1


def test_a_payload_that_changes_while_the_first_is_open(
    run: Runs, codat: LocalCodat
) -> None:
    """Nothing is sent, as two payloads would be two records."""
    codat.order("reset_after_commit", count=9, customer="Fen open")
    opened = run("usual", "Fen open")
    failed(opened, "Unreachable")
    sent = len(opened.creates())
    change(opened, "phone", "2")
    opened.clear()
    failed(opened, "may have sent another payload")
    assert len(opened.creates()) == sent


# --- mark


@pytest.mark.parametrize("state", ["success", "failed"])
def test_what_was_marked_goes_on_after_a_clear(
    run: Runs, codat: LocalCodat, state: str
) -> None:
    """Codat knows nothing of a mark; the next try asks for the same operation."""
    name = f"Fen marked {state}"
    codat.order("stay_pending", seconds=PENDING_SECONDS, customer=name)
    marked = run("usual", name)
    key = marked.accepted()
    process = marked.process()
    marked.airflow.mark(marked.instance, state)
    marked.until_over()
    psutil.wait_procs([process], timeout=PATIENCE_SECONDS)
    codat.settle_creates()
    marked.clear()
    assert marked.succeeded_once()["push_operation_key"] == key
    assert len(marked.creates()) == 1


# --- runs


def test_a_new_run_is_a_new_intent(run: Runs) -> None:
    """The same customer, asked for by two DAG runs, is there twice."""
    first = run("usual", "Fen twice")
    first.succeeded_once()
    second = run("usual", "Fen twice")
    assert second.ended() == {"success": 1}, second.logs()
    assert len(set(records(second))) == 2


def test_a_run_that_was_deleted_and_made_again(run: Runs) -> None:
    """Within 75 minutes it makes no second record, wherever the journal was kept."""
    name, run_id = "Fen deleted", f"by_hand_{uuid4()}"
    first = run("usual", name, dag_run_id=run_id)
    result = first.succeeded_once()
    first.until_over()
    first.until_forgotten()
    first.airflow.delete_run("usual", run_id)
    second = run("usual", name, dag_run_id=run_id)
    assert second.succeeded_once()["record_id"] == result["record_id"]
    assert records(second) == [result["record_id"]]


# --- what else rests on the journal


def test_a_connection_is_found_once(run: Runs, codat: LocalCodat) -> None:
    """A task that deferred goes on with the connection that it had found."""
    codat.order("stay_pending", seconds=PENDING_SECONDS, customer="Fen found")
    found = run("elsewhere", "Fen found")
    found.until_deferred()
    codat.set_connection_status(SECOND_CONNECTION_ID, "Unlinked")
    codat.settle_creates()
    assert found.ended() == {"success": 1}, found.logs()
    result = found.airflow.xcom(found.instance)
    assert result["connection_id"] == SECOND_CONNECTION_ID
    assert [result["record_id"]] == records(found)
    assert len(found.creates()) == 1


def test_a_retry_two_hours_later(
    run: Runs,
    codat: LocalCodat,
    airflow: Any,  # noqa: ANN401 - scripts/local_airflow.py
) -> None:
    """When Codat has forgotten the key, the journal tells what to look for.

    What other tests have left open in these two hours is on another connection.
    """
    fields = airflow.env.get("AIRFLOW_CONN_JOURNAL")
    if fields is None:
        pytest.skip("The journal is in Airflow's store, which this test cannot age")
    codat.order("reset_after_commit", count=9, customer="Fen overnight")
    late = run("untouched", "Fen overnight")
    failed(late, "Unreachable")
    sent = len(late.creates())
    codat.clear_misfortunes()
    codat.advance(minutes=120)
    # As old as a key must not be; what Codat lists keeps its time.
    age_journal(json.loads(fields), late.run_id, 76 * 60)
    late.clear()
    assert late.succeeded_once()["adopted"]
    assert len(late.creates()) == sent


def age_journal(connection: dict[str, Any], run_id: str, seconds: float) -> None:
    """Let what a task has written be older."""
    where = f"{connection['login']}@{connection['host']}:{connection['port']}"
    engine = sqlalchemy.create_engine(f"postgresql+psycopg2://{where}/postgres")
    change_ = sqlalchemy.text(
        "UPDATE codat_journal SET value = :value WHERE run_id = :run AND cell = :cell"
    )
    with engine.begin() as database:
        found = database.execute(
            sqlalchemy.text(
                "SELECT cell, value FROM codat_journal WHERE run_id = :run"
            ),
            {"run": run_id},
        ).all()
        for cell, text in found:
            if text.startswith("{"):
                value = json.loads(text)
                value["at"] -= seconds
                given = {"value": json.dumps(value), "run": run_id, "cell": cell}
                database.execute(change_, given)
    engine.dispose()


def test_after_all(
    codat: LocalCodat,
    airflow: Any,  # noqa: ANN401 - scripts/local_airflow.py
) -> None:
    """No key changed its bytes, and no log holds a customer's name or the API key."""
    logs_after_all(airflow, codat, twice={"Fen once more", "Fen twice"})
