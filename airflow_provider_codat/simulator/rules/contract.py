"""The contract of a customer body, as Codat's API description states it.

A second reading: nothing here is shared with the package's own schema.
"""

import json
from collections.abc import Iterable

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from airflow_provider_codat.simulator.replies import Issue, RefusedError, issue

JsonSchema = dict[str, object]


def _nullable(kind: str) -> JsonSchema:
    return {"type": [kind, "null"]}


def _choice(*words: str) -> JsonSchema:
    return {"enum": list(words)}


def _object(
    properties: dict[str, JsonSchema], required: Iterable[str] = ()
) -> JsonSchema:
    return {"type": "object", "properties": properties, "required": list(required)}


def _list(items: JsonSchema) -> JsonSchema:
    return {"type": ["array", "null"], "items": items}


_PLAIN_TEXT: JsonSchema = {"type": "string"}
_TEXT = _nullable("string")
_STATUS = _choice("Unknown", "Active", "Archived")
_ADDRESS = _object(
    {
        "type": _choice("Unknown", "Billing", "Delivery"),
        **dict.fromkeys(
            ("line1", "line2", "city", "region", "country", "postalCode"), _TEXT
        ),
    },
    ["type"],
)
_PHONE = _object(
    {
        "type": _choice("Primary", "Landline", "Mobile", "Fax", "Unknown"),
        "number": _TEXT,
    },
    ["type"],
)
_CONTACT = _object(
    {
        "name": _TEXT,
        "email": _TEXT,
        "phone": _list(_PHONE),
        "address": _ADDRESS,
        "status": _STATUS,
        "modifiedDate": {"type": "string"},
    },
    ["status"],
)
CUSTOMER_SCHEMA: JsonSchema = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    **_object(
        {
            **dict.fromkeys(
                ("id", "defaultCurrency", "modifiedDate", "sourceModifiedDate"),
                _PLAIN_TEXT,
            ),
            **dict.fromkeys(
                (
                    "customerName",
                    "contactName",
                    "emailAddress",
                    "phone",
                    "registrationNumber",
                    "taxNumber",
                ),
                _TEXT,
            ),
            "addresses": _list(_ADDRESS),
            "contacts": _list(_CONTACT),
            "status": _STATUS,
            "metadata": _object({"isDeleted": _nullable("boolean")}),
            "supplementalData": _object(
                {
                    "content": {
                        "type": ["object", "null"],
                        "additionalProperties": {"type": "object"},
                    }
                }
            ),
        },
        ["status"],
    ),
}
_VALIDATOR = Draft202012Validator(CUSTOMER_SCHEMA)


def pascal(name: str) -> str:
    """Write a property name as Codat's ``itemId`` does: first letter upper-case."""
    return name[:1].upper() + name[1:]


def _item_id(error: ValidationError) -> str:
    text = ""
    for step in error.absolute_path:
        text += f"[{step}]" if isinstance(step, int) else f".{pascal(step)}"
    if error.validator == "required":
        # Every object of this contract requires one property at most.
        text += f".{pascal(_rule(error)[0])}"
    return text.removeprefix(".") or "Customer"


def _message(error: ValidationError) -> str:
    if error.validator == "required":
        return "This property is required."
    if error.validator == "enum":
        return f"Must be one of: {', '.join(_rule(error))}."
    return "The value has the wrong type."


def _rule(error: ValidationError) -> list[str]:
    """Return what the violated keyword demands, where that is a list of words."""
    demanded = error.validator_value
    assert isinstance(demanded, list)
    return demanded


def parse_customer(body: bytes) -> dict[str, object]:
    """Read a body that must be one JSON object.

    :raises RefusedError: 400, when it is not.
    """
    try:
        value: object = json.loads(body)
    except (ValueError, RecursionError):
        raise RefusedError(400, "The request body is not valid JSON.") from None
    if not isinstance(value, dict):
        raise RefusedError(400, "The request body must be a JSON object.")
    return value


def check_customer(customer: dict[str, object]) -> None:
    """Check a customer against the contract.

    :raises RefusedError: 400 with ``validation.errors``, when it is violated.
    """
    found: list[Issue] = [
        issue(_item_id(error), _message(error))
        for error in _VALIDATOR.iter_errors(customer)
    ]
    if found:
        raise RefusedError(400, "The request body is not valid.", errors=found)
