"""The laws of what a payload is held against, and of what is left out of it."""

from typing import Any

import pytest

from airflow_provider_codat.api.bulk.digests import Digests
from airflow_provider_codat.api.bulk.rows import Reader, Rules
from airflow_provider_codat.api.models import Json
from airflow_provider_codat.api.payload.canonical import READ_ONLY
from airflow_provider_codat.api.payload.check import CONTRACT, Check, Checked, checked

THEIRS = "the integration's model"
BOTH = f"{CONTRACT} and {THEIRS}"


def node(kind: str, **said: Any) -> dict[str, Any]:  # noqa: ANN401 - of a model
    return {"type": kind, "displayName": kind, "required": False, **said}


def choice(*values: str) -> list[dict[str, Any]]:
    return [{"value": value, "displayName": value} for value in values]


ADDRESS = {
    "type": node("String", required=True, options=choice("Billing", "Home")),
    "countryCode": node("String", required=True),
}
MODEL = node(
    "Object",
    properties={
        "customerName": node("String", required=True),
        "status": node("String", options=choice("Active", "InActive")),
        "phone": node(
            "String",
            validation={"warnings": [{"details": "Max length of 5 characters."}]},
        ),
        "addresses": node("Array", properties=ADDRESS),
    },
)
BARE = Check(validate="both", model=MODEL)


def told(check: Check, payload: Json) -> list[tuple[str, str, str]]:
    return [(p.path, p.rule, p.by) for p in check.problems(payload)]


@pytest.mark.parametrize(
    ("validate", "objections"),
    [
        ("off", []),
        ("schema", [("status", "enum", "")]),
        ("model", [("customerName", "required", THEIRS)]),
        ("both", [("status", "enum", CONTRACT), ("customerName", "required", THEIRS)]),
    ],
)
def test_who_is_asked(validate: Any, objections: list[tuple[str, str, str]]) -> None:  # noqa: ANN401 - one of the table
    """The author says who is asked; if the model is, each problem says who objects."""
    check = Check(validate=validate, model=MODEL)
    assert told(check, {"status": "InActive"}) == objections


def test_the_words_say_who_objects() -> None:
    """A problem reads as one line, which ends with who objects."""
    check = Check(validate="both", model=MODEL, model_name="Xero's model")
    lines = [
        str(p) for p in check.problems({"customerName": "x", "status": "Archived"})
    ]
    assert lines == [
        "status: must be one of Active, InActive (case matters) (Xero's model)"
    ]
    lines = [
        str(p) for p in check.problems({"customerName": "x", "status": "InActive"})
    ]
    choice = "status: must be one of Active, Archived, Unknown (case matters)"
    assert lines == [f"{choice} (Codat's contract)"]


def test_what_both_say_is_said_once() -> None:
    """An objection of both, in the same words, is one problem that names both."""
    payload: Json = {"customerName": "x", "status": "Active", "addresses": "none"}
    assert told(BARE, payload) == [
        ("addresses", "type", CONTRACT),  # it takes null as well
        ("addresses", "type", THEIRS),
    ]
    payload = {"customerName": "x", "status": "Active", "addresses": [1]}
    assert told(BARE, payload) == [("addresses[0]", "type", BOTH)]


def test_the_order_is_the_documents() -> None:
    """Problems stand in the order of the document, those of one place together."""
    payload: Json = {
        "addresses": [{"type": "Unknown"}, {"countryCode": 1}],
        "customerName": None,
        "status": "?",
        "other": 1,
    }
    assert told(BARE, payload) == [
        ("addresses[0].type", "enum", THEIRS),
        ("addresses[0].countryCode", "required", THEIRS),
        ("addresses[1].countryCode", "type", THEIRS),
        ("addresses[1].type", "required", CONTRACT),
        ("addresses[1].type", "required", THEIRS),
        ("customerName", "required", THEIRS),
        ("status", "enum", CONTRACT),
        ("status", "enum", THEIRS),
        ("other", "unknown", THEIRS),
    ]


def test_what_is_missing_at_one_place() -> None:
    """What both miss stands together, before what one of them misses beside it."""
    contact = {
        "name": node("String", required=True),
        "status": node("String", required=True, options=choice("Active")),
    }
    model = node("Object", properties={"contacts": node("Array", properties=contact)})
    payload: Json = {"status": "Active", "contacts": [{}]}
    assert told(Check(validate="both", model=model), payload) == [
        ("contacts[0].status", "required", CONTRACT),
        ("contacts[0].status", "required", THEIRS),
        ("contacts[0].name", "required", THEIRS),
    ]


@pytest.mark.parametrize(
    ("check", "severities"),
    [
        (BARE, {"taxNumber": "warning"}),
        (Check(validate="both", model=MODEL, unknown_properties="ignore"), {}),
        (
            Check(validate="both", model=MODEL, unknown_properties="fail"),
            {"taxNumber": "error"},
        ),
        (Check(), {"addresses[0].countryCode": "warning"}),
    ],
    ids=["warn", "ignore", "fail", "contract alone"],
)
def test_the_model_says_what_is_unknown(
    check: Check, severities: dict[str, str]
) -> None:
    """Where the model is asked, a property is unknown if the model does not list it."""
    payload: Json = {
        "customerName": "x",
        "status": "Active",
        "taxNumber": "7",
        "addresses": [{"type": "Billing", "countryCode": "GB"}],
    }
    assert {p.path: p.severity for p in check.problems(payload)} == severities


