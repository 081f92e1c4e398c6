"""A whole Airflow on this machine, in a folder of its own, for a demo or a test.

Scheduler, DAG processor, triggerer and API server are real processes on free ports,
with SQLite and the LocalExecutor. They are stopped by their process ids, and what an
earlier run could not stop, because it was killed itself, is stopped before the next.
"""

import fcntl
import json
import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any, Self

import psutil
from sqlalchemy import create_engine, text

AIRFLOW = [sys.executable, "-P", "-m", "airflow"]
START_SECONDS = 600
STOP_SECONDS = 5
# Longer than usual: on a busy machine many wait for the one that writes. Whoever asks
# Airflow waits for longer than Airflow itself does, its own tasks included: what they
# tell it twice, because the answer was late, it refuses, and fails them.
LOCKED_SECONDS = 60
LOCKED_TIMES = 20
# Below the ports that a system gives to outgoing connections, so that none of those
# takes the port between this look and Airflow's own.
PORTS = range(20_000, 32_000)
MARK = "LOCAL_AIRFLOW_HOME"
# A proxy of the environment must not stand between us and this machine.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class _ServerError(OSError):
    """Airflow's own answer of 5xx, with its words."""


def free_port(wanted: int | None = None) -> int:
    """Return a port of the loopback address that nobody listens on.

    :param wanted: the one to return if it is free.
    """
    tried = random.sample(PORTS, 100)
    for port in tried if wanted is None else [wanted, *tried]:
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("No free port was found on 127.0.0.1")


def clean_environment() -> dict[str, str]:
    """Return this process's environment without what would steer Airflow or Python."""
    foreign = ("AIRFLOW", "_AIRFLOW", "CODAT_", "PYTHON")
    return {k: v for k, v in os.environ.items() if not k.startswith(foreign)}


