"""A real Airflow in a folder of its own, and a local Codat: nothing is patched."""

import asyncio
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, aclosing, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
HOME = Path(tempfile.mkdtemp(prefix="airflow-provider-codat-tests-"))

# Airflow reads all this once, when it is imported.
if "airflow" in sys.modules:
    raise pytest.UsageError("something has imported Airflow before its folder was set")
for name in [name for name in os.environ if name.startswith("AIRFLOW_")]:
    del os.environ[name]
os.environ |= {
    "AIRFLOW_HOME": str(HOME),
    "AIRFLOW__CORE__DAGS_FOLDER": str(HOME / "dags"),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
    "AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
}
(HOME / "dags").mkdir()
(HOME / "dags" / "tests").symlink_to(HERE / "dags")
(HOME / "dags" / "examples").symlink_to(HERE.parents[1] / "dags")

with warnings.catch_warnings():
    # What Airflow's own modules warn of while they import each other. What ours
    # would be warned of is an error in test_provider_info.py.
    warnings.simplefilter("ignore")
    from airflow.providers.common.compat.sdk import AirflowFailException, TaskDeferred

    from airflow_provider_codat.api import CodatError
    from airflow_provider_codat.failures import HAS_RETRY_POLICIES, may_pass
    from airflow_provider_codat.hooks.codat import CodatHook
    from airflow_provider_codat.journal.database import open_database
    from airflow_provider_codat.operators.codat import (
        CreateAccountingCustomerOperator,
        CreateAccountingCustomersOperator,
    )
    from airflow_provider_codat.simulator import LocalCodat
    from airflow_provider_codat.simulator.world import authorization

    try:
        from airflow.dag_processing.dagbag import DagBag
    except ImportError:
        from airflow.models.dagbag import DagBag
    from airflow.models.renderedtifields import RenderedTaskInstanceFields
    from stores import DatabaseStore, Store

AIRFLOW = tuple(int(part) for part in version("apache-airflow").split(".")[:2])
ADA = {"customerName": "Ada", "status": "Active"}
UNLIMITED = {"requests_per_minute": None, "daily_quota": None, "concurrency": None}

AIRFLOWS_OWN_WARNINGS = (
    # Airflow 3.3: its in-process API, used by dag.test(), comes with a test client.
    "Using `httpx` with `starlette.testclient` is deprecated",
    # Airflow 3.1: how it reads AIRFLOW_CONN_... itself.
    "Using Connection.from_json from `airflow.models` is deprecated",
    "Using Connection.from_uri from `airflow.models` is deprecated",
    # Airflow 3.1: its in-process API, on younger libraries than it knew.
    "The anyio.abc.BlockingPortal alias is deprecated",
    "'HTTP_422_UNPROCESSABLE_ENTITY' is deprecated",
    # Airflow 3.1: its scheduler's queries, on SQLAlchemy 2.1.
    "The ``noload`` loader strategy is deprecated",
    # Airflow 2.11: rendering map_index_template touches every name of its context.
    "Accessing '.*' from the template is deprecated",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let Airflow warn of itself, in the tests of this folder alone."""
    for item in items:
        if HERE in item.path.parents:
            for warning in AIRFLOWS_OWN_WARNINGS:
                item.add_marker(pytest.mark.filterwarnings(f"ignore:{warning}"))


def pytest_sessionfinish() -> None:
    """Leave nothing behind."""
    shutil.rmtree(HOME, ignore_errors=True)


@pytest.fixture
def start_codat(
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[..., LocalCodat]]:
    """Start the local Codat that the Airflow connection ``codat_default`` names."""
    started: list[LocalCodat] = []

    def start(**settings: object) -> LocalCodat:
        codat = LocalCodat(**{"settle_seconds": 0.05, **UNLIMITED, **settings})
        codat.start()
        started.append(codat)
        monkeypatch.setenv("AIRFLOW_CONN_CODAT_DEFAULT", codat.airflow_connection())
        monkeypatch.setenv("CODAT_COMPANY_ID", codat.company_id)
        monkeypatch.setenv("CODAT_CONNECTION_ID", codat.connection_id)
        return codat

    yield start
    for codat in started:
        codat.stop()


@pytest.fixture
def local_codat(start_codat: Callable[..., LocalCodat]) -> LocalCodat:
    """Serve a fresh Codat whose operations settle after 0.05 seconds."""
    return start_codat()


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Declare an Airflow connection in the environment; return its id."""

    def declare(conn_id: str = "codat_other", **fields: object) -> str:
        text = json.dumps({"conn_type": "codat", **fields})
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", text)
        return conn_id

    return declare


@pytest.fixture
def hook(local_codat: LocalCodat) -> Iterator[CodatHook]:
    """Return a hook on ``codat_default`` that gives up after a second."""
    assert local_codat.url
    made = CodatHook(retry_budget_seconds=1)
    yield made
    made.close()


@pytest.fixture
def seed(local_codat: LocalCodat, hook: CodatHook) -> Callable[..., dict[str, Any]]:
    """Create a customer through the hook."""

    def create(name: str = "Fen Bakery", **options: Any) -> dict[str, Any]:  # noqa: ANN401 - as in the hook
        customer = {"customerName": name, "status": "Active"}
        place = (local_codat.company_id, local_codat.connection_id)
        return hook.create_customer(*place, customer, **options)

    return create


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[..., list[str]]]:
    """Return the log lines that hold a phrase: of Airflow 2 and of Airflow 3."""
    caplog.set_level(logging.INFO)
    events: list[Any] = []
    with ExitStack() as stack:
        with suppress(ImportError):
            from structlog.testing import capture_logs  # noqa: PLC0415 - Airflow 3's

            events = stack.enter_context(capture_logs())

        def lines(phrase: str = "") -> list[str]:
            texts = [record.getMessage() for record in caplog.records]
            texts += [_text(event) for event in events]
            return [text for text in texts if phrase in text]

        yield lines


