"""Many customers in one task, in every mood that a misfortune may meet.

The run's conf gives the ``path`` of the customers and that of the ``results``.
"""

import os
from datetime import datetime, timedelta
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
    "completion_timeout_seconds": 120,
    "reconcile_grace_seconds": 1,
}
START = datetime(2024, 1, 1)  # noqa: DTZ001 - Airflow takes it as UTC

for mood, given in MOODS.items():
    with DAG(dag_id=mood, start_date=START, schedule=None):
        CreateAccountingCustomersOperator(**{**COMMON, **given})
