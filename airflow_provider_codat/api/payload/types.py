"""The shape of a customer, for type checkers and editors.

A plain dict is all that is needed at run time; these types change nothing then. A
test holds them against ``schemas/customers.json``.

Source: https://docs.codat.io/sync-for-expenses-api#/operations/create-customer
"""

from collections.abc import Mapping
from typing import Literal, Required, TypeAlias, TypedDict

CustomerStatus: TypeAlias = Literal["Active", "Archived", "Unknown"]
"""Whether the customer is in use; also a contact's status."""

AddressType: TypeAlias = Literal["Billing", "Delivery", "Unknown"]
"""What an address is for."""

PhoneType: TypeAlias = Literal["Fax", "Landline", "Mobile", "Primary", "Unknown"]
"""What kind of line a number is."""


class Address(TypedDict, total=False):
    """A postal address; only its type is required."""

    type: Required[AddressType]
    line1: str | None
    line2: str | None
    city: str | None
    region: str | None
    country: str | None
    postalCode: str | None


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


class Metadata(TypedDict, total=False):
    """What Codat says of its own copy; read-only, left out before sending."""

    isDeleted: bool | None


class SupplementalData(TypedDict, total=False):
    """Fields outside Codat's model, which must be configured at Codat first.

    ``content`` maps the name of each configured object to its fields.
    """

    content: Mapping[str, Mapping[str, object]] | None


class AccountingCustomer(TypedDict, total=False):
    """The body that creates a customer; only the status is required by Codat.

    Most accounting software requires ``customerName`` as well. ``metadata``,
    ``modifiedDate`` and ``sourceModifiedDate`` are read-only and left out before
    sending, unless told otherwise.
    """

    id: str
    customerName: str | None
    contactName: str | None
    emailAddress: str | None
    phone: str | None
    registrationNumber: str | None
    taxNumber: str | None
    defaultCurrency: str
    status: Required[CustomerStatus]
    addresses: list[Address] | None
    contacts: list[Contact] | None
    metadata: Metadata
    supplementalData: SupplementalData
    modifiedDate: str
    sourceModifiedDate: str
