"""The laws of the contracts of all data types, held against Codat's where they lie."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from airflow_provider_codat.api import payload as package
from airflow_provider_codat.api.data_types import DATA_TYPES
from airflow_provider_codat.api.payload.contract import contract

SCHEMAS = Path(str(package.__file__)).parent / "schemas"
FOLDER = os.environ.get("CODAT_OPENAPI_DIR", "")
# Whose description of a body is the newest that is alive.
NEWEST = {
    "expenses": ("bankAccounts", "customers", "suppliers"),
    "payables-v1": ("billCreditNotes", "billPayments", "bills", "journals"),
    "bank-feeds": ("bankAccounts-accountId-bankTransactions",),
    "accounting-2023": ("directCosts", "items", "purchaseOrders", "transfers"),
    "commerce-v1": (
        "accounts",
        "creditNotes",
        "directIncomes",
        "invoices",
        "journalEntries",
        "payments",
    ),
}
DESCRIBED = {
    segment.rpartition("-")[2]: f"{product}.{segment}.create.json"
    for product, segments in NEWEST.items()
    for segment in segments
}


@pytest.mark.parametrize("name", DATA_TYPES)
def test_each_data_type_has_a_contract(name: str) -> None:
    """It is an object of JSON Schema 2020-12, without anything that is not resolved."""
    schema = dict(contract(name))
    Draft202012Validator.check_schema(schema)
    assert schema["type"] == "object"
    assert "$ref" not in json.dumps(schema)


def test_there_is_no_other_file() -> None:
    """A schema belongs to a data type, or is shared by several."""
    assert {path.stem for path in SCHEMAS.glob("*")} == {"shared", *DATA_TYPES}


def test_what_is_shared_is_used() -> None:
    """Each shared definition is referred to, and each reference leads somewhere."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in SCHEMAS.glob("*")}
    for name in json.loads(texts["shared"])["$defs"]:
        users = [stem for stem, text in texts.items() if f"/$defs/{name}" in text]
        assert users, name


def test_an_unknown_data_type_has_none() -> None:
    """Whoever wants one for a key that is not in the table is told so."""
    with pytest.raises(ValueError, match="salesOrders"):
        contract("salesOrders")


def shape(schema: Any) -> object:  # noqa: ANN401 - any schema
    """Return what a schema accepts, whatever it is spelt like."""
    if "enum" in schema:
        return frozenset(map(str, schema["enum"]))
    kinds = schema.get("type", "anything")
    below = schema.get("properties", {})
    return (
        frozenset([kinds] if isinstance(kinds, str) else kinds),
        frozenset(schema.get("required") or ()),
        frozenset((name, shape(each)) for name, each in below.items()),
        shape(schema["items"]) if "items" in schema else None,
        schema.get("additionalProperties") is False,
        *(schema.get(word) for word in ("minLength", "maxLength", "maxItems")),
    )


@pytest.mark.codat_openapi
@pytest.mark.skipif(not FOLDER, reason="CODAT_OPENAPI_DIR names no descriptions")
@pytest.mark.parametrize("row", DATA_TYPES.values(), ids=lambda row: row.name)
def test_contracts_are_codats(row: Any) -> None:  # noqa: ANN401 - a row
    """A contract takes and refuses, at every depth, what Codat's description does."""
    path = Path(FOLDER).parent / "schemas" / DESCRIBED[row.segment]
    if not path.is_file():
        pytest.skip("Codat's schemas do not lie beside its descriptions")
    theirs = json.loads(path.read_text(encoding="utf-8"))
    assert shape(contract(row.name)) == shape(theirs)
