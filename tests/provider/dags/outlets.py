"""Tasks that tell of what they have written, through an asset and an alias."""

import os
from collections.abc import Callable
from datetime import datetime
from typing import Any

from airflow.providers.common.compat.sdk import DAG, Asset, AssetAlias, task

from airflow_provider_codat.operators.codat import (
    CreateAccountingCustomerOperator,
    CreateAccountingCustomersOperator,
    UpdateAccountingCustomerOperator,
)

OWN = Asset("codat_tests_own")
ALIAS = AssetAlias("codat_tests_customers")
ADA = {"customerName": "Ada", "status": "Active"}

GIVEN: dict[str, Any] = {
    "task_id": "create",
    "company_id": os.environ.get("CODAT_COMPANY_ID", ""),
    "connection_id": os.environ.get("CODAT_CONNECTION_ID", ""),
    "poll_interval_seconds": 0.1,
    "outlets": [OWN, ALIAS],
}


def one(**given: object) -> Callable[[], object]:
    return lambda: CreateAccountingCustomerOperator(customer=ADA, **{**GIVEN, **given})


def many(*names: str, **given: object) -> Callable[[], object]:
    customers = [{**ADA, "customerName": name} for name in names]
    return lambda: CreateAccountingCustomersOperator(
        customers=customers, **{**GIVEN, **given}
    )


def update() -> object:
    return UpdateAccountingCustomerOperator(
        customer_id="{{ params.customer_id }}",
        customer={**ADA, "phone": "01234"},
        force_update=True,
        **GIVEN,
    )


def decorated() -> object:
    @task.codat_customer(**GIVEN)
    def build(outlet_events: Any = None) -> Any:  # noqa: ANN401 - a customer
        outlet_events[OWN].extra["written_by"] = "the author"
        return ADA

    return build()


TASKS: dict[str, Callable[[], object]] = {
    "one": one(),
    "deferrable": one(deferrable=True),
    "not_waiting": one(wait_for_completion=False),
    "existing": one(if_exists="skip"),
    "many": many("Ada", "Bob", "Cy", if_exists="skip"),
    "many_deferrable": many("Ada", "Bob", deferrable=True),
    "not_all": many("Ada", "Bob", max_failed=1),
    "update": update,
    "decorated": decorated,
}

for name, build_task in TASKS.items():
    with DAG(
        dag_id=f"outlets_{name}",
        start_date=datetime(2024, 1, 1),  # noqa: DTZ001 - Airflow takes it as UTC
        schedule=None,
        params={"customer_id": ""},
    ):
        build_task()
