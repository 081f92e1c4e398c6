"""The laws of checking a payload against Codat's contract."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from airflow_provider_codat.api.models import Json, Problem
from airflow_provider_codat.api.payload.canonical import to_json
from airflow_provider_codat.api.payload.contract import (
    contract,
    held_against,
    problems,
)

CANARY = "canary-7731"

SAMPLE: dict[str, Any] = {
    "addresses": [{"type": "Delivery"}],
    "contacts": [
        {
            "address": {"type": "Delivery"},
            "modifiedDate": "2022-10-23T00:00:00Z",
            "phone": [{"number": "01224 658 999", "type": "Mobile"}],
            "status": "Active",
        }
    ],
    "defaultCurrency": "GBP",
    "metadata": {},
    "modifiedDate": "2022-10-23T00:00:00Z",
    "sourceModifiedDate": "2022-10-23T00:00:00Z",
    "status": "Unknown",
    "supplementalData": {"content": {"key": {"key": "string"}}},
}
"""A customer of the shape that Codat's documentation shows."""

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.just("Active"),
    lambda below: (
        st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=8), below)
    ),
    max_leaves=8,
)


def like(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Generate values that are mostly, and not always, as a schema wants them."""
    types = schema.get("type", "string")
    kinds = [types] if isinstance(types, str) else list(types)
    right = {
        "object": objects_like,
        "array": lambda given: st.lists(like(given["items"]), max_size=2),
        "null": lambda _: st.none(),
        "boolean": lambda _: st.booleans(),
        "string": lambda given: st.sampled_from(given.get("enum", ["", "x"])),
    }
    choices = [right[kind](schema) for kind in kinds]
    wrong = st.sampled_from([None, 7, "Active", "unknown", True, [], {}, [{}], [None]])
    return st.integers(0, 11).flatmap(
        lambda dice: st.one_of(choices) if dice else wrong
    )


def objects_like(schema: Mapping[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    known = {name: like(node) for name, node in schema.get("properties", {}).items()}
    always = {name: known.pop(name) for name in schema.get("required", ())}
    inner = schema.get("additionalProperties")
    free = like(inner) if isinstance(inner, dict) else json_values
    return st.builds(
        lambda left_out, required, optional, other: {
            name: value
            for name, value in {**optional, **other, **required}.items()
            if name != left_out
        },
        st.sampled_from([*always, *[None] * 11]),
        st.fixed_dictionaries(always),
        st.fixed_dictionaries({}, optional=known),
        st.dictionaries(st.sampled_from(["other", "Status"]), free, max_size=1),
    )


customers = like(contract("customers"))


def told(payload: object, **options: Any) -> dict[str, str]:  # noqa: ANN401 - passed on
    return {p.path: p.message for p in problems(to_json(payload), **options)}


def test_the_documented_sample_passes() -> None:
    """The customer of Codat's own documentation is accepted, without a remark."""
    assert problems(SAMPLE) == ()
    assert told(SAMPLE, unknown_properties="fail") == {}


@pytest.mark.parametrize("name", ["modifiedDate", "sourceModifiedDate"])
@pytest.mark.parametrize(
    "moment",
    [
        "2021-11-15T06:00:00Z",
        "2021-11-15T06:00:00.000Z",
        "2021-11-15T01:00:00",
        "2021-11-15T01:00:00-05:00",
        "2022-10-23",
        "2022-10-23T10:11:58.9235368Z",
        "0001-01-01T00:00:00",
    ],
)
def test_dates_are_text(name: str, moment: str) -> None:
    """Every documented way to write a moment passes, at the top and in a contact."""
    contact = {"status": "Active", "modifiedDate": moment}
    customer = {"status": "Active", "contacts": [contact], name: moment}
    assert problems(to_json(customer)) == ()


NULLABLE = (
    "customerName contactName emailAddress phone registrationNumber taxNumber "
    "addresses contacts"
)
NOT_NULLABLE = (
    "id defaultCurrency status metadata supplementalData modifiedDate "
    "sourceModifiedDate"
)


@pytest.mark.parametrize("name", NULLABLE.split())
def test_null_where_codat_takes_it(name: str) -> None:
    """These may be null."""
    assert problems({"status": "Active", name: None}) == ()


@pytest.mark.parametrize("name", NOT_NULLABLE.split())
def test_null_where_codat_refuses_it(name: str) -> None:
    """These may be left out (but for the status), and may not be null."""
    [problem] = problems({"status": "Active", name: None})
    assert problem.path == name
    assert problem.message.endswith("; null was given")


@pytest.mark.parametrize(
    ("holder", "name", "nullable"),
    [
        ("addresses[0]", "line1", True),
        ("addresses[0]", "line2", True),
        ("addresses[0]", "city", True),
        ("addresses[0]", "region", True),
        ("addresses[0]", "country", True),
        ("addresses[0]", "postalCode", True),
        ("addresses[0]", "type", False),
        ("contacts[0]", "name", True),
        ("contacts[0]", "email", True),
        ("contacts[0]", "phone", True),
        ("contacts[0]", "address", False),
        ("contacts[0]", "status", False),
        ("contacts[0]", "modifiedDate", False),
        ("contacts[0].phone[0]", "number", True),
        ("contacts[0].phone[0]", "type", False),
        ("contacts[0].address", "type", False),
        ("metadata", "isDeleted", True),
        ("supplementalData", "content", True),
    ],
)
def test_null_below_the_top(holder: str, name: str, *, nullable: bool) -> None:
    """The rules for null hold at every depth."""
    customer = json.loads(json.dumps(SAMPLE))
    node = customer
    for step in holder.replace("[0]", ".0").split("."):
        node = node[0] if step == "0" else node[step]
    node[name] = None
    assert list(told(customer)) == ([] if nullable else [f"{holder}.{name}"])


@pytest.mark.parametrize(
    ("payload", "path", "message"),
    [
        pytest.param([], "", "must be an object; a list was given", id="list"),
        pytest.param(CANARY, "", "must be an object; text was given", id="text"),
        pytest.param(None, "", "must be an object; null was given", id="null"),
        pytest.param(
            {},
            "status",
            "is required: one of Active, Archived, Unknown",
            id="no status",
        ),
        pytest.param(
            {"status": "active"},
            "status",
            "must be one of Active, Archived, Unknown (case matters)",
            id="wrong case",
        ),
        pytest.param(
            {"status": 7},
            "status",
            "must be one of Active, Archived, Unknown (case matters); "
            "a number was given",
            id="number as a choice",
        ),
        pytest.param(
            {"status": "Active", "taxNumber": 7.5},
            "taxNumber",
            "must be text or null; a number was given",
            id="number as text",
        ),
        pytest.param(
            {"status": "Active", "metadata": {"isDeleted": CANARY}},
            "metadata.isDeleted",
            "must be true or false or null; text was given",
            id="text as boolean",
        ),
        pytest.param(
            {"status": "Active", "id": True},
            "id",
            "must be text; a boolean was given",
            id="boolean as text",
        ),
        pytest.param(
            {"status": "Active", "addresses": {}},
            "addresses",
            "must be a list or null; an object was given",
            id="object as list",
        ),
        pytest.param(
            {"status": "Active", "addresses": [{}]},
            "addresses[0].type",
            "is required: one of Billing, Delivery, Unknown",
            id="no address type",
        ),
        pytest.param(
            {"status": "Active", "contacts": [{"status": "Active", "phone": [{}]}]},
            "contacts[0].phone[0].type",
            "is required: one of Fax, Landline, Mobile, Primary, Unknown",
            id="no phone type",
        ),
        pytest.param(
            {"status": "Active", "supplementalData": {"content": {"o": CANARY}}},
            "supplementalData.content.o",
            "must be an object; text was given",
            id="supplemental text",
        ),
    ],
)
def test_messages_teach(payload: Json, path: str, message: str) -> None:
    """A message says what would be right, where, and which JSON type stands there."""
    [problem] = problems(payload)
    assert (problem.path, problem.message) == (path, message)
    assert problem.severity == "error"


def test_five_mistakes_five_problems() -> None:
    """Every mistake is told at once, in the document's order, what is missing last."""
    payload = {
        "taxNumber": 7,
        "contacts": [{"phone": [{}], "status": "Active"}, "Ada"],
        "defaultCurrency": None,
    }
    assert [(p.path, p.rule) for p in problems(to_json(payload))] == [
        ("taxNumber", "type"),
        ("contacts[0].phone[0].type", "required"),
        ("contacts[1]", "type"),
        ("defaultCurrency", "type"),
        ("status", "required"),
    ]


def test_order_of_lists_is_numeric() -> None:
    """The tenth element comes after the second."""
    found = problems({"status": "Active", "addresses": [{} for _ in range(12)]})
    assert [p.path for p in found] == [f"addresses[{n}].type" for n in range(12)]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("custmerName", "unknown property; did you mean customerName?"),
        ("customer_name", "unknown property; did you mean customerName?"),
        ("STATUS", "unknown property; did you mean status?"),
        ("zzz", "unknown property"),
        ("q" * 100_000, "unknown property"),
    ],
)
def test_unknown_property(name: str, message: str) -> None:
    """A name that Codat does not document is told, with the nearest that it does."""
    [problem] = problems({"status": "Active", name: CANARY})
    assert (problem.rule, problem.message) == ("unknown", message)
    assert problem.severity == "warning"
    assert name[:60] in problem.path
    assert len(problem.path) < 80