def stop_on_signals() -> None:
    """Let SIGTERM end a program as Ctrl+C does, which shells may have switched off."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)


class LocalAirflow:
    """An Airflow to start, to ask over its REST API, and to stop.

    A ``with`` block empties the folder first, and stops all that was started.

    :param home: its folder: database, logs, configuration.
    :param dags: the folder of the DAG files.
    :param env: more environment variables: connections, settings. Of this process's
        own, those that would steer Airflow are left out.
    :param port: of the web page; a free one by default.
    """

    API = "/api/v2"
    NATIVE = "deserialize=true"
    FORGET = (
        "UPDATE task_instance SET last_heartbeat_at = '2000-01-01 00:00:00.000000' "
        "WHERE dag_id = :dag AND run_id = :run AND state = 'running'"
    )
    PARTS: tuple[str, ...] = ("scheduler", "dag-processor", "triggerer")

    def __init__(
        self,
        home: Path,
        dags: Path,
        env: Mapping[str, str] | None = None,
        *,
        port: int | None = None,
    ) -> None:
        self.home = home.resolve()
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.env = {**clean_environment(), **self._settings(dags), **(env or {})}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._token = ""
        self._lock: IO[str] | None = None

    def _settings(self, dags: Path) -> dict[str, str]:
        core = "AIRFLOW__CORE__"
        return {
            MARK: str(self.home),
            "SPT_NOENV": "1",  # process titles are not to overwrite the mark
            "AIRFLOW_HOME": str(self.home),
            f"{core}DAGS_FOLDER": str(dags),
            f"{core}LOAD_EXAMPLES": "False",
            f"{core}EXECUTOR": "LocalExecutor",
            f"{core}PARALLELISM": "8",
            f"{core}DAGS_ARE_PAUSED_AT_CREATION": "False",
            f"{core}SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            f"{core}EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            f"{core}FERNET_KEY": urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            f"{core}TEST_CONNECTION": "Enabled",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": (
                f"sqlite:///{self.home / 'airflow.db'}?timeout={LOCKED_SECONDS}"
            ),
            "AIRFLOW__API__PORT": str(self.port),
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__API__SECRET_KEY": secrets.token_hex(16),
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
            "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": str(2 * LOCKED_SECONDS),
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
            "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
            "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        }

    def __enter__(self) -> Self:
        """Start everything, and stop what has started if something does not."""
        self._claim()
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop everything."""
        self.stop()

    def _claim(self) -> None:
        """Take the folder for this run, and clear away an earlier one."""
        self.home.mkdir(parents=True, exist_ok=True)
        lock = (self.home / "lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise RuntimeError(f"Another run is using {self.home}") from None
        self._lock = lock
        self._sweep()
        for path in self.home.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name != "lock":
                path.unlink()

    def start(self) -> None:
        """Make the database and start the processes; return when they answer."""
        self.home.mkdir(parents=True, exist_ok=True)
        self.run("db", "migrate")
        self._spawn_server()
        for name in self.PARTS:
            self.spawn(name)
        self._wait_until_healthy()

    def _spawn_server(self) -> None:
        self.spawn("api-server", "--host", "127.0.0.1", "--port", str(self.port))

    def run(self, *arguments: str) -> None:
        """Run one command of Airflow's to its end."""
        done = subprocess.run(
            [*AIRFLOW, *arguments],
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if done.returncode:
            words = done.stdout.decode(errors="replace")[-3000:]
            raise RuntimeError(f"airflow {' '.join(arguments)} failed:\n{words}")

    def spawn(self, name: str, *arguments: str, called: str | None = None) -> None:
        """Start one process in a group of its own, its output in a log file.

        :param called: how it is called here, where there are several.
        """
        called = called or name
        with (self.home / f"{called}.log").open("ab") as output:
            self.processes[called] = subprocess.Popen(
                [*AIRFLOW, name, *arguments],
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _wait_until_healthy(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            for name, process in self.processes.items():
                if process.poll() is not None:
                    raise RuntimeError(f"airflow {name} ended:\n{self.tail(name)}")
            try:
                health = self._health()
            except OSError:
                health = {}
            parts = [health.get(name.replace("-", "_")) or {} for name in self.PARTS]
            if all(part.get("status") == "healthy" for part in parts):
                return
            time.sleep(0.5)
        told = "\n".join(map(self.tail, self.processes))
        raise RuntimeError(f"Airflow did not start:\n{told}")

    def _health(self) -> dict[str, Any]:
        return self.ask("GET", f"{self.API}/monitor/health")

    def tail(self, name: str, characters: int = 3000) -> str:
        """Return the end of what a process has printed."""
        path = self.home / f"{name}.log"
        return path.read_text(errors="replace")[-characters:] if path.exists() else ""

    def stop(self, names: Iterable[str] | None = None) -> None:
        """Stop processes and all that they have started; Ctrl+C does not hurry it.

        :param names: of the processes; default: all, and what they have left behind.
        """
        with _undisturbed():
            stopping = [self.processes.pop(n) for n in list(names or self.processes)]
            for process in stopping:
                _signal(process, signal.SIGTERM)
            deadline = time.monotonic() + STOP_SECONDS
            for process in stopping:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(max(0.0, deadline - time.monotonic()))
                _signal(process, signal.SIGKILL)
                process.wait()
            if names is None:
                self._sweep()
                if self._lock is not None:
                    self._lock.close()
                    self._lock = None

    def kill(self, name: str) -> None:
        """Kill a process and all that it has started, without a word to any of them."""
        process = self.processes.pop(name)
        _signal(process, signal.SIGKILL)
        process.wait()

    def _sweep(self) -> None:
        """Kill whatever still bears the mark of this folder."""
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get(MARK) == str(self.home):
                    process.kill()
                    process.wait(STOP_SECONDS)

    def ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Ask the REST API, and return the JSON of its answer.

        A 500 is asked again: SQLite refuses at once, whatever the patience, a
        transaction that began to write after another one had written.
        """
        for _ in range(LOCKED_TIMES):
            with suppress(_ServerError):
                return self._ask(method, path, body)
            time.sleep(0.5)
        return self._ask(method, path, body)

    def _ask(self, method: str, path: str, body: object) -> dict[str, Any]:
        headers = {"Authorization": self._authorization(path)}
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(  # noqa: S310 - our own loopback URL
            f"{self.url}{path}", method=method, data=data, headers=headers
        )
        try:
            with OPENER.open(request, timeout=2 * LOCKED_SECONDS) as answer:
                answered: dict[str, Any] = json.loads(answer.read() or b"{}")
                return answered
        except urllib.error.HTTPError as error:
            if error.code < HTTPStatus.INTERNAL_SERVER_ERROR:
                raise
            told = error.read().decode(errors="replace")
            raise _ServerError(f"{method} {path}: {error}: {told}") from None

    def _authorization(self, path: str) -> str:
        if not self._token and path.startswith("/api/"):
            self._token = self.ask("GET", "/auth/token")["access_token"]
        return f"Bearer {self._token}"

    def trigger(self, dag_id: str, conf: object = None, **more: str) -> str:
        """Start a DAG run as soon as the DAG is known; return its id.

        The id is given beforehand: a run that is there when it is asked for again is
        the one that was asked for.

        :param more: such as ``dag_run_id``.
        """
        more.setdefault("dag_run_id", f"manual__{secrets.token_hex(8)}")
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self._trigger(dag_id, conf or {}, **more)
            except urllib.error.HTTPError as error:
                if error.code == HTTPStatus.CONFLICT:
                    return more["dag_run_id"]
                if error.code != HTTPStatus.NOT_FOUND or time.monotonic() > deadline:
                    raise
                self._check_imports()
                time.sleep(0.5)
            else:
                return more["dag_run_id"]

    def _trigger(self, dag_id: str, conf: object, **more: object) -> None:
        body = {"logical_date": None, "conf": conf, **more}
        self.ask("POST", f"{self.API}/dags/{dag_id}/dagRuns", body)

    def _check_imports(self) -> None:
        """Tell at once why a DAG will never be known."""
        for error in self.ask("GET", f"{self.API}/importErrors")["import_errors"]:
            raise RuntimeError(error["stack_trace"])

    def run_state(self, dag_id: str, run_id: str) -> str:
        """Return the state of a DAG run."""
        path = f"{self.API}/dags/{dag_id}/dagRuns/{run_id}"
        state: str = self.ask("GET", path)["state"]
        return state

    def delete_run(self, dag_id: str, run_id: str) -> None:
        """Do what the page's button does."""
        self.ask("DELETE", f"{self.API}/dags/{dag_id}/dagRuns/{run_id}")

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Return all task instances of a DAG run."""
        run = f"{self.API}/dags/{dag_id}/dagRuns/{run_id}"
        path = f"{run}/taskInstances?limit=1000"
        found: list[dict[str, Any]] = self.ask("GET", path)["task_instances"]
        return found

    def xcom(self, instance: Mapping[str, Any], key: str = "return_value") -> Any:  # noqa: ANN401 - XCom holds anything
        """Return one XCom of a task instance."""
        path = f"{self._task(instance)}/xcomEntries/{key}"
        asked = f"?map_index={instance['map_index']}&{self.NATIVE}"
        return self.ask("GET", path + asked)["value"]

    def log(self, instance: Mapping[str, Any], try_number: int) -> str:
        """Return what the web page shows as the log of one try, a line an event."""
        path = f"{self._task(instance)}/logs/{try_number}"
        asked = f"?map_index={instance['map_index']}&full_content=true"
        return "\n".join(map(_line, self.ask("GET", path + asked)["content"]))

    def links(self, instance: Mapping[str, Any]) -> dict[str, str]:
        """Return the links of a task instance, by their names."""
        asked = f"?map_index={instance['map_index']}"
        found = self.ask("GET", f"{self._task(instance)}/links{asked}")
        links: dict[str, str] = found["extra_links"]
        return links

    def mark(self, instance: Mapping[str, Any], state: str) -> None:
        """Do what the page's button does."""
        self.ask("PATCH", self._task(instance), {"new_state": state})

    def clear(self, dag_id: str, run_id: str) -> None:
        """Do what the page's button does, for all tasks of a run."""
        body = {"dry_run": False, "dag_run_id": run_id, "only_failed": False}
        path = f"{self.API}/dags/{dag_id}/clearTaskInstances"
        self.ask("POST", path, {**body, "reset_dag_runs": True})

    def forget_heartbeats(self, dag_id: str, run_id: str) -> None:
        """Let the scheduler notice at once that whoever works on a run is dead."""
        engine = create_engine(self.env["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"])
        with engine.begin() as database:
            database.execute(text(self.FORGET), {"dag": dag_id, "run": run_id})
        engine.dispose()

    def set_variable(self, key: str, value: str) -> None:
        """Give a Variable a value, or another one."""
        body = {"key": key, "value": value}
        try:
            self.ask("PATCH", f"{self.API}/variables/{key}", body)
        except urllib.error.HTTPError as error:
            error.close()
            self.ask("POST", f"{self.API}/variables", body)

    def _task(self, instance: Mapping[str, Any]) -> str:
        run = f"{self.API}/dags/{instance['dag_id']}/dagRuns/{instance['dag_run_id']}"
        return f"{run}/taskInstances/{instance['task_id']}"


def _line(event: Mapping[str, Any] | str) -> str:
    """Return an event of a log in one line, its error's words included."""
    if isinstance(event, str):
        return event
    errors = event.get("error_detail") or ()
    words = [f"{each['exc_type']}: {each['exc_value']}" for each in errors]
    return " ".join([event.get("level", ""), event["event"], *words])


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let no Ctrl+C cut short what is being done."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
