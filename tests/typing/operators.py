"""Never run: read by mypy, which must find wrong what says so, and nothing else."""

from datetime import timedelta

from airflow_provider_codat.operators.codat import (
    CreateAccountingCustomerOperator,
    CreateAccountingCustomersOperator,
    UpdateAccountingCustomerOperator,
)

COMPANY = "8a210b68-6988-11ed-a1eb-0242ac120002"

CreateAccountingCustomerOperator(
    task_id="with_switches_of_both",
    company_id=COMPANY,
    customer={"customerName": "Ada", "status": "Active"},
    deferrable=True,
    if_exists="skip",
    retries=3,
    retry_delay=timedelta(minutes=1),
    pool="codat",
)
CreateAccountingCustomersOperator(
    task_id="many",
    company_id=COMPANY,
    customers_path="s3://bucket/customers.jsonl",
    on_quota="wait",
    max_failed=0.1,
)
UpdateAccountingCustomerOperator(
    task_id="update",
    company_id=COMPANY,
    customer_id="7",
    customer="{{ params.customer }}",
    force_update=True,
)

CreateAccountingCustomerOperator(  # type: ignore[call-arg] # no such switch
    task_id="misspelt", company_id=COMPANY, customer={}, defferable=True
)
CreateAccountingCustomerOperator(
    task_id="wrong",
    company_id=COMPANY,
    customer={},
    if_exists="ignore",  # type: ignore[arg-type] # it is skip, or fail
)
