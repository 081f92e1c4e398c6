"""What becomes of 500 customers under misfortunes: the operator, and what others do.

Every client is given the same customers and meets the same misfortunes at the same
local Codat; counted is what stands in the books afterwards. The clients run in
environments of their own, as separate programs (``misfortune_clients``).

Makes the environments in ``.bench``; writes ``benchmarks/misfortunes.json`` and the
tables in ``docs/exactly-once.md``. Takes about ten minutes. ``--only NAME`` measures
some clients anew and keeps the numbers of the others.
"""

import argparse
import json
import logging
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
import venv
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import imports
from misfortune_tables import KINDS, OURS, rewritten, tables

sys.path.append(str(Path(__file__).parents[1] / "scripts"))
from local_databases import postgres

from airflow_provider_codat.simulator import LocalCodat
from airflow_provider_codat.simulator.world import authorization

PROGRAMS = Path(__file__).with_name("misfortune_clients")
RESULT = Path(__file__).with_suffix(".json")
PAGE = imports.ROOT / "docs" / "exactly-once.md"
FOLDER = imports.FOLDER / "misfortunes"
JOURNAL = "AIRFLOW_CONN_JOURNAL"

CUSTOMERS = 500
SEEDS = (1, 2, 3)
PER_KIND = 5
KILLS = 50
SHARE = 0.1
TIMEOUT_SECONDS = 1.0
SLOW_SECONDS = 1.5
LIMIT_SECONDS = 1800.0
AT_A_TIME = 5
QUICK = {
    "latency_seconds": 0.02,
    "settle_seconds": 0.02,
    "requests_per_minute": None,
    "daily_quota": None,
    "concurrency": None,
    "journal_limit": None,
}
ORDERS: dict[str, dict[str, Any]] = {
    "reset_before_commit": {},
    "reset_after_commit": {},
    "slow": {"seconds": SLOW_SECONDS},
    "codat_error_before_commit": {"status": 500},
    "codat_error_after_commit": {"status": 500},
    "gateway_error_before_commit": {"status": 503},
    "too_many_requests": {"retry_after": 1},
    "cut_body": {},
    "junk_body": {},
}


@dataclass(frozen=True)
class Client:
    """A way to create customers.

    :param program: its file in ``misfortune_clients``.
    :param environment: the name of its environment; "": this program's own,
        "airflow": the one of the benchmark of imports.
    :param package: what it is, installed into its environment unless that is there.
    """

    program: str
    environment: str
    package: str
    variant: str = ""

    @property
    def python(self) -> Path:
        """The interpreter of its environment."""
        if not self.environment:
            return Path(sys.executable)
        if self.environment == "airflow":
            return imports.PYTHON
        return FOLDER / self.environment / "bin" / "python"


HTTP = "apache-airflow-providers-http"
OLDER_AIRFLOWS = ("3.1.8", "2.11.2")
CLIENTS = {
    OURS: Client("ours", "", "airflow-provider-codat"),
    **{
        f"{OURS}, Airflow {version}, journal in Postgres": Client(
            "ours", f"airflow-{version}", f"apache-airflow=={version}", version
        )
        for version in OLDER_AIRFLOWS
    },
    "Codat SDK: sync for commerce": Client(
        "commerce_sdk", "commerce", "codat-sync-for-commerce-version-1"
    ),
    "Codat SDK: accounting": Client("accounting_sdk", "accounting", "codat-accounting"),
    "requests, urllib3 Retry": Client("careful_requests", "requests", "requests"),
    "requests, urllib3 Retry, Idempotency-Key": Client(
        "careful_requests", "requests", "requests", "key"
    ),
    "HttpHook": Client("http_hook", "airflow", HTTP),
    "HttpHook, run_with_advanced_retry": Client("http_hook", "airflow", HTTP, "retry"),
}


