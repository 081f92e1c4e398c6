"""What the payloads of several data types have in common."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal, Required, TypeAlias, TypedDict

Amount: TypeAlias = float | Decimal | str
"""An amount or a rate; a text holds a plain number, such as ``"12.50"``."""


class AccountRef(TypedDict, total=False):
    """The account of the chart of accounts that a value is booked on."""

    id: str
    name: str


AddressType: TypeAlias = Literal["Billing", "Delivery", "Unknown"]
"""What an address is for."""


class Allocation(TypedDict, total=False):
    """How much, and when."""

    currency: str
    currencyRate: Amount | None
    allocatedOnDate: str
    totalAmount: Amount


class AnyContactRef(TypedDict, total=False):
    """The customer or supplier, by its id, and Codat's key of its data type."""

    id: Required[str]
    dataType: str | None


class ContactRef(TypedDict, total=False):
    """The customer or supplier, by its id in the same books."""

    id: Required[str]
    dataType: Literal["customers", "suppliers"] | None


class CustomerRef(TypedDict, total=False):
    """The customer, by its id in the same books."""

    id: Required[str]
    companyName: str | None


CustomerStatus: TypeAlias = Literal["Active", "Archived", "Unknown"]
"""Whether a customer or supplier is in use; also a contact's status."""


class Metadata(TypedDict, total=False):
    """What Codat says of its own copy; read-only, left out before sending."""

    isDeleted: bool | None


class PaymentMethodRef(TypedDict, total=False):
    """How it is paid, by the method's id in the same books."""

    id: Required[str]
    name: str


PhoneType: TypeAlias = Literal["Fax", "Landline", "Mobile", "Primary", "Unknown"]
"""What kind of line a number is."""


class PurchaseLineRef(TypedDict, total=False):
    """The line of a purchase order, or of a bill, that a line comes from."""

    id: str
    dataType: Literal["purchaseOrders", "bills"]
    lineNumber: str


class RecordRef(TypedDict, total=False):
    """Another record, by its id and Codat's key of its data type."""

    id: str
    dataType: str


class Reference(TypedDict, total=False):
    """Another record, by its id, such as an item or a tracking category."""

    id: Required[str]
    name: str | None


class SupplementalData(TypedDict, total=False):
    """Fields outside Codat's model, configured at Codat first.

    ``content`` maps the name of each configured object to its fields.
    """

    content: Mapping[str, Mapping[str, object]] | None


class SupplierRef(TypedDict, total=False):
    """The supplier, by its id in the same books."""

    id: Required[str]
    supplierName: str | None


class TaxRateRef(TypedDict, total=False):
    """The tax rate of a line, by its id in the same books."""

    id: str
    name: str
    effectiveTaxRate: Amount


class WithholdingTax(TypedDict, total=False):
    """A tax that is withheld; name and amount are required."""

    name: Required[str]
    amount: Required[Amount]


class Address(TypedDict, total=False):
    """A postal address; only its type is required."""

    type: Required[AddressType]
    line1: str | None
    line2: str | None
    city: str | None
    region: str | None
    country: str | None
    postalCode: str | None


class AllocatedPayment(TypedDict, total=False):
    """The payment that settles a record."""

    id: str
    note: str | None
    reference: str | None
    accountRef: AccountRef
    currency: str
    currencyRate: Amount | None
    paidOnDate: str
    totalAmount: Amount


class ItemTerms(TypedDict, total=False):
    """How an item is bought or sold."""

    description: str | None
    unitPrice: Amount | None
    accountRef: AccountRef
    taxRateRef: TaxRateRef


class PurchaseTracking(TypedDict, total=False):
    """Whom and what a line of a purchase is tracked by."""

    categoryRefs: Required[list[Reference]]
    customerRef: CustomerRef
    projectRef: Reference
    isBilledTo: Required[Literal["Unknown", "NotApplicable", "Customer", "Project"]]
    isRebilledTo: Required[Literal["Unknown", "NotApplicable", "Customer", "Project"]]


class SalesTracking(TypedDict, total=False):
    """Whom and what a line of a sale is tracked by."""

    categoryRefs: Required[list[Reference]]
    customerRef: CustomerRef
    projectRef: Reference
    isBilledTo: Required[Literal["Unknown", "NotApplicable", "Project"]]
    isRebilledTo: Required[Literal["Unknown", "NotApplicable", "Project"]]
    recordRef: RecordRef


class TransferAccount(TypedDict, total=False):
    """One end of a transfer: the account, and what leaves or reaches it."""

    accountRef: AccountRef
    currency: str
    amount: Amount


class PaymentAllocation(TypedDict, total=False):
    """How much of a payment settles a record."""

    payment: Required[AllocatedPayment]
    allocation: Required[Allocation]


class SalesLineItem(TypedDict, total=False):
    """One line of an invoice or a credit note."""

    description: str | None
    unitAmount: Required[Amount]
    quantity: Required[Amount]
    discountAmount: Amount | None
    subTotal: Amount | None
    taxAmount: Amount | None
    totalAmount: Amount | None
    accountRef: AccountRef
    discountPercentage: Amount | None
    taxRateRef: TaxRateRef
    itemRef: Reference
    trackingCategoryRefs: list[Reference] | None
    tracking: SalesTracking
    isDirectIncome: bool
