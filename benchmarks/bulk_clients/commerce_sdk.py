"""Codat's SDK for commerce, each push operation asked for by its key."""

import codatsynccommerce
from codatsynccommerce.models import operations, shared
from load import Customer, job, one_by_one

JOB = job()
SDK = codatsynccommerce.CodatSyncCommerce(
    security=shared.Security(auth_header=JOB.authorization), server_url=JOB.base_url
)


def create(customer: Customer) -> str:
    """Create a customer; return the key of its push operation."""
    result = SDK.accounting_customers.create_accounting_customer(
        operations.CreateAccountingCustomerRequest(
            company_id=JOB.company_id,
            connection_id=JOB.connection_id,
            accounting_customer=shared.AccountingCustomer(
                customer_name=customer["customerName"],
                email_address=customer["emailAddress"],
                status=shared.CustomerStatus(customer["status"]),
            ),
        )
    )
    key: str = result.accounting_create_customer_response.push_operation_key
    return key


def status(key: str) -> str:
    """Ask for a push operation."""
    asked = operations.GetPushOperationRequest(JOB.company_id, key)
    found: str = SDK.push_data.get_operation(asked).push_operation.status.value
    return found


one_by_one(JOB, create, status)