@dataclass(frozen=True)
class Run:
    """One client under one plan.

    :param plan: a key of the result: mixed, alone, killed, loop.
    """

    client: str
    plan: str
    seed: int = 0

    @property
    def folder(self) -> Path:
        """Where it leaves its traces."""
        used = CLIENTS[self.client]
        name = f"{used.program}{used.variant}-{self.plan}-{self.seed}"
        return FOLDER / "runs" / name

    def customers(self) -> list[dict[str, str]]:
        """Return the payloads; a lone misfortune is in the name of whom it befalls."""
        names = [f"Customer {number}" for number in range(CUSTOMERS)]
        if self.plan == "alone":
            befallen = [kind for kind in KINDS for _ in range(PER_KIND)]
            names = [f"{kind} {number}" for number, kind in enumerate(befallen)]
        return [{"customerName": name, "status": "Active"} for name in names]

    def order(self, codat: LocalCodat) -> None:
        """Order the misfortunes of the plan."""
        if self.plan == "mixed":
            # So that all of them together befall one POST in ten.
            each = 1 - (1 - SHARE) ** (1 / len(ORDERS))
            for number, (kind, fields) in enumerate(ORDERS.items()):
                dice = 100 * self.seed + number
                codat.order(kind, probability=each, seed=dice, **fields)
        elif self.plan == "alone":
            for customer in self.customers():
                name = customer["customerName"]
                kind = name.rsplit(" ", 1)[0]
                codat.order(kind, customer=name, **ORDERS[kind])

    def kills(self) -> dict[int, float]:
        """Return at which POSTs the client is killed, and how many seconds later."""
        if self.plan == "loop":
            return {CUSTOMERS // 2: 0.0}
        if self.plan != "killed":
            return {}
        dice = random.Random(self.seed)  # noqa: S311 - dice of a benchmark
        step = CUSTOMERS // KILLS
        posts = range(step // 2, CUSTOMERS, step)
        return {post: dice.choice((0.0, dice.uniform(0, 0.02))) for post in posts}


class Killer:
    """Kills a client at chosen POSTs: when Codat has acted and is about to answer.

    :param run: tells which POSTs, and how many seconds after each.
    """

    def __init__(self, run: Run) -> None:
        self._due = run.kills()
        self._pid = run.folder / "pid"
        self._posts = 0

    def arrived(self, line: str) -> None:
        """Take a line of the local Codat's log, in the moment before the answer."""
        if not (line.startswith("POST ") and "/push/customers" in line):
            return
        self._posts += 1
        seconds = self._due.pop(self._posts, None)
        if seconds is None:
            return
        pid = int(self._pid.read_text())
        if seconds:
            threading.Timer(seconds, kill, [pid]).start()
        else:
            kill(pid)


def kill(pid: int) -> None:
    """End a process as a machine does that is out of memory."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def main() -> None:
    """Measure, print the tables, write the result and the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", choices=CLIENTS, metavar="NAME")
    chosen = parser.parse_args().only or list(CLIENTS)
    prepare(chosen)
    # A client that is killed amid a request is what this is about.
    logging.getLogger("aiohttp.server").disabled = True
    runs = sorted(planned(chosen), key=lambda run: run.plan != "killed")
    with postgres(durable=True) as server, ThreadPoolExecutor(AT_A_TIME) as pool:
        os.environ[JOURNAL] = json.dumps(server.connection)
        measured = list(pool.map(measure, runs))
    result = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    result |= {
        "python": sys.version.split()[0],
        "date": datetime.now(UTC).date().isoformat(),
        "customers": CUSTOMERS,
        "per_kind": PER_KIND,
        "kills": KILLS,
        "versions": {**result.get("versions", {}), **versions(chosen)},
    }
    for run in runs:
        before = result.get(run.plan, {})
        result[run.plan] = {name: before.get(name, {}) for name in CLIENTS}
    for run, came in zip(runs, measured, strict=True):
        of_plan = result[run.plan]
        if run.plan == "mixed":
            of_plan[run.client][f"seed {run.seed}"] = came
        else:
            of_plan[run.client] = came
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    PAGE.write_text(rewritten(PAGE.read_text(), result))
    print(tables(result))


def prepare(chosen: list[str]) -> None:
    """Make the environments that are not there."""
    for client in (CLIENTS[name] for name in chosen):
        if client.python.exists():
            continue
        if client.environment == "airflow":
            imports.prepare()
            continue
        print(f"Making .bench/misfortunes/{client.environment} ...", file=sys.stderr)
        venv.create(FOLDER / client.environment, with_pip=True, clear=True)
        pip = (str(client.python), "-m", "pip", "--disable-pip-version-check")
        ours = (
            [str(imports.ROOT), "psycopg2-binary"] if client.program == "ours" else []
        )
        subprocess.run([*pip, "install", "-q", client.package, *ours], check=True)


def planned(chosen: list[str]) -> Iterator[Run]:
    """Yield the runs of some clients."""
    for client in chosen:
        yield from (Run(client, "mixed", seed) for seed in SEEDS)
        yield from (Run(client, plan) for plan in ("alone", "killed", "loop"))


def measure(run: Run) -> dict[str, Any]:
    """Carry out one run; return what came of it."""
    began = time.monotonic()
    with LocalCodat(log=Killer(run).arrived, **QUICK) as codat:
        run.order(codat)
        carry_out(run, codat)
        seconds = time.monotonic() - began
        # What is still under way, lands.
        time.sleep(SLOW_SECONDS)
        codat.advance(minutes=1)
        counts = codat.counts_by_name()
        journal = codat.journal()
    if any(entry.status is entry.misfortune is None for entry in journal):
        sys.exit(f"{run.client}: the local Codat itself broke, which measures nothing")
    outcomes = read_lines(run.folder / "outcomes.jsonl")
    names = [customer["customerName"] for customer in run.customers()]
    print(f"{run.client}: {run.plan} {run.seed}, {seconds:.0f} s", file=sys.stderr)
    if run.plan == "alone":
        kinds = ((kind, [n for n in names if n.startswith(kind)]) for kind in KINDS)
        return {kind: counted(of_kind, counts, outcomes) for kind, of_kind in kinds}
    return {
        **counted(names, counts, outcomes),
        "kills": sum(outcome["became"] == "started" for outcome in outcomes) - 1,
        "requests": len(journal),
        "seconds": round(seconds, 1),
    }


def carry_out(run: Run, codat: LocalCodat) -> None:
    """Let the client do its work, if it comes to an end with it."""
    write_down(run, codat)
    client = CLIENTS[run.client]
    with (run.folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(client.python), str(PROGRAMS / f"{client.program}.py"), "job.json"],
            cwd=run.folder,
            env={
                "PATH": os.environ["PATH"],
                "AIRFLOW_HOME": str(run.folder),
                JOURNAL: os.environ[JOURNAL],
            },
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        code = process.wait(LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        kill(int((run.folder / "pid").read_text()))
        return
    if code:
        sys.exit(f"{run.client} ended with {code}, see {run.folder / 'log'}")


def write_down(run: Run, codat: LocalCodat) -> None:
    """Write down what the client is to do."""
    shutil.rmtree(run.folder, ignore_errors=True)
    run.folder.mkdir(parents=True)
    lines = [json.dumps(customer) + "\n" for customer in run.customers()]
    (run.folder / "customers.jsonl").write_text("".join(lines))
    (run.folder / "journal").mkdir()
    job = {
        "base_url": codat.url,
        "authorization": authorization(codat.api_key),
        "company_id": codat.company_id,
        "connection_id": codat.connection_id,
        "customers": str(run.folder / "customers.jsonl"),
        "outcomes": str(run.folder / "outcomes.jsonl"),
        "folder": str(run.folder / "journal"),
        "variant": CLIENTS[run.client].variant,
        "timeout_seconds": TIMEOUT_SECONDS,
        "in_one_task": run.plan == "loop",
        "created_at": time.time(),
    }
    (run.folder / "job.json").write_text(json.dumps(job))


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Return the values of a file of JSON lines."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def counted(
    names: list[str], counts: dict[str, int], outcomes: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return what became of some customers."""
    asked = set(names)
    of_asked = [outcome for outcome in outcomes if outcome["customer"] in asked]
    last = {outcome["customer"]: outcome for outcome in of_asked}
    # One that was not come to, within the time there was, has none.
    failed = [last.get(name, {"became": "", "error": "no time"}) for name in names]
    failed = [outcome for outcome in failed if outcome["became"] != "succeeded"]
    return {
        "lost": sum(name not in counts for name in names),
        "duplicated": sum(max(0, counts.get(name, 0) - 1) for name in names),
        "raised": len({each["customer"] for each in of_asked if each["error"]}),
        "failed": len(failed),
        "failed_by": dict(Counter(outcome["error"] for outcome in failed)),
    }


def versions(chosen: list[str]) -> dict[str, str]:
    """Return the versions that were measured."""
    program = "import sys; from importlib.metadata import version as v\n"
    program += "print(v(sys.argv[1]))"
    found = {}
    for client in (CLIENTS[name] for name in chosen):
        name = client.package.partition("==")[0]
        if name != client.package:
            continue  # the name of the client tells its version
        command = [str(client.python), "-c", program, name]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        found[name] = done.stdout.strip()
    return found


if __name__ == "__main__":
    main()