def _text(event: dict[str, Any]) -> str:
    text, values = str(event["event"]), event.get("positional_args")
    return text % values if values else text


class _Page(BaseHTTPRequestHandler):
    """Answers every GET with a web page, and every DELETE with nothing."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>Not Codat</title>")

    def do_DELETE(self) -> None:
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@pytest.fixture
def web_page() -> Iterator[str]:
    """Serve a web page, whatever is asked for; return its URL."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Page) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@dataclass
class RunOfDag:
    """What an operator asks of its DAG run, in the shape of Airflow 2 or 3."""

    run_after: datetime | None = None
    logical_date: datetime | None = None
    data_interval_end: datetime | None = None
    run_type: str = "scheduled"
    clear_number: int = 0


@pytest.fixture(scope="session")
def new_store() -> type[Store]:
    """Make the state store of a task."""
    return Store


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what a journal is for with each place where one may be kept."""
    both = metafunc.module.__name__.rpartition(".")[2] in IN_BOTH_STORES
    if both and "store" in metafunc.fixturenames:
        metafunc.parametrize("store", ["airflow", "database"], indirect=True)


IN_BOTH_STORES = {
    "test_before_a_create",
    "test_deferrable",
    "test_durable",
    "test_many_durable",
    "test_sql_to_codat",
    "test_update",
}


@pytest.fixture
def store(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Store:
    """Return an empty state store: what Airflow has, or a database."""
    if getattr(request, "param", "airflow") == "airflow":
        return Store()
    fields = {"conn_type": "sqlite", "host": str(tmp_path / "journal.db")}
    monkeypatch.setenv("AIRFLOW_CONN_JOURNAL", json.dumps(fields))
    return DatabaseStore(open_database(DatabaseStore.conn_id))


@dataclass
class Attempt:
    """One try of a task outside Airflow: what ``execute`` needs, and no more.

    It offers what Airflow's own task instance offers under the same names.

    :param given: what the operator was built from.
    :param kind: the operator.
    """

    given: dict[str, Any]
    dag_run: RunOfDag
    dag_id: str = "a_dag"
    run_id: str = "manual__1"
    try_number: int = 1
    max_tries: int = 0
    map_index: int = -1
    start_date: datetime | None = None
    store: object = None
    xcoms: dict[str, object] = field(default_factory=dict)
    kind: Callable[..., Any] = CreateAccountingCustomerOperator

    def __post_init__(self) -> None:
        self.operator = self.kind(**self.given)

    @property
    def task_id(self) -> str:
        task_id: str = self.operator.task_id
        return task_id

    def xcom_push(self, *, key: str, value: object) -> None:
        self.xcoms[key] = value

    def execute(self) -> dict[str, Any]:
        # Airflow 2 hands this over, too, and no thread but its main one can do without.
        name = f"{type(self.operator).__name__}__sentinel"
        guard = {name: object()} if AIRFLOW < (3,) else {}
        result: dict[str, Any] = self.operator.execute(self.context, **guard)
        return result

    def fails(
        self,
        kind: type[CodatError],
        match: str | None = None,
        *,
        work: Callable[[], object] | None = None,
    ) -> Any:  # noqa: ANN401 - an error of that kind
        """Do what has to fail; return the error behind what is raised.

        Below Airflow 3.3 an error that will happen again is wrapped, and no other, so
        that it fails the task at once. Its code is told on all versions.

        :param work: by default, execute.
        """
        with pytest.raises((kind, AirflowFailException), match=match) as raised:
            (work or self.execute)()
        error: BaseException | None = raised.value
        assert f"[{kind.code}] " in str(error)
        wrapped = isinstance(error, AirflowFailException)
        error = error.__cause__ if wrapped else error
        assert type(error) is kind
        assert wrapped is not (HAS_RETRY_POLICIES or may_pass(error))
        return error

    def defers(self, work: Callable[[], object] | None = None) -> TaskDeferred:
        """Do what has to leave the worker; return with what it leaves.

        :param work: by default, execute.
        """
        with pytest.raises(TaskDeferred) as raised:
            (work or self.execute)()
        return raised.value

    def resume(self, deferred: TaskDeferred, event: object = ...) -> dict[str, Any]:
        """Go on as another process does, with the trigger's event or with another."""
        told = event_of(deferred) if event is ... else event
        operator = self.kind(**self.given)
        go_on = getattr(operator, deferred.method_name)
        result: dict[str, Any] = go_on(self.context, told, **(deferred.kwargs or {}))
        return result

    def retried(self, **given: Any) -> "Attempt":  # noqa: ANN401 - whatever the operator takes
        """Return the next try; Airflow wipes the XComs before it.

        :param given: what the author has changed meanwhile.
        """
        new = {**self.given, **given}
        return replace(self, given=new, try_number=self.try_number + 1, xcoms={})

    def cleared(self, **given: Any) -> "Attempt":  # noqa: ANN401 - the same
        """Return the first try after somebody has cleared the task, which had ended."""
        run = replace(self.dag_run, clear_number=self.dag_run.clear_number + 1)
        # As Airflow counts: what was used, and the retries anew.
        return replace(self.retried(**given), dag_run=run, max_tries=self.try_number)

    @property
    def context(self) -> Any:  # noqa: ANN401 - Airflow's context
        in_airflow = self.store and not isinstance(self.store, DatabaseStore)
        store = {"task_state_store": self.store} if in_airflow else {}
        return {"ti": self, "dag_run": self.dag_run, **store}


