"""Never run: read by mypy, which must find nothing wrong here."""

from datetime import UTC, datetime
from typing import Any

from airflow_provider_codat.failures import CodatRetryPolicy
from airflow_provider_codat.operators.read import ListAccountingCustomersOperator
from airflow_provider_codat.operators.refresh import CodatDataRefreshOperator

refreshed = CodatDataRefreshOperator(
    task_id="refresh",
    company_id="{{ params.company_id }}",
    connection_id=None,
    data_type="invoices",
    completion_timeout_seconds="{{ params.seconds }}",
    deferrable=True,
    hook_params={"requests_per_minute": 60},
    retry_policy=CodatRetryPolicy(),
    retries=3,
)

since_a_moment = ListAccountingCustomersOperator(
    task_id="list",
    company_id="{{ params.company_id }}",
    path="s3://bucket/customers.jsonl.gz",
    modified_since=datetime(2026, 3, 1, tzinfo=UTC),
)
since_a_template = ListAccountingCustomersOperator(
    task_id="list",
    company_id="{{ params.company_id }}",
    path="/data/customers.jsonl",
    modified_since="{{ prev_data_interval_start_success }}",
    query="customerName~Bakery",
    include_deleted=True,
    page_size=5000,
)


def listed(operator: ListAccountingCustomersOperator) -> dict[str, Any]:
    """Take what a task returns."""
    return operator.execute({})
