"""One task for each part of the package; ``scripts/observe.py`` runs it."""

import os
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import DAG, AssetAlias, task

from airflow_provider_codat.assets import customers_asset
from airflow_provider_codat.operators.codat import (
    CodatDataRefreshOperator,
    CreateAccountingCustomerOperator,
    CreateAccountingCustomersOperator,
    GetCustomerModelOperator,
    ListAccountingCustomersOperator,
    UpdateAccountingCustomerOperator,
)
from airflow_provider_codat.sensors.codat import CodatPushOperationSensor

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

COMPANY = {"company_id": os.environ["CODAT_COMPANY_ID"]}
PLACE = {**COMPANY, "connection_id": os.environ["CODAT_CONNECTION_ID"]}
ASSET = customers_asset(COMPANY["company_id"])
QUICKLY = {"poll_interval_seconds": 0.1, "retry_delay": timedelta(0)}


class Resuming(CreateAccountingCustomerOperator):
    """Says that it has been deferred."""

    def execute_complete(self, context: "Context", event: object = None) -> Any:  # noqa: ANN401 - a summary, and more
        """Return the result, and that it came from the triggerer."""
        return {**super().execute_complete(context, event), "resumed": True}


def customer(name: str) -> dict[str, str]:
    """Return a customer of that name."""
    return {"customerName": name, "status": "Active"}


def stumble_once(context: "Context", _result: object = None) -> None:
    """Fail the first try, after its customer was created."""
    if context["ti"].try_number == 1:
        raise RuntimeError("the first try ends here")


with DAG(
    dag_id="codat_compatibility",
    start_date=datetime(2024, 1, 1),  # noqa: DTZ001 - Airflow takes it as UTC
    schedule=None,
    catchup=False,
):
    one = CreateAccountingCustomerOperator(
        task_id="create_one",
        customer=customer("One"),
        outlets=[ASSET, AssetAlias("codat_compatibility")],
        **PLACE,
        **QUICKLY,
    )
    record = "{{ ti.xcom_pull('create_one')['record_id'] }}"
    push_operation = "{{ ti.xcom_pull('create_one')['push_operation_key'] }}"
    refreshed = CodatDataRefreshOperator(
        task_id="refresh", poll_interval_seconds=0.1, **COMPANY
    )
    one >> refreshed
    refreshed >> [
        ListAccountingCustomersOperator(
            task_id="list", path=os.environ.get("CODAT_LISTED_PATH", ""), **COMPANY
        ),
        UpdateAccountingCustomerOperator(
            task_id="update",
            customer_id=record,
            customer={**customer("One"), "phone": "01234"},
            **PLACE,
            **QUICKLY,
        ),
        CodatPushOperationSensor(
            task_id="sensor", push_operation_keys=[push_operation], **COMPANY
        ),
    ]
    GetCustomerModelOperator(task_id="model", **PLACE)
    CreateAccountingCustomersOperator(
        task_id="create_many",
        customers=[customer("Many 1"), customer("Many 2")],
        **PLACE,
        **QUICKLY,
    )
    Resuming(
        task_id="deferred",
        customer=customer("Deferred"),
        deferrable=True,
        **PLACE,
        **QUICKLY,
    )
    for task_id, journal in {
        "tried_again": {},
        "tried_again_from_a_database": {"journal_conn_id": "journal"},
    }.items():
        CreateAccountingCustomerOperator(
            task_id=task_id,
            customer=customer(task_id),
            post_execute=stumble_once,
            retries=1,
            **journal,
            **PLACE,
            **QUICKLY,
        )

    @task.codat_customer(task_id="decorated", **PLACE, **QUICKLY)
    def build() -> dict[str, str]:
        """Return the customer."""
        return customer("Decorated")

    build()

    @task(inlets=[ASSET])
    def told(inlet_events: Any = None) -> Any:  # noqa: ANN401 - Airflow's accessor, and JSON
        """Return what the last event of the asset says."""
        return dict(inlet_events[ASSET][-1].extra)

    one >> told()
