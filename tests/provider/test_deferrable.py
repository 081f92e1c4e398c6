"""The laws of a task that waits without a worker: what it leaves, what it comes to.

A trigger runs as in the triggerer: made anew from what Airflow stores of it, in an
event loop. What it tells is given to the task, in an operator that was made anew too.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowTaskTimeout

from airflow_provider_codat.api import (
    Busy,
    CodatError,
    JournalFailed,
    OutcomeUnknown,
    PushFailed,
    PushTimedOut,
    PushWarned,
    RateLimited,
    SettingsInvalid,
    StillPending,
    Unreachable,
)
from airflow_provider_codat.links.codat import CodatPushOperationLink
from airflow_provider_codat.simulator import LocalCodat
from airflow_provider_codat.triggers.codat import (
    CodatPauseTrigger,
    CodatPushOperationTrigger,
)

LINK = CodatPushOperationLink().xcom_key
ADA = {"customerName": "Ada", "status": "Active"}
PAUSE_IS_OVER = {"status": "pause is over"}

# conftest.py has them; it cannot be imported.
Attempt = Store = Any
Attempts = Callable[..., Attempt]


@pytest.fixture
def local_codat(start_codat: Callable[..., LocalCodat]) -> LocalCodat:
    """Serve a Codat that reads the books at once."""
    return start_codat(refresh_seconds=0)


@pytest.fixture(params=[True, False], ids=["journal", "no journal"])
def deferrable(
    request: pytest.FixtureRequest, attempt: Attempts, store: Store
) -> Attempts:
    """Make a deferrable attempt, with and without a journal."""

    def make(**given: object) -> Attempt:
        return attempt(store=store, deferrable=True, durable=request.param, **given)

    return make


def creates(codat: LocalCodat) -> list[Any]:
    return [e for e in codat.journal() if e.path.endswith("/push/customers")]


def operation_of(codat: LocalCodat) -> str:
    [operation] = codat.operations()
    return str(operation["pushOperationKey"])


def event(status: str, error: str = "", **states: dict[str, Any]) -> dict[str, Any]:
    """Return an event as the trigger tells it."""
    return {
        "status": status,
        "push_operations": states,
        "error": error,
        "message": "what happened" if error else "",
    }


PENDING = {
    "status": "Pending",
    "record_id": None,
    "requested_at": "2026-01-01T00:00:00Z",
    "completed_at": None,
    "has_remarks": False,
}


# --- leaving


def test_it_leaves_once_codat_has_accepted(
    deferrable: Attempts, local_codat: LocalCodat
) -> None:
    """Key and link are there; the trigger knows what to ask for, and until when."""
    before = datetime.now(UTC).timestamp()
    made = deferrable(completion_timeout_seconds=600, poll_interval_seconds=7)
    deferred = made.defers()
    key = operation_of(local_codat)
    assert set(made.xcoms) == {LINK, "push_operation_key"}
    assert made.xcoms["push_operation_key"] == key
    assert type(deferred.trigger) is CodatPushOperationTrigger
    _, stored = deferred.trigger.serialize()
    deadline, since = stored.pop("deadline"), stored.pop("requested_since")
    assert stored.pop("begin_at") > before
    assert before + 600 <= deadline <= datetime.now(UTC).timestamp() + 600
    assert before - 1 <= since <= datetime.now(UTC).timestamp() + 1
    assert stored == {
        "codat_conn_id": "codat_default",
        "company_id": local_codat.company_id,
        "push_operation_keys": [key],
        "poll_interval_seconds": 7,
        "hook_params": made.given["hook_params"],
        "not_before": 0.0,
    }
    assert [entry.method for entry in local_codat.journal()] == ["POST"]


def test_the_trigger_takes_the_share_of_its_task(deferrable: Attempts) -> None:
    """Who takes two slots of a pool asks as two do, also while it is deferred."""
    stored = deferrable(pool_slots=2).defers().trigger.serialize()[1]
    assert stored["hook_params"]["task_slots"] == 2


@pytest.mark.parametrize(("interval", "seconds"), [(7, 7), (30, 10)])
def test_it_does_not_come_back_at_once(
    deferrable: Attempts, interval: float, seconds: float
) -> None:
    """Airflow may take a task for lost that is back before its worker has ended.

    Nobody has to wait longer for that than between two looks.
    """
    before = datetime.now(UTC).timestamp()
    begin_at = deferrable(poll_interval_seconds=interval).defers().trigger.begin_at
    assert before + seconds <= begin_at <= datetime.now(UTC).timestamp() + seconds


def test_airflow_ends_a_wait_only_after_the_trigger(deferrable: Attempts) -> None:
    """Airflow's own end tells nothing of the push operation: it is a last resort."""
    deferred = deferrable(completion_timeout_seconds=600).defers()
    assert deferred.method_name == "execute_complete"
    assert deferred.timeout > timedelta(seconds=660)