def test_unknown_property_below_the_top() -> None:
    """Names are looked at wherever Codat documents them, and nowhere else."""
    payload = {
        "addresses": [{"type": "Billing", "zip": 1}, 7],
        "contacts": [{"status": "Active", "address": {"type": "Billing", "zip": 1}}],
        "metadata": {"zip": 1},
        "supplementalData": {"zip": 1, "content": {"zip": {"zip": {"zip": 1}}}},
        "status": "Active",
    }
    found = [p.path for p in problems(to_json(payload)) if p.rule == "unknown"]
    assert found == [
        "addresses[0].zip",
        "contacts[0].address.zip",
        "metadata.zip",
        "supplementalData.zip",
    ]


def test_unknown_properties_are_the_authors_choice() -> None:
    """They are warnings, errors, or nothing; another word is refused."""
    payload: Json = {"status": "Active", "zip": 1}
    assert [p.severity for p in problems(payload)] == ["warning"]
    [problem] = problems(payload, unknown_properties="fail")
    assert problem.severity == "error"
    assert problems(payload, unknown_properties="ignore") == ()
    with pytest.raises(ValueError, match="one of warn, fail, ignore"):
        told(payload, unknown_properties="strict")


@given(json_values | customers)
def test_never_raises(payload: Json) -> None:
    """Whatever JSON is given, problems come back, and are one line each."""
    for problem in problems(payload):
        assert isinstance(problem, Problem)
        assert "\n" not in str(problem)


