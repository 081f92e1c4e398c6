"""Create every customer of a CSV file: one mapped task each, and no worker is held.

``item_key`` names a customer by its own reference, so that it stays the same customer
when rows are inserted above it. Each task sends its customer and waits in the triggerer
for the accounting software (``deferrable``). How many send at a time is up to the pool:
one that waits holds no slot of it. (``max_active_tis_per_dagrun`` would count those
that wait, too.) When all are in the books, the last task has the record that each of
them became.

Where a task ends in ``OutcomeUnknown``, look into the books, say what you found in the
Variable ``codat_resolutions``, and clear the task:
``{"C-0007": "not_created", "C-0012": "<record id>"}``.

Which company and connection, is asked when the DAG is triggered; the defaults come from
the environment variables CODAT_COMPANY_ID and CODAT_CONNECTION_ID, the pool from
CODAT_POOL.
"""

import csv
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.providers.common.compat.sdk import DAG, Param, task

from airflow_provider_codat.operators.codat import CreateAccountingCustomerOperator

with DAG(
    dag_id="codat_create_customers_from_csv",
    description="Create every customer of a CSV file in a company's books",
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
            rows = list(csv.DictReader(file))
        return [
            {
                "item_key": row["reference"],
                "customer": {
                    "customerName": row["name"],
                    "contactName": row["contact"],
                    "emailAddress": row["email"],
                    "phone": row["phone"],
                    "taxNumber": row["tax_number"] or None,
                    "defaultCurrency": row["currency"],
                    "status": "Active",
                    "addresses": [
                        {
                            "type": "Billing",
                            "line1": row["line1"],
                            "line2": row["line2"] or None,
                            "city": row["city"],
                            "region": row["region"] or None,
                            "postalCode": row["postal_code"],
                            "country": row["country"],
                        }
                    ],
                },
            }
            for row in rows
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
    created = CreateAccountingCustomerOperator.partial(
        task_id="create_customer",
        company_id="{{ params.company_id }}",
        connection_id="{{ params.connection_id }}",
        unknown_resolution=(
            "{{ var.json.get('codat_resolutions', {}).get(task.item_key, '') }}"
        ),
        deferrable=True,
        map_index_template="{{ task.item_key }}: {{ task.customer['customerName'] }}",
        pool=os.environ.get("CODAT_POOL", "default_pool"),
        retries=3,
        retry_delay=timedelta(minutes=1),
    ).expand_kwargs(customers)
    note_records(customers, created.output)