@pytest.mark.parametrize(("strict", "severity"), [(False, "warning"), (True, "error")])
def test_strict(strict: bool, severity: str) -> None:
    """A limit in prose forbids a request only where the author wants it so."""
    check = Check(validate="model", model=MODEL, strict=strict)
    [problem] = check.problems({"customerName": "x", "phone": "123456"})
    assert (problem.path, problem.severity) == ("phone", severity)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"validate": "strictly"}, "validate must be one of 'schema', 'model', 'both'"),
        ({"unknown_properties": "?"}, "unknown_properties must be one of warn, fail"),
        ({"validate": "model"}, "needs the integration's model"),
        ({"validate": "both", "model": {}}, "needs the integration's model"),
        ({"validate": "both", "model": {"statusCode": 404}}, "with its properties"),
        ({"validate": "both", "model": {"properties": MODEL}}, "with its properties"),
        ({"validate": "both", "model": node("Object")}, "with its properties"),
        ({"validate": "both", "model": node("Object", properties=None)}, "properties"),
    ],
)
def test_a_check_that_would_let_everything_pass(
    arguments: dict[str, Any], message: str
) -> None:
    """A check that cannot find anything is refused, and not passed by every payload."""
    with pytest.raises(ValueError, match=message):
        Check(**arguments)


def test_no_contract() -> None:
    """The contract of a data type that has none is missed; its model suffices."""
    with pytest.raises(ValueError, match="there is no schema"):
        Check(data_type="loans").problems({})
    assert told(Check("loans", "model", model=MODEL), {}) == [
        ("customerName", "required", THEIRS)
    ]


def test_checked_is_the_whole_way() -> None:
    """What was given comes out as what would be sent, with all that is wrong."""
    text = repr({"status": "active", "metadata": {"isDeleted": 7}, "zip": 1})
    result = checked(text, Check())
    assert result.payload == {"status": "active", "zip": 1}
    assert result.left_out == ("metadata",)
    assert [p.path for p in result.problems] == ["status", "zip"]
    assert [p.path for p in result.errors] == ["status"]


def test_checked_with_everything_kept() -> None:
    """Nothing is left out where the author says so, and then it is checked too."""
    result = checked(
        {"status": "Active", "metadata": {"isDeleted": 7}, "zip": 1},
        Check(unknown_properties="ignore"),
        read_only_fields=(),
    )
    assert result.left_out == ()
    assert [p.path for p in result.problems] == ["metadata.isDeleted"]


@pytest.mark.parametrize("value", [None, "nothing of the kind", {"a": {1}}])
@pytest.mark.parametrize("check", [Check(), Check(validate="off"), BARE])
def test_checked_returns_what_cannot_be_read(value: object, check: Check) -> None:
    """What cannot be read comes back as problems, not as an exception."""
    result = checked(value, check)
    assert result == Checked(None, (), result.problems)
    assert [p.rule for p in result.problems] == ["json"]


@pytest.mark.parametrize("value", [{"status": 7}, [], 7.5])
def test_checked_without_a_check(value: Json) -> None:
    """An author who switches the check off still gets JSON, cleaned."""
    assert checked(value, Check(validate="off")) == Checked(value, (), ())


READ = node(
    "Object",
    properties={
        "metadata": node("Object", required=True),
        "contacts": node("Array", properties={"modifiedDate": node("DateTime")}),
    },
)
SENT: dict[str, Json] = {
    "modifiedDate": "2026-01-01",
    "contacts": [{"modifiedDate": "2026-01-01", "metadata": {}}, 7],
    "metadata": {},
}


@pytest.mark.parametrize("validate", ["model", "both"])
def test_read_only_properties_that_the_model_lists(validate: Any) -> None:  # noqa: ANN401 - one of the table
    """What the model lists at its place is sent; the same name elsewhere is not."""
    given = dict(SENT)
    result = checked(given, Check(validate=validate, model=READ))
    assert result.payload == {
        "contacts": [{"modifiedDate": "2026-01-01"}, 7],
        "metadata": {},
    }
    assert list(result.payload or {}) == ["contacts", "metadata"]
    assert result.left_out == ("contacts[0].metadata", "modifiedDate")
    assert given == SENT


@pytest.mark.parametrize(
    ("check", "names", "left_out"),
    [
        (Check(model=READ), READ_ONLY, ("contacts[0].metadata", "metadata")),
        (Check(validate="off", model=READ), READ_ONLY, ("metadata",)),
        (Check(validate="both", model=READ), ("metadata",), ("metadata",)),
        (Check(validate="both", model=READ), (), ()),
    ],
    ids=["contract alone", "off", "by the author", "nothing"],
)
def test_read_only_properties_as_the_author_wants(
    check: Check, names: tuple[str, ...], left_out: tuple[str, ...]
) -> None:
    """The model is heard only where it is asked, and where the author names none."""
    result = checked(SENT, check, read_only_fields=names)
    assert set(left_out) <= set(result.left_out)
    assert bool(left_out) == bool(result.left_out)


@pytest.mark.parametrize("value", [7, [], "[1]", {"contacts": {"metadata": 1}}, {}])
def test_read_only_properties_of_odd_payloads(value: object) -> None:
    """What is no customer is passed on as it is, for the check to refuse."""
    assert checked(value, Check(validate="both", model=READ)).left_out == ()


def test_a_key_that_the_model_lists_is_sent() -> None:
    """A row's key is left out of its payload, unless it is a property of the record."""
    model = node("Object", properties={"reference": node("String")})
    row: Json = {"reference": "C-1", "status": "Active"}
    for check, sent in [
        (Check(), {"status": "Active"}),
        (Check(validate="model", model=model), row),
    ]:
        attempt = Reader(Rules(check, "reference"), Digests()).attempt(1, row)
        assert attempt.payload == sent
        assert attempt.row is not None
        assert attempt.row.label == "C-1"
