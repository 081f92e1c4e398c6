"""The laws of the table of data types."""

import ast
import json
import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_codat.api.data_types import (
    DATA_TYPES,
    DataType,
    data_type_of,
)
from airflow_provider_codat.api.payload.canonical import READ_ONLY
from airflow_provider_codat.api.payload.contract import contract

ROWS = tuple(DATA_TYPES.values())
PACKAGE = Path(__file__).parents[2] / "airflow_provider_codat"
FACTS = Path(os.environ.get("CODAT_OPENAPI_DIR", "/nonexistent")).parent
# Products whose descriptions are those of the push routes; the newest comes first.
PRODUCTS = ("expenses", "payables-v1", "bank-feeds", "accounting-2023", "commerce-v1")


def named(**having: object) -> set[str]:
    """Return the data types whose rows have something, or have it so."""
    return {
        row.name
        for row in ROWS
        if all(getattr(row, name) == value for name, value in having.items())
    }


def test_what_can_be_written() -> None:
    """Eighteen data types are created, eight updated, five deleted, six take files.

    Source: https://docs.codat.io/using-the-api/push
    """
    assert len(ROWS) == 18
    assert named(can_update=True) == {
        "bankAccounts",
        "billCreditNotes",
        "bills",
        "creditNotes",
        "customers",
        "invoices",
        "purchaseOrders",
        "suppliers",
    }
    assert named(can_delete=True) == {
        "billPayments",
        "bills",
        "directCosts",
        "invoices",
        "journalEntries",
    }
    assert {row.name: row.attachments for row in ROWS if row.attachments} == {
        "billCreditNotes": "attachment",
        "bills": "attachments",
        "directCosts": "attachment",
        "directIncomes": "attachment",
        "invoices": "attachment",
        "transfers": "attachment",
    }
    assert named(takes_timeout=False) == {"transfers"}
    assert named(is_readable=False) == {"bankTransactions"}
    assert named(of_connection=True) == {
        "bankAccounts",
        "bankTransactions",
        "directCosts",
        "directIncomes",
        "transfers",
    }


@pytest.mark.parametrize(
    ("name", "a_record", "records", "argument", "arguments"),
    [
        ("customers", "a customer", "customers", "customer", "customers"),
        ("chartOfAccounts", "an account", "accounts", "account", "accounts"),
        ("invoices", "an invoice", "invoices", "invoice", "invoices"),
        (
            "billCreditNotes",
            "a bill credit note",
            "bill credit notes",
            "bill_credit_note",
            "bill_credit_notes",
        ),
        (
            "journalEntries",
            "a journal entry",
            "journal entries",
            "journal_entry",
            "journal_entries",
        ),
        (
            "bankTransactions",
            "a batch of bank transactions",
            "bank transaction batches",
            "bank_transactions",
            "bank_transaction_batches",
        ),
    ],
)
def test_words(
    name: str, a_record: str, records: str, argument: str, arguments: str
) -> None:
    """A row says what one of its records is called, and several."""
    row = DATA_TYPES[name]
    assert (row.a_record, row.records) == (a_record, records)
    assert (row.argument, row.arguments) == (argument, arguments)


def test_parent() -> None:
    """The bank account of transactions stands in their route, and in the payload."""
    row = DATA_TYPES["bankTransactions"]
    assert row.parent_of({"accountId": "an account"}) == "an account"
    assert [row.parent_of(p) for p in ({}, {"accountId": None}, [], None)] == [""] * 4
    assert DATA_TYPES["invoices"].parent_of({"accountId": "an account"}) == ""


def test_unknown_data_type() -> None:
    """A key that Codat may have added has a row that promises nothing."""
    row = data_type_of("salesOrders")
    assert row == DataType("salesOrders", "salesOrders", "record")
    assert not any((row.can_update, row.can_delete, row.attachments, row.identifying))


@pytest.mark.parametrize("name", ["", "../customers", "sales orders", "a/b", "é", "1"])
def test_what_is_no_key(name: str) -> None:
    """What cannot stand in a route as it is, is no data type."""
    with pytest.raises(ValueError, match="such as invoices"):
        data_type_of(name)


