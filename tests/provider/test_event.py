"""The laws of what a trigger tells the task that waits for it."""

import json
from typing import Any

import pytest

from airflow_provider_codat.api import (
    Busy,
    CodatError,
    NotAuthorised,
    OutcomeUnknown,
    SettingsInvalid,
)
from airflow_provider_codat.api.models import PushOperation, Remark
from airflow_provider_codat.failures import may_pass
from airflow_provider_codat.triggers.event import (
    UNSEEN,
    PushOperationsEvent,
    PushOperationState,
    event_of_error,
)

KEY = "7d9f0f0c-54c8-4e4c-9e0e-3a0f3f5d1c11"
SECRET = "Fen Bakery"
STATE = PushOperationState(
    status="Success",
    record_id="7",
    requested_at="2026-03-01T00:00:00Z",
    completed_at="2026-03-01T00:00:09Z",
    has_remarks=False,
)
PENDING = PushOperationState(
    status="Pending",
    record_id=None,
    requested_at="2026-03-01T00:00:00Z",
    completed_at=None,
    has_remarks=False,
)


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(PushOperationsEvent("ended", {KEY: STATE}), id="ended"),
        pytest.param(PushOperationsEvent("deadline", {KEY: PENDING}), id="deadline"),
        pytest.param(PushOperationsEvent("deadline", {KEY: UNSEEN}), id="unseen"),
        pytest.param(event_of_error(KeyError(SECRET), {KEY: PENDING}), id="error"),
    ],
)
def test_it_survives_the_journey(event: PushOperationsEvent) -> None:
    """What arrives through JSON is what was sent."""
    arrived = PushOperationsEvent.from_json(json.loads(json.dumps(event.to_json())))
    assert arrived == event


def sent(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any field
    return {**PushOperationsEvent("ended", {KEY: STATE}).to_json(), **changes}


STATES = sent()["push_operations"]


def with_state(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any field
    return sent(push_operations={KEY: {**STATES[KEY], **changes}})


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(None, id="nothing"),
        pytest.param({}, id="empty"),
        pytest.param(SECRET, id="a text"),
        pytest.param([sent()], id="a list"),
        pytest.param({"status": "success"}, id="of another provider"),
        pytest.param(sent(status="Success"), id="an unknown status"),
        pytest.param(sent(status=None), id="no status"),
        pytest.param(sent(status=["ended"]), id="a status in a list"),
        pytest.param(sent(more=SECRET), id="a field too many"),
        pytest.param(sent(push_operations=None), id="no push operations"),
        pytest.param(sent(push_operations=[KEY]), id="a list of keys"),
        pytest.param(sent(push_operations={KEY: None}), id="no state"),
        pytest.param(sent(push_operations={KEY: "Success"}), id="a text for a state"),
        pytest.param(sent(push_operations={7: STATES[KEY]}), id="a number for a key"),
        pytest.param(with_state(status=None), id="a state without status"),
        pytest.param(with_state(record_id=7), id="a number for a record"),
        pytest.param(with_state(requested_at=0), id="a number for a time"),
        pytest.param(with_state(completed_at=0), id="a number for another time"),
        pytest.param(with_state(has_remarks=None), id="nothing for a boolean"),
        pytest.param(with_state(errors=[SECRET]), id="a state with words"),
        pytest.param(sent(error=None), id="no text for an error"),
        pytest.param(sent(message=None), id="no text for a message"),
        pytest.param(sent(error="KeyError"), id="ended with an error"),
        pytest.param(sent(status="error"), id="an error without a name"),
        pytest.param({**sent(), "message": 7}, id="a number for a message"),
        pytest.param(
            {k: v for k, v in sent().items() if k != "message"}, id="a field missing"
        ),
    ],
)
def test_anything_else_is_refused(value: object) -> None:
    """An event that is not ours fails the task at once, and is not quoted."""
    with pytest.raises(CodatError, match="event could not be read") as raised:
        PushOperationsEvent.from_json(value)
    assert not may_pass(raised.value)
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize(
    ("words", "has_remarks"),
    [
        pytest.param({}, False, id="none"),
        pytest.param({"errors": (Remark("", SECRET),)}, True, id="an error"),
        pytest.param({"warnings": (Remark("", SECRET),)}, True, id="a warning"),
        pytest.param({"error_message": SECRET}, True, id="a message"),
    ],
)
def test_codats_words_do_not_travel(
    words: dict[str, Any], *, has_remarks: bool
) -> None:
    """They may quote a customer; only that there are some is told."""
    operation = PushOperation(
        **{
            "key": KEY,
            "company_id": KEY,
            "connection_id": KEY,
            "data_type": "customers",
            "status": "Failed",
            "requested_at": "2026-03-01T00:00:00Z",
            "completed_at": None,
            "record_id": None,
            "error_message": "",
            "errors": (),
            "warnings": (),
            "raw": {"customerName": SECRET},
            **words,
        }
    )
    state = PushOperationState.of(operation)
    assert state.has_remarks is has_remarks
    told = json.dumps(PushOperationsEvent("ended", {KEY: state}).to_json())
    assert SECRET not in told


@pytest.mark.parametrize(
    ("error", "kind", "passes", "words"),
    [
        pytest.param(
            OutcomeUnknown("it is gone"),
            OutcomeUnknown,
            False,
            "it is gone",
            id="unknown",
        ),
        pytest.param(
            SettingsInvalid("no connection"),
            SettingsInvalid,
            False,
            "no connection",
            id="settings",
        ),
        pytest.param(
            NotAuthorised("the key is wrong", status=401),
            CodatError,
            False,
            "NotAuthorised: the key is wrong",
            id="refused",
        ),
        pytest.param(
            KeyError(SECRET), Busy, True, "broken off by KeyError", id="not ours"
        ),
    ],
)
def test_an_error_arrives_as_what_it_was(
    error: Exception, kind: type[CodatError], *, passes: bool, words: str
) -> None:
    """What is lasting fails the task; what befell the triggerer may be tried again."""
    told = json.dumps(event_of_error(error).to_json())
    failure = PushOperationsEvent.from_json(json.loads(told)).failure
    assert type(failure) is kind
    assert may_pass(failure) is passes
    assert words in str(failure)
    assert SECRET not in told
