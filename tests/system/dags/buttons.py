"""One customer, for each button that a person may press afterwards.

The run's conf gives the ``name``, and a ``key`` under which Variables say what else has
changed: the customer's phone, and what a person has found out.
"""

import os
from datetime import datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_codat.operators.codat import CreateAccountingCustomerOperator

KEY = "dag_run.conf['key']"
MOODS: dict[str, dict[str, Any]] = {
    "usual": {},
    "again": {"retries": 3},
    "creating": {"on_clear": "create"},
    "cautious": {"on_unknown_outcome": "fail"},
    # Over a connection that no other test has written through.
    "untouched": {"connection_id": os.environ.get("CODAT_UNTOUCHED_ID", "")},
    "elsewhere": {
        "deferrable": True,
        "company_id": os.environ.get("CODAT_OTHER_COMPANY_ID", ""),
        "connection_id": None,
    },
}

for mood, given in MOODS.items():
    with DAG(
        dag_id=mood,
        start_date=datetime(2024, 1, 1),  # noqa: DTZ001 - Airflow takes it as UTC
        schedule=None,
    ):
        CreateAccountingCustomerOperator(
            **{
                "task_id": "create",
                "company_id": os.environ.get("CODAT_COMPANY_ID", ""),
                "connection_id": os.environ.get("CODAT_CONNECTION_ID", ""),
                "customer": {
                    "customerName": "{{ dag_run.conf['name'] }}",
                    "status": "Active",
                    "phone": "{{ var.value.get('phone_' ~ " + KEY + ", '1') }}",
                },
                "unknown_resolution": (
                    "{{ var.value.get('found_' ~ " + KEY + ", '') }}"
                ),
                "retries": 0,
                "retry_delay": timedelta(seconds=1),
                "poll_interval_seconds": 1,
                "reconcile_grace_seconds": 1,
                **given,
            }
        )
