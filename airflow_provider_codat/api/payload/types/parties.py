"""Customers and suppliers."""

from typing import Required, TypedDict

from airflow_provider_codat.api.payload.types.shared import (
    Address,
    CustomerStatus,
    Metadata,
    PhoneType,
    SupplementalData,
)


class AccountingSupplier(TypedDict, total=False):
    """The body that creates a supplier."""

    id: str
    supplierName: str | None
    contactName: str | None
    emailAddress: str | None
    phone: str | None
    addresses: list[Address] | None
    registrationNumber: str | None
    taxNumber: str | None
    status: Required[CustomerStatus]
    defaultCurrency: str | None
    metadata: Metadata
    supplementalData: SupplementalData
    modifiedDate: str
    sourceModifiedDate: str


class PhoneNumber(TypedDict, total=False):
    """A contact's phone number; only its type is required."""

    number: str | None
    type: Required[PhoneType]


class Contact(TypedDict, total=False):
    """A person at the customer; only the status is required."""

    name: str | None
    email: str | None
    phone: list[PhoneNumber] | None
    address: Address
    status: Required[CustomerStatus]
    modifiedDate: str


class AccountingCustomer(TypedDict, total=False):
    """The body that creates a customer.

    Most accounting software requires ``customerName`` besides the status.
    """

    id: str
    customerName: str | None
    contactName: str | None
    emailAddress: str | None
    defaultCurrency: str
    phone: str | None
    addresses: list[Address] | None
    contacts: list[Contact] | None
    registrationNumber: str | None
    taxNumber: str | None
    status: Required[CustomerStatus]
    metadata: Metadata
    supplementalData: SupplementalData
    modifiedDate: str
    sourceModifiedDate: str
