"""A body of each data type that Codat's contract and the local books take.

They refer to records that :func:`typed_in` puts there, and to the accounts that every
connection has.
"""

from typing import Any

from airflow_provider_codat.simulator.control.interface import CodatControls
from airflow_provider_codat.simulator.world import (
    BANK_ACCOUNT_ID,
    PURCHASES_ACCOUNT_ID,
    SALES_ACCOUNT_ID,
)

LINE = {"description": "Bread", "unitAmount": 12.5, "quantity": 4, "subTotal": 50.0}
OWED = {
    "issueDate": "2026-03-01",
    "currency": "GBP",
    "subTotal": 50.0,
    "totalAmount": 60.0,
}
CREDITED = {
    **OWED,
    "totalTaxAmount": 10.0,
    "totalDiscount": 0,
    "discountPercentage": 0,
    "status": "Submitted",
}
PAID = {
    "date": "2026-03-02",
    "currency": "GBP",
    "totalAmount": 60.0,
    "accountRef": {"id": BANK_ACCOUNT_ID},
}


REFERRED_TO: dict[str, dict[str, Any]] = {
    "customers": {"customerName": "The customer", "status": "Active"},
    "suppliers": {"supplierName": "The supplier", "status": "Active"},
    "journals": {"name": "The journal"},
    "bankAccounts": {"accountName": "The bank account"},
}


def line(account_id: str) -> dict[str, Any]:
    """Return a line on an account."""
    return {**LINE, "accountRef": {"id": account_id}}


def bodies(name: str, ids: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Return a body of each data type.

    :param name: what it is called by, or its number.
    :param ids: of a customer, a supplier, a journal and a bank account.
    """
    sold, bought = [line(SALES_ACCOUNT_ID)], [line(PURCHASES_ACCOUNT_ID)]
    customer = {"customerRef": {"id": ids["customers"]}}
    supplier = {"supplierRef": {"id": ids["suppliers"]}}
    contact = {"contactRef": {"id": ids["suppliers"], "dataType": "suppliers"}}
    direct = {**OWED, "reference": name, "taxAmount": 10.0, "paymentAllocations": []}
    return {
        "customers": {"customerName": name, "status": "Active"},
        "suppliers": {"supplierName": name, "status": "Active"},
        "chartOfAccounts": {"name": name, "nominalCode": name, "type": "Income"},
        "bankAccounts": {"accountName": name, "currency": "GBP"},
        "bankTransactions": {
            "accountId": ids["bankAccounts"],
            "transactions": [{"id": name, "date": "2026-03-01", "amount": 1.5}],
        },
        "items": {
            "name": name,
            "code": name,
            "itemStatus": "Active",
            "type": "Service",
            "isBillItem": False,
            "isInvoiceItem": True,
        },
        "journals": {"name": name, "journalCode": name},
        "invoices": {
            **OWED,
            **customer,
            "invoiceNumber": name,
            "lineItems": sold,
            "totalTaxAmount": 10.0,
            "amountDue": 60.0,
            "status": "Submitted",
        },
        "creditNotes": {
            **CREDITED,
            **customer,
            "creditNoteNumber": name,
            "lineItems": sold,
            "remainingCredit": 60.0,
        },
        "bills": {
            **OWED,
            **supplier,
            "reference": name,
            "lineItems": bought,
            "taxAmount": 10.0,
            "status": "Open",
        },
        "billCreditNotes": {
            **CREDITED,
            **supplier,
            "billCreditNoteNumber": name,
            "lineItems": bought,
        },
        "purchaseOrders": {
            **OWED,
            **supplier,
            "purchaseOrderNumber": name,
            "lineItems": bought,
            "totalTaxAmount": 10.0,
            "status": "Open",
        },
        "payments": {**PAID, **customer, "reference": name},
        "billPayments": {**PAID, **supplier, "reference": name},
        "directCosts": {**direct, **contact, "lineItems": bought},
        "directIncomes": {**direct, **contact, "lineItems": sold},
        "journalEntries": {
            "description": name,
            "postedOn": "2026-03-01",
            "journalRef": {"id": ids["journals"]},
            "journalLines": [
                {"netAmount": 60.0, "accountRef": {"id": BANK_ACCOUNT_ID}},
                {"netAmount": -60.0, "accountRef": {"id": SALES_ACCOUNT_ID}},
            ],
        },
        "transfers": {
            "description": name,
            "date": "2026-03-01",
            "from": {"accountRef": {"id": BANK_ACCOUNT_ID}, "amount": 5.5},
            "to": {"accountRef": {"id": SALES_ACCOUNT_ID}, "amount": 5.5},
        },
    }


def typed_in(codat: CodatControls) -> dict[str, str]:
    """Put the records into the books that others refer to; return their ids."""
    return {
        kind: codat.typed_in(record, data_type=kind).record_id
        for kind, record in REFERRED_TO.items()
    }
