"""One task for each thing that can go wrong; ``scripts/troubleshooting.py`` runs it."""

import os
from datetime import datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_codat.operators.codat import CreateAccountingCustomerOperator
from airflow_provider_codat.sensors.codat import CodatPushOperationSensor

COMPANY = os.environ.get("CODAT_COMPANY_ID", "")
CONNECTION = os.environ.get("CODAT_CONNECTION_ID", "")
# Operations that end badly, or never, keep a look into the books from being sure.
OTHER_CONNECTION = os.environ.get("CODAT_OTHER_CONNECTION_ID", "")
SAGE_CONNECTION = os.environ.get("CODAT_SAGE_CONNECTION_ID", "")
UNLINKED_CONNECTION = os.environ.get("CODAT_UNLINKED_CONNECTION_ID", "")
ONE_KEY = "7d3f7f0c-5f43-4b6b-9a33-0d9f5a1f2c11"
FIVE_MISTAKES = {
    "custmerName": "Larkspur Stationery Ltd",
    "emailAddress": 12,
    "status": "active",
    "addresses": [{"line1": "1 Inkwell Court", "city": ["Norwich"]}],
    "contacts": {"name": "Petra Lark"},
}
SAGE_LIKE = {
    "customerName": "Larkspur Stationery and Inkwell Manufacturers of Old Norwich Ltd",
    "status": "Unknown",
    "addresses": [{"type": "Delivery", "line1": "1 Inkwell Court", "country": "GB"}],
    "website": "larkspur.example",
}


def customer(task_id: str, **more: str) -> dict[str, str]:
    """Return a customer that is called like the task, in one word."""
    return {"customerName": task_id.replace("_", ""), "status": "Active", **more}


def create(task_id: str, **arguments: Any) -> CreateAccountingCustomerOperator:  # noqa: ANN401 - the operator's own
    """Create a customer that is called like the task."""
    given: dict[str, Any] = {
        "company_id": COMPANY,
        "connection_id": CONNECTION,
        "customer": customer(task_id),
        "hook_params": {
            "retry_budget_seconds": 3,
            "read_timeout_seconds": 5,
            "request_lifetime_seconds": 1,
        },
        "poll_interval_seconds": 1,
        "completion_timeout_seconds": 5,
        "reconcile_grace_seconds": 1,
        "retries": 0,
        "retry_delay": timedelta(seconds=1),
    }
    return CreateAccountingCustomerOperator(task_id=task_id, **{**given, **arguments})


with DAG(
    dag_id="codat_troubleshooting",
    start_date=datetime(2024, 1, 1),  # noqa: DTZ001 - Airflow takes it as UTC
    schedule=None,
    catchup=False,
):
    for name in (
        "refused_400",
        "plan_402",
        "forbidden_403",
        "limited_429",
        "faulted_500",
        "gateway_502",
        "gateway_502_once",
        "gateway_502_then_403",
        "maintenance_503",
        "junk_body",
        "reset_after",
        "push_fails",
    ):
        create(name)
    for name in ("push_fails_without_reason", "push_times_out"):
        create(name, connection_id=OTHER_CONNECTION)
    create("push_stays_pending", connection_id=OTHER_CONNECTION, retries=1)
    create(
        "marked_failed", connection_id=OTHER_CONNECTION, completion_timeout_seconds=60
    )
    create("wrong_key_401", codat_conn_id="codat_wrong_key")
    create("unknown_company_404", company_id="11111111-2222-4333-8444-555555555555")
    create("no_such_host", codat_conn_id="codat_no_such_host")
    create("not_codat", codat_conn_id="codat_not_codat")
    create("wrong_uuid", company_id="Acme")
    create("five_mistakes", customer=FIVE_MISTAKES)
    create("nothing_from_xcom", customer="{{ ti.xcom_pull(task_ids='nobody') }}")
    create("warned", fail_on_warning=True)
    create("stale_books", codat_conn_id="codat_with_stale_books")
    create("in_the_triggerer", deferrable=True)
    create("paused_500", deferrable=True, reconcile_grace_seconds=12)
    first = create("same_key_first", idempotency_key=ONE_KEY)
    first >> create("same_key_422", idempotency_key=ONE_KEY)

    create(
        "integration_refuses",
        customer=SAGE_LIKE,
        connection_id=SAGE_CONNECTION,
        validate="both",
        strict=True,
    )
    create("not_linked", connection_id=UNLINKED_CONNECTION, preflight=True)
    create("which_connection", connection_id=None)
    first >> create("exists", customer=customer("same_key_first"), if_exists="fail")
    first >> create("skipped", customer=customer("same_key_first"), if_exists="skip")

    # These are cleared after they have ended.
    create("cleared")
    create(
        "payload_changed",
        customer=customer("payload_changed", phone="0{{ ti.try_number }}"),
    )
    create("journal_changed")
    create(
        "not_asked_500",
        on_unknown_outcome="fail",
        unknown_resolution="{{ var.value.get('codat_resolution', '') }}",
    )

    later = [create(f"accepted_{n}", wait_for_completion=False) for n in (1, 2)]
    CodatPushOperationSensor(
        task_id="in_the_books",
        company_id=COMPANY,
        push_operation_keys=[task.output for task in later],
        poke_interval=1,
        retries=0,
    )
