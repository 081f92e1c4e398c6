"""Many customers in one task, in every mood that a misfortune may meet.

The run's conf gives the ``path`` of the customers and that of the ``results``; with
``hold`` the task does not begin before the file of that path is there.
"""

import os
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_codat.operators.codat import CreateAccountingCustomersOperator

MOODS: dict[str, dict[str, Any]] = {
    "bulk_in_the_worker": {},
    "bulk_deferrable": {"deferrable": True},
    "bulk_without_retries": {"retries": 0},
    "bulk_metered": {
        "deferrable": True,
        "codat_conn_id": "codat_metered",
        "on_quota": "wait",
    },
}
HOLD_SECONDS = 1800


def hold(context: Any) -> None:  # noqa: ANN401 - Airflow's context
    """Keep a task from beginning until somebody lets it."""
    if (path := (context["dag_run"].conf or {}).get("hold")) is None:
        return
    Path(path).with_suffix(".begun").touch()
    deadline = time.monotonic() + HOLD_SECONDS
    while not Path(path).exists() and time.monotonic() < deadline:
        time.sleep(0.1)


COMMON: dict[str, Any] = {
    "task_id": "create",
    "codat_conn_id": "codat_free",
    "company_id": os.environ.get("CODAT_COMPANY_ID", ""),
    "connection_id": os.environ.get("CODAT_CONNECTION_ID", ""),
    "customers_path": "{{ dag_run.conf['path'] }}",
    "results_path": "{{ dag_run.conf['results'] }}",
    "item_key": "reference",
    "retries": 3,
    "retry_delay": timedelta(seconds=1),
    "poll_interval_seconds": 1,
    "completion_timeout_seconds": 3600,
    "reconcile_grace_seconds": 1,
    "pre_execute": hold,
}
START = datetime(2024, 1, 1)  # noqa: DTZ001 - Airflow takes it as UTC

for mood, given in MOODS.items():
    with DAG(dag_id=mood, start_date=START, schedule=None):
        CreateAccountingCustomersOperator(**{**COMMON, **given})
