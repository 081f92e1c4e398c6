"""CreateAccountingCustomerOperator, executed in this process, its journal on disk.

On an Airflow that has no store for it, it is in a database.
"""

import hashlib
import inspect
import json
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airflow.providers.common.compat.sdk import AirflowFailException
from tasks import RETRY_DELAY_SECONDS, TRIES, carry_out, job

from airflow_provider_codat.api.connection.settings import EXTRAS
from airflow_provider_codat.failures import HAS_RETRY_POLICIES, CodatRetryPolicy
from airflow_provider_codat.operators.codat import CreateAccountingCustomerOperator

JOB = job()
CONNECTION = {
    "connect_timeout_seconds": JOB.timeout_seconds,
    "read_timeout_seconds": JOB.timeout_seconds,
    # The simulator is asked without a limit.
    "requests_per_minute": 100_000,
    # How long a request without an answer may still act.
    "request_lifetime_seconds": 2,
}
ARGUMENTS = {
    "durable": True,
    "on_unknown_outcome": "reconcile",
    "reconcile_grace_seconds": 0.2,
}
KNOWN = inspect.signature(CreateAccountingCustomerOperator.__init__).parameters
os.environ["AIRFLOW_CONN_CODAT_DEFAULT"] = json.dumps(
    {
        "conn_type": "codat",
        "host": JOB.base_url,
        "password": JOB.authorization,
        "extra": {key: CONNECTION[key] for key in CONNECTION if key in EXTRAS},
    }
)


class DiskStore:
    """The two methods of Airflow's task state store, over a file for each task."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._values = json.loads(path.read_bytes()) if path.exists() else {}

    def get(self, key: str, default: object = None) -> Any:  # noqa: ANN401 - any JSON
        """Return what was set."""
        return self._values.get(key, default)

    def set(self, key: str, value: object, *, retention: object = None) -> None:  # noqa: ARG002 - Airflow's signature
        """Keep a value: it stands on the disk when this returns."""
        values = {**self._values, key: value}
        draft = self._path.with_suffix(".draft")
        with draft.open("w", encoding="utf-8") as file:
            json.dump(values, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)
        self._values = values


@dataclass
class RunOfDag:
    """What an operator asks of its DAG run."""

    run_after: datetime
    logical_date: datetime | None = None
    data_interval_end: datetime | None = None
    run_type: str = "manual"
    clear_number: int = 0


@dataclass
class TaskInstance:
    """What an operator asks of its task instance: one mapped task of many."""

    task_id: str
    map_index: int
    try_number: int
    dag_id: str = "misfortunes"
    run_id: str = JOB.folder.parent.name
    max_tries: int = TRIES - 1
    xcoms: dict[str, object] = field(default_factory=dict)

    def xcom_push(self, *, key: str, value: object) -> None:
        """Take what the operator tells later tasks."""
        self.xcoms[key] = value


def create(customer: dict[str, Any], try_number: int) -> object:
    """Execute one try of the customer's task."""
    name = customer["customerName"]
    operator = CreateAccountingCustomerOperator(
        task_id="create",
        company_id=JOB.company_id,
        connection_id=JOB.connection_id,
        customer=customer,
        item_key=name,
        poll_interval_seconds=0.05,
        completion_timeout_seconds=30,
        journal_conn_id="journal" if JOB.variant else None,
        **{key: ARGUMENTS[key] for key in ARGUMENTS if key in KNOWN},
    )
    store = JOB.folder / (hashlib.sha256(name.encode()).hexdigest() + ".json")
    context: Any = {
        "ti": TaskInstance("create", int(name.rsplit(" ", 1)[1]), try_number),
        "dag_run": RunOfDag(datetime.fromtimestamp(JOB.created_at, UTC)),
        "task_state_store": DiskStore(store),
    }
    # Airflow 2 hands this over, too, and does not execute without.
    guard = {f"{OPERATOR}__sentinel": object()} if JOB.variant.startswith("2.") else {}
    return operator.execute(context, **guard)


OPERATOR = CreateAccountingCustomerOperator.__name__


def delay(error: Exception) -> float | None:
    """Ask the operators' own retry policy, as Airflow does, where it knows one."""
    if not HAS_RETRY_POLICIES:
        final = isinstance(error, AirflowFailException)
        return None if final else RETRY_DELAY_SECONDS
    from airflow.sdk.definitions.retry_policy import RetryAction  # noqa: PLC0415 - from 3.3 on

    decision = CodatRetryPolicy().evaluate(error, 1, TRIES - 1)
    if decision.action is RetryAction.FAIL:
        return None
    pause = decision.retry_delay
    return RETRY_DELAY_SECONDS if pause is None else pause.total_seconds()


carry_out(JOB, create, delay)
