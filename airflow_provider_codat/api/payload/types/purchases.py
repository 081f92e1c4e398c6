"""What is bought, and paid to suppliers."""

from typing import Literal, Required, TypedDict

from airflow_provider_codat.api.payload.types.shared import (
    AccountRef,
    Address,
    Amount,
    AnyContactRef,
    Metadata,
    PaymentAllocation,
    PaymentMethodRef,
    PurchaseLineRef,
    PurchaseTracking,
    RecordRef,
    Reference,
    SupplementalData,
    SupplierRef,
    TaxRateRef,
    WithholdingTax,
)


class BillCreditNoteLineItem(TypedDict, total=False):
    """One line of a bill credit note."""

    description: str | None
    unitAmount: Required[Amount]
    quantity: Required[Amount]
    unitOfMeasurement: str | None
    discountAmount: Amount | None
    subTotal: Amount | None
    taxAmount: Amount | None
    totalAmount: Amount | None
    accountRef: AccountRef
    discountPercentage: Amount | None
    taxRateRef: TaxRateRef
    itemRef: Reference
    createdFromLineRef: PurchaseLineRef
    trackingCategoryRefs: list[Reference] | None
    tracking: PurchaseTracking


class BillLineItem(TypedDict, total=False):
    """One line of a bill."""

    lineNumber: str | None
    description: str | None
    unitAmount: Amount
    quantity: Amount
    unitOfMeasurement: str | None
    discountAmount: Amount | None
    subTotal: Amount | None
    taxAmount: Amount | None
    totalAmount: Amount | None
    discountPercentage: Amount | None
    accountRef: AccountRef
    taxRateRef: TaxRateRef
    itemRef: Reference
    purchaseOrderLineRef: PurchaseLineRef
    trackingCategoryRefs: list[Reference] | None
    tracking: PurchaseTracking
    isDirectCost: bool


class BillPaymentLink(TypedDict, total=False):
    """What a line settles; the type is required."""

    type: Required[
        Literal[
            "Unknown",
            "Unlinked",
            "Bill",
            "Other",
            "CreditNote",
            "BillPayment",
            "PaymentOnAccount",
            "Refund",
            "ManualJournal",
            "Discount",
        ]
    ]
    id: str | None
    amount: Amount | None
    currencyRate: Amount | None


class DirectCostTracking(TypedDict, total=False):
    """Whom and what a line of a direct cost is tracked by."""

    recordRefs: Required[list[RecordRef]]
    invoiceTo: RecordRef


class PurchaseOrderLineItem(TypedDict, total=False):
    """One line of a purchase order."""

    description: str | None
    accountRef: AccountRef
    itemRef: Reference
    trackingCategoryRefs: list[Reference] | None
    unitAmount: Amount
    quantity: Amount
    discountAmount: Amount
    discountPercentage: Amount
    subTotal: Amount
    taxAmount: Amount
    taxRateRef: TaxRateRef
    totalAmount: Amount


class PurchaseOrderRef(TypedDict, total=False):
    """A purchase order that a bill comes from."""

    id: str
    purchaseOrderNumber: str | None


class ShipToContact(TypedDict, total=False):
    """Whom to ask about a delivery."""

    name: str | None
    email: str | None
    phone: str | None


class AccountingBill(TypedDict, total=False):
    """The body that creates a bill."""

    id: str
    reference: str | None
    supplierRef: SupplierRef
    purchaseOrderRefs: list[PurchaseOrderRef] | None
    issueDate: Required[str]
    dueDate: str
    currency: str
    currencyRate: Amount | None
    lineItems: list[BillLineItem] | None
    withholdingTax: list[WithholdingTax] | None
    status: Required[
        Literal["Unknown", "Open", "PartiallyPaid", "Paid", "Void", "Draft"]
    ]
    subTotal: Required[Amount]
    taxAmount: Required[Amount]
    totalAmount: Required[Amount]
    amountDue: Amount | None
    note: str | None
    paymentAllocations: list[PaymentAllocation] | None
    metadata: Metadata
    supplementalData: SupplementalData
    modifiedDate: str
    sourceModifiedDate: str


class AccountingBillCreditNote(TypedDict, total=False):
    """The body that creates a bill credit note."""

    id: str
    billCreditNoteNumber: str | None
    supplierRef: SupplierRef
    withholdingTax: list[WithholdingTax] | None
    totalAmount: Required[Amount]
    totalDiscount: Required[Amount]
    subTotal: Required[Amount]
    totalTaxAmount: Required[Amount]
    discountPercentage: Required[Amount]
    remainingCredit: Amount
    status: Required[
        Literal["Unknown", "Draft", "Submitted", "Paid", "Void", "PartiallyPaid"]
    ]
    issueDate: str
    allocatedOnDate: str
    currency: str
    currencyRate: Amount | None
    lineItems: list[BillCreditNoteLineItem] | None
    paymentAllocations: list[PaymentAllocation] | None
    createdFromRefs: list[RecordRef] | None
    note: str | None
    supplementalData: SupplementalData
    metadata: Metadata
    modifiedDate: str
    sourceModifiedDate: str


class BillPaymentLine(TypedDict, total=False):
    """How much of a bill payment settles what; the amount is required."""

    amount: Required[Amount]
    links: list[BillPaymentLink] | None
    allocatedOnDate: str


class DirectCostLineItem(TypedDict, total=False):
    """One line of a direct cost; price and quantity are required."""

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
    tracking: DirectCostTracking


class ShipTo(TypedDict, total=False):
    """Where the order is to be delivered, and whom to ask."""

    contact: ShipToContact
    address: Address


class AccountingBillPayment(TypedDict, total=False):
    """The body that creates a bill payment."""

    id: str
    supplierRef: SupplierRef
    accountRef: AccountRef
    totalAmount: Amount
    currency: str
    currencyRate: Amount | None
    date: Required[str]
    note: str | None
    paymentMethodRef: PaymentMethodRef
    lines: list[BillPaymentLine] | None
    reference: str | None
    metadata: Metadata
    supplementalData: SupplementalData
    modifiedDate: str
    sourceModifiedDate: str


class AccountingDirectCost(TypedDict, total=False):
    """The body that creates a direct cost."""

    id: str
    reference: str | None
    note: str | None
    contactRef: AnyContactRef
    issueDate: Required[str]
    currency: Required[str]
    currencyRate: Amount | None
    lineItems: Required[list[DirectCostLineItem]]
    paymentAllocations: Required[list[PaymentAllocation]]
    subTotal: Required[Amount]
    taxAmount: Required[Amount]
    totalAmount: Required[Amount]
    metadata: Metadata
    supplementalData: SupplementalData
    modifiedDate: str
    sourceModifiedDate: str


class AccountingPurchaseOrder(TypedDict, total=False):
    """The body that creates a purchase order."""

    id: str
    purchaseOrderNumber: str | None
    issueDate: str
    paymentDueDate: str
    expectedDeliveryDate: str
    deliveryDate: str
    note: str | None
    shipTo: ShipTo
    supplierRef: SupplierRef
    status: Literal["Unknown", "Draft", "Open", "Closed", "Void"]
    currency: str
    currencyRate: Amount | None
    lineItems: list[PurchaseOrderLineItem] | None
    totalDiscount: Amount
    subTotal: Amount
    totalTaxAmount: Amount
    totalAmount: Amount
    metadata: Metadata
    modifiedDate: str
    sourceModifiedDate: str
