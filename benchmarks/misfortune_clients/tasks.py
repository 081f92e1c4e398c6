"""What Airflow does around a task, for clients of every kind: tries and retries.

Each customer is a task of its own. The work is done in a forked process, as Airflow's
supervisor does it; where that is killed, another goes on with the next try of the task
that was under way. Runs in each client's own environment: standard library only.
"""

import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, TextIO

TRIES = 4
RETRY_DELAY_SECONDS = 0.5


@dataclass(frozen=True)
class Job:
    """What one run is to do, as the benchmark wrote it down.

    :param customers: a file of JSON lines.
    :param outcomes: a file of JSON lines, appended to.
    :param folder: what else outlives a kill.
    :param in_one_task: whether all customers are in one task, a loop: its next try
        begins with the first of them.
    :param created_at: epoch seconds.
    """

    base_url: str
    authorization: str
    company_id: str
    connection_id: str
    customers: Path
    outcomes: Path
    folder: Path
    variant: str
    timeout_seconds: float
    in_one_task: bool
    created_at: float

    @property
    def pid(self) -> Path:
        """Where the process that does the work leaves its number."""
        return self.outcomes.with_name("pid")

    @property
    def path(self) -> str:
        """Where customers are created."""
        place = f"/companies/{self.company_id}/connections/{self.connection_id}"
        return place + "/push/customers"


def job() -> Job:
    """Return the job that the command line names."""
    fields = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    for name in ("customers", "outcomes", "folder"):
        fields[name] = Path(fields[name])
    return Job(**fields)


def any_error(_error: Exception) -> float:
    """Try again whatever the error was, after the usual delay."""
    return RETRY_DELAY_SECONDS


def carry_out(
    job: Job,
    create: Callable[[dict[str, Any], int], object],
    delay: Callable[[Exception], float | None] = any_error,
) -> None:
    """Create every customer, one after the other, however often the work is killed.

    :param create: is given a customer and the number of the try.
    :param delay: seconds until the next try; None: an error that ends the task.
    """
    for start in count(1):
        worker = os.fork()
        if not worker:
            job.pid.write_text(str(os.getpid()), encoding="utf-8")
            _work(job, create, delay, start if job.in_one_task else 1)
            return
        _, status = os.waitpid(worker, 0)
        code = os.waitstatus_to_exitcode(status)
        if code != -signal.SIGKILL:
            sys.exit(code)


def _work(
    job: Job,
    create: Callable[[dict[str, Any], int], object],
    delay: Callable[[Exception], float | None],
    first_try: int,
) -> None:
    begun, settled = _so_far(job)
    with job.outcomes.open("a", encoding="utf-8") as outcomes:
        _note(outcomes, "", 0, "started")
        for line in job.customers.read_text(encoding="utf-8").splitlines():
            customer = json.loads(line)
            name = customer["customerName"]
            if name in settled:
                continue
            for number in range(max(first_try, begun.get(name, 0) + 1), TRIES + 1):
                _note(outcomes, name, number, "begun")
                try:
                    create(customer, number)
                except Exception as error:  # noqa: BLE001 - a task fails by any error
                    traceback.print_exc()
                    pause = delay(error)
                    became = "failed" if pause is None else "raised"
                    _note(outcomes, name, number, became, type(error).__name__)
                else:
                    pause = None
                    _note(outcomes, name, number, "succeeded")
                if pause is None:
                    break
                time.sleep(pause)


def _so_far(job: Job) -> tuple[dict[str, int], set[str]]:
    """Return the last try of each task that was begun, and the tasks that ended."""
    begun: dict[str, int] = {}
    settled = set()
    if job.outcomes.exists() and not job.in_one_task:
        for line in job.outcomes.read_text(encoding="utf-8").splitlines():
            outcome = json.loads(line)
            begun[outcome["customer"]] = outcome["try"]
            if outcome["became"] in {"succeeded", "failed"}:
                settled.add(outcome["customer"])
    return begun, settled


def _note(
    outcomes: TextIO, name: str, number: int, became: str, error: str = ""
) -> None:
    outcome = {"customer": name, "try": number, "became": became, "error": error}
    outcomes.write(json.dumps(outcome) + "\n")
    outcomes.flush()
