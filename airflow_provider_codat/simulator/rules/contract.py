"""Holding a body against its contract, and the words of Codat's answer."""

import json
from collections.abc import Mapping

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from airflow_provider_codat.simulator.replies import Issue, RefusedError, issue
from airflow_provider_codat.simulator.rules.bodies import BODIES
from airflow_provider_codat.simulator.rules.body_parts import JsonSchema

_HEAD = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
CUSTOMER_SCHEMA: JsonSchema = {**_HEAD, **BODIES["customers"]}
_VALIDATORS = {
    data_type: Draft202012Validator({**_HEAD, **body})
    for data_type, body in BODIES.items()
}
_WORDS = {
    "minLength": "It must not be empty.",
    "maxLength": "It is too long.",
    "maxItems": "There are too many.",
    "additionalProperties": "It has a property that is not known.",
}


def pascal(name: str) -> str:
    """Write a property name as Codat's ``itemId`` does: first letter upper-case."""
    return name[:1].upper() + name[1:]


def _item_ids(error: ValidationError) -> list[str]:
    """Return what an error is about; of what is missing, each by its own name."""
    if error.validator == "required" and isinstance(error.instance, Mapping):
        missing = [each for each in _rule(error) if each not in error.instance]
        return [_item_id(error, each) for each in missing]
    return [_item_id(error)]


def _item_id(error: ValidationError, missing: str = "") -> str:
    text = ""
    for step in error.absolute_path:
        text += f"[{step}]" if isinstance(step, int) else f".{pascal(step)}"
    if missing:
        text += f".{pascal(missing)}"
    return text.removeprefix(".") or "Record"


def _message(error: ValidationError) -> str:
    if error.validator == "required":
        return "This property is required."
    if error.validator == "enum":
        return f"Must be one of: {', '.join(map(str, _rule(error)))}."
    return _WORDS.get(str(error.validator), "The value has the wrong type.")


def _rule(error: ValidationError) -> list[str]:
    """Return what the violated keyword demands, where that is a list of words."""
    demanded = error.validator_value
    assert isinstance(demanded, list)
    return demanded


def parse_record(body: bytes) -> dict[str, object]:
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


def check_record(data_type: str, record: Mapping[str, object]) -> None:
    """Check a body against the contract of its data type.

    :raises RefusedError: 400 with ``validation.errors``, when it is violated.
    """
    errors = list(_VALIDATORS[data_type].iter_errors(record))
    # jsonschema reports each missing property, and each time names them all.
    found: dict[tuple[str, str], Issue] = {}
    for error in errors:
        for item_id in _item_ids(error):
            words = _message(error)
            found.setdefault((item_id, words), issue(item_id, words))
    if found:
        raise RefusedError(
            400, "The request body is not valid.", errors=list(found.values())
        )


def check_customer(customer: Mapping[str, object]) -> None:
    """Check a customer against its contract.

    :raises RefusedError: 400 with ``validation.errors``, when it is violated.
    """
    check_record("customers", customer)


parse_customer = parse_record
