"""Write the tables of ``docs/data-types.md``: what can be written of each data type.

::

    python scripts/data_types_page.py [FOLDER]

They stand between marks and are not edited by hand; the examples stand here.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from accounting_operators import pascal

from airflow_provider_codat.api.data_types import DATA_TYPES, DataType
from airflow_provider_codat.api.payload.contract import contract

DOCS = Path(__file__).resolve().parents[1] / "docs"

NOT_READ = "nothing: Codat's copy does not show them, so the push history alone tells"
LINE = {
    "description": "Sourdough loaves",
    "unitAmount": 3.25,
    "quantity": 40,
    "subTotal": 130,
    "taxAmount": 26,
    "totalAmount": 156,
}
SOLD = [{**LINE, "accountRef": {"id": "4000"}}]
BOUGHT = [{**LINE, "accountRef": {"id": "5000"}}]
OWED = {"issueDate": "2026-03-02", "currency": "GBP"}
TOTALS = {"subTotal": 130, "totalTaxAmount": 26, "totalAmount": 156}
CREDIT = {"totalDiscount": 0, "discountPercentage": 0}
DIRECT = {
    "reference": "Till 7",
    **OWED,
    "subTotal": 130,
    "taxAmount": 26,
    "totalAmount": 156,
    "paymentAllocations": [],
}
CUSTOMER, SUPPLIER = {"customerRef": {"id": "c-1"}}, {"supplierRef": {"id": "s-1"}}
PAID = {
    "accountRef": {"id": "1200"},
    "date": "2026-03-04",
    "currency": "GBP",
    "totalAmount": 156,
}
EXAMPLES: dict[str, dict[str, Any]] = {
    "customers": {"customerName": "Tidewater Café", "status": "Active"},
    "suppliers": {"supplierName": "Fen Mill", "status": "Active"},
    "chartOfAccounts": {"nominalCode": "4010", "name": "Bread", "type": "Income"},
    "bankAccounts": {"accountName": "Current account", "currency": "GBP"},
    "bankTransactions": {
        "accountId": "1200",
        "transactions": [
            {
                "id": "2026-03-04-001",
                "date": "2026-03-04",
                "amount": 156,
                "description": "TIDEWATER CAFE",
            }
        ],
    },
    "items": {
        "code": "LOAF",
        "name": "Sourdough loaf",
        "itemStatus": "Active",
        "type": "NonInventory",
        "isBillItem": False,
        "isInvoiceItem": True,
    },
    "journals": {"journalCode": "BRD", "name": "Bread"},
    "invoices": {
        "invoiceNumber": "S-1001",
        **CUSTOMER,
        **OWED,
        "lineItems": SOLD,
        **TOTALS,
        "amountDue": 156,
        "status": "Submitted",
    },
    "creditNotes": {
        "creditNoteNumber": "C-1001",
        **CUSTOMER,
        **OWED,
        "lineItems": SOLD,
        **TOTALS,
        **CREDIT,
        "remainingCredit": 156,
        "status": "Submitted",
    },
    "bills": {
        "reference": "FM-77",
        **SUPPLIER,
        **OWED,
        "lineItems": BOUGHT,
        "subTotal": 130,
        "taxAmount": 26,
        "totalAmount": 156,
        "status": "Open",
    },
    "billCreditNotes": {
        "billCreditNoteNumber": "FM-C-7",
        **SUPPLIER,
        **OWED,
        "lineItems": BOUGHT,
        **TOTALS,
        **CREDIT,
        "status": "Submitted",
    },
    "purchaseOrders": {
        "purchaseOrderNumber": "P-9",
        **SUPPLIER,
        **OWED,
        "lineItems": BOUGHT,
        **TOTALS,
        "status": "Open",
    },
    "payments": {
        "reference": "Payment of S-1001",
        **CUSTOMER,
        **PAID,
        "lines": [
            {
                "amount": 156,
                "links": [{"type": "Invoice", "id": "i-1", "amount": -156}],
            }
        ],
    },
    "billPayments": {
        "reference": "Payment of FM-77",
        **SUPPLIER,
        **PAID,
        "lines": [
            {"amount": 156, "links": [{"type": "Bill", "id": "b-1", "amount": -156}]}
        ],
    },
    "directCosts": {
        **DIRECT,
        "contactRef": {"id": "s-1", "dataType": "suppliers"},
        "lineItems": BOUGHT,
    },
    "directIncomes": {
        **DIRECT,
        "contactRef": {"id": "c-1", "dataType": "customers"},
        "lineItems": SOLD,
    },
    "journalEntries": {
        "description": "Flour used in March",
        "postedOn": "2026-03-31",
        "journalRef": {"id": "j-1"},
        "journalLines": [
            {"netAmount": 130, "accountRef": {"id": "5000"}},
            {"netAmount": -130, "accountRef": {"id": "1400"}},
        ],
    },
    "transfers": {
        "description": "To the savings account",
        "date": "2026-03-31",
        "from": {"accountRef": {"id": "1200"}, "amount": 500},
        "to": {"accountRef": {"id": "1210"}, "amount": 500},
    },
}


def title(row: DataType) -> str:
    """Return what the records are called, as a heading."""
    return row.records.capitalize()


def table() -> Iterator[str]:
    """Yield the lines of the table of all data types."""
    yield "| data type | key | create | many | update | delete | attach |"
    yield "|---|---|---|---|---|---|---|"
    for row in DATA_TYPES.values():
        anchor = row.records.replace(" ", "-")
        has = (True, True, row.can_update, row.can_delete, bool(row.attachments))
        marks = " | ".join("yes" if each else "" for each in has)
        yield f"| [{title(row)}](#{anchor}) | `{row.name}` | {marks} |"


def operators(row: DataType) -> Iterator[tuple[str, str]]:
    """Yield what can be done, and by which operator."""
    one, many = pascal(row.argument), pascal(row.arguments)
    identity = f"{row.record.replace(' ', '_')}_id"
    yield "create", f"`CreateAccounting{one}Operator({row.argument}=...)`"
    yield (
        "many",
        f"`CreateAccounting{many}Operator({row.arguments}=...)`, or with a file",
    )
    if row.can_update:
        yield (
            "[update](updating.md)",
            f"`UpdateAccounting{one}Operator({identity}=..., {row.argument}=...)`",
        )
    if row.can_delete:
        yield (
            "[delete](deleting.md)",
            f"`DeleteAccounting{one}Operator({identity}=...)`",
        )
    if row.attachments:
        yield (
            "[attach](attachments.md)",
            f'`UploadAccountingAttachmentOperator(data_type="{row.name}", ...)`',
        )


def ticked(names: tuple[str, ...]) -> str:
    """Return names as a list of literals."""
    return ", ".join(f"`{name}`" for name in names)


def known_by(row: DataType) -> str:
    """Return by what a record is known again."""
    if not row.is_readable:
        return NOT_READ
    more = (*row.amounts, *row.dates, *row.references)
    return ticked(row.identifying) + (f"; {ticked(more)}" if more else "")


def section(row: DataType) -> Iterator[str]:
    """Yield the lines about one data type."""
    required = tuple(contract(row.name).get("required", ()))
    facts = [
        *operators(row),
        ("required", ticked(required) or "nothing; the software wants more"),
        ("known again by", known_by(row)),
    ]
    yield from ("", f"## {title(row)}", "", "| what | how |", "|---|---|")
    yield from (f"| {what} | {words} |" for what, words in facts)
    text = json.dumps(EXAMPLES[row.name], ensure_ascii=False, indent=2)
    yield from ("", "```json", text, "```")


def replaced(page: str, what: str, lines: Iterable[str]) -> str:
    """Return a page with other lines between two marks."""
    begin, end = f"<!-- {what}: begin -->\n", f"<!-- {what}: end -->\n"
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    return "".join([before, begin, *(f"{line}\n" for line in lines), end, after])


def main(folder: Path) -> None:
    """Write the tables into the page."""
    path = folder / "data-types.md"
    page = replaced(path.read_text(encoding="utf-8"), "table", table())
    each = [line for row in DATA_TYPES.values() for line in section(row)]
    path.write_text(replaced(page, "each", [*each, ""]), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else DOCS)
