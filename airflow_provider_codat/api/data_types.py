"""What Codat can write: a row for each data type.

Source: https://docs.codat.io/using-the-api/push
"""

from collections.abc import Mapping
from dataclasses import dataclass

from airflow_provider_codat.api.models import Json


@dataclass(frozen=True, slots=True)
class DataType:
    """One row of the table of what can be written.

    A path leads from the record to a value, such as ``customerRef.id``. One through a
    list, such as ``journalLines[].netAmount``, is the sum of what is above zero.

    :param name: Codat's key, such as ``customers``, in options and replies.
    :param segment: the last segment of the push route, and of that of Codat's copy.
    :param record: what one of them is called, for messages.
    :param identifying: texts by which one is told from another, and looked for.
    :param plural: what several are called; by default with an s.
    :param given_as: the argument of an operator that takes one; by default ``record``.
    :param can_update: whether Codat has a PUT for it.
    :param can_delete: whether Codat has a DELETE for it.
    :param attachments: the last segment of the route that takes a file for it; empty
        where Codat has none.
    :param takes_timeout: whether the create takes ``timeoutInMinutes``.
    :param takes_sync: whether it takes ``allowSyncOnPushComplete``.
    :param of_connection: whether Codat's copy is that of a connection, and not that of
        the company's connections together.
    :param is_readable: whether Codat's copy shows what was written.
    :param parent: the segment before the last one, and the property of the payload
        whose value stands between them.
    :param codes: the identifying texts that software does not respell: numbers.
    :param amounts: paths of amounts of money that tell whether it is the same one.
    :param dates: paths of its dates.
    :param references: paths of the ids of other records that it belongs to.
    :param longest: names, how many characters each may have, and in which software:
        the strictest of those whose models are known.
    """

    name: str
    segment: str
    record: str
    identifying: tuple[str, ...] = ()
    plural: str = ""
    given_as: str = ""
    can_update: bool = False
    can_delete: bool = False
    attachments: str = ""
    takes_timeout: bool = True
    takes_sync: bool = False
    of_connection: bool = False
    is_readable: bool = True
    parent: tuple[str, str] | None = None
    codes: tuple[str, ...] = ()
    amounts: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    longest: tuple[tuple[str, int, str], ...] = ()

    @property
    def records(self) -> str:
        """What several of them are called."""
        return self.plural or f"{self.record}s"

    @property
    def a_record(self) -> str:
        """One of them, with its article."""
        return f"{'an' if self.record[0] in 'aeiou' else 'a'} {self.record}"

    @property
    def argument(self) -> str:
        """The argument of an operator that takes one of them."""
        return self.given_as or self.record.replace(" ", "_")

    @property
    def arguments(self) -> str:
        """The argument of an operator that takes many of them."""
        return self.records.replace(" ", "_")

    def parent_of(self, payload: Json) -> str:
        """Return what stands in the push route before the last segment; else empty."""
        if self.parent is None or not isinstance(payload, dict):
            return ""
        return str(payload.get(self.parent[1]) or "")


_SAGE_50 = "Sage 50 (UK)"

