"""Bring a company's books to what your own data says of its customers.

Codat reads the books anew, and its copy of them is written to a file. What your data
says otherwise is updated in the books; what is not in the file is created, unless the
books have it all the same.

The data is the CSV file beside this one, and a customer is known by its name: in your
DAG, by whatever both sides have. The file lies in the folder CODAT_BULK_FOLDER, which
every worker must reach. Which company and connection, is asked when the DAG is
triggered; the defaults come from the environment variables CODAT_COMPANY_ID and
CODAT_CONNECTION_ID.
"""

import csv
import json
import os
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.providers.common.compat.sdk import (
    DAG,
    AirflowSkipException,
    ObjectStoragePath,
    Param,
    task,
)

from airflow_provider_codat.operators.codat import (
    CodatDataRefreshOperator,
    CreateAccountingCustomersOperator,
    ListAccountingCustomersOperator,
    UpdateAccountingCustomerOperator,
)


def own_customers(path: str) -> dict[str, dict[str, Any]]:
    """Return what your data says of each customer, by its name."""
    with Path(path).open(encoding="utf-8", newline="") as file:
        return {
            row["name"]: {
                "customerName": row["name"],
                "contactName": row["contact"],
                "emailAddress": row["email"],
                "phone": row["phone"],
                "status": "Active",
            }
            for row in csv.DictReader(file)
        }


def in_the_books(listed: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the customers that were written to the file."""
    text = ObjectStoragePath(listed["path"]).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.split("\n") if line]


with DAG(
    dag_id="codat_sync_customers",
    description="Update and create customers as your own data has them",
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
        "folder": Param(
            os.environ.get("CODAT_BULK_FOLDER", tempfile.gettempdir()),
            type="string",
            title="Where the file lies",
            description="A path that every worker reaches, with or without a scheme",
        ),
        "modified_since": Param(
            "",
            type="string",
            title="Only what has changed in the books since",
            description="A date and time with a time zone; empty for all customers",
        ),
    },
):
    refreshed = CodatDataRefreshOperator(
        task_id="refresh_customers",
        company_id="{{ params.company_id }}",
        connection_id="{{ params.connection_id }}",
        deferrable=True,
        retries=3,
    )
    listed = ListAccountingCustomersOperator(
        task_id="list_customers",
        company_id="{{ params.company_id }}",
        path="{{ params.folder }}/customers-{{ run_id }}.jsonl",
        modified_since="{{ params.modified_since }}",
        retries=3,
    )
    refreshed >> listed

    # The log would show the payloads otherwise.
    @task(show_return_value_in_logs=False)
    def find_changes(
        listed: dict[str, Any], params: dict[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """Return which customers your data has otherwise, whole, as they should be."""
        own = own_customers((params or {})["csv_path"])
        changes = []
        for found in in_the_books(listed):
            wanted = {**found, **own.get(found["customerName"], {})}
            if wanted != found:
                changes.append({"customer_id": found["id"], "customer": wanted})
        return changes

    @task(show_return_value_in_logs=False)
    def find_new(
        listed: dict[str, Any], params: dict[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """Return the customers that are not in the file; skip where there is none."""
        own = own_customers((params or {})["csv_path"])
        known = {found["customerName"] for found in in_the_books(listed)}
        new = [customer for name, customer in own.items() if name not in known]
        if not new:
            raise AirflowSkipException("there is no new customer")
        return new

    UpdateAccountingCustomerOperator.partial(
        task_id="update_customer",
        company_id="{{ params.company_id }}",
        connection_id="{{ params.connection_id }}",
        map_index_template="{{ task.customer_id }}",
        max_active_tis_per_dagrun=8,
        deferrable=True,
        retries=3,
        retry_delay=timedelta(minutes=1),
    ).expand_kwargs(find_changes(listed.output))

    CreateAccountingCustomersOperator(
        task_id="create_customers",
        company_id="{{ params.company_id }}",
        connection_id="{{ params.connection_id }}",
        customers=find_new(listed.output),
        if_exists="skip",
        deferrable=True,
        retries=3,
        retry_delay=timedelta(minutes=1),
    )
