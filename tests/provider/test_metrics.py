"""The laws of what Airflow's metrics are told.

A real StatsD server, that is a UDP socket, hears what processes with Airflow in them
send.
"""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_provider_codat.api.data_types import DATA_TYPES
from airflow_provider_codat.api.http.telemetry import NO_ANSWER, ROUTES
from airflow_provider_codat.simulator import LocalCodat

# Each task of dag.test() takes seconds, and on a busy machine many.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
pytest.importorskip("statsd", reason="Airflow sends no StatsD without this package")

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs" / "metrics.md"
BIRD = "birdsong"
QUOTING = f"{BIRD} city ({BIRD}@example.com) exists"
UNLIMITED = {"requests_per_minute": None, "daily_quota": None, "concurrency": None}

NAMES = {
    "codat.requests",
    "codat.requests.2xx",
    "codat.requests.4xx",
    "codat.requests.5xx",
    "codat.requests.no_answer",
    "codat.retries",
    "codat.rate_limit_wait",
    "codat.reconciliations",
    "codat.reconciliations.adopted",
    "codat.push_latency",
}

ORDERS: dict[str, dict[str, object] | None] = {
    "success": None,
    "Failed": {"kind": "fail"},
    "500 after commit": {"kind": "codat_error_after_commit", "status": 500},
    "too many": {"kind": "too_many_requests", "retry_after": 60},
    "reset": {"kind": "reset_after_commit"},
}

WAIT_IN_A_TRIGGERER = """
import asyncio, os, time
from types import SimpleNamespace
from airflow_provider_codat.hooks.codat import CodatHook
from airflow_provider_codat.sensors.codat import CodatPushOperationSensor
from airflow_provider_codat.triggers.poller import Place, Wait, waited

company, connection = os.environ["CODAT_COMPANY_ID"], os.environ["CODAT_CONNECTION_ID"]
hook = CodatHook()
customer = {"customerName": "Ada", "status": "Active"}
key = hook.create_customer(company, connection, customer)["pushOperationKey"]
print("created", key, flush=True)
input()

async def main():
    now = time.time()
    wait = Wait([key], since=now - 60, deadline=now + 60, poll_interval_seconds=0.05)
    return await waited(Place("codat_default", company, "null"), wait)

assert asyncio.run(main()).status == "ended"

sensor = CodatPushOperationSensor(
    task_id="wait", company_id=company, push_operation_keys=key
)
run = SimpleNamespace(run_after=None, data_interval_end=None)
assert sensor.poke({"dag_run": run}).is_done
"""