CUSTOMERS = DataType(
    "customers",
    "customers",
    "customer",
    can_update=True,
    takes_sync=True,
    identifying=("customerName", "emailAddress", "taxNumber"),
    longest=(("customerName", 60, _SAGE_50), ("contactName", 30, _SAGE_50)),
)
SUPPLIERS = DataType(
    "suppliers",
    "suppliers",
    "supplier",
    can_update=True,
    takes_sync=True,
    identifying=("supplierName", "emailAddress", "taxNumber"),
    longest=(("supplierName", 60, _SAGE_50), ("contactName", 30, _SAGE_50)),
)
CHART_OF_ACCOUNTS = DataType(
    "chartOfAccounts",
    "accounts",
    "account",
    takes_sync=True,
    identifying=("nominalCode", "name"),
    codes=("nominalCode",),
    longest=(("name", 100, "QuickBooks Online"),),
)
BANK_ACCOUNTS = DataType(
    "bankAccounts",
    "bankAccounts",
    "bank account",
    can_update=True,
    takes_sync=True,
    of_connection=True,
    identifying=("accountName", "accountNumber", "iBan", "nominalCode"),
    codes=("nominalCode",),
)
BANK_TRANSACTIONS = DataType(
    "bankTransactions",
    "bankTransactions",
    "batch of bank transactions",
    plural="bank transaction batches",
    given_as="bank_transactions",
    takes_sync=True,
    of_connection=True,
    is_readable=False,
    parent=("bankAccounts", "accountId"),
)
ITEMS = DataType(
    "items",
    "items",
    "item",
    identifying=("code", "name"),
    codes=("code",),
    longest=(("name", 50, "Xero"),),
)
JOURNALS = DataType(
    "journals",
    "journals",
    "journal",
    identifying=("journalCode", "name"),
    codes=("journalCode",),
)
INVOICES = DataType(
    "invoices",
    "invoices",
    "invoice",
    can_update=True,
    can_delete=True,
    attachments="attachment",
    identifying=("invoiceNumber",),
    codes=("invoiceNumber",),
    amounts=("totalAmount",),
    dates=("issueDate",),
    references=("customerRef.id",),
)
CREDIT_NOTES = DataType(
    "creditNotes",
    "creditNotes",
    "credit note",
    can_update=True,
    identifying=("creditNoteNumber",),
    codes=("creditNoteNumber",),
    amounts=("totalAmount",),
    dates=("issueDate",),
    references=("customerRef.id",),
)
BILLS = DataType(
    "bills",
    "bills",
    "bill",
    can_update=True,
    can_delete=True,
    attachments="attachments",
    identifying=("reference",),
    codes=("reference",),
    amounts=("totalAmount",),
    dates=("issueDate",),
    references=("supplierRef.id",),
)
BILL_CREDIT_NOTES = DataType(
    "billCreditNotes",
    "billCreditNotes",
    "bill credit note",
    can_update=True,
    attachments="attachment",
    identifying=("billCreditNoteNumber",),
    codes=("billCreditNoteNumber",),
    amounts=("totalAmount",),
    dates=("issueDate",),
    references=("supplierRef.id",),
)
PURCHASE_ORDERS = DataType(
    "purchaseOrders",
    "purchaseOrders",
    "purchase order",
    can_update=True,
    identifying=("purchaseOrderNumber",),
    codes=("purchaseOrderNumber",),
    amounts=("totalAmount",),
    dates=("issueDate",),
    references=("supplierRef.id",),
)
PAYMENTS = DataType(
    "payments",
    "payments",
    "payment",
    identifying=("reference",),
    codes=("reference",),
    amounts=("totalAmount",),
    dates=("date",),
    references=("customerRef.id", "accountRef.id"),
)
BILL_PAYMENTS = DataType(
    "billPayments",
    "billPayments",
    "bill payment",
    can_delete=True,
    identifying=("reference",),
    codes=("reference",),
    amounts=("totalAmount",),
    dates=("date",),
    references=("supplierRef.id", "accountRef.id"),
)
DIRECT_COSTS = DataType(
    "directCosts",
    "directCosts",
    "direct cost",
    can_delete=True,
    attachments="attachment",
    of_connection=True,
    identifying=("reference",),
    codes=("reference",),
    amounts=("totalAmount",),
    dates=("issueDate",),
    references=("contactRef.id",),
)
DIRECT_INCOMES = DataType(
    "directIncomes",
    "directIncomes",
    "direct income",
    attachments="attachment",
    of_connection=True,
    identifying=("reference",),
    codes=("reference",),
    amounts=("totalAmount",),
    dates=("issueDate",),
    references=("contactRef.id",),
)
JOURNAL_ENTRIES = DataType(
    "journalEntries",
    "journalEntries",
    "journal entry",
    plural="journal entries",
    can_delete=True,
    identifying=("description",),
    amounts=("journalLines[].netAmount",),
    dates=("postedOn",),
    references=("journalRef.id",),
)
TRANSFERS = DataType(
    "transfers",
    "transfers",
    "transfer",
    attachments="attachment",
    takes_timeout=False,
    of_connection=True,
    identifying=("description",),
    amounts=("from.amount", "to.amount"),
    dates=("date",),
    references=("from.accountRef.id", "to.accountRef.id"),
)

DATA_TYPES: Mapping[str, DataType] = {
    each.name: each
    for each in (
        CUSTOMERS,
        SUPPLIERS,
        CHART_OF_ACCOUNTS,
        BANK_ACCOUNTS,
        BANK_TRANSACTIONS,
        ITEMS,
        JOURNALS,
        INVOICES,
        CREDIT_NOTES,
        BILLS,
        BILL_CREDIT_NOTES,
        PURCHASE_ORDERS,
        PAYMENTS,
        BILL_PAYMENTS,
        DIRECT_COSTS,
        DIRECT_INCOMES,
        JOURNAL_ENTRIES,
        TRANSFERS,
    )
}
"""All rows, by Codat's keys."""


def data_type_of(name: str) -> DataType:
    """Return the row of a data type; a bare one for a key that is not in the table.

    Codat may have added it since: it can be created, and is known again by nothing.

    :raises ValueError: when it is no key at all.
    """
    if not (name.isascii() and name.isalpha()):
        raise ValueError("data_type must be Codat's key, such as invoices")
    return DATA_TYPES.get(name) or DataType(name, name, "record")
