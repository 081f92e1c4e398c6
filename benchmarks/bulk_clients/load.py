"""What all clients of the benchmark share: the job, the clock, the counting.

Runs in each client's own environment: standard library only. What is counted begins
with :func:`measured`, after the imports.
"""

import json
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PAGE_SIZE = 5000

Customer = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """What one run is to do, as the benchmark wrote it down.

    :param customers: a file of JSON lines: they, or records of another data type.
    :param measures: a JSON file, written at the end.
    :param folder: what outlives a kill.
    :param threads: how many customers at a time.
    :param settle_seconds: how long the software takes; only the bare limit knows it.
    :param requests_per_minute: what a client that can pace itself is to keep to.
    :param created_at: epoch seconds of the DAG run.
    :param journal_conn_id: the connection of the journal's database; None for a folder.
    """

    base_url: str
    authorization: str
    company_id: str
    connection_id: str
    data_type: str
    customers: Path
    measures: Path
    folder: Path
    threads: int
    settle_seconds: float
    requests_per_minute: int
    try_number: int
    created_at: float
    journal_conn_id: str | None

    @property
    def company_path(self) -> str:
        """The path of the company."""
        return f"/companies/{self.company_id}"

    @property
    def path(self) -> str:
        """Where they are created."""
        above = f"{self.company_path}/connections/{self.connection_id}"
        return f"{above}/push/{self.data_type}"

    def rows(self) -> Iterator[bytes]:
        """Yield the customers as JSON."""
        with self.customers.open("rb") as lines:
            for line in lines:
                yield line.rstrip()


def job() -> Job:
    """Return the job that the command line names."""
    fields = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    for name in ("customers", "measures", "folder"):
        fields[name] = Path(fields[name])
    return Job(**fields)


@contextmanager
def measured(job: Job) -> Iterator[Counter[str]]:
    """Measure a block; it counts in what is yielded what went wrong."""
    wrong: Counter[str] = Counter()
    # The peak so far is that of the imports.
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    memory = _memory_kilobytes("VmRSS")
    processor = _processor_seconds()
    begun = time.monotonic()
    yield wrong
    measures = {
        "cpu_seconds": _processor_seconds() - processor,
        "seconds": time.monotonic() - begun,
        "memory_kilobytes": _memory_kilobytes("VmHWM") - memory,
        "wrong": dict(wrong),
    }
    job.measures.write_text(json.dumps(measures), encoding="utf-8")


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _memory_kilobytes(field: str) -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition(f"{field}:")[2].split()[0])


def one_by_one(
    job: Job, create: Callable[[Customer], str], status: Callable[[str], str]
) -> None:
    """Create each customer and ask for its push operation until that has ended.

    :param create: sends a customer; returns the key of its push operation.
    :param status: asks for a push operation; returns its status.
    """

    def settle(row: bytes) -> None:
        key = create(json.loads(row))
        while True:
            # As the examples of Codat's documentation wait.
            time.sleep(1)
            if status(key) != "Pending":
                return

    with measured(job) as wrong, ThreadPoolExecutor(job.threads) as pool:
        for done in [pool.submit(settle, row) for row in job.rows()]:
            if error := done.exception():
                wrong[type(error).__name__] += 1


def list_until_settled(
    job: Job, keys: set[str], page: Callable[[str], dict[str, Any]]
) -> None:
    """Ask for the company's list until all push operations have ended.

    :param keys: of the push operations.
    :param page: asks for a path; returns the answer's JSON.
    """
    time.sleep(job.settle_seconds)
    while keys:
        for number in range(1, 2 + len(keys) // PAGE_SIZE):
            path = f"{job.company_path}/push?page={number}&pageSize={PAGE_SIZE}"
            for operation in page(path + "&orderBy=-requestedOnUtc")["results"]:
                if operation["status"] != "Pending":
                    keys.discard(operation["pushOperationKey"])
        if keys:
            time.sleep(0.1)
