"""What Codat can write, and how: a row for each data type.

A second reading: nothing here is shared with the package's own table.
"""

from collections.abc import Mapping
from dataclasses import dataclass

ACCOUNTS = ("chartOfAccounts", "bankAccounts")
_CONTACT = ("customers", "suppliers")
_OF_A_LINE = {
    "lineItems[].accountRef.id": ACCOUNTS,
    "lineItems[].itemRef.id": ("items",),
}
_OF_A_SALE = {"customerRef.id": ("customers",), **_OF_A_LINE}
_OF_A_PURCHASE = {"supplierRef.id": ("suppliers",), **_OF_A_LINE}


@dataclass(frozen=True, slots=True)
class DataType:
    """One row.

    :param key: Codat's name for it.
    :param segment: the last part of the push route, and of that of the data.
    :param names: what a person calls a record by, the first that it has.
    :param updates: whether there is a PUT.
    :param deletes: whether there is a DELETE.
    :param files: the part of the route that takes an attachment; empty: none.
    :param by_connection: whether the data are read below the connection.
    :param syncs: whether a write takes ``allowSyncOnPushComplete``.
    :param times_out: whether it takes ``timeoutInMinutes``.
    :param above: what stands above it in the push route, with an id; empty: nothing.
    :param references: which data types the id at a path may name.
    :param unique: a number that no two records may share where the software says so.
    :param on_link: whether the company's setting fetches it when it is first linked,
        and "refresh all" afterwards.
    """

    key: str
    segment: str
    names: tuple[str, ...]
    updates: bool = False
    deletes: bool = False
    files: str = ""
    by_connection: bool = False
    syncs: bool = False
    times_out: bool = True
    above: str = ""
    references: Mapping[str, tuple[str, ...]] | None = None
    unique: str = ""
    on_link: bool = False


CUSTOMERS = DataType(
    "customers", "customers", ("customerName",), updates=True, syncs=True, on_link=True
)
_ROWS = (
    CUSTOMERS,
    DataType("suppliers", "suppliers", ("supplierName",), updates=True, syncs=True),
    DataType("chartOfAccounts", "accounts", ("name", "nominalCode"), syncs=True),
    DataType(
        "bankAccounts",
        "bankAccounts",
        ("accountName", "accountNumber"),
        updates=True,
        by_connection=True,
        syncs=True,
    ),
    DataType(
        "bankTransactions",
        "bankTransactions",
        ("accountId",),
        by_connection=True,
        syncs=True,
        above="bankAccounts",
        references={"accountId": ("bankAccounts",)},
    ),
    DataType("items", "items", ("name", "code"), unique="code"),
    DataType("journals", "journals", ("name", "journalCode")),
    DataType(
        "invoices",
        "invoices",
        ("invoiceNumber",),
        updates=True,
        deletes=True,
        files="attachment",
        references=_OF_A_SALE,
        unique="invoiceNumber",
    ),
    DataType(
        "creditNotes",
        "creditNotes",
        ("creditNoteNumber",),
        updates=True,
        references=_OF_A_SALE,
        unique="creditNoteNumber",
    ),
    DataType(
        "bills",
        "bills",
        ("reference",),
        updates=True,
        deletes=True,
        files="attachments",
        references=_OF_A_PURCHASE,
    ),
    DataType(
        "billCreditNotes",
        "billCreditNotes",
        ("billCreditNoteNumber",),
        updates=True,
        files="attachment",
        references=_OF_A_PURCHASE,
    ),
    DataType(
        "purchaseOrders",
        "purchaseOrders",
        ("purchaseOrderNumber",),
        updates=True,
        references=_OF_A_PURCHASE,
        unique="purchaseOrderNumber",
    ),
    DataType(
        "payments",
        "payments",
        ("reference", "note"),
        references={
            "customerRef.id": ("customers",),
            "accountRef.id": ACCOUNTS,
            "lines[].links[].id": ("invoices", "creditNotes", "payments"),
        },
    ),
    DataType(
        "billPayments",
        "billPayments",
        ("reference", "note"),
        deletes=True,
        references={
            "supplierRef.id": ("suppliers",),
            "accountRef.id": ACCOUNTS,
            "lines[].links[].id": ("bills", "billCreditNotes", "billPayments"),
        },
    ),
    DataType(
        "directCosts",
        "directCosts",
        ("reference", "note"),
        deletes=True,
        files="attachment",
        by_connection=True,
        references={"contactRef.id": _CONTACT, **_OF_A_LINE},
    ),
    DataType(
        "directIncomes",
        "directIncomes",
        ("reference", "note"),
        files="attachment",
        by_connection=True,
        references={"contactRef.id": _CONTACT, **_OF_A_LINE},
    ),
    DataType(
        "journalEntries",
        "journalEntries",
        ("description",),
        deletes=True,
        references={
            "journalRef.id": ("journals",),
            "journalLines[].accountRef.id": ACCOUNTS,
        },
    ),
    DataType(
        "transfers",
        "transfers",
        ("description",),
        files="attachment",
        by_connection=True,
        times_out=False,
        references={"from.accountRef.id": ACCOUNTS, "to.accountRef.id": ACCOUNTS},
    ),
)
DATA_TYPES = {row.key: row for row in _ROWS}
BY_SEGMENT = {row.segment: row for row in _ROWS}


def name_of(row: DataType, body: Mapping[str, object]) -> str | None:
    """Return what a person calls a record by, if it has such a thing."""
    for name in row.names:
        value = body.get(name)
        if isinstance(value, str) and value:
            return value
    return None


def values_at(value: object, path: str) -> list[object]:
    """Return what a dotted path leads to, through every element of a list."""
    found = [value]
    for step in path.split("."):
        name, _, many = step.partition("[]")
        found = [each.get(name) for each in found if isinstance(each, Mapping)]
        if many or step.endswith("[]"):
            lists = [each for each in found if isinstance(each, list)]
            found = [element for each in lists for element in each]
    return [each for each in found if each is not None]
