"""What creating many customers costs: the bulk operator, and what others do.

Every client is given the same customers and the same local Codat, which runs in a
process of its own; each client is a program of its own in an environment of its own
(``bulk_clients``). The scenarios:

* latency: 500 customers, 50 ms for each answer, operations settle after 2 s, Codat's
  own limits;
* minute: 5,000 customers against 1,000 requests a minute;
* processor: 2,000 customers without latency and limits, for the processor time;
* invoices: 5,000 invoices of ten lines, without latency and limits;
* kill: 100,000 customers from a file, without limits: once undisturbed, once killed
  after 40,000 and tried again;
* million: 1,000,000 customers, killed after 400,000 and tried again. It takes an hour
  by itself, and is measured only where it is asked for.

Makes the environments in ``.bench``; writes ``benchmarks/bulk.json``, the tables in
``docs/benchmarks.md`` and the plot beside them. Takes about half an hour.
``--only latency`` or ``--only latency/bulk`` measures some anew and keeps the rest.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import imports
from bulk_tables import TITLES, rewritten, tables

sys.path.append(str(Path(__file__).parents[1] / "scripts"))
from local_databases import postgres

from airflow_provider_codat.simulator import API_KEY, RemoteCodat
from airflow_provider_codat.simulator.world import authorization

PROGRAMS = Path(__file__).with_name("bulk_clients")
RESULT = Path(__file__).with_suffix(".json")
PAGE = imports.ROOT / "docs" / "benchmarks.md"
PLOT = imports.ROOT / "docs" / "bulk-benchmark.svg"
FOLDER = imports.FOLDER / "bulk"
SDKS = imports.FOLDER / "misfortunes"
LIMIT_SECONDS = 7200.0
JOURNAL = "AIRFLOW_CONN_JOURNAL"
UNLIMITED = "--requests-per-minute none --daily-quota 10000000 --concurrency none"
NO_PACE = 1_000_000


@dataclass(frozen=True)
class Client:
    """A way to create customers.

    :param program: its file in ``bulk_clients``.
    :param package: what it is, installed into its environment unless that is there.
    :param python: the interpreter of its environment.
    :param threads: how many customers at a time.
    :param few: with how many it is measured where all would take too long.
    :param in_postgres: whether its journal is in a Postgres, and not on disk.
    """

    program: str
    package: str
    python: Path
    threads: int = 10
    few: int | None = None
    in_postgres: bool = False


OWN = Path(sys.executable)
OURS = "airflow-provider-codat"
HTTP = "apache-airflow-providers-http"
COMMERCE = "codat-sync-for-commerce-version-1"
EXPENSES = "codat-sync-for-expenses"
COMMERCE_PYTHON = SDKS / "commerce" / "bin" / "python"
EXPENSES_PYTHON = SDKS / "expenses" / "bin" / "python"
REQUESTS_PYTHON = SDKS / "requests" / "bin" / "python"
CLIENTS = {
    "bulk": Client("bulk", OURS, OWN),
    "bulk-postgres": Client("bulk", OURS, OWN, in_postgres=True),
    "mapped": Client("mapped", OURS, OWN, 1, few=20),
    "commerce-loop": Client("commerce_sdk", COMMERCE, COMMERCE_PYTHON, 1, few=20),
    "commerce-threads": Client("commerce_sdk", COMMERCE, COMMERCE_PYTHON),
    "expenses-loop": Client("expenses_sdk", EXPENSES, EXPENSES_PYTHON, 1, few=20),
    "expenses-threads": Client("expenses_sdk", EXPENSES, EXPENSES_PYTHON),
    "http-hook": Client("http_hook", HTTP, imports.PYTHON),
    "requests": Client("bare_requests", "requests", REQUESTS_PYTHON),
    "bare": Client("bare_limit", "", OWN),
}


@dataclass(frozen=True)
class Scenario:
    """What is asked of a client.

    :param customers: how many.
    :param codat: the local Codat's switches.
    :param clients: who takes part, with how many customers if not with all.
    :param requests_per_minute: what a client that can pace itself keeps to.
    :param settle_seconds: from acceptance to the last status.
    :param data_type: what is created in the place of customers.
    :param killed_at: after how many creates it is killed; None: it is not.
    :param undisturbed: whether it is measured without the kill, too.
    """

    customers: int
    codat: str
    clients: dict[str, int | None]
    requests_per_minute: int = NO_PACE
    settle_seconds: float = 2.0
    data_type: str = "customers"
    killed_at: int | None = None
    undisturbed: bool = True


def customer(number: int) -> dict[str, Any]:
    """Return one of many customers."""
    return {
        "customerName": f"Customer {number}",
        "emailAddress": f"customer{number}@example.com",
        "status": "Active",
    }


def invoice(number: int) -> dict[str, Any]:
    """Return one of many invoices, of ten lines."""
    line = {
        "description": "Sourdough loaves",
        "unitAmount": 3.25,
        "quantity": 4,
        "subTotal": 13.0,
        "taxAmount": 2.6,
        "totalAmount": 15.6,
        "accountRef": {"id": "4000"},
    }
    return {
        "invoiceNumber": f"S-{number}",
        "issueDate": "2026-03-02",
        "dueDate": "2026-04-01",
        "currency": "GBP",
        "lineItems": [line] * 10,
        "subTotal": 130.0,
        "totalTaxAmount": 26.0,
        "totalAmount": 156.0,
        "amountDue": 156.0,
        "status": "Submitted",
    }


RECORDS = {"customers": customer, "invoices": invoice}
SCENARIOS = {
    "latency": Scenario(
        500,
        "--latency-seconds 0.05",
        {name: client.few for name, client in CLIENTS.items()},
        requests_per_minute=900,
    ),
    "minute": Scenario(
        5000,
        "--latency-seconds 0.05 --daily-quota 1000000",
        {"bulk": None, "bare": None},
        requests_per_minute=900,
    ),
    "processor": Scenario(
        2000,
        UNLIMITED,
        {
            "bulk": None,
            "mapped": 20,
            # These sleep a second for each: 500 tell the same.
            "commerce-threads": 500,
            "expenses-threads": 500,
            "http-hook": 500,
            "requests": None,
            "bare": None,
        },
        settle_seconds=0.2,
    ),
    "invoices": Scenario(
        5000,
        UNLIMITED,
        {"bulk": None, "requests": None},
        settle_seconds=0.2,
        data_type="invoices",
    ),
    "kill": Scenario(
        100_000, UNLIMITED, {"bulk": None, "bulk-postgres": None}, killed_at=40_000
    ),
    "million": Scenario(
        1_000_000, UNLIMITED, {"bulk": None}, killed_at=400_000, undisturbed=False
    ),
}


def main() -> None:
    """Measure, print the tables, write the result, the page and the plot."""
    parser = argparse.ArgumentParser(description=__doc__)
    names = [f"{at}/{of}" for at, each in SCENARIOS.items() for of in each.clients]
    parser.add_argument("--only", action="append", choices=[*SCENARIOS, *names])
    only = parser.parse_args().only or [n for n in SCENARIOS if n != "million"]
    chosen = [n for n in names if n in only or n.partition("/")[0] in only]
    prepare({CLIENTS[name.partition("/")[2]] for name in chosen})
    measured = {}
    with postgres(durable=True) as server:
        os.environ[JOURNAL] = json.dumps(server.connection)
        for name in chosen:
            print(f"{name} ...", file=sys.stderr)
            at, of = name.split("/")
            measure = killed if SCENARIOS[at].killed_at else undisturbed
            measured[at, of] = measure(SCENARIOS[at], of)
    result = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    for (at, of), found in measured.items():
        result.setdefault(at, {})[of] = found
    result |= {
        "python": sys.version.split()[0],
        "date": datetime.now(UTC).date().isoformat(),
        "customers": {at: scenario.customers for at, scenario in SCENARIOS.items()},
        "versions": {**result.get("versions", {}), **versions()},
    }
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    PAGE.write_text(rewritten(PAGE.read_text(), result))
    plot()
    print(tables(result))


def prepare(clients: set[Client]) -> None:
    """Make the environments that are not there."""
    wanted = {client.python: client.package for client in clients}
    wanted[FOLDER / "plot" / "bin" / "python"] = "matplotlib"
    for python, package in wanted.items():
        if python.exists():
            continue
        if python == imports.PYTHON:
            imports.prepare()
            continue
        place = python.parents[1]
        print(f"Making {place} ...", file=sys.stderr)
        venv.create(place, with_pip=True, clear=True)
        pip = (str(python), "-m", "pip", "--disable-pip-version-check")
        subprocess.run([*pip, "install", "-q", package], check=True)


@contextmanager
def simulator(scenario: Scenario) -> Iterator[RemoteCodat]:
    """Start a light local Codat in a process of its own."""
    with TemporaryDirectory() as folder:
        ready = Path(folder) / "ready.json"
        light = "--quiet --no-validate --journal-limit 0 --port 0"
        settle = f"--settle-seconds {scenario.settle_seconds}"
        switches = f"{light} {settle} {scenario.codat} --ready-file {ready}".split()
        command = [sys.executable, "-m", "airflow_provider_codat.simulator", *switches]
        process = subprocess.Popen(command)
        try:
            while not ready.exists():
                time.sleep(0.05)
            yield RemoteCodat(json.loads(ready.read_text(encoding="utf-8"))["url"])
        finally:
            process.terminate()
            process.wait()


class Run:
    """One client at one local Codat, until it is done.

    :param client: which.
    :param number: how many customers.
    """

    def __init__(
        self, scenario: Scenario, client: Client, number: int, codat: RemoteCodat
    ) -> None:
        self._client = client
        name = f"{client.program}-{client.threads}-{number}-{scenario.data_type}"
        self._folder = FOLDER / "runs" / name
        shutil.rmtree(self._folder, ignore_errors=True)
        (self._folder / "store").mkdir(parents=True)
        self._write_records(scenario.data_type, number)
        self._job = {
            "base_url": codat.url,
            "authorization": authorization(API_KEY),
            "company_id": codat.company_id,
            "connection_id": codat.connection_id,
            "data_type": scenario.data_type,
            "customers": str(self._folder / "customers.jsonl"),
            "measures": str(self._folder / "measures.json"),
            "folder": str(self._folder / "store"),
            "threads": client.threads,
            "settle_seconds": scenario.settle_seconds,
            "requests_per_minute": scenario.requests_per_minute,
            "created_at": time.time(),
            "journal_conn_id": "journal" if client.in_postgres else None,
        }
        self._environment = {
            "PATH": os.environ["PATH"],
            "AIRFLOW_HOME": str(self._folder),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_FOLDER": str(PROGRAMS),
            JOURNAL: os.environ[JOURNAL],
        }
        if client.program == "mapped":
            migrate = [str(client.python), "-m", "airflow", "db", "migrate"]
            subprocess.run(
                migrate, env=self._environment, check=True, capture_output=True
            )

    def _write_records(self, data_type: str, number: int) -> None:
        record = RECORDS[data_type]
        with (self._folder / "customers.jsonl").open("w", encoding="utf-8") as file:
            for at in range(number):
                file.write(json.dumps(record(at), separators=(",", ":")) + "\n")

    def begin(self, try_number: int) -> subprocess.Popen[bytes]:
        """Start the program."""
        job = self._folder / "job.json"
        job.write_text(json.dumps({**self._job, "try_number": try_number}))
        program = PROGRAMS / f"{self._client.program}.py"
        with (self._folder / f"log{try_number}").open("wb") as log:
            return subprocess.Popen(
                [str(self._client.python), str(program), str(job)],
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def finish(self, process: subprocess.Popen[bytes]) -> dict[str, Any]:
        """Wait for the program's end; return what it has measured of itself."""
        code = process.wait(LIMIT_SECONDS)
        if code:
            sys.exit(f"{self._client.program} ended with {code}, see {self._folder}")
        found = json.loads((self._folder / "measures.json").read_text())
        journal = (self._folder / "store").glob("*.json")
        return {**found, "journal_bytes": sum(each.stat().st_size for each in journal)}