def schema_at(schema: dict[str, Any], path: str) -> dict[str, Any]:
    for step in path.split("."):
        name = step.removesuffix("[]")
        schema = schema["properties"][name]
        schema = schema["items"] if name != step else schema
    return schema


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_paths_lead_somewhere(row: DataType) -> None:
    """What tells a record from another is a property of the contract, of its kind."""
    schema = contract(row.name)
    for name in row.identifying:
        assert "string" in schema_at(schema, name)["type"]
        assert name not in READ_ONLY
    assert set(row.codes) <= set(row.identifying)
    for path in row.amounts:
        assert schema_at(schema, path)["format"] == "money"
    for path in row.dates:
        assert schema_at(schema, path)["format"] == "date"
    for path in row.references:
        assert "string" in schema_at(schema, path)["type"]
    if row.parent:
        assert "string" in schema_at(schema, row.parent[1])["type"]
    assert bool(row.identifying) is row.is_readable


# --- Codat's own description, where it lies


def facts() -> list[dict[str, Any]]:
    path = FACTS / "write-types.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []


@pytest.mark.skipif(not facts(), reason="Codat's descriptions are not here")
@pytest.mark.parametrize("fact", facts(), ids=lambda fact: fact["data_type"])
def test_rows_are_codats(fact: dict[str, Any]) -> None:
    """Each row says what Codat's newest descriptions of its operations say."""
    row = DATA_TYPES[fact["data_type"]]
    operations = [each for each in fact["operations"] if each["product"] in PRODUCTS]

    def newest(method: str, content: str = "application/json") -> dict[str, Any]:
        found = [
            each
            for each in operations
            if each["method"] == method and content in (each["content"] or [content])
            if "/attachments/{" not in each["push"]
        ]
        return min(found, key=lambda o: PRODUCTS.index(o["product"]), default={})

    create = newest("POST")
    assert create["push"].split("/")[-1] == row.segment
    assert ("timeoutInMinutes" in create["query"]) is row.takes_timeout
    takes_sync = {q for o in operations for q in o["query"]} >= {
        "allowSyncOnPushComplete"
    }
    assert takes_sync is row.takes_sync
    assert bool(newest("PUT")) is row.can_update
    # The SDK and the guides know more than this description.
    assert row.can_delete or not newest("DELETE")
    upload = newest("POST", "multipart/form-data")
    assert not upload or upload["push"].split("/")[-1] == row.attachments
    assert ("/connections/" in fact["read_list"]) is row.of_connection


# --- nothing else knows one data type from another

WORDS = {word for row in ROWS for word in (row.name, row.segment)}
CONSTANTS = {
    "".join(f"_{c}" if c.isupper() else c for c in row.name).upper() for row in ROWS
}
# The table and what is written from it; the simulator's own; and a customer's shape.
TABLES = (
    "api/data_types.py",
    "api/payload/types",
    "get_provider_info.py",  # Airflow calls what moves rows "transfers", too
    "operators/accounting",
    "simulator/rules/data_types.py",
    "simulator/rules/bodies.py",
    "simulator/rules/body_parts.py",
    "simulator/rules/integrations.py",
)
# A word of JSON Schema, too.
AMBIGUOUS = {"items"}


def decisions(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the parts of a module that choose between ways to go on."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare | ast.match_case):
            yield node
        elif isinstance(node, ast.If | ast.IfExp | ast.While):
            yield node.test
        elif isinstance(node, ast.Dict):
            yield from (key for key in node.keys if key)


def names_a_data_type(node: ast.AST) -> bool:
    return any(
        (isinstance(each, ast.Constant) and each.value in WORDS - AMBIGUOUS)
        or (isinstance(each, ast.Name) and each.id in CONSTANTS)
        for each in ast.walk(node)
    )


def test_no_branch_on_a_name() -> None:
    """No code goes another way for one data type: what differs, stands in its row."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        if not name.startswith(TABLES):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            found += [
                f"{name}:{node.lineno}"  # type: ignore[attr-defined]
                for node in decisions(tree)
                if names_a_data_type(node)
            ]
    assert found == []


@pytest.mark.parametrize(
    "code",
    [
        "x == 'invoices'",
        "row is INVOICES",
        "{'invoices': 1}",
        "match x:\n case 'bills': pass",
        "1 if JOURNAL_ENTRIES else 2",
    ],
)
def test_a_branch_is_found(code: str) -> None:
    """The law above can fail."""
    assert any(map(names_a_data_type, decisions(ast.parse(code))))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_is_a_key(row: DataType) -> None:
    """What is looked for is put together by its data type."""
    assert {row: 1}[DATA_TYPES[row.name]] == 1


def test_rows_are_in_order() -> None:
    """Records that others refer to come before them: parties, accounts, the rest."""
    order = list(DATA_TYPES)
    for before, after in pairwise(
        ["customers", "chartOfAccounts", "journals", "invoices", "payments"]
    ):
        assert order.index(before) < order.index(after)
