"""Never run: read by mypy, which must find nothing wrong here."""

from airflow_provider_codat.api.payload.canonical import canonical, read_payload
from airflow_provider_codat.api.payload.contract import problems
from airflow_provider_codat.api.payload.types import (
    AccountingCustomer,
    Address,
    Contact,
    CustomerStatus,
    PhoneNumber,
)

smallest: AccountingCustomer = {"status": "Active"}

usual: AccountingCustomer = {
    "customerName": "Analytical Engines Ltd",
    "emailAddress": "ada@example.com",
    "status": "Active",
}

billing: Address = {"type": "Billing", "line1": "12 St James's Square", "line2": None}
mobile: PhoneNumber = {"type": "Mobile", "number": None}
ada: Contact = {
    "name": "Ada Lovelace",
    "phone": [mobile, {"type": "Landline", "number": "+44 20 7946 0000"}],
    "address": billing,
    "status": "Active",
}

fullest: AccountingCustomer = {
    "id": "ENGINES",
    "customerName": "Analytical Engines Ltd",
    "contactName": None,
    "emailAddress": None,
    "phone": None,
    "registrationNumber": "01234567",
    "taxNumber": None,
    "defaultCurrency": "GBP",
    "status": "Unknown",
    "addresses": [billing, {"type": "Delivery", "postalCode": "SW1Y 4JH"}],
    "contacts": [ada],
    "metadata": {"isDeleted": None},
    "supplementalData": {"content": {"crm": {"score": 7, "tags": ["new"]}}},
    "modifiedDate": "2022-10-23",
    "sourceModifiedDate": "2022-10-23T00:00:00Z",
}

without_lists: AccountingCustomer = {
    "status": "Archived",
    "addresses": None,
    "contacts": None,
    "supplementalData": {"content": None},
}

status: CustomerStatus = usual["status"]
name: str | None = usual.get("customerName")


def sent(customer: AccountingCustomer) -> bytes:
    """Take a typed customer wherever any payload goes."""
    payload = read_payload(customer)
    return b"" if problems(payload) else canonical(payload)
