"""Many customers in one task, in every way in which Airflow hands them over."""

import os
from datetime import datetime
from typing import Any

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_codat.operators.codat import CreateAccountingCustomersOperator

ROWS = [
    {"customerName": name, "status": "Active", "reference": f"R-{number}"}
    for number, name in enumerate(["Ada {{ 7*7 }}", "株式会社", 'B "& Söhne"'], 1)
]


def list_from_a_task() -> dict[str, Any]:
    return {"customers": task(lambda: ROWS, task_id="build")()}


def text_from_a_task() -> dict[str, Any]:
    task(lambda: ROWS, task_id="build")()
    text = "{{ ti.xcom_pull(task_ids='build') | tojson }}"
    return {"customers": text}


def file_of_params() -> dict[str, Any]:
    return {
        "customers_path": "{{ params.folder }}/rows.jsonl",
        "results_path": "{{ params.folder }}/{{ ti.task_id }}.jsonl",
        "max_failed": "{{ params.max_failed }}",
    }


for way in (list_from_a_task, text_from_a_task, file_of_params):
    with DAG(
        dag_id=f"many_{way.__name__}",
        start_date=datetime(2024, 1, 1),  # noqa: DTZ001 - Airflow takes it as UTC
        schedule=None,
        params={"folder": "", "max_failed": 0},
    ) as dag:
        given = way()
        create = CreateAccountingCustomersOperator(
            task_id="create",
            company_id=os.environ.get("CODAT_COMPANY_ID", ""),
            connection_id=os.environ.get("CODAT_CONNECTION_ID", ""),
            item_key="reference",
            poll_interval_seconds=0.1,
            **given,
        )
        if dag.has_task("build"):
            dag.get_task("build") >> create
