"""What the bodies of several data types have in common, and how one is written down."""

from collections.abc import Iterable

JsonSchema = dict[str, object]


def nullable(kind: str) -> JsonSchema:
    """Return a type, or null."""
    return {"type": [kind, "null"]}


def choice(*words: str | None) -> JsonSchema:
    """Return one of some words."""
    return {"enum": list(words)}


def obj(properties: dict[str, JsonSchema], required: Iterable[str] = ()) -> JsonSchema:
    """Return an object with properties, open to others."""
    return {"type": "object", "properties": properties, "required": list(required)}


def closed(schema: JsonSchema) -> JsonSchema:
    """Return an object that takes no other properties."""
    return {**schema, "additionalProperties": False}


def listed(items: JsonSchema) -> JsonSchema:
    """Return a list, or null."""
    return {"type": ["array", "null"], "items": items}


def full(items: JsonSchema) -> JsonSchema:
    """Return a list."""
    return {"type": "array", "items": items}


def each_of(kind: JsonSchema, names: str) -> dict[str, JsonSchema]:
    """Return the same schema for several names."""
    return dict.fromkeys(names.split(), kind)


PLAIN: JsonSchema = {"type": "string"}
FILLED: JsonSchema = {"type": "string", "minLength": 1}
TEXT = nullable("string")
NUMBER: JsonSchema = {"type": "number"}
MAYBE = nullable("number")
FLAG: JsonSchema = {"type": "boolean"}
STATUS = choice("Unknown", "Active", "Archived")
ADDRESS = obj(
    {
        "type": choice("Unknown", "Billing", "Delivery"),
        **each_of(TEXT, "line1 line2 city region country postalCode"),
    },
    ["type"],
)
PHONE = obj(
    {
        "type": choice("Primary", "Landline", "Mobile", "Fax", "Unknown"),
        "number": TEXT,
    },
    ["type"],
)
PERSON = obj(
    {
        "name": TEXT,
        "email": TEXT,
        "phone": listed(PHONE),
        "address": ADDRESS,
        "status": STATUS,
        "modifiedDate": PLAIN,
    },
    ["status"],
)
SUPPLEMENT = obj(
    {
        "content": {
            "type": ["object", "null"],
            "additionalProperties": {"type": "object"},
        }
    }
)
READ_SIDE: dict[str, JsonSchema] = {
    "metadata": obj({"isDeleted": nullable("boolean")}),
    **each_of(PLAIN, "modifiedDate sourceModifiedDate"),
}
WHOLE: dict[str, JsonSchema] = {"supplementalData": SUPPLEMENT, **READ_SIDE}

ACCOUNT = obj(each_of(PLAIN, "id name"))
NAMED = obj({"id": FILLED, "name": TEXT}, ["id"])
CUSTOMER = obj({"id": FILLED, "companyName": TEXT}, ["id"])
SUPPLIER = obj({"id": FILLED, "supplierName": TEXT}, ["id"])
TAX_RATE = obj({**each_of(PLAIN, "id name"), "effectiveTaxRate": NUMBER})
TYPED = obj(each_of(PLAIN, "id dataType"))
PAID_HOW = obj(each_of(PLAIN, "id name"), ["id"])
CONTACT = obj(
    {"id": FILLED, "dataType": choice("customers", "suppliers", None)}, ["id"]
)
ANYBODY = obj({"id": FILLED, "dataType": TEXT}, ["id"])
WITHHELD = obj({"name": FILLED, "amount": NUMBER}, ["name", "amount"])
ALLOCATION = obj(
    {
        "payment": obj(
            {
                **each_of(PLAIN, "id currency paidOnDate"),
                **each_of(TEXT, "note reference"),
                "accountRef": ACCOUNT,
                "currencyRate": MAYBE,
                "totalAmount": NUMBER,
            }
        ),
        "allocation": obj(
            {
                **each_of(PLAIN, "currency allocatedOnDate"),
                "currencyRate": MAYBE,
                "totalAmount": NUMBER,
            }
        ),
    },
    ["payment", "allocation"],
)


def tracking(*whom: str, **more: JsonSchema) -> JsonSchema:
    """Return what a line is tracked by."""
    billed = choice("Unknown", "NotApplicable", "Project", *whom)
    return obj(
        {
            "categoryRefs": full(NAMED),
            "customerRef": CUSTOMER,
            "projectRef": NAMED,
            **each_of(billed, "isBilledTo isRebilledTo"),
            **more,
        },
        ["categoryRefs", "isBilledTo", "isRebilledTo"],
    )


def line(
    required: Iterable[str] = (), kind: JsonSchema = MAYBE, **more: JsonSchema
) -> JsonSchema:
    """Return a line of an invoice, a bill and the like."""
    return obj(
        {
            "description": TEXT,
            **each_of(NUMBER, "unitAmount quantity"),
            **each_of(kind, "discountAmount subTotal taxAmount totalAmount"),
            "discountPercentage": kind,
            "accountRef": ACCOUNT,
            "taxRateRef": TAX_RATE,
            "itemRef": NAMED,
            "trackingCategoryRefs": listed(NAMED),
            **more,
        },
        required,
    )


_DIRECT = (
    "issueDate",
    "currency",
    "lineItems",
    "paymentAllocations",
    "subTotal",
    "taxAmount",
    "totalAmount",
)


def payment(links: JsonSchema, **more: JsonSchema) -> JsonSchema:
    """Return a payment, by its links to what it settles."""
    settled = obj(
        {"amount": NUMBER, "links": listed(links), "allocatedOnDate": PLAIN},
        ["amount"],
    )
    return obj(
        {
            **each_of(PLAIN, "id currency date"),
            **each_of(TEXT, "note reference"),
            "accountRef": ACCOUNT,
            "paymentMethodRef": PAID_HOW,
            "totalAmount": NUMBER,
            "currencyRate": MAYBE,
            "lines": listed(settled),
            **WHOLE,
            **more,
        },
        ["date"],
    )


def link(kind: JsonSchema, *words: str) -> JsonSchema:
    """Return the link of a payment to what it settles."""
    every = ("Unknown", "Unlinked", "Other", "Refund", "ManualJournal", "Discount")
    return obj(
        {
            "id": kind,
            **each_of(MAYBE, "amount currencyRate"),
            "type": choice(*every, "CreditNote", "PaymentOnAccount", *words),
        },
        ["type"],
    )


def direct(each: JsonSchema, contact: JsonSchema) -> JsonSchema:
    """Return a direct cost or income, by its lines and its contact."""
    return obj(
        {
            **each_of(PLAIN, "id issueDate currency"),
            **each_of(TEXT, "reference note"),
            **each_of(NUMBER, "subTotal taxAmount totalAmount"),
            "contactRef": contact,
            "currencyRate": MAYBE,
            "lineItems": full(each),
            "paymentAllocations": full(ALLOCATION),
            **WHOLE,
        },
        _DIRECT,
    )
