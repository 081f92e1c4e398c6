"""Create every customer of a CSV file: one mapped task each, at most eight at a time.

``item_key`` names a customer by its own reference, so that it stays the same customer
when rows are inserted above it. Which company and connection, is asked when the DAG is
triggered; the defaults come from the environment variables CODAT_COMPANY_ID and
CODAT_CONNECTION_ID, the pool from CODAT_POOL.
"""

import csv
import os
from datetime import datetime
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

    CreateAccountingCustomerOperator.partial(
        task_id="create_customer",
        company_id="{{ params.company_id }}",
        connection_id="{{ params.connection_id }}",
        map_index_template="{{ task.item_key }}: {{ task.customer['customerName'] }}",
        pool=os.environ.get("CODAT_POOL", "default_pool"),
        max_active_tis_per_dagrun=8,
        retries=3,
    ).expand_kwargs(read_customers())
