"""Codat's SDK for commerce, as its README has it: its own retries, up to an hour."""

from typing import Any

import codatsynccommerce
import requests
from codatsynccommerce.models import operations, shared
from tasks import carry_out, job


class TimeoutSession(requests.Session):
    """Where the README says that timeouts are set: in a client of one's own."""

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:  # noqa: ANN401 - as in requests
        """Send a request that does not wait for ever."""
        return super().request(*args, timeout=JOB.timeout_seconds, **kwargs)


JOB = job()
SDK = codatsynccommerce.CodatSyncCommerce(
    security=shared.Security(auth_header=JOB.authorization),
    server_url=JOB.base_url,
    client=TimeoutSession(),
)


def create(customer: dict[str, Any], _try: int) -> str:
    """Create a customer; return the key of its push operation."""
    result = SDK.accounting_customers.create_accounting_customer(
        operations.CreateAccountingCustomerRequest(
            company_id=JOB.company_id,
            connection_id=JOB.connection_id,
            accounting_customer=shared.AccountingCustomer(
                customer_name=customer["customerName"],
                status=shared.CustomerStatus(customer["status"]),
            ),
        )
    )
    key: str = result.accounting_create_customer_response.push_operation_key
    return key


carry_out(JOB, create)
