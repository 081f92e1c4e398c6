"""One customer, or five, in every mood of the operator that a misfortune may meet.

The run's conf gives the ``name``; with ``hold`` the first try does not begin before the
file of that path is there. One that is in a hurry notes in the file ``began`` how long
it has taken to begin.
"""

import os
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_codat.operators.codat import CreateAccountingCustomerOperator

HOLD_SECONDS = 1800
HURRIED_SECONDS = 20
MAPPED = 5
# Whoever is struck is left in peace until the blow has fallen.
PATIENT = {"hook_params": {"read_timeout_seconds": 90, "retry_budget_seconds": 100}}

MOODS: dict[str, dict[str, Any]] = {
    "in_the_worker": {},
    "patient": PATIENT,
    "impatient": {"hook_params": {"retry_budget_seconds": 5}, "retries": 10},
    "deferrable": {"deferrable": True},
    "hurried": {"execution_timeout": timedelta(seconds=HURRIED_SECONDS)},
    "hurried_deferrable": {
        "deferrable": True,
        "execution_timeout": timedelta(seconds=HURRIED_SECONDS),
        "retries": 0,
    },
}


def customer(number: str = "", **more: str) -> dict[str, str]:
    """Return a customer whose name the run's conf gives."""
    name = "{{ dag_run.conf['name'] }}" + number
    return {"customerName": name, "status": "Active", **more}


def prepare(context: Any) -> None:  # noqa: ANN401 - Airflow's context
    """Keep a first try from beginning until somebody lets it; hurry no later one.

    What a first try has taken to begin is not held against it.
    """
    task, ti = context["task"], context["ti"]
    if ti.try_number > 1:
        task.execution_timeout = None
        return
    conf = context["dag_run"].conf or {}
    if task.execution_timeout:
        began = Path(conf["began"])
        if not began.exists():
            began.write_text(str(time.time() - ti.start_date.timestamp()))
        task.execution_timeout += timedelta(seconds=float(began.read_text()))
    path = conf.get("hold")
    if path is None:
        return
    Path(path).with_suffix(".begun").touch()
    deadline = time.monotonic() + HOLD_SECONDS
    while not Path(path).exists() and time.monotonic() < deadline:
        time.sleep(0.1)


COMMON: dict[str, Any] = {
    "task_id": "create",
    "company_id": os.environ.get("CODAT_COMPANY_ID", ""),
    "connection_id": os.environ.get("CODAT_CONNECTION_ID", ""),
    "retries": 3,
    "retry_delay": timedelta(seconds=1),
    "poll_interval_seconds": 1,
    "completion_timeout_seconds": 3600,
    "reconcile_grace_seconds": 1,
}
START = datetime(2024, 1, 1)  # noqa: DTZ001 - Airflow takes it as UTC

for mood, given in MOODS.items():
    with DAG(dag_id=mood, start_date=START, schedule=None):
        CreateAccountingCustomerOperator(
            **{**COMMON, "customer": customer(), "pre_execute": prepare, **given}
        )

with DAG(dag_id="changing", start_date=START, schedule=None):
    CreateAccountingCustomerOperator(
        **COMMON, customer=customer(phone="{{ var.value.phone }}")
    )

for dag_id, deferrable in {"mapped": False, "mapped_deferrable": True}.items():
    with DAG(dag_id=dag_id, start_date=START, schedule=None):
        CreateAccountingCustomerOperator.partial(
            **COMMON, deferrable=deferrable
        ).expand(customer=[customer(f" {number}") for number in range(MAPPED)])
