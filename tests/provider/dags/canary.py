"""A customer all of whose values are a canary, in every condition that it can be in.

The run's conf says which: ``name`` of the customer, ``condition`` and connection.
"""

import os
from datetime import datetime
from typing import Any

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_codat.operators.codat import CreateAccountingCustomerOperator

BIRD = "birdsong"

ADDRESS = {
    "line1": f"1 {BIRD} lane",
    "line2": f"{BIRD} house",
    "city": f"{BIRD} city",
    "region": f"{BIRD} region",
    "country": f"{BIRD} country",
    "postalCode": f"{BIRD} code",
}

with DAG(
    dag_id="canary",
    start_date=datetime(2024, 1, 1),  # noqa: DTZ001 - Airflow takes it as UTC
    schedule=None,
    params={"case": "", "condition": "", "codat_conn_id": "codat_default"},
):

    @task(show_return_value_in_logs=False)
    def build(params: dict[str, Any] | None = None) -> Any:  # noqa: ANN401 - also what is no customer
        given = params or {}
        condition = given["condition"]
        valid = {
            "id": f"{BIRD} id",
            "customerName": f"{BIRD} {given['case']}",
            "contactName": f"{BIRD} contact",
            "emailAddress": f"{BIRD}@example.com",
            "phone": f"{BIRD} phone",
            "defaultCurrency": f"{BIRD} money",
            "registrationNumber": f"{BIRD} registration",
            "taxNumber": f"{BIRD} tax",
            "status": "Active",
            "addresses": [{"type": "Billing", **ADDRESS}],
            "contacts": [
                {
                    "status": "Active",
                    "name": f"{BIRD} person",
                    "email": f"person@{BIRD}.example",
                    "phone": [{"type": "Mobile", "number": f"{BIRD} mobile"}],
                    "address": {"type": "Delivery", **ADDRESS},
                }
            ],
            "supplementalData": {"content": {"crm": {"note": f"{BIRD} note"}}},
        }
        return {
            "valid": valid,
            "invalid": {
                **{name: {"note": BIRD} for name in valid},
                "status": BIRD,
                "addresses": [{"type": BIRD}, BIRD],
                "contacts": [
                    {"status": BIRD, "phone": [{"type": BIRD, "number": [BIRD]}]}
                ],
            },
            "unknown property": {**valid, "taxNumbr": BIRD},
            "broken text": f'{{"customerName": "{BIRD}", ',
            "broken literal": f"{{'customerName': '{BIRD}', 'phone': call()}}",
            "repeated name": f'{{"phone": "{BIRD}", "phone": "{BIRD} 2"}}',
            "no JSON": {**valid, "phone": {BIRD}},
        }[condition or "valid"]

    CreateAccountingCustomerOperator(
        task_id="create",
        company_id=os.environ.get("CODAT_COMPANY_ID", ""),
        connection_id=os.environ.get("CODAT_CONNECTION_ID", ""),
        codat_conn_id="{{ params.codat_conn_id }}",
        customer=build(),
        hook_params={
            "retry_budget_seconds": 0.01,
            "request_lifetime_seconds": 0.01,
        },
        reconcile_grace_seconds=0.01,
        poll_interval_seconds=0.1,
        fail_on_warning=True,
    )
