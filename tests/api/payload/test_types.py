"""The laws of the types that describe payloads to editors and type checkers."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import (
    Any,
    Literal,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

import pytest

import airflow_provider_codat
from airflow_provider_codat.api.data_types import DATA_TYPES, DataType
from airflow_provider_codat.api.payload import types
from airflow_provider_codat.api.payload.contract import contract
from airflow_provider_codat.api.payload.types import Amount

PLAIN = {str: "string", bool: "boolean", NoneType: "null", object: "anything"}


def of_type(hint: Any) -> Any:  # noqa: ANN401 - a type annotation
    """Return what a type accepts, as nested tuples that can be compared."""
    origin, parts = get_origin(hint), get_args(hint)
    if hint == Amount:
        return frozenset(["number"])
    if origin in {Union, UnionType}:
        # An amount in a choice is the three that it may be handed over as.
        if {*get_args(Amount)} < {*parts}:
            others = [part for part in parts if part not in get_args(Amount)]
            return frozenset(["number"]).union(*map(of_type, others))
        return frozenset().union(*(of_type(part) for part in parts))
    if origin is Literal:
        return frozenset(("choice", part) for part in parts)
    if origin is list:
        return frozenset([("array", of_type(parts[0]))])
    if origin is not None and issubclass(origin, Mapping):
        inner = of_type(parts[1])
        return frozenset([("object", frozenset(), frozenset(), inner)])
    if is_typeddict(hint):
        fields = get_type_hints(hint)
        properties = frozenset((name, of_type(fields[name])) for name in fields)
        return frozenset([("object", properties, hint.__required_keys__, None)])
    return frozenset([PLAIN[hint]])


def of_schema(schema: Mapping[str, Any]) -> Any:  # noqa: ANN401 - as above
    """Return what a schema accepts, in the same form."""
    if "enum" in schema:
        choices = schema["enum"]
        return frozenset("null" if c is None else ("choice", c) for c in choices)
    kinds = schema["type"]
    return frozenset(
        kind_of_schema(kind, schema)
        for kind in ([kinds] if isinstance(kinds, str) else kinds)
    )


def kind_of_schema(kind: str, schema: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a shape is a nest of anything
    if kind == "array":
        return ("array", of_schema(schema["items"]))
    if kind != "object":
        return kind
    known = schema.get("properties", {})
    properties = frozenset((name, of_schema(known[name])) for name in known)
    inner = schema.get("additionalProperties")
    anything = frozenset(["anything"])
    values = of_schema(inner) if inner else None if known else anything
    return ("object", properties, frozenset(schema.get("required", ())), values)


@pytest.mark.parametrize("row", DATA_TYPES.values(), ids=lambda row: row.name)
def test_types_say_what_the_schema_says(row: DataType) -> None:
    """Names, requiredness, null and choices are the same in both, at every depth."""
    name = row.argument.title().replace("_", "")
    assert of_type(getattr(types, f"Accounting{name}")) == of_schema(contract(row.name))


WRONG = {
    "no status": ("{}", "typeddict-item"),
    "wrong case": ('{"status": "active"}', "typeddict-item"),
    "null status": ('{"status": None}', "typeddict-item"),
    "null currency": (
        '{"status": "Active", "defaultCurrency": None}',
        "typeddict-item",
    ),
    "number as text": ('{"status": "Active", "taxNumber": 7}', "typeddict-item"),
    "misspelt name": (
        '{"status": "Active", "custmerName": "Ada"}',
        "typeddict-unknown-key",
    ),
    "address without type": (
        '{"status": "Active", "addresses": [{"line1": "x"}]}',
        "typeddict-item",
    ),
    "phone of no kind": (
        """{
            "status": "Active",
            "contacts": [{"status": "Active", "phone": [{"type": "Home"}]}],
        }""",
        "typeddict-item",
    ),
    "flat supplemental data": (
        '{"status": "Active", "supplementalData": {"content": {"crm": "x"}}}',
        "dict-item",
    ),
}
RIGHT = {"status alone": '{"status": "Active"}'}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, set[str]]:
    """Return the error codes that mypy finds in each snippet, from one run."""
    mypy = pytest.importorskip("mypy.api")
    folder = tmp_path_factory.mktemp("snippets")
    snippets = dict(customer_snippets())
    for name, text in snippets.items():
        (folder / f"{name.replace(' ', '_')}.py").write_text(text, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        root = Path(airflow_provider_codat.__file__).parents[1]
        if root.name != "site-packages":  # mypy does not look there for an editable one
            patch.setenv("MYPYPATH", str(root))
        output, errors, _ = mypy.run(
            ["--strict", "--config-file=", f"--cache-dir={folder / 'cache'}"]
            + [str(path) for path in sorted(folder.glob("*.py"))]
        )
    assert not errors
    codes = re.findall(r"(\w+)\.py:\d+: error: .*\[([a-z-]+)\]$", output, re.MULTILINE)
    assert len(codes) == output.count(": error: ")
    return {
        name: {code for file, code in codes if file == name.replace(" ", "_")}
        for name in snippets
    }


def customer_snippets() -> Iterator[tuple[str, str]]:
    texts = RIGHT | {name: text for name, (text, _) in WRONG.items()}
    imported = "from airflow_provider_codat.api.payload.types import AccountingCustomer"
    for name, text in texts.items():
        yield name, f"{imported}\ncustomer: AccountingCustomer = {text}\n"


@pytest.mark.slow
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_customer_is_found(found: Mapping[str, set[str]], name: str) -> None:
    """A type checker finds the mistake before anything runs."""
    assert found[name] == {WRONG[name][1]}


@pytest.mark.slow
@pytest.mark.parametrize("name", RIGHT)
def test_a_right_customer_passes(found: Mapping[str, set[str]], name: str) -> None:
    """A type checker is content with a valid customer."""
    assert found[name] == set()