def canaries(value: Any, in_text: Any) -> Any:  # noqa: ANN401 - JSON of any shape
    """Put a canary in each leaf: as it is, but for ``in_text`` where there was text."""
    if isinstance(value, dict):
        return {name: canaries(item, in_text) for name, item in value.items()}
    if isinstance(value, list):
        return [canaries(item, in_text) for item in value]
    return in_text if isinstance(value, str) else CANARY


@pytest.mark.parametrize("in_text", [CANARY, [CANARY], {"x": CANARY}])
@given(payload=customers)
def test_no_message_repeats_a_value(payload: Json, in_text: Json) -> None:
    """A value of the payload appears in no message and in no path."""
    for problem in problems(canaries(payload, in_text)):
        assert CANARY not in repr(problem)


@given(customers)
def test_an_error_for_every_refusal(payload: Json) -> None:
    """There are errors exactly where the schema refuses, at the schema's places."""
    schema = contract("customers")
    refused = {tuple(e.path) for e in Draft202012Validator(schema).iter_errors(payload)}
    errors = problems(payload, unknown_properties="ignore")
    assert bool(refused) == bool(errors)
    assert len({p.path for p in errors}) >= len(refused)


@given(customers | json_values)
def test_the_same_findings_as_of_jsonschema_alone(payload: Json) -> None:
    """What makes the check quick changes no finding and no message."""
    plain = Draft202012Validator(contract("customers"))
    assert problems(payload) == held_against(plain, payload)


def test_schemas_are_schemas() -> None:
    """The schema that ships is valid, and has only what its reader knows."""
    schema = contract("customers")
    Draft202012Validator.check_schema(schema)
    for unread in ("$ref", "prefixItems"):
        assert unread not in json.dumps(schema)


@pytest.mark.parametrize(
    "name", ["loans", "shared", "", "../customers", "customers.json"]
)
def test_no_schema(name: str) -> None:
    """A data type without a schema is named, with those that have one."""
    with pytest.raises(ValueError, match="there is one for: bankAccounts"):
        problems({}, name)


