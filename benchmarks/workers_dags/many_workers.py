"""Several tasks at once, each of which creates the customers of a file of its own."""

from datetime import datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG, Param, task

from airflow_provider_codat.operators.codat import CreateAccountingCustomersOperator

with DAG(
    dag_id="many_workers",
    start_date=datetime(2024, 1, 1),  # noqa: DTZ001 - Airflow takes it as UTC
    schedule=None,
    default_args={"retries": 8, "retry_delay": timedelta(seconds=1)},
    params={"shards": Param([], type="array"), "conn_id": "codat_default"},
):

    @task
    def read_shards(params: dict[str, Any] | None = None) -> list[dict[str, str]]:
        """Return the arguments of each task."""
        shards: list[dict[str, str]] = (params or {})["shards"]
        return shards

    CreateAccountingCustomersOperator.partial(
        task_id="create_customers",
        codat_conn_id="{{ params.conn_id }}",
        item_key="reference",
        pool="codat",
        deferrable=True,
    ).expand_kwargs(read_shards())