def event_of(deferred: TaskDeferred) -> Any:  # noqa: ANN401 - whatever a trigger tells
    """Run the trigger that a task has left, made anew from what Airflow stores."""
    _, stored = deferred.trigger.serialize()
    trigger = type(deferred.trigger)(**json.loads(json.dumps(stored)))

    async def first() -> Any:  # noqa: ANN401 - the same
        async with aclosing(trigger.run()) as events:
            return (await anext(events)).payload

    return asyncio.run(first())


@dataclass
class FirstTry:
    """Makes first tries of tasks of one operator.

    :param what: its arguments that are no switches.
    """

    codat: LocalCodat
    kind: Callable[..., Any]
    what: dict[str, Any]

    def __call__(
        self,
        *,
        age: timedelta = timedelta(0),
        ti: dict[str, Any] | None = None,
        store: Store | None = None,
        **given: Any,  # noqa: ANN401 - whatever the operator takes
    ) -> Attempt:
        arguments = {
            "task_id": "create",
            "company_id": self.codat.company_id,
            "connection_id": self.codat.connection_id,
            **self.what,
            "poll_interval_seconds": 0.1,
            "completion_timeout_seconds": 10,
            "reconcile_grace_seconds": 0.01,
            "hook_params": {
                "retry_budget_seconds": 0.01,
                "request_lifetime_seconds": 0.01,
            },
            **({"journal_conn_id": store.conn_id} if store else {}),
            **given,
        }
        run = RunOfDag(run_after=datetime.now(UTC) - age)
        fields = {"dag_run": run, "store": store, "kind": self.kind, **(ti or {})}
        return Attempt(arguments, **fields)