def test_nothing_travels_with_the_task(deferrable: Attempts) -> None:
    """``dag.test()`` drops such arguments: event and journal say all there is."""
    assert not deferrable().defers().kwargs


@pytest.mark.parametrize(
    ("settle_seconds", "given"),
    [(0, {}), (60, {"wait_for_completion": False}), (60, {"deferrable": False})],
    ids=["the reply is final", "not waiting", "not deferrable"],
)
def test_it_does_not_leave_for_nothing(
    attempt: Attempts,
    start_codat: Callable[..., LocalCodat],
    settle_seconds: float,
    given: dict[str, Any],
) -> None:
    """A task that has nothing to wait for, or is to wait in its worker, stays."""
    codat = start_codat(settle_seconds=settle_seconds)
    arguments = {"deferrable": True, "completion_timeout_seconds": 0.05, **given}
    made = attempt(**arguments)
    if "deferrable" in given:
        made.fails(StillPending)
    else:
        assert made.execute()["status"] == ("Pending" if given else "Success")
        assert len(codat.journal()) == 1


def test_headers_do_not_travel(deferrable: Attempts, local_codat: LocalCodat) -> None:
    """Airflow keeps a trigger's arguments: a secret in them is refused at once."""
    params = {"headers": {"x-gateway-key": "s3cret"}}
    made = deferrable(hook_params=params)
    error = made.fails(SettingsInvalid, "headers in hook_params may hold secrets")
    assert "s3cret" not in str(error)
    assert local_codat.journal() == []


def test_headers_are_no_matter_to_a_task_that_stays(
    attempt: Attempts, local_codat: LocalCodat
) -> None:
    """In a worker they are stored nowhere."""
    params = {"headers": {"x-gateway-key": "s3cret"}}
    attempt(hook_params=params, deferrable=False).execute()
    assert creates(local_codat)[0].headers["x-gateway-key"] == "s3cret"


@pytest.mark.slow
@pytest.mark.parametrize("word", ["True", "False", None])
def test_airflow_has_a_default(word: str | None) -> None:
    """``[operators] default_deferrable`` decides where the author does not."""
    code = """
from airflow_provider_codat.operators.codat import CreateAccountingCustomerOperator
made = CreateAccountingCustomerOperator(
    task_id="create", company_id="", connection_id="", customer={}
)
print(made.deferrable)
"""
    env = {**os.environ}
    if word:
        env["AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE"] = word
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=env)
    assert done.stdout.split()[-1] == (word or "False")


# --- coming back


def test_a_success_is_the_same_as_in_a_worker(
    deferrable: Attempts, local_codat: LocalCodat
) -> None:
    """Record, times and key are in the result; the POST came from the worker alone."""
    made = deferrable()
    deferred = made.defers()
    # Whether Airflow keeps them meanwhile is its own affair.
    made.xcoms.clear()
    result = made.resume(deferred)
    [record] = local_codat.ledger()
    [operation] = local_codat.operations()
    assert result == {
        "push_operation_key": record.push_operation_key,
        "status": "Success",
        "record_id": record.record_id,
        "company_id": local_codat.company_id,
        "connection_id": local_codat.connection_id,
        "warnings": [],
        "requested_at": operation["requestedOnUtc"],
        "completed_at": operation["completedOnUtc"],
        "adopted": False,
    }
    assert made.xcoms["push_operation_key"] == record.push_operation_key
    assert made.xcoms[LINK]
    methods = [entry.method for entry in local_codat.journal()]
    assert methods[0] == "POST"
    assert set(methods[1:]) == {"GET"}


