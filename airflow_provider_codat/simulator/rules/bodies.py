"""The bodies of all writes, as Codat's API descriptions state them.

A second reading: nothing here is shared with the package's own schemas. Where two
descriptions differ, that of the newest product that is alive counts.
"""

from airflow_provider_codat.simulator.rules.body_parts import (
    ACCOUNT,
    ADDRESS,
    ALLOCATION,
    ANYBODY,
    CONTACT,
    CUSTOMER,
    FILLED,
    FLAG,
    MAYBE,
    NAMED,
    NUMBER,
    PERSON,
    PLAIN,
    READ_SIDE,
    STATUS,
    SUPPLEMENT,
    SUPPLIER,
    TAX_RATE,
    TEXT,
    TYPED,
    WHOLE,
    WITHHELD,
    JsonSchema,
    choice,
    closed,
    direct,
    each_of,
    full,
    line,
    link,
    listed,
    nullable,
    obj,
    payment,
    tracking,
)

_PRICED = ("unitAmount", "quantity")
_ORIGIN = obj(
    {**each_of(PLAIN, "id lineNumber"), "dataType": choice("purchaseOrders", "bills")}
)
_SALES_LINE = line(
    _PRICED,
    tracking=tracking(recordRef=TYPED),
    isDirectIncome=FLAG,
)
_CREDIT_STATUS = choice(
    "Unknown", "Draft", "Submitted", "Paid", "Void", "PartiallyPaid"
)
_CREDITED = (
    "totalAmount",
    "totalDiscount",
    "subTotal",
    "totalTaxAmount",
    "discountPercentage",
    "status",
)
_END_OF_TRANSFER = obj({"accountRef": ACCOUNT, "currency": PLAIN, "amount": NUMBER})
_ITEM_TERMS = obj(
    {
        "description": TEXT,
        "unitPrice": MAYBE,
        "accountRef": ACCOUNT,
        "taxRateRef": TAX_RATE,
    }
)
_KINDS_OF_LINE = (
    "Unknown Credit Debit Int Div Fee SerChg Dep Atm Pos Xfer Check Payment Cash "
    "DirectDep DirectDebit RepeatPmt Other"
)
_JOURNALED = (
    "bankTransactions billCreditNotes billPayments bills creditNotes directCosts "
    "directIncomes invoices journalEntries payments transfers"
)
BODIES: dict[str, JsonSchema] = {
    "customers": obj(
        {
            **each_of(PLAIN, "id defaultCurrency"),
            **each_of(
                TEXT,
                "customerName contactName emailAddress phone registrationNumber "
                "taxNumber",
            ),
            "addresses": listed(ADDRESS),
            "contacts": listed(PERSON),
            "status": STATUS,
            **WHOLE,
        },
        ["status"],
    ),
    "suppliers": obj(
        {
            "id": PLAIN,
            **each_of(
                TEXT,
                "supplierName contactName emailAddress phone registrationNumber "
                "taxNumber defaultCurrency",
            ),
            "addresses": listed(ADDRESS),
            "status": STATUS,
            **WHOLE,
        },
        ["status"],
    ),
    "chartOfAccounts": obj(
        {
            **each_of(
                TEXT,
                "nominalCode name description fullyQualifiedCategory "
                "fullyQualifiedName",
            ),
            "currency": PLAIN,
            "currentBalance": MAYBE,
            "type": choice(
                "Unknown", "Asset", "Expense", "Income", "Liability", "Equity"
            ),
            "status": choice("Unknown", "Active", "Archived", "Pending"),
            "isBankAccount": FLAG,
            "validDatatypeLinks": listed(
                obj({"property": TEXT, "links": listed(PLAIN)})
            ),
            "supplementalData": SUPPLEMENT,
        }
    ),
    "bankAccounts": obj(
        {
            **each_of(PLAIN, "id currency"),
            **each_of(
                TEXT, "accountName nominalCode sortCode accountNumber iBan institution"
            ),
            **each_of(MAYBE, "balance availableBalance overdraftLimit"),
            "accountType": choice("Unknown", "Credit", "Debit"),
            "status": choice("Unknown", "Active", "Archived", "Pending"),
            **WHOLE,
        }
    ),
    "bankTransactions": obj(
        {
            "accountId": PLAIN,
            "transactions": {
                **full(
                    obj(
                        {
                            **each_of(PLAIN, "id date"),
                            **each_of(TEXT, "description counterparty reference"),
                            "reconciled": nullable("boolean"),
                            **each_of(NUMBER, "amount balance"),
                            "transactionType": choice(*_KINDS_OF_LINE.split(), None),
                        }
                    )
                ),
                "maxItems": 1000,
            },
        },
        ["accountId", "transactions"],
    ),
    "items": obj(
        {
            "id": PLAIN,
            **each_of(TEXT, "name code"),
            "itemStatus": STATUS,
            "type": choice("Unknown", "Inventory", "NonInventory", "Service"),
            **each_of(FLAG, "isBillItem isInvoiceItem"),
            **each_of(_ITEM_TERMS, "billItem invoiceItem"),
            **READ_SIDE,
        },
        ["itemStatus", "type", "isBillItem", "isInvoiceItem"],
    ),
    "journals": obj(
        {
            **each_of(TEXT, "journalCode name type parentId"),
            "hasChildren": FLAG,
            "createdOn": PLAIN,
            "status": STATUS,
        }
    ),
    "invoices": obj(
        {
            **each_of(PLAIN, "id issueDate dueDate paidOnDate currency"),
            **each_of(TEXT, "invoiceNumber note"),
            **each_of(MAYBE, "currencyRate totalDiscount subTotal discountPercentage"),
            **each_of(
                NUMBER,
                "additionalTaxAmount additionalTaxPercentage totalTaxAmount "
                "totalAmount amountDue",
            ),
            "customerRef": CUSTOMER,
            "salesOrderRefs": listed(
                obj({"id": PLAIN, "dataType": choice("salesOrders")})
            ),
            "lineItems": listed(_SALES_LINE),
            "paymentAllocations": listed(ALLOCATION),
            "withholdingTax": listed(WITHHELD),
            "status": choice(
                "Unknown", "Draft", "Submitted", "PartiallyPaid", "Paid", "Void"
            ),
            **WHOLE,
        },
        ["issueDate", "totalTaxAmount", "totalAmount", "amountDue", "status"],
    ),
    "creditNotes": obj(
        {
            **each_of(PLAIN, "id issueDate allocatedOnDate currency"),
            **each_of(TEXT, "creditNoteNumber note"),
            **each_of(
                NUMBER,
                "totalAmount totalDiscount subTotal additionalTaxAmount "
                "additionalTaxPercentage totalTaxAmount discountPercentage "
                "remainingCredit",
            ),
            "currencyRate": MAYBE,
            "customerRef": CUSTOMER,
            "withholdingTax": listed(WITHHELD),
            "lineItems": listed(_SALES_LINE),
            "paymentAllocations": listed(ALLOCATION),
            "status": _CREDIT_STATUS,
            **WHOLE,
        },
        [*_CREDITED, "remainingCredit"],
    ),
    "bills": obj(
        {
            **each_of(PLAIN, "id issueDate dueDate currency"),
            **each_of(TEXT, "reference note"),
            **each_of(NUMBER, "subTotal taxAmount totalAmount"),
            **each_of(MAYBE, "currencyRate amountDue"),
            "supplierRef": SUPPLIER,
            "purchaseOrderRefs": listed(
                closed(obj({"id": PLAIN, "purchaseOrderNumber": TEXT}))
            ),
            "lineItems": listed(
                line(
                    lineNumber=TEXT,
                    unitOfMeasurement=TEXT,
                    purchaseOrderLineRef=_ORIGIN,
                    tracking=tracking("Customer"),
                    isDirectCost=FLAG,
                )
            ),
            "withholdingTax": listed(WITHHELD),
            "status": choice(
                "Unknown", "Open", "PartiallyPaid", "Paid", "Void", "Draft"
            ),
            "paymentAllocations": listed(ALLOCATION),
            **WHOLE,
        },
        ["issueDate", "status", "subTotal", "taxAmount", "totalAmount"],
    ),
    "billCreditNotes": obj(
        {
            **each_of(PLAIN, "id issueDate allocatedOnDate currency"),
            **each_of(TEXT, "billCreditNoteNumber note"),
            **each_of(
                NUMBER,
                "totalAmount totalDiscount subTotal totalTaxAmount "
                "discountPercentage remainingCredit",
            ),
            "currencyRate": MAYBE,
            "supplierRef": SUPPLIER,
            "withholdingTax": listed(WITHHELD),
            "lineItems": listed(
                line(
                    _PRICED,
                    unitOfMeasurement=TEXT,
                    createdFromLineRef=_ORIGIN,
                    tracking=tracking("Customer"),
                )
            ),
            "paymentAllocations": listed(ALLOCATION),
            "createdFromRefs": listed(TYPED),
            "status": _CREDIT_STATUS,
            **WHOLE,
        },
        _CREDITED,
    ),
    "purchaseOrders": obj(
        {
            **each_of(
                PLAIN,
                "id issueDate paymentDueDate expectedDeliveryDate deliveryDate "
                "currency",
            ),
            **each_of(TEXT, "purchaseOrderNumber note"),
            **each_of(NUMBER, "totalDiscount subTotal totalTaxAmount totalAmount"),
            "currencyRate": MAYBE,
            "supplierRef": SUPPLIER,
            "shipTo": obj(
                {
                    "contact": obj(each_of(TEXT, "name email phone")),
                    "address": ADDRESS,
                }
            ),
            "status": choice("Unknown", "Draft", "Open", "Closed", "Void"),
            "lineItems": listed(line(kind=NUMBER)),
            **READ_SIDE,
        }
    ),
    "payments": payment(
        closed(link(PLAIN, "Invoice", "Payment")), customerRef=CUSTOMER
    ),
    "billPayments": payment(link(TEXT, "Bill", "BillPayment"), supplierRef=SUPPLIER),
    "directCosts": direct(
        line(
            _PRICED,
            tracking=closed(
                obj({"recordRefs": full(TYPED), "invoiceTo": TYPED}, ["recordRefs"])
            ),
        ),
        ANYBODY,
    ),
    "directIncomes": direct(line(_PRICED), CONTACT),
    "journalEntries": obj(
        {
            **each_of(PLAIN, "id postedOn createdOn updatedOn"),
            "description": TEXT,
            "journalRef": closed(
                obj(
                    {
                        "id": FILLED,
                        "name": {"type": ["string", "null"], "maxLength": 256},
                    },
                    ["id"],
                )
            ),
            "journalLines": listed(
                obj(
                    {
                        **each_of(TEXT, "description currency transactionCurrency"),
                        **each_of(NUMBER, "netAmount transactionAmount"),
                        "accountRef": ACCOUNT,
                        "tracking": obj(
                            {
                                "recordRefs": listed(
                                    obj(
                                        {
                                            "id": PLAIN,
                                            "dataType": choice(
                                                "customers",
                                                "suppliers",
                                                "trackingCategories",
                                            ),
                                        }
                                    )
                                )
                            }
                        ),
                        "contactRef": CONTACT,
                    },
                    ["netAmount"],
                )
            ),
            "recordRef": obj({"id": PLAIN, "dataType": choice(*_JOURNALED.split())}),
            **WHOLE,
        }
    ),
    "transfers": obj(
        {
            **each_of(PLAIN, "id date"),
            "description": TEXT,
            "contactRef": ANYBODY,
            **each_of(_END_OF_TRANSFER, "from to"),
            "trackingCategoryRefs": listed(NAMED),
            "depositedRecordRefs": listed(PLAIN),
            **WHOLE,
        }
    ),
}
