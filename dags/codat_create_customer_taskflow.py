"""Create one customer from a decorated function, and note it in a DAG of its own.

``@task.codat_customer`` creates what its function returns. The payload is built where
it is sent from, and kept nowhere in Airflow. The second DAG waits for customers of
whatever company, and learns from the event which record came.

Which company and connection, is asked when the DAG is triggered. The defaults come
from the environment variables CODAT_COMPANY_ID and CODAT_CONNECTION_ID; the API key
from the Airflow connection ``codat_default``.
"""

import os
from datetime import datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG, AssetAlias, Param, task

CUSTOMERS = AssetAlias("codat_customers")

with DAG(
    dag_id="codat_create_customer_taskflow",
    description="Create the customer that a function returns",
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
        "customer_name": Param("Larkspur Stationery Ltd", type="string"),
        "email_address": Param("accounts@larkspur.example", type="string"),
    },
):

    @task.codat_customer(
        company_id="{{ params.company_id }}",
        connection_id="{{ params.connection_id }}",
        outlets=[CUSTOMERS],
        retries=3,
        retry_delay=timedelta(minutes=1),
    )
    def create_customer(params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the payload: here from params, in your DAG from wherever it lives."""
        given = params or {}
        return {
            "customerName": given["customer_name"],
            "emailAddress": given["email_address"],
            "status": "Active",
        }

    create_customer()

with DAG(
    dag_id="codat_note_customer",
    description="Note which records have been created",
    start_date=datetime(2024, 1, 1),  # noqa: DTZ001 - Airflow takes it as UTC
    schedule=CUSTOMERS,
    catchup=False,
    tags=["codat"],
):

    @task
    def note_records(**context: Any) -> list[str]:  # noqa: ANN401 - Airflow's context
        """Return the records' ids: in your DAG, write them to where they are needed."""
        # Airflow 2 calls them datasets.
        triggering = context.get("triggering_asset_events")
        if triggering is None:
            triggering = context["triggering_dataset_events"]
        # Each event is there twice: for the company's asset, and for the alias.
        told = [event.extra for events in triggering.values() for event in events]
        there = {"Success", "Exists"}
        return sorted({each["record_id"] for each in told if each["status"] in there})

    note_records()