def test_jsonschema_is_imported_late() -> None:
    """Reading a DAG does not pay for what only a check needs."""
    program = (
        "import sys, airflow_provider_codat.api.payload.contract as schema\n"
        "assert 'jsonschema' not in sys.modules\n"
        "assert schema.problems({'status': 'Active'}) == ()\n"
        "assert 'jsonschema' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize(
    ("schema", "value", "message"),
    [
        ({"minLength": 1}, "", "must be at least 1 long"),
        ({"type": "integer"}, 1.5, "must be a whole number; a number was given"),
        ({"not": {}}, 7, "must satisfy not"),
        ({"type": "string", "enum": ["a"]}, 7, "must be one of a (case matters)"),
        ({"enum": [f"n{n}" for n in range(200)]}, "", "n10, n11 and 188 more"),
    ],
    ids=str,
)
def test_rules_of_other_schemas(
    schema: dict[str, Any], value: Json, message: str
) -> None:
    """Rules that a customer has none of are told as well, once each."""
    [problem] = held_against(Draft202012Validator(schema), value)
    assert message in problem.message


def test_schemas_that_are_booleans() -> None:
    """Where a schema allows anything, nothing is unknown."""
    schema = {"properties": {"a": True, "b": {"type": "array", "items": True}}}
    value: Json = {"a": {"x": 1}, "b": [{"x": 1}], "c": 1}
    found = held_against(Draft202012Validator(schema), value)
    assert [p.path for p in found] == ["c"]
    assert held_against(Draft202012Validator(schema=True), value) == ()


def test_missing_without_description() -> None:
    """A property may be required that the schema says nothing else of."""
    validator = Draft202012Validator({"required": ["a", "b"]})
    found = held_against(validator, {"b": 1}, unknown_properties="fail")
    assert [(p.path, p.message) for p in found] == [("a", "is required")]


def description(name: str) -> Any:  # noqa: ANN401 - an OpenAPI document
    folder = os.environ.get("CODAT_OPENAPI_DIR")
    if not folder:
        pytest.skip("CODAT_OPENAPI_DIR does not name Codat's API descriptions")
    return json.loads(Path(folder, name).read_text(encoding="utf-8"))


def resolved(node: Any, document: Any) -> Any:  # noqa: ANN401 - OpenAPI of any shape
    """Return OpenAPI as JSON Schema: references replaced, ``nullable`` as a type."""
    if isinstance(node, list):
        return [resolved(item, document) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target = document
        for step in node["$ref"].removeprefix("#/").split("/"):
            key = unquote(step).replace("~1", "/").replace("~0", "~")
            target = target[int(key)] if isinstance(target, list) else target[key]
        return resolved(target, document)
    dropped = ("definitions", "description", "title", "nullable", "example", "examples")
    result = {
        name: resolved(item, document)
        for name, item in node.items()
        if name not in dropped
    }
    if node.get("nullable") is True:
        result["type"] = [result["type"], "null"]
    return result


def merged(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the members of ``allOf`` say as one object schema."""
    members: Iterator[dict[str, Any]] = iter([*schema.get("allOf", ()), dict(schema)])
    properties: dict[str, Any] = {}
    for member in members:
        inner = merged(member) if "allOf" in member and member != schema else member
        properties |= inner.get("properties", {})
    return {
        "type": "object",
        "properties": properties,
        "required": schema.get("required", []),
    }


@pytest.mark.codat_openapi
@pytest.mark.parametrize(
    "name", ["Codat-Sync-Commerce-v1.json", "Codat-Sync-Expenses.json"]
)
def test_same_verdict_as_codats_description(name: str) -> None:
    """Our contract accepts exactly what Codat's own description accepts."""
    document = description(name)
    route = "/companies/{companyId}/connections/{connectionId}/push/customers"
    body = document["paths"][route]["post"]["requestBody"]["content"]
    theirs = resolved(body["application/json"]["schema"], document)
    validator = Draft202012Validator(theirs)
    verdicts: set[bool] = set()

    @given(customers | like(merged(theirs)) | json_values)
    @settings(suppress_health_check=list(HealthCheck), max_examples=2000)
    def agree(payload: Json) -> None:
        refused = bool(problems(payload, unknown_properties="ignore"))
        assert validator.is_valid(payload) is not refused
        verdicts.add(refused)

    agree()
    assert verdicts == {True, False}
    assert set(merged(theirs)["properties"]) == set(contract("customers")["properties"])
