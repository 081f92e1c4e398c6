"""DAG runs of a whole Airflow: what a test waits for in them, and does to them."""

import re
import time
from collections import Counter
from collections.abc import Callable, Container
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, TypeVar
from urllib.error import HTTPError

import psutil
import pytest

from airflow_provider_codat.simulator import LocalCodat
from airflow_provider_codat.simulator.control.records import JournalEntry

AIRFLOW = tuple(int(part) for part in version("apache-airflow").split(".")[:2])
# How long a state is waited for that will come, on however busy a machine.
PATIENCE_SECONDS = 900
# Longer than any test takes: what is pending is ended by a word to Codat.
PENDING_SECONDS = 7200
ENDED = {"success", "failed"}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DagRun:
    """One DAG run with one task, which may be mapped.

    :param name: what the names of its customers begin with.
    """

    airflow: Any
    codat: LocalCodat
    dag_id: str
    run_id: str
    name: str

    def instances(self) -> list[dict[str, Any]]:
        found = self.airflow.task_instances(self.dag_id, self.run_id)
        return sorted(found, key=lambda each: each["map_index"])

    @property
    def instance(self) -> dict[str, Any]:
        return self.instances()[0]

    def until(self, what: str, told: Callable[[], T | None]) -> T:
        """Wait until something is told; fail with the task's logs if it is not."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (found := told()):
            if time.monotonic() > deadline:
                pytest.fail(f"{self.name}: not {what} in time\n{self.logs()}")
            time.sleep(0.1)
        return found

    def until_state(self, *states: str) -> None:
        """Wait until all tasks are in one of some states."""
        self.until(
            " or ".join(states),
            lambda: all(each["state"] in states for each in self.instances()),
        )

    def until_try(self, number: int) -> None:
        self.until(f"at try {number}", lambda: self.instance["try_number"] >= number)

    def until_over(self) -> None:
        """Wait until the run has ended, and not its tasks alone."""
        ask = self.airflow.run_state
        self.until("over", lambda: ask(self.dag_id, self.run_id) in ENDED)

    def until_forgotten(self) -> None:
        """Wait until the scheduler has heard from the executor how the task has ended.

        What it hears names no more than run, task and try: it would take it for the end
        of a run that is made again under the same id.
        """
        self.until("heard of", self._heard)

    def until_deferred(self) -> None:
        """Wait until all tasks are deferred, and the scheduler has heard of it.

        Airflow 3.3.2 takes a task for dead whose wait was over before that.
        """

        def told() -> bool:
            heard, instances = self._heard(), self.instances()
            for each in instances:
                assert each["state"] not in ENDED, self.log(each)
            return all(
                each["state"] == "deferred"
                and (each["try_number"], each["map_index"]) in heard
                for each in instances
            )

        self.until("deferred", told)

    def _heard(self) -> set[tuple[int, int]]:
        """Return try and map index of each worker that has ended."""
        log = (self.airflow.home / "scheduler.log").read_text()
        heard = (
            rf"Received executor event with state (?:success|failed) .*'{self.run_id}'"
            r", try_number=(\d+), map_index=(-?\d+)"
        )
        return {(int(n), int(i)) for n, i in re.findall(heard, log)}

    def ended(self) -> Counter[str]:
        """Wait until all tasks have ended; return how."""
        self.until_state(*ENDED)
        return Counter(each["state"] for each in self.instances())

    def log(self, instance: dict[str, Any] | None = None) -> str:
        """Return the log of all tries of a task, triggerer's included."""
        instance = instance or self.instance
        tries = range(1, instance["try_number"] + 1)
        return "\n".join(
            f"-- try {n}, {instance['state']}\n{self._log(instance, n)}" for n in tries
        )

    def _log(self, instance: dict[str, Any], number: int) -> str:
        try:
            log: str = self.airflow.log(instance, number)
        except HTTPError as error:
            error.close()
            # Airflow archives no try that it gives up before it has begun.
            return f"none: {error}"
        return log

    def logs(self) -> str:
        """Return the logs of all tasks, and what the scheduler has said of the run."""
        logs = [self.log(each) for each in self.instances()]
        said = (self.airflow.home / "scheduler.log").read_text().splitlines()
        return "\n".join([*logs, *(line for line in said if self.run_id in line)])

    def creates(self) -> list[JournalEntry]:
        """Return all creates that have reached Codat, or the wire before it."""
        return [
            entry
            for entry in self.codat.journal()
            if entry.method == "POST" and entry.path.endswith("/push/customers")
            if entry.json()["customerName"].startswith(self.name)
        ]

    def process(self, after: int | None = None) -> psutil.Process:
        """Return the process that runs the task.

        :param after: that of an earlier try.
        """

        def told() -> int | None:
            instance = self.instance
            pid = instance["pid"] if instance["state"] == "running" else None
            return None if pid == after else pid

        return psutil.Process(self.until("running", told))

    def mark_failed(self) -> None:
        """Do what the button of the web page does."""
        self.airflow.mark(self.instance, "failed")

    def clear(self) -> None:
        """Do what the button of the web page does; wait for the next try.

        Not before the run has ended: a scheduler that is about to end it would leave
        the task as it is.
        """
        self.until_over()
        number = self.instance["try_number"] + 1
        self.airflow.clear(self.dag_id, self.run_id)
        self.until_try(number)


