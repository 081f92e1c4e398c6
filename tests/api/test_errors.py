"""The laws of the errors: a tree that is drawn, told apart, and carried anywhere."""

import copy
import pickle
import re
from inspect import getmembers, isclass
from typing import Any

import pytest

from airflow_provider_codat import api
from airflow_provider_codat.api import errors
from airflow_provider_codat.api.models import (
    Problem,
    PullOperation,
    PushOperation,
    Remark,
)
from airflow_provider_codat.api.payload import types

KEY = "7d9f0f0c-54c8-4e4c-9e0e-3a0f3f5d1c11"
OPERATION = PushOperation(
    key=KEY,
    company_id=KEY,
    connection_id=KEY,
    data_type="customers",
    status="Failed",
    requested_at="2026-03-01T00:00:00Z",
    completed_at=None,
    record_id=None,
    error_message="",
    errors=(Remark("Name", "is taken"),),
    warnings=(),
    raw={"status": "Failed"},
)
PULL = PullOperation(
    id=KEY,
    company_id=KEY,
    connection_id=KEY,
    data_type="customers",
    status="FetchError",
    requested_at="2026-03-01T00:00:00Z",
    completed=False,
    errored=True,
    progress=None,
    raw={"status": "FetchError"},
)
PROBLEMS = (Problem("status", "required", "must be there"), Problem("", "type", "x"))
REFUSED: dict[str, Any] = {
    "status": 400,
    "correlation_id": "a1",
    "remarks": [Remark("a", "b")],
}
EXAMPLES = [
    errors.CodatError("x"),
    errors.SettingsInvalid("x"),
    errors.PayloadInvalid(PROBLEMS),
    errors.PayloadChanged("x", record_id="7"),
    errors.JournalFailed("x"),
    errors.Unreachable("x"),
    errors.Refused("x", **REFUSED),
    errors.NotAuthorised("x", **REFUSED),
    errors.PaymentRequired("x", **REFUSED),
    errors.NotFound("x", **REFUSED),
    errors.IdempotencyConflict("x", **REFUSED),
    errors.Busy("x"),
    errors.RateLimited("x", until=1_772_323_200.5),
    errors.StillInProgress("x"),
    errors.StillPending("x", operation=OPERATION),
    errors.CodatFaulted("x", status=503, correlation_id="a1"),
    errors.Malformed("x"),
    errors.RefreshFailed("x", operation=PULL, passing=True),
    errors.ConnectionUnusable("x"),
    errors.AlreadyExists("x", record_ids=["1"]),
    errors.OutcomeUnknown("x", candidates=[KEY], books_may_tell=True, reason="y"),
    errors.QuotaShort("x", until=1_772_323_200.5),
    errors.SourceChanged("x"),
    errors.BatchFailed("x"),
    errors.BatchUnfinished("x"),
    errors.PushEnded("x", operation=OPERATION),
    errors.PushFailed("x", operation=OPERATION),
    errors.PushTimedOut("x", operation=OPERATION),
    errors.PushWarned("x", operation=OPERATION),
]
CLASSES = {
    name: found
    for name, found in getmembers(errors, isclass)
    if issubclass(found, errors.CodatError)
}
every_error = pytest.mark.parametrize(
    "error", EXAMPLES, ids=[type(error).__name__ for error in EXAMPLES]
)


def drawn() -> dict[str, str | None]:
    """Read the tree at the top of the module: each name with its parent."""
    parents: dict[str, str | None] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"    ([│├└─ ]*)([A-Z]\w+)", line)
        if found:
            depth = len(found[1]) // 3
            above = [*above[:depth], found[2]]
            parents[found[2]] = above[depth - 1] if depth else None
    return parents


def test_the_tree_is_as_drawn() -> None:
    """The picture at the top of the module shows each class below its parent."""
    assert drawn() == {
        name: None if found is errors.CodatError else found.__bases__[0].__name__
        for name, found in CLASSES.items()
    }


def test_every_error_has_an_example() -> None:
    """No error escapes the tests below."""
    assert {type(error) for error in EXAMPLES} == set(CLASSES.values())


@every_error
@pytest.mark.parametrize(
    "carry",
    [
        lambda error: pickle.loads(pickle.dumps(error)),
        lambda error: pickle.loads(pickle.dumps(error, protocol=0)),
        copy.copy,
        copy.deepcopy,
    ],
    ids=["pickle", "the oldest pickle", "copy", "deep copy"],
)
def test_an_error_crosses_a_process(error: errors.CodatError, carry: object) -> None:
    """An error says and carries the same in another process."""
    error.add_note("seen in a test")
    arrived = carry(error)  # type: ignore[operator] # one of the functions above
    assert type(arrived) is type(error)
    assert str(arrived) == str(error)
    assert arrived.args == error.args
    assert vars(arrived) == vars(error)


@every_error
def test_an_error_is_explained(error: errors.CodatError) -> None:
    """Each type says in one line what happened."""
    assert (type(error).__doc__ or "").partition("\n")[0].endswith((".", ","))
    assert str(error)


@every_error
def test_a_code_is_told_once(error: errors.CodatError) -> None:
    """Its code stands before the message, however often it passes through."""
    told = copy.deepcopy(error)
    told.tell_code()
    told.tell_code()
    assert str(told) == f"[{error.code}] {error}"
    assert vars(told) == vars(error)


def test_each_error_has_a_code_of_its_own() -> None:
    """A code leads to one place of the docs."""
    codes = [kind.__dict__["code"] for kind in CLASSES.values()]
    assert len(set(codes)) == len(codes)


def test_what_an_author_did_wrong_is_a_value_error() -> None:
    """Mistakes of an author can be caught as Python's own, too."""
    value_errors = {n for n, found in CLASSES.items() if issubclass(found, ValueError)}
    assert value_errors == {"SettingsInvalid", "PayloadInvalid"}


def test_all_problems_are_told() -> None:
    """PayloadInvalid lists every problem, numbered, and counts them."""
    assert str(errors.PayloadInvalid(PROBLEMS)) == (
        "the payload has 2 problems; nothing was sent:\n"
        "  1. status: must be there\n"
        "  2. the payload: x"
    )
    assert "has 1 problem;" in str(errors.PayloadInvalid(PROBLEMS[:1]))
    assert errors.PayloadInvalid(list(PROBLEMS)).problems == PROBLEMS


def test_a_limit_reads_as_a_moment() -> None:
    """RateLimited says until when, in UTC."""
    said = str(errors.RateLimited("Too many.", until=1_772_323_200.0))
    assert said == "Too many.; not before 2026-03-01 00:00:00 UTC"


def test_an_unknown_outcome_has_a_reason() -> None:
    """What another message is built on: the reason alone, or else the whole message."""
    assert errors.OutcomeUnknown("x\nLook there", reason="x").reason == "x"
    plain = errors.OutcomeUnknown("x")
    assert (plain.reason, plain.candidates, plain.books_may_tell) == ("x", (), False)


def test_what_the_package_shows() -> None:
    """The api exports each error, each payload's type, and Problem: no more.

    Of the parts of payloads it exports a customer's.
    """
    bodies = {name for name in types.__all__ if name.startswith("Accounting")}
    parts = {"Address", "Contact", "Metadata", "PhoneNumber", "SupplementalData"}
    literals = {"CustomerStatus", "AddressType", "PhoneType"}
    shown = bodies | parts | literals
    assert set(api.__all__) == set(CLASSES) | shown | {"Problem"}
    assert api.__all__ == sorted(api.__all__)
    for name in api.__all__:
        assert getattr(api, name) is not None
