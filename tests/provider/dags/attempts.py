"""One customer, with retries that cost no time, in every mood of the operator."""

import os
from datetime import datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_codat.failures import HAS_RETRY_POLICIES, CodatRetryPolicy
from airflow_provider_codat.operators.codat import CreateAccountingCustomerOperator


class NeverAgain(CodatRetryPolicy):
    """An author's own: no failure is worth another try."""

    def evaluate(self, *_args: object, **_more: object) -> Any:  # noqa: ANN401 - Airflow's RetryDecision
        from airflow.sdk.definitions.retry_policy import RetryDecision  # noqa: PLC0415 - Airflow 3.3's

        return RetryDecision.fail(reason="never again")


GIVEN: dict[str, dict[str, Any]] = {
    "usual": {},
    "patient": {"retry_delay": timedelta(minutes=10)},
    "not_waiting": {"wait_for_completion": False},
    "failing_on_warning": {"fail_on_warning": True},
    "out_of_time": {"completion_timeout_seconds": 0.3, "retries": 1},
    "deferrable": {"deferrable": True},
    "deferrable_out_of_time": {
        "deferrable": True,
        "completion_timeout_seconds": 0.3,
        "retries": 1,
    },
    "not_durable": {"durable": False},
    "cautious": {"on_unknown_outcome": "fail"},
}
DEFAULTS: dict[str, dict[str, Any]] = {}
if HAS_RETRY_POLICIES:
    GIVEN["policy_of_the_task"] = {"retry_policy": NeverAgain()}
    DEFAULTS["policy_of_default_args"] = {"retry_policy": NeverAgain()}

for mood in [*GIVEN, *DEFAULTS]:
    with DAG(
        dag_id=f"attempts_{mood}",
        start_date=datetime(2024, 1, 1),  # noqa: DTZ001 - Airflow takes it as UTC
        schedule=None,
        params={"name": "Ada", "status": "Active"},
        default_args=DEFAULTS.get(mood, {}),
    ):
        CreateAccountingCustomerOperator(
            **{
                "task_id": "create",
                "company_id": os.environ.get("CODAT_COMPANY_ID", ""),
                "connection_id": os.environ.get("CODAT_CONNECTION_ID", ""),
                "customer": {
                    "customerName": "{{ params.name }}",
                    "status": "{{ params.status }}",
                },
                "retries": 3,
                "retry_delay": timedelta(0),
                "hook_params": {
                    "retry_budget_seconds": 0.01,
                    "request_lifetime_seconds": 0.01,
                },
                "reconcile_grace_seconds": 0.01,
                "poll_interval_seconds": 0.1,
                **GIVEN.get(mood, {}),
            }
        )

with DAG(
    dag_id="attempts_mapped_deferrable",
    start_date=datetime(2024, 1, 1),  # noqa: DTZ001 - Airflow takes it as UTC
    schedule=None,
):
    CreateAccountingCustomerOperator.partial(
        task_id="create",
        company_id=os.environ.get("CODAT_COMPANY_ID", ""),
        connection_id=os.environ.get("CODAT_CONNECTION_ID", ""),
        poll_interval_seconds=0.1,
        deferrable=True,
    ).expand(
        customer=[
            {"customerName": name, "status": "Active"} for name in ("Ada", "Bert")
        ]
    )
