"""Codat's SDK for accounting, as its README has it: its own retries, up to an hour."""

from typing import Any

from codat_accounting import CodatAccounting
from codat_accounting.models import shared
from tasks import carry_out, job

JOB = job()
SDK = CodatAccounting(
    security=shared.Security(auth_header=JOB.authorization),
    server_url=JOB.base_url,
    timeout_ms=int(1000 * JOB.timeout_seconds),
)


def create(customer: dict[str, Any], _try: int) -> str:
    """Create a customer; return the key of its push operation."""
    result = SDK.customers.create(
        request={
            "company_id": JOB.company_id,
            "connection_id": JOB.connection_id,
            "customer": {
                "customer_name": customer["customerName"],
                "status": shared.CustomerStatus(customer["status"]),
            },
        }
    )
    key: str = result.push_operation_key
    return key


carry_out(JOB, create)
