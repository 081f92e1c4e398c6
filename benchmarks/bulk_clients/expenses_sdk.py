"""Codat's SDK for expenses, the current one that creates customers."""

from codat_sync_for_expenses import CodatSyncExpenses
from codat_sync_for_expenses.models import shared
from load import Customer, job, one_by_one

JOB = job()
SDK = CodatSyncExpenses(
    security=shared.Security(auth_header=JOB.authorization), server_url=JOB.base_url
)


def create(customer: Customer) -> str:
    """Create a customer; return the key of its push operation."""
    result = SDK.customers.create(
        request={
            "company_id": JOB.company_id,
            "connection_id": JOB.connection_id,
            "customer": {
                "customer_name": customer["customerName"],
                "email_address": customer["emailAddress"],
                "status": shared.CustomerStatus(customer["status"]),
            },
        }
    )
    key: str = result.push_operation_key
    return key


def status(key: str) -> str:
    """Ask for a push operation."""
    asked = {"company_id": JOB.company_id, "push_operation_key": key}
    found: str = SDK.push_operations.get(request=asked).status.value
    return found


one_by_one(JOB, create, status)
