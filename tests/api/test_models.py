"""The laws of the nouns: small, frozen, checked when they are made."""

import copy
import pickle
from dataclasses import FrozenInstanceError, fields
from typing import Any
from uuid import UUID

import pytest

from airflow_provider_codat.api.data_types import CUSTOMERS
from airflow_provider_codat.api.models import (
    Destination,
    Problem,
    PullOperation,
    PushOperation,
    Remark,
    checked_uuid,
)

ID = "8a210b68-6988-11ed-a1eb-0242ac120002"
OTHER_ID = "2e9d2c44-f675-40ba-8049-353bfcb5e171"


def operation(status: str) -> PushOperation:
    return PushOperation(
        key=ID,
        company_id=ID,
        connection_id=OTHER_ID,
        data_type="customers",
        status=status,
        requested_at="2026-03-01T00:00:00Z",
        completed_at=None,
        record_id=None,
        error_message="",
        errors=(),
        warnings=(),
        raw={"status": status},
    )


def pull(status: str, **flags: bool) -> PullOperation:
    return PullOperation(
        id=ID,
        company_id=ID,
        connection_id=OTHER_ID,
        data_type="customers",
        status=status,
        requested_at="2026-03-01T00:00:00Z",
        completed=flags.get("completed", False),
        errored=flags.get("errored", False),
        progress=None,
        raw={"errorMessage": "Fen Bakery is odd"},
    )


NOUNS = {
    "Problem": Problem("status", "enum", "must be Active"),
    "DataType": CUSTOMERS,
    "Destination": Destination(ID, OTHER_ID),
    "Remark": Remark("Name", "is taken"),
    "PushOperation": operation("Pending"),
    "PullOperation": pull("Queued"),
}


@pytest.mark.parametrize("noun", NOUNS.values(), ids=NOUNS)
def test_a_noun_does_not_change(noun: Any) -> None:  # noqa: ANN401 - one of ours
    """What was read once reads the same ever after."""
    name = fields(noun)[0].name
    with pytest.raises(FrozenInstanceError):
        setattr(noun, name, "other")


@pytest.mark.parametrize("noun", NOUNS.values(), ids=NOUNS)
def test_a_noun_crosses_a_process(noun: object) -> None:
    """A pickled or copied noun equals itself."""
    assert pickle.loads(pickle.dumps(noun)) == noun
    assert copy.deepcopy(noun) == noun


@pytest.mark.parametrize(
    "spelling",
    [ID, ID.upper(), f"  {ID}\n", UUID(ID)],
    ids=["plain", "upper case", "white space", "UUID"],
)
def test_a_uuid_has_one_spelling(spelling: object) -> None:
    """Two spellings of one id are one destination, and so one intent."""
    assert checked_uuid(spelling, "company_id") == ID
    assert Destination(spelling, OTHER_ID) == Destination(ID, OTHER_ID)  # type: ignore[arg-type] # a UUID is taken, too


@pytest.mark.parametrize(
    ("wrong", "described"),
    [
        ("", "an empty text"),
        (None, "NoneType"),
        (7, "int"),
        ("SecretPastedHere", "a text of 16 characters"),
        (f"{{{ID}}}", "a text of 38 characters"),
        (ID.replace("-", ""), "a text of 32 characters"),
        (f"{ID}/push", "a text of 41 characters"),
    ],
    ids=["empty", "none", "number", "secret", "braces", "no hyphens", "a path"],
)
@pytest.mark.parametrize("name", ["company_id", "connection_id"])
def test_a_wrong_id_is_refused_by_name_and_unquoted(
    wrong: object, described: str, name: str
) -> None:
    """The message names argument and kind of value; the value may be a secret."""
    ids = {"company_id": ID, "connection_id": OTHER_ID, name: wrong}
    with pytest.raises(ValueError, match=f"{name} must be a UUID") as refused:
        Destination(**ids)  # type: ignore[arg-type] # that is what is tested
    assert described in str(refused.value)
    assert "Secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("status", "ended"),
    [
        ("Pending", False),
        ("Success", True),
        ("Failed", True),
        ("TimedOut", True),
        ("UnderReview", False),
    ],
)
def test_only_documented_ends_are_ends(status: str, *, ended: bool) -> None:
    """A status that nobody documents is asked for again."""
    assert operation(status).ended is ended


RUNNING = [
    "Initial",
    "Queued",
    "Fetching",
    "MapQueued",
    "Mapping",
    "ProcessingQueued",
    "Processing",
    "ValidationQueued",
    "Validating",
    "Polishing",
]
FAILED = [
    "FetchError",
    "MapError",
    "InternalError",
    "ProcessingError",
    "ValidationError",
    "AuthError",
    "Cancelled",
    "NotSupported",
    "RateLimitError",
    "PermissionsError",
    "PrerequisiteNotMet",
]


@pytest.mark.parametrize(
    ("made", "ended", "failed"),
    [
        *(pytest.param(pull(s), False, False, id=s) for s in RUNNING),
        *(pytest.param(pull(s), True, True, id=s) for s in FAILED),
        *(pytest.param(pull(s.upper()), True, True, id=s.upper()) for s in FAILED),
        pytest.param(pull("Complete"), True, False, id="Complete"),
        pytest.param(pull("complete"), True, False, id="complete"),
        pytest.param(pull("Polishing", completed=True), True, False, id="completed"),
        pytest.param(pull("Polishing", errored=True), True, True, id="errored"),
        pytest.param(
            pull("Complete", completed=True, errored=True), True, True, id="both"
        ),
    ],
)
def test_how_a_refresh_ends(made: PullOperation, *, ended: bool, failed: bool) -> None:
    """By its status, in any case, or by Codat's summary; the worse of both counts."""
    assert (made.ended, made.failed) == (ended, failed)


def test_a_refresh_does_not_show_the_books() -> None:
    """What Codat says of it may quote the books, so it stays out of logs."""
    assert "Fen" not in repr(pull("FetchError"))


def test_nouns_read_as_one_line() -> None:
    """A problem names its place, a remark its field, where there is one."""
    assert str(Problem("a[0].b", "type", "must be text")) == "a[0].b: must be text"
    assert str(Problem("", "type", "must be an object")) == (
        "the payload: must be an object"
    )
    assert str(Remark("Name", "is taken")) == "Name: is taken"
    assert str(Remark("", "is taken")) == "is taken"


def test_customers_are_one_row_of_the_table() -> None:
    """Customers are written under the name that Codat's replies give them.

    They are told apart by what a person would tell them apart by.
    """
    told_apart = ("customerName", "emailAddress", "taxNumber")
    named = (CUSTOMERS.name, CUSTOMERS.segment, CUSTOMERS.record)
    assert named == ("customers", "customers", "customer")
    assert CUSTOMERS.identifying == told_apart