@pytest.fixture
def attempt(local_codat: LocalCodat) -> Callable[..., Attempt]:
    """Make an attempt at creating a customer."""

    def make(customer: object = None, **given: Any) -> Attempt:  # noqa: ANN401 - as in FirstTry
        what = {"customer": ADA if customer is None else customer}
        return FirstTry(local_codat, CreateAccountingCustomerOperator, what)(**given)

    return make


@pytest.fixture(scope="session")
def first_try() -> type[FirstTry]:
    """Make what makes attempts, for a Codat that serves more than one test."""
    return FirstTry


@pytest.fixture
def attempt_many(local_codat: LocalCodat) -> Callable[..., Attempt]:
    """Make an attempt at creating many customers, of a list or of a file."""

    def make(customers: object = None, **given: Any) -> Attempt:  # noqa: ANN401 - the same
        what = {"customers": customers}
        return FirstTry(local_codat, CreateAccountingCustomersOperator, what)(**given)

    return make


@pytest.fixture(params=["sqlite", "postgres", "mariadb"])
def journal_database(
    request: pytest.FixtureRequest,
    servers: Callable[[str], Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> str:
    """Declare an Airflow connection to each kind of database; return its id."""
    fields = {"conn_type": "sqlite", "host": str(tmp_path / "journal.db")}
    if request.param != "sqlite":
        fields = servers(request.param).connection
    monkeypatch.setenv("AIRFLOW_CONN_JOURNAL", json.dumps(fields))
    return "journal"


@pytest.fixture(scope="session")
def database() -> None:
    """Make Airflow's database, once."""
    command = [sys.executable, "-m", "airflow", "db", "migrate"]
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture
def airflow_cli(database: None) -> Callable[..., str]:
    """Run one of Airflow's commands; return what it prints."""
    assert database is None

    def run(*arguments: str, status: int = 0) -> str:
        command = [sys.executable, "-m", "airflow", *arguments]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        assert done.returncode == status, done.stderr
        return done.stdout

    return run


class FinishedRun:
    """A DAG run that has ended, as Airflow's database tells of it."""

    def __init__(self, run: Any) -> None:  # noqa: ANN401 - Airflow's DagRun
        self.state = str(getattr(run.state, "value", run.state))
        self._run = run

    def task(self, task_id: str = "create", map_index: int = -1) -> Any:  # noqa: ANN401 - Airflow's task instance
        return self._run.get_task_instance(task_id, map_index=map_index)

    def tries(self, task_id: str = "create", map_index: int = -1) -> int:
        return int(self.task(task_id, map_index).try_number)

    def xcom(
        self, key: str = "return_value", task_id: str = "create", map_index: int = -1
    ) -> Any:  # noqa: ANN401 - whatever was pushed
        ti = self.task(task_id, map_index)
        return ti.xcom_pull(task_ids=task_id, key=key, map_indexes=map_index)

    def rendered(self, task_id: str = "create", map_index: int = -1) -> dict[str, Any]:
        ti = self.task(task_id, map_index)
        fields: dict[str, Any] = RenderedTaskInstanceFields.get_templated_fields(ti)
        return fields


def make_known(bag: DagBag) -> None:
    """Tell the database of a file's assets: else Airflow 3.0 does not run its tasks."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager  # noqa: PLC0415 - Airflow 3's

    DagBundlesManager().sync_bundles_to_db()
    bag.sync_to_db("dags-folder", None)


@pytest.fixture
def run_dag(database: None, local_codat: LocalCodat) -> Callable[..., FinishedRun]:
    """Run a DAG of a file to its end, in this process."""
    assert database is None
    assert local_codat.url

    def run(file: str, dag_id: str, conf: object = None, **options: Any) -> FinishedRun:  # noqa: ANN401 - of dag.test
        bag = DagBag(HOME / "dags" / file)
        assert not bag.import_errors
        if AIRFLOW == (3, 0):
            make_known(bag)
        run = bag.dags[dag_id].test(run_conf=conf, **options)
        return FinishedRun(run)

    return run


@pytest.fixture
def spellings() -> Callable[[str], list[str]]:
    """Return every spelling of an API key that must stay secret."""

    def spelt(key: str) -> list[str]:
        header = authorization(key)
        return [key, header.removeprefix("Basic "), header]

    return spelt
