"""A task in each state in which somebody may click its link."""

import os
from datetime import datetime

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_codat.operators.codat import CreateAccountingCustomerOperator

STATES = ("running", "deferred", "finished", "failed")

with DAG(
    dag_id="states",
    start_date=datetime(2024, 1, 1),  # noqa: DTZ001 - Airflow takes it as UTC
    schedule=None,
):
    for state in STATES:
        CreateAccountingCustomerOperator(
            task_id=state,
            company_id=os.environ.get("CODAT_COMPANY_ID", ""),
            connection_id=os.environ.get("CODAT_CONNECTION_ID", ""),
            customer={"customerName": f"Larkspur {state}", "status": "Active"},
            deferrable=state == "deferred",
            poll_interval_seconds=1,
            retries=0,
        )
