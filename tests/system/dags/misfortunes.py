"""One customer, or five, in every mood of the operator that a misfortune may meet.

The run's conf gives the ``name``; with ``hold`` the first try does not begin before the
file of that path is there.
"""

import os
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_codat.operators.codat import CreateAccountingCustomerOperator

HOLD_SECONDS = 120
MAPPED = 5

MOODS: dict[str, dict[str, Any]] = {
    "in_the_worker": {},
    "deferrable": {"deferrable": True},
    "hurried": {"execution_timeout": timedelta(seconds=4)},
    "hurried_deferrable": {
        "deferrable": True,
        "execution_timeout": timedelta(seconds=5),
        "retries": 0,
    },
}


def customer(number: str = "", **more: str) -> dict[str, str]:
    """Return a customer whose name the run's conf gives."""
    name = "{{ dag_run.conf['name'] }}" + number
    return {"customerName": name, "status": "Active", **more}


def hold(context: Any) -> None:  # noqa: ANN401 - Airflow's context
    """Keep a first try from beginning until somebody lets it."""
    path = (context["dag_run"].conf or {}).get("hold")
    if path is None or context["ti"].try_number > 1:
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
    "completion_timeout_seconds": 120,
    "reconcile_grace_seconds": 1,
}
START = datetime(2024, 1, 1)  # noqa: DTZ001 - Airflow takes it as UTC

for mood, given in MOODS.items():
    with DAG(dag_id=mood, start_date=START, schedule=None):
        CreateAccountingCustomerOperator(
            **{**COMMON, "customer": customer(), "pre_execute": hold, **given}
        )

with DAG(dag_id="changing", start_date=START, schedule=None):
    CreateAccountingCustomerOperator(
        **COMMON, customer=customer(phone="{{ var.value.phone }}")
    )

with DAG(dag_id="mapped", start_date=START, schedule=None):
    CreateAccountingCustomerOperator.partial(**COMMON, deferrable=True).expand(
        customer=[customer(f" {number}") for number in range(MAPPED)]
    )