class CustomerRun(DagRun):
    """One DAG run of one customer; of several, where the task is mapped."""

    def sent(self) -> None:
        """Wait until the first create is on its way."""
        self.until("sent", self.creates)

    def accepted(self) -> str:
        """Wait until the task tells its push operation's key, and return it."""

        def told() -> str | None:
            try:
                key: str = self.airflow.xcom(self.instance, "push_operation_key")
            except HTTPError as error:
                error.close()
                return None
            return key

        return self.until("waiting for its push operation", told)

    def succeeded_once(self) -> dict[str, Any]:
        """Wait for the end: one record, and the user is told which; return the result.

        The result, the key and the link are what a user sees of it.
        """
        assert self.ended() == {"success": 1}, self.logs()
        result: dict[str, Any] = self.told(self.instance)
        return result

    def told(self, instance: dict[str, Any]) -> dict[str, Any]:
        """Check that a task tells the record that is in the books, and return it."""
        result: dict[str, Any] = self.airflow.xcom(instance)
        found = [
            record
            for record in self.codat.ledger()
            if record.record_id == result["record_id"]
        ]
        assert [each.push_operation_key for each in found] == [
            result["push_operation_key"]
        ], self.log(instance)
        (record,) = found
        assert self.codat.counts_by_name()[record.name] == 1, self.log(instance)
        number = instance["map_index"]
        assert record.name == self.name + (f" {number}" if number >= 0 else "")
        key = self.airflow.xcom(instance, "push_operation_key")
        assert key == result["push_operation_key"]
        link = self.airflow.links(instance)["Codat Portal"]
        assert self.codat.company_id in link
        return result


def logs_after_all(
    airflow: Any,  # noqa: ANN401 - scripts/local_airflow.py
    codat: LocalCodat,
    twice: Container[str] = (),
) -> list[str]:
    """Check what holds whatever has happened; return all logs of tasks and triggers.

    Nobody came twice, no key changed its bytes, and no log holds a customer's name or
    the API key.

    :param twice: whoever was ordered twice.
    """
    assert not [name for name in codat.duplicates() if name not in twice]
    creates = [e for e in codat.journal() if e.path.endswith("/push/customers")]
    sent = {(e.idempotency_key, e.path, e.query, e.body) for e in creates}
    assert len(sent) == len({e.idempotency_key for e in creates})
    logs = [path.read_text() for path in (airflow.home / "logs").rglob("*.log*")]
    assert logs
    assert not [log for log in logs if "Fen " in log or codat.api_key in log]
    return logs
