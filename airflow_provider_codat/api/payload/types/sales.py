"""What is sold, and paid by customers."""

from typing import Literal, Required, TypedDict

from airflow_provider_codat.api.payload.types.shared import (
    AccountRef,
    Amount,
    ContactRef,
    CustomerRef,
    Metadata,
    PaymentAllocation,
    PaymentMethodRef,
    Reference,
    SalesLineItem,
    SupplementalData,
    TaxRateRef,
    WithholdingTax,
)


class AccountingCreditNote(TypedDict, total=False):
    """The body that creates a credit note."""

    id: str
    creditNoteNumber: str | None
    customerRef: CustomerRef
    withholdingTax: list[WithholdingTax] | None
    totalAmount: Required[Amount]
    totalDiscount: Required[Amount]
    subTotal: Required[Amount]
    additionalTaxAmount: Amount
    additionalTaxPercentage: Amount
    totalTaxAmount: Required[Amount]
    discountPercentage: Required[Amount]
    remainingCredit: Required[Amount]
    status: Required[
        Literal["Unknown", "Draft", "Submitted", "Paid", "Void", "PartiallyPaid"]
    ]
    issueDate: str
    allocatedOnDate: str
    currency: str
    currencyRate: Amount | None
    lineItems: list[SalesLineItem] | None
    paymentAllocations: list[PaymentAllocation] | None
    note: str | None
    metadata: Metadata
    supplementalData: SupplementalData
    modifiedDate: str
    sourceModifiedDate: str


class DirectIncomeLineItem(TypedDict, total=False):
    """One line of a direct income; price and quantity are required."""

    description: str | None
    unitAmount: Required[Amount]
    quantity: Required[Amount]
    discountAmount: Amount | None
    discountPercentage: Amount | None
    subTotal: Amount | None
    taxAmount: Amount | None
    totalAmount: Amount | None
    accountRef: AccountRef
    taxRateRef: TaxRateRef
    itemRef: Reference
    trackingCategoryRefs: list[Reference] | None


class PaymentLink(TypedDict, total=False):
    """What a line settles; the type is required."""

    type: Required[
        Literal[
            "Unknown",
            "Unlinked",
            "Invoice",
            "CreditNote",
            "Other",
            "Refund",
            "Payment",
            "PaymentOnAccount",
            "ManualJournal",
            "Discount",
        ]
    ]
    id: str
    amount: Amount | None
    currencyRate: Amount | None


class SalesOrderRef(TypedDict, total=False):
    """A sales order that an invoice comes from."""

    id: str
    dataType: Literal["salesOrders"]


class AccountingDirectIncome(TypedDict, total=False):
    """The body that creates a direct income."""

    id: str
    reference: str | None
    note: str | None
    contactRef: ContactRef
    issueDate: Required[str]
    currency: Required[str]
    currencyRate: Amount | None
    lineItems: Required[list[DirectIncomeLineItem]]
    paymentAllocations: Required[list[PaymentAllocation]]
    subTotal: Required[Amount]
    taxAmount: Required[Amount]
    totalAmount: Required[Amount]
    metadata: Metadata
    supplementalData: SupplementalData
    modifiedDate: str
    sourceModifiedDate: str


class AccountingInvoice(TypedDict, total=False):
    """The body that creates an invoice."""

    id: str
    invoiceNumber: str | None
    customerRef: CustomerRef
    salesOrderRefs: list[SalesOrderRef] | None
    issueDate: Required[str]
    dueDate: str
    paidOnDate: str
    currency: str
    currencyRate: Amount | None
    lineItems: list[SalesLineItem] | None
    paymentAllocations: list[PaymentAllocation] | None
    withholdingTax: list[WithholdingTax] | None
    totalDiscount: Amount | None
    subTotal: Amount | None
    additionalTaxAmount: Amount
    additionalTaxPercentage: Amount
    totalTaxAmount: Required[Amount]
    totalAmount: Required[Amount]
    amountDue: Required[Amount]
    discountPercentage: Amount | None
    status: Required[
        Literal["Unknown", "Draft", "Submitted", "PartiallyPaid", "Paid", "Void"]
    ]
    note: str | None
    metadata: Metadata
    supplementalData: SupplementalData
    modifiedDate: str
    sourceModifiedDate: str


class PaymentLine(TypedDict, total=False):
    """How much of a payment settles what; the amount is required."""

    amount: Required[Amount]
    links: list[PaymentLink] | None
    allocatedOnDate: str


class AccountingPayment(TypedDict, total=False):
    """The body that creates a payment."""

    id: str
    customerRef: CustomerRef
    accountRef: AccountRef
    paymentMethodRef: PaymentMethodRef
    totalAmount: Amount
    currency: str
    currencyRate: Amount | None
    date: Required[str]
    note: str | None
    lines: list[PaymentLine] | None
    reference: str | None
    metadata: Metadata
    supplementalData: SupplementalData
    modifiedDate: str
    sourceModifiedDate: str
