"""The simulator as a program."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests

from airflow_provider_codat.simulator import LocalCodat, RemoteCodat

Call = Callable[..., requests.Response]
Run = Callable[..., tuple[subprocess.Popen[str], dict[str, Any]]]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Start the program and wait for its ready file."""
    with ExitStack() as stack:

        def begin(*options: str) -> tuple[subprocess.Popen[str], dict[str, Any]]:
            ready = tmp_path / "ready.json"
            command = [sys.executable, "-m", "airflow_provider_codat.simulator"]
            program = subprocess.Popen(
                [*command, "--port", "0", "--ready-file", str(ready), *options],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            stack.enter_context(program)
            stack.callback(program.kill)
            deadline = time.monotonic() + 300
            while not ready.exists():
                assert program.poll() is None, program.communicate()
                assert time.monotonic() < deadline
                time.sleep(0.02)
            return program, json.loads(ready.read_text())

        yield begin


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_whole_life(run: Run, create: Call, name: str) -> None:
    """It tells where it listens, serves, logs no secrets and ends cleanly."""
    program, ready = run("--settle-seconds", "0")
    remote = RemoteCodat(ready["url"])
    assert ready["pid"] == program.pid
    assert ready["connections"] == remote.connections
    assert ready["company_id"] == remote.company_id
    assert create(remote, "Hidden").json()["status"] == "Success"
    assert remote.counts_by_name() == {"Hidden": 1}
    program.send_signal(getattr(signal, name))
    out, err = program.communicate(timeout=300)
    assert program.returncode == 0
    assert ready["url"] in out
    assert f"export AIRFLOW_CONN_CODAT_DEFAULT='{remote.airflow_connection()}'" in out
    path = f"/companies/{remote.company_id}/connections/{remote.connection_id}"
    assert err == f"POST {path}/push/customers 200\n"


def test_quiet(run: Run, send: Call) -> None:
    """With --quiet nothing is printed."""
    program, ready = run("--quiet", "--requests-per-minute", "none")
    send(RemoteCodat(ready["url"]), "GET", "/companies")
    program.terminate()
    assert program.communicate(timeout=300) == ("", "")


def test_options(run: Run, create: Call) -> None:
    """Every switch of the simulator can be set."""
    program, ready = run(
        *("--no-validate", "--daily-quota", "1", "--concurrency", "none"),
        *("--retry-after-format", "http-date", "--idempotency-scope", "body"),
        *("--accept-key-with-colon", "--list-lag-seconds", "1"),
        *("--refresh-seconds", "0", "--software-style", "upper"),
        *("--update-refusals", "request"),
        *("--latency-seconds", "0", "--journal-limit", "5", "--settle-seconds", "0"),
    )
    remote = RemoteCodat(ready["url"])
    assert create(remote, body={"status": 1}).json()["status"] == "Success"
    refused = create(remote)
    assert refused.status_code == 429
    assert refused.headers["Retry-After"].endswith("GMT")
    program.terminate()
    program.communicate(timeout=300)
    assert program.returncode == 0


def test_port_in_use(codat: LocalCodat, tmp_path: Path) -> None:
    """A port that is taken ends the program with a reason, and no ready file stays."""
    ready = tmp_path / "ready.json"
    ready.write_text("{}")
    port = codat.url.rpartition(":")[2]
    command = [sys.executable, "-m", "airflow_provider_codat.simulator"]
    ran = subprocess.run(
        [*command, "--port", port, "--ready-file", str(ready)],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ,
    )
    assert ran.returncode == 1
    assert ran.stderr.startswith("Cannot listen on 127.0.0.1:")
    assert not ready.exists()
