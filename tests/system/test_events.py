"""Codat's events start DAGs: each once, whatever is killed or locked meanwhile.

A real API server, scheduler and triggerer; a local Codat that sends and is asked.
"""

import json
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import requests
from dag_runs import AIRFLOW, PATIENCE_SECONDS

from airflow_provider_codat.simulator import API_KEY, LocalCodat
from airflow_provider_codat.simulator.world import authorization

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(AIRFLOW < (3, 1), reason="its API server takes no webhooks"),
]

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "dags"
COUNT = 200
WATCHERS = 50
POLL_SECONDS = 3.0
WRITTEN, REFUSED = "codat_on_customer_written", "codat_on_customer_refused"
REMEMBERS = AIRFLOW >= (3, 3)


@pytest.fixture(scope="module")
def port(free_port: Callable[[], int]) -> int:
    """Return the port of Airflow's page, which Codat has to know before."""
    return free_port()


@pytest.fixture(scope="module")
def codat(port: int) -> Iterator[LocalCodat]:
    """Serve a Codat that sends its events to Airflow."""
    url = f"http://127.0.0.1:{port}/codat/webhooks/codat_default"
    unlimited: dict[str, Any] = {"requests_per_minute": None, "daily_quota": None}
    with LocalCodat(webhook_url=url, refresh_seconds=0, **unlimited) as codat:
        yield codat


