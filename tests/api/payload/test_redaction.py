"""The laws of repeating Codat's words without the customer's."""

import json
import string
from collections.abc import Iterator

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from airflow_provider_codat.api.models import Json
from airflow_provider_codat.api.payload.redaction import redactor

CONTRACT = ("Active", "Archived", "Billing", "Delivery", "Unknown", "Primary")

values = st.text(string.ascii_letters + string.digits + " .'-@&", max_size=12)
payloads = st.dictionaries(
    st.sampled_from(["#1", "#2", "#3"]),  # a value cannot be found in such a name
    st.recursive(
        values | st.integers() | st.booleans() | st.none(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["#4", "#5"]), inner, max_size=2)
        ),
        max_leaves=8,
    ),
    max_size=3,
)


def leaves(value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item)
    elif isinstance(value, str):
        yield value.strip()
    elif value is not None and not isinstance(value, bool):
        yield json.dumps(value)


@given(payloads, st.data())
def test_no_value_survives(payload: dict[str, Json], data: st.DataObject) -> None:
    """Whatever Codat quotes, no value of four characters or more is repeated."""
    found = [each for each in leaves(payload) if len(each) >= 4]
    assume(all(each.lower() not in map(str.lower, CONTRACT) for each in found))
    quoted = data.draw(st.lists(st.sampled_from(found or ["-"]), max_size=4))
    gaps = data.draw(st.lists(st.sampled_from(["'", " ", "", "!"]), max_size=4))
    words = "".join(a + b for a, b in zip(quoted, gaps, strict=False))
    redacted = redactor(payload)(words).lower()
    assert [each for each in found if each.lower() in redacted] == []


@pytest.mark.parametrize(
    ("payload", "said", "redacted"),
    [
        pytest.param(
            {"customerName": "Fen Bakery"},
            "'Fen Bakery' already exists",
            "'<customerName>' already exists",
            id="quoted",
        ),
        pytest.param(
            {"customerName": "Fen Bakery"},
            "'FEN BAKERY' already exists",
            "'<customerName>' already exists",
            id="in upper case",
        ),
        pytest.param(
            {"customerName": " Fen  Bakery "},
            "'Fen Bakery' already exists",
            "'<customerName>' already exists",
            id="with spaces put right",
        ),
        pytest.param(
            {"customerName": 'Fen "Bakery" & Sons'},
            'no Fen \\"Bakery\\" & Sons, no Fen &quot;Bakery&quot; &amp; Sons',
            "no <customerName>, no <customerName>",
            id="escaped for JSON or XML",
        ),
        pytest.param(
            {"customerName": "Fen", "contactName": "Fen Bakery", "phone": "Fen Bak"},
            "Fen Bakery of Fen Bak of Fen",
            "<contactName> of <phone> of Fen",
            id="the longest first",
        ),
        pytest.param(
            {"customerName": "contact", "contactName": "Fen Bakery"},
            "Fen Bakery",
            "<contactName>",
            id="names that stand for values are left alone",
        ),
        pytest.param(
            {
                "addresses": [{"line1": "4 Fen Lane"}],
                "contacts": [{"phone": [{"number": "07700 900123"}]}],
            },
            "4 Fen Lane, 07700 900123",
            "<line1>, <number>",
            id="deep down",
        ),
        pytest.param(
            {"supplementalData": {"content": {"crm": {"account": 40_117_733}}}},
            "account 40117733 is closed",
            "account <account> is closed",
            id="a number",
        ),
        pytest.param(
            {"customerName": "a.c+"}, "abcc a.c+", "abcc <customerName>", id="a pattern"
        ),
        pytest.param("Fen Bakery", "Fen Bakery", "<payload>", id="a bare text"),
        pytest.param({"customerName": "    "}, "a    b", "a    b", id="only spaces"),
        pytest.param(
            {"vip": True, "old": None}, "True None null", "True None null", id="no data"
        ),
        pytest.param({}, "nothing to hide", "nothing to hide", id="empty"),
    ],
)
def test_values_are_replaced_by_the_name_of_their_property(
    payload: Json, said: str, redacted: str
) -> None:
    """A reader learns which property was meant, and not what it held."""
    assert redactor(payload)(said) == redacted


@pytest.mark.parametrize("word", CONTRACT)
def test_words_of_the_contract_stay(word: str) -> None:
    """A status that was refused may be read: it is no data."""
    payload: Json = {"status": word, "addresses": [{"type": word.lower()}]}
    assert redactor(payload)(f"Status {word} is not allowed") == (
        f"Status {word} is not allowed"
    )


def test_short_values_stay() -> None:
    """Three letters are a currency, and removing them would ruin the sentence."""
    assert redactor({"defaultCurrency": "EUR"})("EUR in EUROPE") == "EUR in EUROPE"
