"""A customer, an invoice to it, and a payment of that: each knows the one before.

The run's conf gives the ``name`` that all three begin with.
"""

import os
from datetime import datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_codat.operators.codat import (
    CreateAccountingCustomerOperator,
    CreateAccountingInvoiceOperator,
    CreateAccountingPaymentOperator,
)

NAME = "{{ dag_run.conf['name'] }}"
COMMON: dict[str, Any] = {
    "company_id": os.environ.get("CODAT_COMPANY_ID", ""),
    "connection_id": os.environ.get("CODAT_CONNECTION_ID", ""),
    "retries": 3,
    "retry_delay": timedelta(seconds=1),
    "poll_interval_seconds": 1,
    "completion_timeout_seconds": 3600,
    "reconcile_grace_seconds": 1,
    # Whoever is struck is left in peace until the blow has fallen.
    "hook_params": {"read_timeout_seconds": 90, "retry_budget_seconds": 100},
}
TOTALS = {"totalTaxAmount": "10.00", "totalAmount": "60.00", "amountDue": "60.00"}
START = datetime(2024, 1, 1)  # noqa: DTZ001 - Airflow takes it as UTC


def record_of(task_id: str) -> str:
    """Return a template of the id that an earlier task has returned."""
    return f"{{{{ ti.xcom_pull('{task_id}')['record_id'] }}}}"


with DAG(dag_id="chain", start_date=START, schedule=None):
    customer = CreateAccountingCustomerOperator(
        task_id="customer",
        customer={"customerName": f"{NAME} customer", "status": "Active"},
        **COMMON,
    )
    invoice = CreateAccountingInvoiceOperator(
        task_id="invoice",
        invoice={
            "invoiceNumber": f"{NAME} invoice",
            "customerRef": {"id": record_of("customer")},
            "issueDate": "2026-03-02",
            "currency": "GBP",
            "status": "Submitted",
            **TOTALS,
        },
        **COMMON,
    )
    payment = CreateAccountingPaymentOperator(
        task_id="payment",
        payment={
            "reference": f"{NAME} payment",
            "customerRef": {"id": record_of("customer")},
            "accountRef": {"id": os.environ.get("CODAT_BANK_ACCOUNT_ID", "")},
            "date": "2026-03-04",
            "currency": "GBP",
            "totalAmount": "60.00",
            "lines": [
                {
                    "amount": "60.00",
                    "links": [
                        {
                            "type": "Invoice",
                            "id": record_of("invoice"),
                            "amount": "-60.00",
                        }
                    ],
                }
            ],
        },
        **COMMON,
    )
    customer >> invoice >> payment
