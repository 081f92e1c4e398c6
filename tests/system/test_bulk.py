"""What becomes of many customers in one task when Airflow is struck, or busy.

A real Airflow, one for all tests. What the task reports is held against the ledger.
"""

import json
import os
import shutil
import signal
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from dag_runs import (
    PATIENCE_SECONDS,
    PENDING_SECONDS,
    DagRun,
    logs_after_all,
)

from airflow_provider_codat.simulator import LocalCodat
from airflow_provider_codat.simulator.control.records import JournalEntry
from airflow_provider_codat.simulator.world import (
    SECOND_COMPANY_ID,
    SECOND_CONNECTION_ID,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SHARDED = "codat_create_customers_sharded"
# Codat's and ours are as 1,000 to 900, only fewer.
CODATS_PER_MINUTE = 300
OURS_PER_MINUTE = 270
SHARDS = 3
EXTRA = {
    "read_timeout_seconds": 5,
    "retry_budget_seconds": 60,
    "request_lifetime_seconds": 8,
    "requests_per_minute": 60_000,
}


@pytest.fixture(scope="module")
def codat() -> Iterator[LocalCodat]:
    """Serve one Codat for most tests, in no hurry; each has customers of its own."""
    with LocalCodat(daily_quota=None, requests_per_minute=None) as codat:
        yield codat


@pytest.fixture(scope="module")
def strict_codat() -> Iterator[LocalCodat]:
    """Serve a Codat that takes few requests a minute."""
    settings: dict[str, Any] = {"requests_per_minute": CODATS_PER_MINUTE}
    with LocalCodat(daily_quota=None, **settings) as codat:
        yield codat


@pytest.fixture(scope="module")
def metered() -> Iterator[LocalCodat]:
    """Serve a Codat whose day has an end in sight."""
    with LocalCodat(requests_per_minute=None) as codat:
        yield codat


@pytest.fixture(scope="module")
def airflow(
    codat: LocalCodat,
    strict_codat: LocalCodat,
    metered: LocalCodat,
    start_airflow: Callable[..., Any],
    connection: Callable[..., str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Any:  # noqa: ANN401 - scripts/local_airflow.py
    """Start one Airflow for all tests, with the DAGs of this file and an example."""
    dags = tmp_path_factory.mktemp("dags")
    shutil.copy(HERE / "dags" / "bulk.py", dags)
    shutil.copy(ROOT / "dags" / f"{SHARDED}.py", dags)
    env = {
        "AIRFLOW_CONN_CODAT_DEFAULT": connection(
            strict_codat, requests_per_minute=OURS_PER_MINUTE, pool_slots=SHARDS
        ),
        "AIRFLOW_CONN_CODAT_FREE": connection(codat, **EXTRA),
        "AIRFLOW_CONN_CODAT_METERED": connection(metered, **EXTRA),
    }
    started = start_airflow(dags, codat, **env)
    pool = {"name": "codat", "slots": SHARDS, "include_deferred": True}
    started.ask("POST", f"{started.API}/pools", pool)
    return started


# --- a load, and what is known of it


@dataclass(frozen=True, slots=True)
class Load(DagRun):
    """One DAG run that creates the customers of a file."""

    path: Path
    results: Path

    def until_sent(self, customers: int) -> None:
        """Wait until so many customers have been sent at least once."""

        def told() -> bool:
            return len({entry.body for entry in self.creates()}) >= customers

        self.until(f"sending {customers}", told)

    def told(self) -> dict[str, Any]:
        """Return what the task has returned."""
        found: dict[str, Any] = self.airflow.xcom(self.instance)
        return found

    def succeeded_once(self) -> dict[str, Any]:
        """Wait for success; hold what is reported against the books; return it."""
        assert self.ended() == {"success": 1}, self.log()
        told = self.told()
        customers = len(lines_of(self.path))
        assert told["rows"] == customers
        assert told["counts"] == {"Success": customers}
        assert told["results_path"] == str(self.results)
        check_results(self.codat, self.path, self.results)
        return told


def lines_of(path: Path) -> list[dict[str, Any]]:
    text = path.read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def write_customers(path: Path, name: str, numbers: Iterable[int]) -> None:
    rows = [
        {"reference": f"C-{n}", "customerName": f"{name} {n}", "status": "Active"}
        for n in numbers
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def check_results(codat: LocalCodat, path: Path, results: Path) -> None:
    """Check that every row is told its own record, and that it is there once."""
    rows, lines = lines_of(path), lines_of(results)
    assert [line["row"] for line in lines] == list(range(1, len(rows) + 1))
    assert [line["item_key"] for line in lines] == [row["reference"] for row in rows]
    records = {record.record_id: record for record in codat.ledger()}
    found = [records[line["record_id"]] for line in lines]
    assert [record.name for record in found] == [row["customerName"] for row in rows]
    assert [record.push_operation_key for record in found] == [
        line["push_operation_key"] for line in lines
    ]
    counts = codat.counts_by_name()
    assert {counts[row["customerName"]] for row in rows} == {1}


@pytest.fixture
def load(airflow: Any, codat: LocalCodat, tmp_path: Path) -> Callable[..., Load]:  # noqa: ANN401 - scripts/local_airflow.py
    """Start a DAG run for a number of customers."""

    def start(
        dag_id: str, name: str, customers: int, codat: LocalCodat = codat, **more: str
    ) -> Load:
        path, results = tmp_path / "customers.jsonl", tmp_path / "results.jsonl"
        write_customers(path, name, range(customers))
        conf = {"path": str(path), "results": str(results), **more}
        run_id = airflow.trigger(dag_id, conf)
        return Load(airflow, codat, dag_id, run_id, name, path, results)

    return start


# --- the example with shards

OF_A_SHARD = 110


def most_in_a_minute(entries: list[JournalEntry]) -> int:
    """Return how many requests the fullest 60 seconds hold."""
    moments = sorted(entry.at for entry in entries)
    since, most = 0, 0
    for number, moment in enumerate(moments):
        while moment - moments[since] >= timedelta(seconds=60):
            since += 1
        most = max(most, number - since + 1)
    return most


@pytest.fixture
def shards(strict_codat: LocalCodat, tmp_path: Path) -> list[dict[str, str]]:
    """Return three shards: two connections of one company, and another company."""
    company, connections = strict_codat.company_id, strict_codat.connections
    places = [
        (company, connections["lenient"]),
        (company, connections["options"]),
        (SECOND_COMPANY_ID, SECOND_CONNECTION_ID),
    ]
    made = []
    for number, (company_id, connection_id) in enumerate(places):
        path = tmp_path / f"{number}.jsonl"
        write_customers(path, f"Fen shard {number}", range(OF_A_SHARD))
        made.append(
            {
                "company_id": company_id,
                "connection_id": connection_id,
                "customers_path": str(path),
            }
        )
    return made


def test_shards_at_once(
    airflow: Any,  # noqa: ANN401 - scripts/local_airflow.py
    strict_codat: LocalCodat,
    shards: list[dict[str, str]],
    tmp_path: Path,
) -> None:
    """Three shards run at once, and together ask no faster than Codat allows.

    Each customer is in its own company's books, once.
    """
    run_id = airflow.trigger(SHARDED, {"shards": shards, "folder": str(tmp_path)})
    DagRun(airflow, strict_codat, SHARDED, run_id, "Fen shard").until_over()
    found = [
        each
        for each in airflow.task_instances(SHARDED, run_id)
        if each["task_id"] == "create_customers"
    ]
    assert [each["state"] for each in found] == ["success"] * SHARDS
    assert max(each["start_date"] for each in found) < min(
        each["end_date"] for each in found
    )
    for instance in found:
        shard = shards[instance["map_index"]]
        told = airflow.xcom(instance)
        assert told["counts"] == {"Success": OF_A_SHARD}
        path = Path(shard["customers_path"])
        check_results(strict_codat, path, Path(told["results_path"]))
    assert len(strict_codat.ledger()) == SHARDS * OF_A_SHARD
    entries = strict_codat.journal()
    assert len(entries) > CODATS_PER_MINUTE, "too few to tell"
    assert most_in_a_minute(entries) <= OURS_PER_MINUTE
    assert 429 not in {entry.status for entry in entries}


# --- kill -9

# Each befalls one request in ninety; together, one in ten.
FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "reset_before_commit"},
    {"kind": "reset_after_commit"},
    {"kind": "slow", "seconds": 7},
    {"kind": "codat_error_before_commit"},
    {"kind": "codat_error_after_commit"},
    {"kind": "gateway_error_before_commit", "status": 503},
    {"kind": "too_many_requests", "retry_after": 1},
    {"kind": "cut_body"},
    {"kind": "junk_body"},
)


def test_killed_twice_amid_faults(load: Callable[..., Load], codat: LocalCodat) -> None:
    """A thousand customers, one request in ten struck, two kills: none lost or twice.

    The first kill comes amid the sending, the second when all are sent and one is not
    in the books yet.
    """
    customers = 1_000
    codat.order("stay_pending", seconds=PENDING_SECONDS, customer="Fen struck 500")
    for seed, fault in enumerate(FAULTS):
        codat.order(**fault, probability=1 / 90, seed=seed)
    struck = load("bulk_in_the_worker", "Fen struck", customers)
    struck.until_sent(customers // 3)
    first = struck.process()
    first.kill()
    struck.until_try(2)
    assert len({entry.body for entry in struck.creates()}) < customers, "too late"
    second = struck.process(after=first.pid)
    struck.until_sent(customers)
    second.kill()
    codat.clear_misfortunes()
    codat.settle_creates()
    struck.until_try(3)
    struck.succeeded_once()
    assert struck.instance["try_number"] == 3
    befallen = [entry for entry in struck.creates() if entry.misfortune]
    assert len(befallen) > customers / 20, "hardly struck"
    assert len({str(entry.misfortune) for entry in befallen}) >= len(FAULTS)


# --- what people do in the web page


def test_cleared_after_success(load: Callable[..., Load]) -> None:
    """Clear after success tells the same records again, and sends nothing."""
    cleared = load("bulk_in_the_worker", "Fen cleared", 40)
    told = cleared.succeeded_once()
    results = cleared.results.read_bytes()
    cleared.results.unlink()
    cleared.clear()
    again = cleared.succeeded_once()
    assert {**again, "requests": 0} == {**told, "requests": 0}
    assert cleared.results.read_bytes() == results
    assert len(cleared.creates()) == 40


def test_cleared_with_another_order(
    load: Callable[..., Load], codat: LocalCodat
) -> None:
    """Clear after a failure sends what is missing, wherever it has come to stand."""
    codat.order("fail", customer="Fen sorted 7")
    mended = load("bulk_in_the_worker", "Fen sorted", 20)
    assert mended.ended() == {"failed": 1}
    assert mended.told()["counts"] == {"Success": 19, "Failed": 1}
    states = [line["status"] for line in lines_of(mended.results)]
    assert states == ["Success"] * 7 + ["Failed"] + ["Success"] * 12
    write_customers(mended.path, "Fen sorted", reversed(range(21)))
    mended.clear()
    mended.succeeded_once()
    # Number 7 once more, and number 20, which is new.
    assert len(mended.creates()) == 22


def slowed(load: Callable[..., Load], codat: LocalCodat, name: str) -> Load:
    """Start a load that takes two minutes, ten at a time; return amid them."""
    codat.order("slow", seconds=3, probability=1.0)
    slow: Load = load("bulk_without_retries", name, 400)
    slow.until_sent(30)
    return slow


def sent_when_stopped(load: Load, process: psutil.Process) -> int:
    """Wait until a task has been stopped; return how many it had sent by then."""
    load.until("told what goes on", lambda: "Killed while" in load.log())
    assert not psutil.wait_procs([process], timeout=PATIENCE_SECONDS)[1]
    sent = len(load.creates())
    assert sent < 400
    assert load.ended() == {"failed": 1}
    return sent


def test_marked_failed_amid_the_sending(
    load: Callable[..., Load], codat: LocalCodat
) -> None:
    """A task that is marked failed sends nothing more; once cleared, it goes on."""
    stopped = slowed(load, codat, "Fen stopped")
    process = stopped.process()
    stopped.mark_failed()
    sent_when_stopped(stopped, process)
    codat.clear_misfortunes()
    stopped.clear()
    stopped.succeeded_once()


def test_terminated_amid_the_sending(
    load: Callable[..., Load], codat: LocalCodat
) -> None:
    """A task that gets SIGTERM sends nothing more, and says of the rest: not sent."""
    stopped = slowed(load, codat, "Fen terminated")
    process = stopped.process()
    os.kill(process.pid, signal.SIGTERM)
    sent = sent_when_stopped(stopped, process)
    states = [line["status"] for line in lines_of(stopped.results)]
    assert states.count("NotSent") == 400 - sent
    codat.clear_misfortunes()
    stopped.clear()
    stopped.succeeded_once()


# --- without a worker


def held_slots(airflow: Any) -> int:  # noqa: ANN401 - scripts/local_airflow.py
    pool = airflow.ask("GET", f"{airflow.API}/pools/default_pool")
    return int(pool["occupied_slots"])


def test_waiting_holds_no_worker(load: Callable[..., Load], codat: LocalCodat) -> None:
    """A deferrable task leaves its worker after the last create until all has ended."""
    codat.order("stay_pending", seconds=PENDING_SECONDS, customer="Fen patient 3")
    patient = load("bulk_deferrable", "Fen patient", 20)
    process = patient.process()
    patient.until_deferred()
    assert len(patient.creates()) == 20
    assert held_slots(patient.airflow) == 0
    assert not psutil.wait_procs([process], timeout=PATIENCE_SECONDS)[1]
    codat.settle_creates()
    patient.succeeded_once()
    assert len(patient.creates()) == 20
    assert patient.instance["try_number"] == 1


def test_waiting_for_the_quota(
    load: Callable[..., Load], metered: LocalCodat, tmp_path: Path
) -> None:
    """What the day allows is sent; the rest waits for the reset, and for no worker."""
    quota, hold = 25, tmp_path / "hold"
    waiting = load("bulk_metered", "Fen metered", 40, metered, hold=str(hold))
    waiting.until("begun", hold.with_suffix(".begun").exists)
    metered.set_quota(quota, resets_in_seconds=180)
    hold.touch()
    waiting.until_deferred()
    assert 0 < len(waiting.creates()) < quota
    assert len(metered.journal()) <= quota
    assert held_slots(waiting.airflow) == 0
    waiting.succeeded_once()
    assert len(waiting.creates()) == 40
    assert 429 not in {entry.status for entry in metered.journal()}
    assert waiting.instance["try_number"] == 1


def test_after_all(
    codat: LocalCodat,
    airflow: Any,  # noqa: ANN401 - scripts/local_airflow.py
) -> None:
    """Whatever has happened: nobody came twice, no key changed its bytes, no log tells.

    A log of a task or a trigger holds neither a customer's name nor the API key.
    """
    logs_after_all(airflow, codat)