def test_the_end_is_in_the_journal(
    attempt: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """A Clear after a wait elsewhere returns the same record as any other."""
    made = attempt(store=store, deferrable=True)
    result = made.resume(made.defers())
    assert store.kinds() == ["intent", "op", "end"]
    requests = len(local_codat.journal())
    assert made.cleared().execute() == result
    assert len(local_codat.journal()) == requests


def test_a_task_that_is_resumed_twice_ends_the_same(
    attempt: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """Airflow may have lost what the first one said."""
    made = attempt(store=store, deferrable=True)
    deferred = made.defers()
    assert made.resume(deferred) == made.resume(deferred)
    assert len(local_codat.ledger()) == 1


def test_a_success_without_a_record_is_said(
    deferrable: Attempts, local_codat: LocalCodat, logged: Callable[..., list[str]]
) -> None:
    """Codat may not say which record it became: the result has none, the log tells."""
    made = deferrable()
    deferred = made.defers()
    key = operation_of(local_codat)
    told = event("ended", **{key: {**PENDING, "status": "Success"}})
    result = made.resume(deferred, told)
    assert (result["status"], result["record_id"]) == ("Success", None)
    assert len(logged("does not say which record")) == 1


BAD_ENDS: dict[str, tuple[type[CodatError], str]] = {
    "fail": (PushFailed, "no record was created"),
    "fail_with_record": (OutcomeUnknown, "may exist"),
    "fail_without_reason": (OutcomeUnknown, "may exist"),
    "timed_out": (PushTimedOut, "may still appear"),
}


@pytest.mark.parametrize("kind", BAD_ENDS)
def test_a_bad_end_fails_as_in_a_worker(
    deferrable: Attempts, local_codat: LocalCodat, kind: str
) -> None:
    """Codat's words do not travel: they are asked for, and told."""
    error_kind, words = BAD_ENDS[kind]
    message = None if kind in {"timed_out", "fail_without_reason"} else "No such town."
    local_codat.order(kind, message=message)
    made = deferrable()
    deferred = made.defers()
    error = made.fails(error_kind, words, work=lambda: made.resume(deferred))
    assert operation_of(local_codat) in str(error)
    assert (message or "") in str(error)
    assert len(creates(local_codat)) == 1


def test_a_failure_is_in_the_journal(
    attempt: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """After a Clear the mended payload is sent, by a new key, and ends under it."""
    local_codat.order("fail")
    made = attempt(store=store, deferrable=True)
    deferred = made.defers()
    made.fails(PushFailed, work=lambda: made.resume(deferred))
    again = made.cleared(customer={**ADA, "phone": "1"})
    result = again.resume(again.defers())
    assert local_codat.counts_by_name() == {"Ada": 1}
    requests = len(local_codat.journal())
    assert again.cleared().execute() == result
    assert len(local_codat.journal()) == requests
    assert len({entry.idempotency_key for entry in creates(local_codat)}) == 2


@pytest.mark.parametrize("failing", [True, False])
def test_warnings_are_told(
    deferrable: Attempts, local_codat: LocalCodat, failing: bool
) -> None:
    """They are in the result, or fail the task once the result is pushed."""
    local_codat.order("warn")
    made = deferrable(fail_on_warning=failing)
    deferred = made.defers()
    if failing:
        made.fails(PushWarned, "is in the books", work=lambda: made.resume(deferred))
        result = made.xcoms["return_value"]
    else:
        result = made.resume(deferred)
    assert result["warnings"] == ["Phone: Phone is not supported, and will be ignored."]
    assert result["record_id"] == local_codat.ledger()[0].record_id


def test_our_deadline_leaves_it_going_on(
    deferrable: Attempts, local_codat: LocalCodat
) -> None:
    """The next try waits for the same push operation, and sends no other."""
    local_codat.order("stay_pending", seconds=9)
    made = deferrable(completion_timeout_seconds=0.4)
    deferred = made.defers()
    error = made.fails(StillPending, work=lambda: made.resume(deferred))
    assert error.operation.key == operation_of(local_codat)
    local_codat.advance(seconds=10)
    result = made.retried(deferrable=False).execute()
    assert [result["record_id"]] == [each.record_id for each in local_codat.ledger()]
    assert len({entry.idempotency_key for entry in creates(local_codat)}) == 1


def test_what_ended_at_the_last_moment_is_taken(
    deferrable: Attempts, local_codat: LocalCodat
) -> None:
    """At the deadline it is looked at once more: it may have ended since."""
    made = deferrable()
    deferred = made.defers()
    key = operation_of(local_codat)
    local_codat.advance(seconds=1)
    result = made.resume(deferred, event("deadline", **{key: PENDING}))
    assert result["record_id"] == local_codat.ledger()[0].record_id


def test_a_deadline_before_the_first_look_names_the_operation(
    deferrable: Attempts, local_codat: LocalCodat
) -> None:
    """Where nothing was seen in time, the message says what goes on all the same."""
    local_codat.order("stay_pending")
    made = deferrable(completion_timeout_seconds=0.05, poll_interval_seconds=0.2)
    deferred = made.defers()
    error = made.fails(StillPending, work=lambda: made.resume(deferred))
    assert operation_of(local_codat) in str(error)


def test_execution_timeout_holds_while_nobody_works(
    deferrable: Attempts, local_codat: LocalCodat
) -> None:
    """Airflow does not watch over it then: the trigger's deadline does."""
    local_codat.order("stay_pending")
    began = datetime.now(UTC) - timedelta(seconds=59.7)
    limit = {"execution_timeout": timedelta(minutes=1), "ti": {"start_date": began}}
    made = deferrable(completion_timeout_seconds=600, **limit)
    deferred = made.defers()
    assert deferred.trigger.deadline == pytest.approx(began.timestamp() + 60)
    # As Airflow 3.0 and 3.1 say in the process that goes on.
    made.start_date = datetime.now(UTC)
    with pytest.raises(AirflowTaskTimeout):
        made.resume(deferred)
    assert len(creates(local_codat)) == 1


@pytest.mark.parametrize("limit", [None, timedelta(hours=1)], ids=str)
def test_an_ample_execution_timeout_changes_nothing(
    deferrable: Attempts, local_codat: LocalCodat, limit: timedelta | None
) -> None:
    """The shorter of both is the deadline."""
    local_codat.order("stay_pending")
    now = datetime.now(UTC)
    made = deferrable(execution_timeout=limit, ti={"start_date": now})
    deferred = made.defers()
    assert deferred.trigger.deadline == pytest.approx(now.timestamp() + 10, abs=5)
    key = operation_of(local_codat)
    told = event("deadline", **{key: PENDING})
    made.fails(StillPending, work=lambda: made.resume(deferred, told))


# --- when the wait itself goes wrong

ERRORS: dict[str, tuple[str, type[CodatError]]] = {
    "unknown": ("OutcomeUnknown", OutcomeUnknown),
    "settings": ("SettingsInvalid", SettingsInvalid),
    "ours": ("NotAuthorised", CodatError),
}


@pytest.mark.parametrize("case", ERRORS)
def test_an_error_of_the_wait_is_the_tasks(
    deferrable: Attempts, local_codat: LocalCodat, case: str
) -> None:
    """It keeps its words; what another try would not mend fails at once."""
    name, kind = ERRORS[case]
    made = deferrable()
    deferred = made.defers()
    told = event("error", name)
    made.fails(kind, "what happened", work=lambda: made.resume(deferred, told))
    assert len(creates(local_codat)) == 1


def test_a_wait_that_was_broken_off_may_be_taken_up(
    deferrable: Attempts, local_codat: LocalCodat
) -> None:
    """A triggerer's own trouble is none of the push operation's: it may be retried."""
    local_codat.order("stay_pending", seconds=9)
    made = deferrable()
    deferred = made.defers()
    told = event("error", "KeyError")
    made.fails(Busy, "what happened", work=lambda: made.resume(deferred, told))
    again = made.retried()
    deferred = again.defers()
    local_codat.advance(seconds=10)
    result = again.resume(deferred)
    assert [result["record_id"]] == [each.record_id for each in local_codat.ledger()]


def test_what_has_not_ended_fails_for_the_waits_sake(
    deferrable: Attempts, local_codat: LocalCodat
) -> None:
    """The error says why nobody waits any more, not that the time is over."""
    local_codat.order("stay_pending")
    made = deferrable()
    deferred = made.defers()
    told = event("error", "KeyError", **{operation_of(local_codat): PENDING})
    made.fails(Busy, "what happened", work=lambda: made.resume(deferred, told))


def test_what_has_ended_outweighs_an_error_of_the_wait(
    deferrable: Attempts, local_codat: LocalCodat
) -> None:
    """Codat is asked once more before a task fails for the triggerer's sake."""
    made = deferrable()
    deferred = made.defers()
    key = operation_of(local_codat)
    local_codat.advance(seconds=1)
    result = made.resume(deferred, event("error", "KeyError", **{key: PENDING}))
    assert result["status"] == "Success"


@pytest.mark.parametrize(
    ("status", "error"),
    [("", ""), ("error", "OutcomeUnknown"), ("error", "KeyError"), ("deadline", "")],
    ids=["the trigger's own", "unknown", "broken off", "deadline"],
)
def test_an_operation_that_codat_has_forgotten_is_unknown(
    deferrable: Attempts, local_codat: LocalCodat, status: str, error: str
) -> None:
    """It was accepted, so there may be a record: it is not said to be refused."""
    made = deferrable()
    deferred = made.defers()
    key = operation_of(local_codat)
    local_codat.reset()
    told = event(status, error, **{key: PENDING}) if status else ...
    made.fails(OutcomeUnknown, key, work=lambda: made.resume(deferred, told))


def test_a_lost_connection_is_told(
    deferrable: Attempts, local_codat: LocalCodat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the trigger cannot read the connection any more, the task fails."""
    made = deferrable(codat_conn_id="codat_other")
    given = local_codat.airflow_connection()
    monkeypatch.setenv("AIRFLOW_CONN_CODAT_OTHER", given)
    deferred = made.defers()
    monkeypatch.setenv("AIRFLOW_CONN_CODAT_OTHER", given.replace("http:", "gopher:"))
    made.fails(SettingsInvalid, work=lambda: made.resume(deferred))


GARBAGE: dict[str, object] = {
    "none": None,
    "a text": "ended",
    "a list": [],
    "empty": {},
    "another status": event("merged"),
    "an error without a name": event("error"),
    "one key too many": {**event("ended"), "more": 1},
    "a pause's": PAUSE_IS_OVER,
    "a state of another shape": event("ended", k={"status": "Success"}),
}


@pytest.mark.parametrize("case", GARBAGE)
@pytest.mark.parametrize("method", ["execute_complete", "execute_again"])
def test_an_event_that_cannot_be_read_fails(
    deferrable: Attempts, local_codat: LocalCodat, case: str, method: str
) -> None:
    """Whatever it is, nothing is sent or asked, and no retry is used up on it."""
    if (case, method) == ("a pause's", "execute_again"):
        pytest.skip("that is what this one waits for")
    made = deferrable()
    deferred = made.defers()
    deferred.method_name = method
    requests = len(local_codat.journal())
    told = GARBAGE[case]
    made.fails(
        CodatError,
        "event could not be read",
        work=lambda: made.resume(deferred, told),
    )
    assert len(local_codat.journal()) == requests


@pytest.mark.parametrize("customer", ["None", "{'customerName': "], ids=["none", "cut"])
def test_a_payload_that_is_gone_is_no_matter(
    attempt: Attempts, store: Store, local_codat: LocalCodat, customer: str
) -> None:
    """It was sent: what came of it is told, but no words that may quote it."""
    local_codat.order("warn")
    made = attempt(store=store, deferrable=True)
    deferred = made.defers()
    made.given["customer"] = customer
    result = made.resume(deferred)
    assert result["warnings"] == ["(not shown: the payload cannot be read any more)"]


# --- pauses


def patient(attempt: Attempts, store: Store, **given: object) -> Attempt:
    """Make an attempt with the life of a request and a grace as they are by default."""
    params = {"retry_budget_seconds": 0.01, "request_lifetime_seconds": 600}
    return attempt(
        store=store,
        deferrable=True,
        reconcile_grace_seconds=60,
        hook_params=params,
        **given,
    )


def until(deferred: Any) -> float:  # noqa: ANN401 - Airflow's TaskDeferred
    """Return how many seconds from now a pause lasts."""
    assert type(deferred.trigger) is CodatPauseTrigger
    assert deferred.method_name == "execute_again"
    assert set(deferred.kwargs or ()) <= {"must_end_at"}
    seconds: float = deferred.trigger.until - datetime.now(UTC).timestamp()
    assert deferred.timeout > timedelta(seconds=seconds + 60)
    return seconds


def test_a_long_limit_is_waited_out_elsewhere(
    attempt: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """Then the same key is sent again."""
    local_codat.order("too_many_requests", retry_after=90)
    made = patient(attempt, store)
    deferred = made.defers()
    assert until(deferred) == pytest.approx(90, abs=10)
    store.age(seconds=91)
    waiting = made.defers(lambda: made.resume(deferred, PAUSE_IS_OVER))
    result = made.resume(waiting)
    assert [result["record_id"]] == [each.record_id for each in local_codat.ledger()]
    first, second = creates(local_codat)
    assert first.idempotency_key == second.idempotency_key
    assert first.body == second.body


def test_a_pause_that_ends_early_is_taken_up_again(
    attempt: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """It is the journal that knows until when, not the trigger."""
    local_codat.order("too_many_requests", retry_after=90)
    made = patient(attempt, store)
    first = made.defers()
    second = made.defers(lambda: made.resume(first, PAUSE_IS_OVER))
    assert until(second) == pytest.approx(90, abs=10)
    assert len(creates(local_codat)) == 1


def test_a_limit_on_looking_is_waited_out_elsewhere(
    attempt: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """A new try that may not even ask leaves, and asks then; it sends nothing."""
    made = patient(attempt, store)
    made.defers()
    local_codat.order("too_many_requests", route="get_push", retry_after=90)
    again = made.retried()
    deferred = again.defers()
    assert until(deferred) == pytest.approx(90, abs=10)
    local_codat.advance(seconds=1)
    result = again.resume(deferred, PAUSE_IS_OVER)
    assert [result["record_id"]] == [each.record_id for each in local_codat.ledger()]
    assert len(creates(local_codat)) == 1


@pytest.mark.parametrize("replaced", [False, True], ids=["resumed", "a new try"])
def test_the_books_are_waited_for_elsewhere(
    attempt: Attempts, store: Store, local_codat: LocalCodat, replaced: bool
) -> None:
    """After the grace period the record is adopted; nothing is sent again."""
    local_codat.order("codat_error_after_commit")
    made = patient(attempt, store)
    deferred = made.defers()
    assert until(deferred) == pytest.approx(60, abs=10)
    store.age(seconds=61)
    if replaced:
        result = made.retried().execute()
    else:
        result = made.resume(deferred, PAUSE_IS_OVER)
    assert result["adopted"]
    assert [result["record_id"]] == [each.record_id for each in local_codat.ledger()]
    assert len(creates(local_codat)) == 1


def test_a_reconciliation_waits_for_what_may_still_act(
    attempt: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """An unanswered request lives ten minutes; then comes the grace period."""
    local_codat.order("reset_before_commit")
    made = patient(attempt, store)
    made.fails(Unreachable)
    store.age(minutes=76)
    deferred = made.retried().defers()
    assert until(deferred) == pytest.approx(600 + 60 - 60, abs=10)


def test_a_short_pause_is_not_worth_leaving_for(
    attempt: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """What takes a second is waited for in the worker."""
    local_codat.order("too_many_requests", retry_after=1)
    made = patient(attempt, store)
    waiting = made.defers()
    assert type(waiting.trigger) is CodatPushOperationTrigger
    assert len(creates(local_codat)) == 2


def test_execution_timeout_ends_a_pause(
    attempt: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """The task fails when its time is over, not when Codat's limit is."""
    local_codat.order("too_many_requests", retry_after=90)
    began = datetime.now(UTC) - timedelta(seconds=59.7)
    limit = timedelta(minutes=1)
    made = patient(attempt, store, execution_timeout=limit, ti={"start_date": began})
    deferred = made.defers()
    assert until(deferred) <= 1
    with pytest.raises(AirflowTaskTimeout):
        made.resume(deferred)
    assert len(creates(local_codat)) == 1


def test_without_a_journal_nobody_leaves_in_doubt(
    attempt: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """A process that knows what it has sent keeps it, or fails: it cannot tell it."""
    local_codat.order("too_many_requests", retry_after=90)
    made = patient(attempt, store, durable=False)
    made.fails(RateLimited)


# --- durable and deferrable


@pytest.mark.parametrize("how", ["retried", "cleared"])
def test_a_new_try_waits_for_the_same_operation(
    attempt: Attempts, store: Store, local_codat: LocalCodat, how: str
) -> None:
    """A task that was killed while nobody held it is not sent a second time."""
    local_codat.order("stay_pending", seconds=9)
    made = attempt(store=store, deferrable=True)
    made.defers()
    again = getattr(made, how)()
    deferred = again.defers()
    assert deferred.trigger.push_operation_keys == [operation_of(local_codat)]
    assert again.xcoms["push_operation_key"] == operation_of(local_codat)
    local_codat.advance(seconds=10)
    result = again.resume(deferred)
    assert [result["record_id"]] == [each.record_id for each in local_codat.ledger()]
    assert len(creates(local_codat)) == 1


def test_a_resumed_try_that_was_replaced_ends_nothing(
    attempt: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """Its journal is closed to it: it does not say that it has succeeded."""
    made = attempt(store=store, deferrable=True)
    deferred = made.defers()
    store.supersede()
    made.fails(JournalFailed, work=lambda: made.resume(deferred))
    assert len(creates(local_codat)) == 1


def test_what_was_adopted_is_still_so_after_a_wait(
    attempt: Attempts, store: Store, local_codat: LocalCodat
) -> None:
    """The journal tells it, as the event does not."""
    local_codat.order("codat_error_after_commit")
    made = attempt(store=store, deferrable=True)
    # try, intent, 5xx, op: the end is lost.
    store.refuse(after=4)
    made.fails(JournalFailed)
    store.mend()
    [operation] = local_codat.operations()
    key = operation["pushOperationKey"]
    again = made.retried()
    told = event("deadline", **{key: PENDING})
    assert again.operator.execute_complete(again.context, told)["adopted"]


def test_mapped_tasks_wait_each_for_its_own(
    attempt: Attempts, new_store: Callable[[], Store], local_codat: LocalCodat
) -> None:
    """Each has its journal, its push operation and its result."""
    made = [
        attempt(
            {**ADA, "customerName": name},
            store=new_store(),
            deferrable=True,
            ti={"map_index": index},
        )
        for index, name in enumerate(["Ada", "Bert", "Cleo"])
    ]
    deferred = [each.defers() for each in made]
    results = [each.resume(left) for each, left in zip(made, deferred, strict=True)]
    by_id = {each.record_id: each.name for each in local_codat.ledger()}
    assert [by_id[each["record_id"]] for each in results] == ["Ada", "Bert", "Cleo"]
    assert len(creates(local_codat)) == 3
