"""Create one customer, whose payload an upstream task has built.

Which company and connection, is asked when the DAG is triggered. The defaults come
from the environment variables CODAT_COMPANY_ID and CODAT_CONNECTION_ID; the API key
from the Airflow connection ``codat_default``.
"""

import os
from datetime import datetime
from typing import Any

from airflow.providers.common.compat.sdk import DAG, Param, task

from airflow_provider_codat.operators.codat import CreateAccountingCustomerOperator

with DAG(
    dag_id="codat_create_customer",
    description="Create one customer in a company's books",
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
        "customer_name": Param(
            "Larkspur Stationery Ltd", type="string", title="Customer's name"
        ),
        "email_address": Param(
            "accounts@larkspur.example", type="string", title="Customer's e-mail"
        ),
    },
):
    # The log would show the payload otherwise.
    @task(show_return_value_in_logs=False)
    def build_customer(params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Build the payload: here from params, in your DAG from wherever it lives."""
        given = params or {}
        return {
            "customerName": given["customer_name"],
            "emailAddress": given["email_address"],
            "status": "Active",
            "addresses": [
                {
                    "type": "Billing",
                    "line1": "1 Inkwell Court",
                    "city": "Norwich",
                    "postalCode": "NR1 9ZZ",
                    "country": "United Kingdom",
                }
            ],
        }

    CreateAccountingCustomerOperator(
        task_id="create_customer",
        company_id="{{ params.company_id }}",
        connection_id="{{ params.connection_id }}",
        customer=build_customer(),
        retries=3,
    )
