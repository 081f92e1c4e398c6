"""What the demo promises: its verdict, and that it leaves nothing running.

The whole demo is not run here: ``make demo`` is its own test, by its exit code.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import psutil
import pytest
import requests

from airflow_provider_codat.simulator import LocalCodat
from airflow_provider_codat.simulator.world import authorization
from airflow_provider_codat.validate import main as validate

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "scripts" / "demo.py"
PATIENCE_SECONDS = 900
STARTED = ("api-server", "scheduler", "dag-processor", "triggerer")


@pytest.fixture
def demo(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """Import scripts/demo.py as itself imports its neighbour."""
    monkeypatch.syspath_prepend(str(DEMO.parent))
    import demo  # noqa: PLC0415 - found by the line above

    yield demo
    for name in ("demo", "local_airflow"):
        del sys.modules[name]


def create(codat: LocalCodat, name: str) -> str:
    path = f"/companies/{codat.company_id}/connections/{codat.connection_id}"
    requests.post(
        f"{codat.url}{path}/push/customers",
        data=json.dumps({"customerName": name, "status": "Active"}),
        headers={
            "Authorization": authorization(codat.api_key),
            "Content-Type": "application/json",
            "Idempotency-Key": str(uuid.uuid4()),
        },
        timeout=10,
    ).raise_for_status()
    return codat.ledger()[-1].record_id


def test_what_to_try_next(demo: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    """Each of the three is there, and the command does what is said of it."""
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"make (\w+)", demo.NEXT):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
    (page,) = re.findall(r"docs/\S+", demo.NEXT)
    assert (ROOT / page).exists()
    (words,) = re.findall(r"airflow_provider_codat.validate (.*)", demo.NEXT)
    option, file = words.split()
    assert validate([option, str(ROOT / file)]) == 0
    assert "customerName" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("extra", "missing", "good"),
    [
        pytest.param(0, 0, True, id="each once"),
        pytest.param(1, 0, False, id="one twice"),
        pytest.param(0, 1, False, id="one not at all"),
    ],
)
def test_verdict(demo: ModuleType, *, extra: int, missing: int, good: bool) -> None:
    """The demo is content only when each customer of the file is there once."""
    names = demo.names()
    with LocalCodat(settle_seconds=0) as codat:
        results = [
            (name, {"status": "Success", "record_id": create(codat, name)})
            for name in names[missing:]
        ]
        for name in names[:extra]:
            create(codat, name)
        assert demo.summarise(results, codat) is good


OTHERS = ("failed", "upstream_failed", "upstream_failed")


@pytest.mark.parametrize(
    ("counts", "refused", "good"),
    [
        pytest.param((5, 5, 5), OTHERS, True, id="all but the refused one"),
        pytest.param((5, 6, 5), OTHERS, False, id="an invoice twice"),
        pytest.param((5, 5, 4), OTHERS, False, id="a payment not at all"),
        pytest.param((6, 6, 6), ("success",) * 3, False, id="the refused one, too"),
    ],
)
def test_verdict_of_orders(
    demo: ModuleType, counts: tuple[int, ...], refused: tuple[str, ...], *, good: bool
) -> None:
    """The demo is content only when each order but the refused one is there once."""
    instances = [
        {"task_id": f"order_to_cash.{task}", "map_index": number, "state": state}
        for number, name in enumerate(demo.orders())
        for task, state in zip(
            demo.CHAIN,
            refused if name == demo.REFUSED else ("success",) * 3,
            strict=True,
        )
    ]
    written = Counter(dict(zip(demo.CHAIN.values(), counts, strict=True)))
    assert demo.summarise_orders(demo.chains(instances), written) is good


def processes(home: Path) -> list[psutil.Process]:
    """Return the processes that were started for a folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("LOCAL_AIRFLOW_HOME") == str(home):
                found.append(process)
        except psutil.Error:
            continue
    return found


def begin(home: Path) -> subprocess.Popen[str]:
    """Start a demo; return when all of its Airflow has begun."""
    foreign = {"AIRFLOW_HOME": "/nonexistent", "PYTHONPATH": "/nonexistent"}
    running = subprocess.Popen(
        [sys.executable, str(DEMO), str(home)],
        env={**os.environ, **foreign},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    deadline = time.monotonic() + PATIENCE_SECONDS
    logs = [home / f"{name}.log" for name in STARTED]
    while not all(log.exists() for log in logs) or len(processes(home)) < len(logs):
        assert running.poll() is None, running.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return running


@pytest.mark.slow
def test_nothing_is_left_running(tmp_path: Path) -> None:
    """Ctrl+C stops all; what was left by a killed demo, the next one clears away."""
    home = tmp_path / "home"
    killed = begin(home)
    left = processes(home)
    killed.kill()
    killed.communicate()
    assert len(left) >= len(STARTED)
    for name in STARTED:
        (home / f"{name}.log").unlink()

    interrupted = begin(home)
    assert not any(process.is_running() for process in left)
    second = subprocess.run(
        [sys.executable, str(DEMO), str(home)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 1
    assert f"Another run is using {home}" in second.stderr
    interrupted.send_signal(signal.SIGINT)
    printed, _ = interrupted.communicate(timeout=PATIENCE_SECONDS)
    assert interrupted.returncode == 130, printed
    assert "Traceback" not in printed
    assert processes(home) == []
