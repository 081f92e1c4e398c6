"""Accounts, items, journals and the bank."""

from typing import Literal, Required, TypedDict

from airflow_provider_codat.api.payload.types.shared import (
    AccountRef,
    Amount,
    AnyContactRef,
    ContactRef,
    ItemTerms,
    Metadata,
    Reference,
    SupplementalData,
    TransferAccount,
)


class AccountingBankAccount(TypedDict, total=False):
    """The body that creates a bank account."""

    id: str
    accountName: str | None
    accountType: Literal["Unknown", "Credit", "Debit"]
    nominalCode: str | None
    sortCode: str | None
    accountNumber: str | None
    iBan: str | None
    currency: str
    balance: Amount | None
    institution: str | None
    availableBalance: Amount | None
    overdraftLimit: Amount | None
    status: Literal["Unknown", "Active", "Archived", "Pending"]
    metadata: Metadata
    supplementalData: SupplementalData
    modifiedDate: str
    sourceModifiedDate: str


class AccountingItem(TypedDict, total=False):
    """The body that creates an item."""

    id: str
    name: str | None
    code: str | None
    itemStatus: Required[Literal["Unknown", "Active", "Archived"]]
    type: Required[Literal["Unknown", "Inventory", "NonInventory", "Service"]]
    isBillItem: Required[bool]
    billItem: ItemTerms
    isInvoiceItem: Required[bool]
    invoiceItem: ItemTerms
    metadata: Metadata
    modifiedDate: str
    sourceModifiedDate: str


class AccountingJournal(TypedDict, total=False):
    """The body that creates a journal."""

    journalCode: str | None
    name: str | None
    type: str | None
    parentId: str | None
    hasChildren: bool
    createdOn: str
    status: Literal["Unknown", "Active", "Archived"]


AccountingTransfer = TypedDict(
    "AccountingTransfer",
    {
        "id": str,
        "description": str | None,
        "contactRef": AnyContactRef,
        "date": str,
        "from": TransferAccount,
        "to": TransferAccount,
        "trackingCategoryRefs": list[Reference] | None,
        "depositedRecordRefs": list[str] | None,
        "metadata": Metadata,
        "supplementalData": SupplementalData,
        "modifiedDate": str,
        "sourceModifiedDate": str,
    },
    total=False,
)
"""The body that creates a transfer."""


class BankTransaction(TypedDict, total=False):
    """One line of a bank account; its id tells it from the others."""

    id: str
    date: str
    description: str | None
    counterparty: str | None
    reference: str | None
    reconciled: bool | None
    amount: Amount
    balance: Amount
    transactionType: (
        Literal[
            "Unknown",
            "Credit",
            "Debit",
            "Int",
            "Div",
            "Fee",
            "SerChg",
            "Dep",
            "Atm",
            "Pos",
            "Xfer",
            "Check",
            "Payment",
            "Cash",
            "DirectDep",
            "DirectDebit",
            "RepeatPmt",
            "Other",
        ]
        | None
    )


class JournalRef(TypedDict, total=False):
    """The journal, by its id in the same books."""

    id: Required[str]
    name: str | None


class JournaledRecordRef(TypedDict, total=False):
    """The record that a journal entry comes from."""

    id: str
    dataType: Literal[
        "bankTransactions",
        "billCreditNotes",
        "billPayments",
        "bills",
        "creditNotes",
        "directCosts",
        "directIncomes",
        "invoices",
        "journalEntries",
        "payments",
        "transfers",
    ]


class TrackedRecordRef(TypedDict, total=False):
    """What a line is tracked by: a customer, a supplier or a category."""

    id: str
    dataType: Literal["customers", "suppliers", "trackingCategories"]


class ValidDatatypeLink(TypedDict, total=False):
    """Which data types may refer to the account, by which property."""

    property: str | None
    links: list[str] | None


class AccountingAccount(TypedDict, total=False):
    """The body that creates an account of the chart of accounts."""

    nominalCode: str | None
    name: str | None
    description: str | None
    fullyQualifiedCategory: str | None
    fullyQualifiedName: str | None
    currency: str
    currentBalance: Amount | None
    type: Literal["Unknown", "Asset", "Expense", "Income", "Liability", "Equity"]
    status: Literal["Unknown", "Active", "Archived", "Pending"]
    isBankAccount: bool
    validDatatypeLinks: list[ValidDatatypeLink] | None
    supplementalData: SupplementalData


class AccountingBankTransactions(TypedDict, total=False):
    """The body that creates lines of a bank account, up to 1,000 at a time."""

    accountId: Required[str]
    transactions: Required[list[BankTransaction]]


class JournalLineTracking(TypedDict, total=False):
    """What a line of a journal entry is tracked by."""

    recordRefs: list[TrackedRecordRef] | None


class JournalLine(TypedDict, total=False):
    """One line of a journal entry: debit above zero, credit below."""

    description: str | None
    netAmount: Required[Amount]
    transactionAmount: Amount
    currency: str | None
    transactionCurrency: str | None
    accountRef: AccountRef
    tracking: JournalLineTracking
    contactRef: ContactRef


class AccountingJournalEntry(TypedDict, total=False):
    """The body that creates a journal entry."""

    id: str
    description: str | None
    postedOn: str
    createdOn: str
    updatedOn: str
    journalRef: JournalRef
    journalLines: list[JournalLine] | None
    recordRef: JournaledRecordRef
    metadata: Metadata
    supplementalData: SupplementalData
    modifiedDate: str
    sourceModifiedDate: str