def undisturbed(scenario: Scenario, name: str) -> dict[str, Any]:
    """Let a client do its work; return what that took."""
    number = scenario.clients[name] or scenario.customers
    with simulator(scenario) as codat:
        run = Run(scenario, CLIENTS[name], number, codat)
        begun = time.monotonic()
        measures = run.finish(run.begin(1))
        process_seconds = time.monotonic() - begun
        return {"process_seconds": process_seconds, **came(codat, number, measures)}


def killed(scenario: Scenario, name: str) -> dict[str, Any]:
    """Let a client do its work, and once more with a kill in its midst."""
    number = scenario.customers
    with simulator(scenario) as codat:
        run = Run(scenario, CLIENTS[name], number, codat)
        process = run.begin(1)
        while codat.traffic().by_route.get("create", 0) < (scenario.killed_at or 0):
            if process.poll() is not None:
                sys.exit(f"{name} has ended before it could be killed")
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()
        at_kill = sum(codat.counts_by_name().values())
        measures = run.finish(run.begin(2))
        after = came(codat, number, measures)
    found: dict[str, Any] = {"killed": {"records_at_kill": at_kill, **after}}
    if scenario.undisturbed:
        found["undisturbed"] = undisturbed(
            replace(scenario, clients={name: None}), name
        )
    return found


