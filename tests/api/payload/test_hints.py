"""The laws of hints: what books are likely to refuse is told, and not forbidden."""

import pytest

from airflow_provider_codat.api.models import Json
from airflow_provider_codat.api.payload.check import Check, checked

CANARY = "canary-7731"
GOOD: dict[str, Json] = {"customerName": "Fen Bakery", "status": "Active"}


def told(
    data_type: str = "customers", *, hints: bool = True, **more: Json
) -> list[str]:
    """Return the warnings of a payload."""
    check = Check(data_type=data_type, hints=hints)
    found = checked({**GOOD, **more}, check)
    assert found.errors == ()
    return [str(problem) for problem in found.problems]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"customerName": " Fen"}, "customerName: begins or ends with white space"),
        ({"emailAddress": "a@b.example\n"}, "emailAddress: begins or ends with white"),
        ({"emailAddress": f"{CANARY}.example"}, "emailAddress: is no e-mail address"),
        ({"customerName": "Fen\tBakery"}, "customerName: has control characters"),
        ({"customerName": "Fen\x1bBakery"}, "customerName: has control characters"),
        ({"phone": "07\x00"}, "phone: has control characters"),
        (
            {"customerName": "x" * 61},
            "customerName: is longer than 60 characters",
        ),
        ({"contactName": "x" * 31}, "contactName: is longer than 30 characters"),
        ({"defaultCurrency": "gbp"}, "defaultCurrency: is no currency of ISO 4217: it"),
        (
            {"contacts": [{"status": "Active", "email": CANARY}]},
            "contacts[0].email: is no e-mail address",
        ),
    ],
)
def test_one_line_each(more: dict[str, Json], words: str) -> None:
    """The place, and what is odd about it; never the value."""
    (found,) = told(**more)
    assert found.startswith(words)
    assert CANARY not in found


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"customerName": "Müller & Söhne, 北京"},
        {"customerName": "नेपाल\u200dी"},  # a joiner is no control character
        {"emailAddress": ""},
        {"registrationNumber": "line 1\nline 2"},
        {"customerName": "x" * 60, "emailAddress": "a@b.example"},
    ],
)
def test_nothing_to_warn_of(more: dict[str, Json]) -> None:
    """What is only unusual is left in peace."""
    assert told(**more) == []


def test_silenced() -> None:
    """Who does not want them, has none; what is wrong is told all the same."""
    assert told(hints=False, emailAddress="none", defaultCurrency="gbp") == []
    found = checked({"emailAddress": "none"}, Check(hints=False))
    assert [problem.path for problem in found.errors] == ["status"]


def test_lengths_are_the_models_where_it_is_asked() -> None:
    """With the connection's own model, no other software's limit is told of."""
    model = {
        "type": "Object",
        "properties": {name: {"type": "String"} for name in ("customerName", "status")},
    }
    long: dict[str, Json] = {**GOOD, "customerName": "x" * 61}
    assert checked(long, Check(validate="both", model=model)).problems == ()
