"""From an order to its payment: a customer, an invoice to it, a payment of that.

Each order is a chain of its own in a mapped task group. A record is known to the next
one by its id, the ``record_id`` that its task returns. Where one is refused, the rest
of its chain is not sent; the other orders do not notice.

Amounts are texts here, as they stand in the file: ``"12.50"`` arrives as 12.5, and
never as 12.499999999999998.

Which company, connection and accounts, is asked when the DAG is triggered; the defaults
come from the environment variables CODAT_COMPANY_ID, CODAT_CONNECTION_ID,
CODAT_SALES_ACCOUNT_ID and CODAT_BANK_ACCOUNT_ID.
"""

import csv
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.providers.common.compat.sdk import DAG, Param, task, task_group

from airflow_provider_codat.operators.codat import (
    CreateAccountingCustomerOperator,
    CreateAccountingInvoiceOperator,
    CreateAccountingPaymentOperator,
)


def asked(variable: str, title: str) -> Param:
    """Return a param with a default from the environment."""
    return Param(os.environ.get(variable, ""), type="string", title=title)


BOOKS = {
    "company_id": "{{ params.company_id }}",
    "connection_id": "{{ params.connection_id }}",
    "deferrable": True,
    "poll_interval_seconds": 5,
    "retries": 3,
    "retry_delay": timedelta(minutes=1),
}

with DAG(
    dag_id="codat_order_to_cash",
    description="Create customers, the invoices to them, and their payments",
    start_date=datetime(2024, 1, 1),  # noqa: DTZ001 - Airflow takes it as UTC
    schedule=None,
    catchup=False,
    tags=["codat"],
    params={
        "company_id": asked("CODAT_COMPANY_ID", "Codat company, a UUID"),
        "connection_id": asked("CODAT_CONNECTION_ID", "Codat's connection, a UUID"),
        "sales_account_id": asked("CODAT_SALES_ACCOUNT_ID", "Account of the sales"),
        "bank_account_id": asked("CODAT_BANK_ACCOUNT_ID", "Account of the payments"),
        "csv_path": Param(
            str(Path(__file__).parent / "data" / "orders.csv"), type="string"
        ),
    },
):
    # The log would show the payload otherwise.
    @task(show_return_value_in_logs=False)
    def read_orders(params: dict[str, Any] | None = None) -> list[dict[str, str]]:
        """Return the orders of the file."""
        path = Path((params or {})["csv_path"])
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    @task(show_return_value_in_logs=False)
    def as_customer(order: dict[str, str]) -> dict[str, Any]:
        """Return the customer of an order."""
        return {
            "customerName": order["customer"],
            "emailAddress": order["email"],
            "status": "Active",
        }

    @task(show_return_value_in_logs=False)
    def as_invoice(
        order: dict[str, str],
        customer: dict[str, Any],
        params: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return the invoice of an order, to the customer that was created."""
        line = {
            "description": order["description"],
            "unitAmount": order["unit_price"],
            "quantity": order["quantity"],
            "subTotal": order["net"],
            "taxAmount": order["tax"],
            "totalAmount": order["total"],
            "accountRef": {"id": (params or {})["sales_account_id"]},
        }
        return {
            "invoiceNumber": order["number"],
            "customerRef": {"id": customer["record_id"]},
            "issueDate": "2026-03-02",
            "dueDate": "2026-04-01",
            "currency": "GBP",
            "lineItems": [line],
            "subTotal": order["net"],
            "totalTaxAmount": order["tax"],
            "totalAmount": order["total"],
            "amountDue": order["total"],
            "status": "Submitted",
        }

    @task(show_return_value_in_logs=False)
    def as_payment(
        order: dict[str, str],
        customer: dict[str, Any],
        invoice: dict[str, Any],
        params: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return the payment of an order, allocated to the invoice."""
        link = {
            "type": "Invoice",
            "id": invoice["record_id"],
            "amount": f"-{order['total']}",
        }
        return {
            "reference": f"Payment of {order['number']}",
            "customerRef": {"id": customer["record_id"]},
            "accountRef": {"id": (params or {})["bank_account_id"]},
            "date": order["paid_on"],
            "currency": "GBP",
            "totalAmount": order["total"],
            "lines": [{"amount": order["total"], "links": [link]}],
        }

    @task_group
    def order_to_cash(order: dict[str, str]) -> Any:  # noqa: ANN401 - an XComArg
        """Write one order: each record once, or exactly why not."""
        customer = CreateAccountingCustomerOperator(
            task_id="customer",
            customer=as_customer(order),
            map_index_template="{{ task.customer['customerName'] }}",
            **BOOKS,
        )
        invoice = CreateAccountingInvoiceOperator(
            task_id="invoice",
            invoice=as_invoice(order, customer.output),
            map_index_template="{{ task.invoice['invoiceNumber'] }}",
            **BOOKS,
        )
        payment = CreateAccountingPaymentOperator(
            task_id="payment",
            payment=as_payment(order, customer.output, invoice.output),
            map_index_template="{{ task.payment['reference'] }}",
            **BOOKS,
        )
        return payment.output

    @task(trigger_rule="all_done")
    def note_payments(payments: Any) -> list[str]:  # noqa: ANN401 - what Airflow makes of a mapped output
        """Return the payments that are in the books: your own system takes over."""
        # Where one alone is there, Airflow hands over that one, and no list.
        each = [payments] if isinstance(payments, dict) else payments
        return [payment["record_id"] for payment in each]

    note_payments(order_to_cash.expand(order=read_orders()))