def came(codat: RemoteCodat, number: int, measures: dict[str, Any]) -> dict[str, Any]:
    """Return what a run has cost and what stands in the books."""
    traffic = codat.traffic()
    counts = codat.counts_by_name()
    settled = sum(counts.values())
    return {
        "customers": number,
        "lost": number - len(counts),
        "duplicated": settled - len(counts),
        "wall_seconds": round(traffic.seconds, 2),
        "requests": traffic.requests,
        "refused": traffic.refused,
        "most_at_a_time": traffic.most_at_a_time,
        "most_in_a_minute": traffic.most_in_a_minute,
        "each_minute": traffic.each_minute,
        "cpu_milliseconds": round(1000 * measures["cpu_seconds"] / number, 3),
        "memory_megabytes": round(measures["memory_kilobytes"] / 1024, 1),
        "journal_bytes_each": round(measures["journal_bytes"] / number, 1),
        "wrong": measures["wrong"],
    }


def versions() -> dict[str, str]:
    """Return the versions that were measured."""
    program = "import sys; from importlib.metadata import version as v\n"
    program += "print(v(sys.argv[1]))"
    found = {}
    for client in CLIENTS.values():
        if client.package and client.python.exists():
            command = [str(client.python), "-c", program, client.package]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            found[client.package] = done.stdout.strip()
    return found


def plot() -> None:
    """Draw the plot."""
    python = FOLDER / "plot" / "bin" / "python"
    drawing = Path(__file__).with_name("bulk_plot.py")
    subprocess.run([str(python), str(drawing), str(RESULT), str(PLOT)], check=True)


assert set(TITLES) == set(CLIENTS), "each client has a title"  # noqa: S101 - of this file

if __name__ == "__main__":
    main()
