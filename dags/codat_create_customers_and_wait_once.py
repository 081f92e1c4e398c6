"""Hand over many customers first, and let one sensor wait for all of them.

The mapped tasks end as soon as Codat has accepted their customers. One sensor waits in
the triggerer and asks for all push operations at once. What it returns says which
record each of them became.

Which company and connection, is asked when the DAG is triggered; the defaults come from
the environment variables CODAT_COMPANY_ID and CODAT_CONNECTION_ID.
"""

import csv
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.providers.common.compat.sdk import DAG, Param, task

from airflow_provider_codat.operators.codat import CreateAccountingCustomerOperator
from airflow_provider_codat.sensors.codat import CodatPushOperationSensor

with DAG(
    dag_id="codat_create_customers_and_wait_once",
    description="Hand over every customer of a CSV file, then wait for all of them",
    start_date=datetime(2024, 1, 1),  # noqa: DTZ001 - Airflow takes it as UTC
    schedule=None,
    catchup=False,
    tags=["codat"],
    params={
        "company_id": Param(
            os.environ.get("CODAT_COMPANY_ID", ""),
            type="string",
            title="Codat company",
            description="A UUID, from Codat's Portal",
        ),
        "connection_id": Param(
            os.environ.get("CODAT_CONNECTION_ID", ""),
            type="string",
            title="The company's connection to its accounting software",
            description="A UUID, Codat's and not Airflow's",
        ),
        "csv_path": Param(
            str(Path(__file__).parent / "data" / "customers.csv"), type="string"
        ),
    },
):
    # The log would show the payload otherwise.
    @task(show_return_value_in_logs=False)
    def read_customers(params: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """Return one ``customer`` and one ``item_key`` for each row."""
        path = Path((params or {})["csv_path"])
        with path.open(encoding="utf-8", newline="") as file:
            return [
                {
                    "item_key": row["reference"],
                    "customer": {
                        "customerName": row["name"],
                        "emailAddress": row["email"],
                        "status": "Active",
                    },
                }
                for row in csv.DictReader(file)
            ]

    @task
    def note_records(
        customers: list[dict[str, Any]], results: list[dict[str, Any]]
    ) -> dict[str, str]:
        """Return the record id of each reference: here your own system takes over."""
        return {
            customer["item_key"]: result["record_id"]
            for customer, result in zip(customers, results, strict=True)
        }

    customers = read_customers()
    accepted = CreateAccountingCustomerOperator.partial(
        task_id="create_customer",
        company_id="{{ params.company_id }}",
        connection_id="{{ params.connection_id }}",
        wait_for_completion=False,
        map_index_template="{{ task.item_key }}",
        max_active_tis_per_dagrun=8,
        retries=3,
        retry_delay=timedelta(minutes=1),
    ).expand_kwargs(customers)

    in_the_books = CodatPushOperationSensor(
        task_id="in_the_books",
        company_id="{{ params.company_id }}",
        push_operation_keys=accepted.output,
        deferrable=True,
        poke_interval=30,
        timeout=3600,
        retries=3,
        retry_delay=timedelta(minutes=1),
    )
    note_records(customers, in_the_books.output)