@pytest.fixture(scope="module")
def airflow(
    codat: LocalCodat,
    port: int,
    start_airflow: Callable[..., Any],
    servers: Callable[[str], Any],
    connection: Callable[..., str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Any:  # noqa: ANN401 - scripts/local_airflow.py
    """Start an Airflow with the examples that wait for events, and fifty watchers.

    Its database is a Postgres, as where many events come at once.
    """
    dags = tmp_path_factory.mktemp("dags")
    for path in (EXAMPLES / f"{WRITTEN}.py", HERE / "dags" / "watchers.py"):
        shutil.copy(path, dags)
    secret = {"webhook_signing_secrets": codat.webhook_secret}
    env = {
        "AIRFLOW_CONN_CODAT_DEFAULT": connection(codat, **secret),
        "CODAT_POLL_SECONDS": str(POLL_SECONDS),
    }
    place = servers("postgres").connection
    user = f"{place['login']}@127.0.0.1:{place['port']}/{place['schema']}"
    env["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = f"postgresql+psycopg2://{user}"
    airflow = start_airflow(dags, codat, port, **env)
    until("assets", lambda: len(assets(airflow)) == WATCHERS + 2)
    return airflow


def until(what: str, told: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not told():
        assert time.monotonic() < deadline, f"not {what} in time"
        time.sleep(0.2)


def assets(airflow: Any) -> dict[str, int]:  # noqa: ANN401 - scripts/local_airflow.py
    """Return the assets of all DAGs, by their names."""
    found = airflow.ask("GET", f"{airflow.API}/assets?limit=100")["assets"]
    return {each["name"]: each["id"] for each in found}


def events(airflow: Any, name: str) -> list[dict[str, Any]]:  # noqa: ANN401 - the same
    """Return what all events of an asset carry."""
    found: list[dict[str, Any]] = []
    while True:
        query = f"asset_id={assets(airflow)[name]}&limit=100&offset={len(found)}"
        page = airflow.ask("GET", f"{airflow.API}/assets/events?{query}")
        found += [each["extra"] for each in page["asset_events"]]
        if len(found) >= page["total_entries"]:
            return found


def noted(airflow: Any, dag_id: str) -> list[dict[str, Any]]:  # noqa: ANN401 - the same
    """Return what all runs of a DAG have noted so far."""
    runs = airflow.ask("GET", f"{airflow.API}/dags/{dag_id}/dagRuns?limit=1000")
    found = []
    for run in runs["dag_runs"]:
        if run["state"] == "success":
            (instance,) = airflow.task_instances(dag_id, run["dag_run_id"])
            found += airflow.xcom(instance)
    return found


def push(codat: LocalCodat, name: str, **how: str) -> str:
    """Create a customer as another client of Codat's would; return its operation."""
    body = {"customerName": name, "status": "Active"}
    key: str = codat.stranger_pushes(body, **how)["pushOperationKey"]
    return key


def statuses(codat: LocalCodat) -> Counter[int | None]:
    return Counter(each for m in codat.webhooks() for each in m["statuses"])


def is_listening(airflow: Any) -> bool:  # noqa: ANN401 - the same
    """Whether the API server answers. Codat gives up a message after eight times."""
    try:
        return requests.get(f"{airflow.url}/api/v2/version", timeout=60).ok
    except requests.ConnectionError:
        return False


def connected(servers: Callable[[str], Any]) -> Any:  # noqa: ANN401 - psycopg2 has no types
    """Return a connection to Airflow's database."""
    place = servers("postgres").connection
    names = {"user": place["login"], "dbname": place["schema"], "port": place["port"]}
    return psycopg2.connect(host="127.0.0.1", **names)


def test_each_event_once(
    airflow: Any,  # noqa: ANN401 - the same
    codat: LocalCodat,
    servers: Callable[[str], Any],
) -> None:
    """200 events, each sent twice and in any order, are 200 asset events.

    Meanwhile the API server is killed and started again, and then the database locked
    for longer than Codat waits; DAG runs are started for all of them.
    """
    (name,) = [each for each in assets(airflow) if each.endswith("/customers")]
    codat.order("webhook_twice", count=COUNT)
    codat.order("webhook_late", probability=0.5, seconds=7)
    keys = {push(codat, f"Fen {number}") for number in range(COUNT // 2)}
    until("a few events", lambda: statuses(codat)[204] >= 20)
    airflow.kill("api-server")
    keys |= {push(codat, f"Fen {number}") for number in range(COUNT // 2, COUNT)}
    until("sent to nobody", lambda: statuses(codat)[None] >= 5)
    airflow.spawn("api-server", "--host", "127.0.0.1", "--port", str(airflow.port))
    until("listening", lambda: is_listening(airflow))

    def taken_again() -> bool:
        codat.advance(seconds=600)
        return statuses(codat)[204] >= COUNT // 2 + 20

    until("taken again", taken_again)

    before = statuses(codat)
    with closing(connected(servers)) as database:
        database.cursor().execute("LOCK TABLE asset_event")
        codat.advance(seconds=1800)
        until(
            "sent in vain",
            lambda: (
                all(m["is_over"] for m in codat.webhooks())
                or statuses(codat)[None] + statuses(codat)[503]
                > before[None] + before[503]
            ),
        )
        database.rollback()

    def over() -> bool:
        codat.advance(seconds=600)
        return all(message["is_over"] for message in codat.webhooks())

    until("all taken", over)
    found = events(airflow, name)
    assert Counter(e["push_operation_key"] for e in found) == dict.fromkeys(keys, 1)
    assert not any("Fen" in json.dumps(each) for each in found)
    until("all noted", lambda: len(noted(airflow, WRITTEN)) >= COUNT)
    told = Counter(each["push_operation_key"] for each in noted(airflow, WRITTEN))
    assert told == dict.fromkeys(keys, 1)


def test_a_failure_is_an_event_of_its_own(
    airflow: Any,  # noqa: ANN401 - the same
    codat: LocalCodat,
) -> None:
    """What could not be written starts the DAG that waits for that, and no other."""
    before = len(events(airflow, f"codat://companies/{codat.company_id}/customers"))
    key = push(codat, "Refused", outcome="fail")
    until("noted", lambda: noted(airflow, REFUSED))
    (event,) = noted(airflow, REFUSED)
    assert (event["push_operation_key"], event["status"]) == (key, "Failed")
    assert "record_id" not in event
    after = len(events(airflow, f"codat://companies/{codat.company_id}/customers"))
    assert after == before


def refresh(codat: LocalCodat, data_type: str) -> None:
    """Have Codat read a data type anew."""
    path = f"/companies/{codat.company_id}/data/queue/{data_type}"
    headers = {"Authorization": authorization(API_KEY)}
    requests.post(codat.url + path, headers=headers, timeout=60).raise_for_status()


def looks(codat: LocalCodat) -> list[float]:
    """Return when Codat was asked how fresh its copy is."""
    found = [e for e in codat.journal() if e.path.endswith("/dataStatus")]
    return [each.at.timestamp() for each in found]


def wait_for_looks(codat: LocalCodat, count: int) -> None:
    seen = len(looks(codat))
    until("looked at", lambda: len(looks(codat)) >= seen + count)


def watched(airflow: Any) -> list[str]:  # noqa: ANN401 - the same
    """Return the moments that the watcher of customers alone has told."""
    told = [each["payload"] for each in events(airflow, "watched_0")]
    assert {each["data_type"] for each in told} <= {"customers"}
    return [each["last_successful_sync"] for each in told]


def until_remembered(servers: Callable[[str], Any], moment: str) -> None:
    """Wait until an Airflow that remembers what was told has written it down."""

    def is_written() -> bool:
        query = "SELECT count(*) FROM asset_state_store WHERE value LIKE %s"
        with closing(connected(servers)) as database, database.cursor() as cursor:
            cursor.execute(query, [f"%{moment}%"])
            return bool(cursor.fetchone()[0])

    if REMEMBERS:
        until("remembered", is_written)


def test_watchers(
    airflow: Any,  # noqa: ANN401 - the same
    codat: LocalCodat,
    servers: Callable[[str], Any],
) -> None:
    """Fifty watchers of a company cost one request in each interval.

    A change while the triggerer was dead is told, and none is told twice. An Airflow
    that remembers nothing tells how things stand whenever the trigger starts.
    """
    wait_for_looks(codat, 2)
    begun = len(looks(codat))
    first = len(watched(airflow))
    refresh(codat, "customers")
    until("told", lambda: len(watched(airflow)) == first + 1)
    wait_for_looks(codat, 4)
    until_remembered(servers, watched(airflow)[-1])
    asked = looks(codat)[begun:]
    intervals = {int(moment / POLL_SECONDS) for moment in asked}
    assert len(asked) <= len(intervals) + 1
    assert len(watched(airflow)) == first + 1

    airflow.kill("triggerer")
    refresh(codat, "customers")
    airflow.spawn("triggerer")
    until("told after all", lambda: len(watched(airflow)) == first + 2)
    wait_for_looks(codat, 4)
    until_remembered(servers, max(watched(airflow)))

    airflow.kill("triggerer")
    airflow.spawn("triggerer")
    wait_for_looks(codat, 4)
    expected = first + 2 + (not REMEMBERS)
    until("told", lambda: len(watched(airflow)) >= expected)
    assert len(watched(airflow)) == expected
