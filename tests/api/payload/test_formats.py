"""The laws of amounts, currencies and dates: what arrives exact, and what is told."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_codat.api.data_types import DATA_TYPES
from airflow_provider_codat.api.models import Json, Problem
from airflow_provider_codat.api.payload.check import Check, checked
from airflow_provider_codat.api.payload.contract import contract
from airflow_provider_codat.api.payload.formats import NUMBERS, TEXTS, Shape, shape_of

LINE = {"unitAmount": 12.5, "quantity": 4, "subTotal": 50}
# Whoever sells by the dozen, less a tenth: what the line comes to, it does not say.
UNCLEAR = {"unitAmount": 1, "quantity": 12, "discountPercentage": 10}
INVOICE: dict[str, Any] = {
    "issueDate": "2026-03-02",
    "currency": "GBP",
    "lineItems": [LINE],
    "subTotal": 50,
    "totalTaxAmount": 10,
    "totalAmount": 60,
    "amountDue": 60,
    "status": "Submitted",
}


def found(given_: object, data_type: str = "invoices") -> tuple[Json, list[Problem]]:
    """Return what would be sent, and what is said of it."""
    known = data_type in DATA_TYPES
    check = Check(data_type, "schema" if known else "off", "fail")
    done = checked(given_, check)
    return done.payload, list(done.problems)


def told(given_: object, data_type: str = "invoices") -> list[tuple[str, str]]:
    return [(each.path, each.severity) for each in found(given_, data_type)[1]]


def sent(amount: object) -> Json:
    """Return what an amount becomes."""
    payload, problems = found({**INVOICE, "lineItems": [{**LINE, "taxAmount": amount}]})
    assert problems == []
    assert isinstance(payload, dict)
    [line] = payload["lineItems"]  # type: ignore[misc]
    return line["taxAmount"]  # type: ignore[index, call-overload, no-any-return]


@pytest.mark.parametrize(
    ("amount", "number"),
    [
        ("12.50", "12.5"),
        (" 12.50 ", "12.5"),
        ("-0.01", "-0.01"),
        ("120", "120"),
        ("1200.00", "1200.0"),
        (Decimal("12.50"), "12.5"),
        (Decimal("1E+3"), "1000"),
        (12.5, "12.5"),
        (12, "12"),
        ("123456789012.34", "123456789012.34"),
        (0.1, "0.1"),
    ],
)
def test_amounts_arrive_exact(amount: object, number: str) -> None:
    """Text, Decimal, float and int: the same cents are sent, as a number."""
    assert json.dumps(sent(amount)) == number


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=2))
def test_every_amount_of_cents_arrives(amount: Decimal) -> None:
    """Whatever the cents: they are sent, however they were handed over."""
    for form in (amount, str(amount), float(amount)):
        assert Decimal(json.dumps(sent(form))) == amount


@pytest.mark.parametrize(
    ("amount", "word"),
    [
        (0.1 + 0.2, "no exact amount"),
        (1.1 * 3, "no exact amount"),
        (1 / 3, "no exact amount"),
        ("0.12345678901234567890", "more digits"),
        ("12,50", "must be a number"),
        ("£12.50", "must be a number"),
        ("1e3", "must be a number"),
        ("", "must be a number"),
        ("NaN", "must be a number"),
        (True, "must be a number"),
    ],
)
def test_what_is_no_exact_amount(amount: object, word: str) -> None:
    """It is a problem with its path, and no silent rounding; the value is not told."""
    lines = [LINE, LINE, LINE, {**LINE, "unitAmount": amount}]
    [problem] = [
        each
        for each in found({**INVOICE, "lineItems": lines, "subTotal": 200})[1]
        if each.severity == "error"
    ]
    assert problem.path == "lineItems[3].unitAmount"
    assert word in problem.message
    assert not str(amount) or str(amount) not in problem.message


def test_a_rate_may_have_any_digits() -> None:
    """A currency rate is a quotient: what floats leave behind is no mistake in it."""
    assert told({**INVOICE, "currencyRate": 1 / 3}) == []


# --- hints: what is said of each, and where

HINTS: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "right": ("invoices", {}, []),
    "a currency that is none": ("invoices", {"currency": "XXZ"}, ["currency"]),
    "a currency in small letters": ("invoices", {"currency": "gbp"}, ["currency"]),
    "a customer's currency": (
        "customers",
        {"status": "Active", "defaultCurrency": "POUND"},
        ["defaultCurrency"],
    ),
    "a date that is none": ("invoices", {"issueDate": "02/03/2026"}, ["issueDate"]),
    "the 30th of February": ("invoices", {"dueDate": "2026-02-30"}, ["dueDate"]),
    "no lines": ("invoices", {"lineItems": []}, ["lineItems"]),
    "lines that do not add up": (
        "invoices",
        {"subTotal": 50.01, "totalAmount": 60.01},
        ["subTotal"],
    ),
    "tax that does not": ("invoices", {"totalAmount": 60.01}, ["totalAmount"]),
    "half a cent": ("invoices", {"totalAmount": 60.004}, []),
    "lines less the discount": (
        "invoices",
        {"subTotal": 45, "totalDiscount": 5, "totalAmount": 55},
        [],
    ),
    "a line that does not tell": (
        "invoices",
        {"lineItems": [LINE, {**UNCLEAR}], "subTotal": 7, "totalAmount": 17},
        [],
    ),
    "lines of price and quantity": (
        "invoices",
        {"lineItems": [{"unitAmount": 12.5, "quantity": 4}]},
        [],
    ),
    "price and quantity that differ": (
        "invoices",
        {"lineItems": [{"unitAmount": 12.5, "quantity": 5}]},
        ["subTotal"],
    ),
    "an entry that balances": (
        "journalEntries",
        {"journalLines": [{"netAmount": 1}, {"netAmount": -1}]},
        [],
    ),
    "an entry that does not": (
        "journalEntries",
        {"journalLines": [{"netAmount": 1}, {"netAmount": -1.01}]},
        ["journalLines"],
    ),
    "an entry without lines": (
        "journalEntries",
        {"journalLines": []},
        ["journalLines"],
    ),
}


@pytest.mark.parametrize(
    ("data_type", "changed", "paths"), HINTS.values(), ids=list(HINTS)
)
def test_hints(data_type: str, changed: dict[str, Any], paths: list[str]) -> None:
    """What Codat takes and books refuse is a warning with its path, and no error."""
    payload = {**(INVOICE if data_type == "invoices" else {}), **changed}
    assert told(payload, data_type) == [(path, "warning") for path in paths]


def test_thousand_lines_of_cents() -> None:
    """Many amounts that no float holds add up all the same."""
    lines = [{"unitAmount": 0.1, "quantity": 1} for _ in range(1000)]
    totals = {"subTotal": 100, "totalTaxAmount": 0, "totalAmount": 100}
    assert told({**INVOICE, "lineItems": lines, **totals}) == []


# --- the shape of formats


def formats(shape: Shape) -> Iterator[str]:
    yield from shape.formats.values()
    for inner in shape.below.values():
        yield from formats(inner)


@pytest.mark.parametrize("name", DATA_TYPES)
def test_amounts_are_numbers_and_dates_are_text(name: str) -> None:
    """A schema's format is one that is known, and fits its type, at every depth."""

    def look(node: Any) -> None:  # noqa: ANN401 - any schema
        if "format" in node:
            numeric = node["format"] in {"money", "decimal"}
            assert ("number" in node["type"]) is numeric
            assert numeric or node["format"] in {"date", "currency"}
            assert numeric or "string" in node["type"]
        else:
            assert "number" not in node.get("type", ())
        for inner in node.get("properties", {}).values():
            look(inner)
        if "items" in node:
            look(node["items"])

    look(contract(name))
    known = NUMBERS | TEXTS
    assert set(formats(shape_of(name, known))) <= known


def test_a_data_type_that_is_not_known_has_no_shape() -> None:
    """What Codat added since is sent as it is."""
    payload, problems = found({"anything": "12.50"}, "salesOrders")
    assert payload == {"anything": "12.50"}
    assert problems == []