class StatsdServer:
    """Hears what is sent to a port."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0)
        self.port = self._socket.getsockname()[1]
        self._lines: list[str] = []

    def environment(self, codat: LocalCodat, **more: str) -> dict[str, str]:
        """Return what a process needs that is to send to it."""
        return {
            **os.environ,
            "AIRFLOW__METRICS__STATSD_ON": "True",
            "AIRFLOW__METRICS__STATSD_HOST": "127.0.0.1",
            "AIRFLOW__METRICS__STATSD_PORT": str(self.port),
            "AIRFLOW_CONN_CODAT_DEFAULT": codat.airflow_connection(),
            "CODAT_COMPANY_ID": codat.company_id,
            "CODAT_CONNECTION_ID": codat.connection_id,
            **more,
        }

    def heard(self) -> list[str]:
        """Return all that ours have sent, such as ``codat.requests:1|c``.

        The loopback holds nothing back: what was sent is there.
        """
        while True:
            try:
                text = self._socket.recv(65536).decode()
            except BlockingIOError:
                return self._lines
            self._lines += [
                line.removeprefix("airflow.")
                for line in text.splitlines()
                if line.startswith("airflow.codat.")
            ]

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(scope="module")
def statsd() -> Iterator[StatsdServer]:
    """Hear StatsD on a free port."""
    server = StatsdServer()
    yield server
    server.close()


@pytest.fixture(scope="module")
def of_tasks(
    statsd: StatsdServer, tmp_path_factory: pytest.TempPathFactory, database: None
) -> list[str]:
    """Run tasks that meet one misfortune each; return what StatsD with tags heard."""
    assert database is None
    folder = tmp_path_factory.mktemp("metrics")
    confs, results = folder / "confs.json", folder / "results.json"
    confs.write_text(json.dumps([{"case": case} for case in ORDERS]))
    with LocalCodat(settle_seconds=0.05, **UNLIMITED) as codat:
        for case, order in ORDERS.items():
            if order is not None:
                codat.order(**order, message=QUOTING, customer=f"{BIRD} {case}")
        influx = {"AIRFLOW__METRICS__STATSD_INFLUXDB_ENABLED": "True"}
        done = subprocess.run(
            [sys.executable, str(HERE / "run_canary.py"), str(confs), str(results)],
            check=False,
            capture_output=True,
            text=True,
            env=statsd.environment(codat, **influx),
        )
    assert done.returncode == 0, done.stderr[-3000:]
    return statsd.heard().copy()


@pytest.fixture(scope="module")
def of_a_poller(of_tasks: list[str], statsd: StatsdServer) -> list[str]:
    """Create after a 503, wait as a triggerer does, poke; return what was heard."""
    before = len(of_tasks)
    with LocalCodat(settle_seconds=600, **UNLIMITED) as codat:
        codat.order(kind="gateway_error_before_commit")
        with subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", WAIT_IN_A_TRIGGERER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=statsd.environment(codat),
        ) as waiting:
            assert waiting.stdout is not None
            words = iter(waiting.stdout.readline, "")
            assert any(line.startswith("created") for line in words)
            codat.advance(minutes=11)
            waiting.communicate("\n", timeout=600)
    assert waiting.returncode == 0
    return statsd.heard()[before:]


def counted(lines: list[str], start: str) -> int:
    return sum(line.startswith(start) for line in lines)


def test_tasks_tell_what_they_send(of_tasks: list[str]) -> None:
    """Each request is counted once, with route, method and status as tags."""
    create = "codat.requests,route=push/customers,method=POST,status="
    assert counted(of_tasks, f"{create}200:1|c") == 2
    assert counted(of_tasks, f"{create}500:1|c") == 1
    assert counted(of_tasks, f"{create}429:1|c") == 1
    assert counted(of_tasks, f"{create}{NO_ANSWER}:1|c") == 1


def test_tasks_tell_what_the_books_told(of_tasks: list[str]) -> None:
    """A create whose answer was lost is counted once the books have been asked."""
    assert counted(of_tasks, "codat.reconciliations,outcome=adopted:1|c") == 1


def test_tasks_tell_how_long_they_were_told_to_wait(of_tasks: list[str]) -> None:
    """A 429 is told with the seconds that Codat asked for, in milliseconds."""
    [line] = [line for line in of_tasks if line.startswith("codat.rate_limit_wait:")]
    assert re.fullmatch(r"codat\.rate_limit_wait:6\d{4}\.0+\|ms", line)


def test_tasks_tell_how_long_push_operations_took(of_tasks: list[str]) -> None:
    """Whatever their end, by Codat's own times."""
    assert counted(of_tasks, "codat.push_latency,status=Failed:") == 1
    assert counted(of_tasks, "codat.push_latency,status=Success:") >= 1


def test_a_poller_tells_airflow(of_a_poller: list[str]) -> None:
    """In a triggerer and in a sensor, too, all is counted; old StatsD, no tags."""
    assert of_a_poller.count("codat.requests.2xx:1|c") == 3
    assert of_a_poller.count("codat.requests.5xx:1|c") == 1
    assert of_a_poller.count("codat.requests:1|c") == 4
    assert of_a_poller.count("codat.retries:1|c") == 1
    assert counted(of_a_poller, "codat.push_latency:600") == 2


def test_no_customer_and_no_id_is_in_a_metric(
    of_tasks: list[str], of_a_poller: list[str]
) -> None:
    """Each line is made of documented names, and of tags of closed lists."""
    routes = "|".join(ROUTES)
    tags = (
        rf"(,route=({routes}),method=[A-Z]+,status=(\d{{3}}|{NO_ANSWER})"
        r"|,outcome=(adopted|absent|unclear)|,status=(Success|Failed|TimedOut))?"
    )
    line = re.compile(rf"({'|'.join(map(re.escape, NAMES))}){tags}:\d+(\.\d+)?\|(c|ms)")
    assert [found for found in of_tasks if not line.fullmatch(found)] == []
    assert [found for found in of_a_poller if not line.fullmatch(found)] == []


@pytest.mark.skipif(not DOCS.is_file(), reason="the documentation is not here")
def test_every_metric_is_documented(
    of_tasks: list[str], of_a_poller: list[str]
) -> None:
    """The table of docs/metrics.md has each name that was heard, and each route."""
    text = DOCS.read_text(encoding="utf-8")
    heard = {re.split("[,:]", line)[0] for line in of_tasks + of_a_poller}
    stems = {re.sub(r"\.(\dxx|no_answer|adopted)$", "", name) for name in heard}
    assert {f"`{name}`" for name in stems if f"`{name}`" not in text} == set()
    segments = "|".join(row.segment for row in DATA_TYPES.values())
    alike = {re.sub(f"/({segments})$", "/customers", route) for route in ROUTES}
    assert [route for route in alike if f"`{route}`" not in text] == []
    assert NAMES - heard <= {"codat.requests.4xx"}
