"""The laws of words that come from elsewhere: short, in one line, and harmless."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_codat.api.errors import CodatError, PayloadInvalid
from airflow_provider_codat.api.models import Problem
from airflow_provider_codat.api.payload.redaction import redactor
from airflow_provider_codat.api.words import first_ones, printable, quoted, shortened


@given(st.text(st.characters(exclude_categories=[])))
def test_nothing_of_it_acts(text: str) -> None:
    """Whatever is said, it is one line, speaks to no terminal, and can be stored."""
    shown = printable(text)
    assert not re.search(
        "[\\x00-\\x1f\\x7f-\\x9f\\u2028-\\u202e\\u2066-\\u2069]", shown
    )
    shown.encode()
    assert printable(shown) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("no\n2026-11-30 INFO - Success", "no\\n2026-11-30 INFO - Success"),
        ("\x1b[2Jgone\r\n", "\\x1b[2Jgone\\r\\n"),
        ("\u202eevil", "\\u202eevil"),
        ("half \ud800", "half \\ud800"),
        ("Ümit Ö., 10\u00a0€, 東京 🙂", "Ümit Ö., 10\u00a0€, 東京 🙂"),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    """What is not to be seen is escaped; all that can be read stays as it is."""
    assert printable(text) == shown


def test_long_texts() -> None:
    """A text of 2 MB is cut at 4,000 characters, and says how much is missing."""
    shown = printable("x" * 2_000_000)
    assert shown == "x" * 3960 + "... and 1,996,040 more characters"
    assert shortened("x" * 4000) == "x" * 4000
    assert printable(shown) == shown


def test_long_lists() -> None:
    """Of 10,000 items 20 are named, and the others counted."""
    assert first_ones(range(10_000)) == [*map(str, range(20)), "and 9,980 more"]
    assert first_ones(range(20)) == [*map(str, range(20))]


def test_values_are_gone_before_line_breaks_are() -> None:
    """A payload's value is taken out however its words are spaced."""
    redact = redactor({"customerName": "Fen Bakery Ltd"})
    assert quoted("'Fen\n  Bakery\tLtd'\nexists", redact) == "'<customerName>'\\nexists"


def test_messages_are_bounded() -> None:
    """Whatever goes into an error, Airflow need not keep megabytes of it."""
    assert len(str(CodatError("x" * 2_000_000))) < 4_100
    problems = [Problem(f"a[{n}]", "type", "must be a text") for n in range(10_000)]
    error = PayloadInvalid(problems)
    assert "and 9,980 more" in str(error)
    assert len(error.problems) == 10_000
