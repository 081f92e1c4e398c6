"""The laws of the operator that has Codat read the books anew."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

import pytest
from airflow.providers.common.compat.sdk import AirflowTaskTimeout, TaskDeferred

from airflow_provider_codat.api import (
    Busy,
    CodatError,
    NotFound,
    RefreshFailed,
    SettingsInvalid,
    StillInProgress,
)
from airflow_provider_codat.failures import may_pass
from airflow_provider_codat.hooks.codat import CodatHook
from airflow_provider_codat.operators.refresh import CodatDataRefreshOperator
from airflow_provider_codat.simulator import LocalCodat
from airflow_provider_codat.triggers.pull import CodatPullOperationTrigger

# conftest.py has it; it cannot be imported.
Attempt = Any
Attempts = Callable[..., Attempt]
Run = Callable[[Attempt], dict[str, Any]]
NOBODY = "11111111-1111-4111-8111-111111111111"


@pytest.fixture
def local_codat(start_codat: Callable[..., LocalCodat]) -> LocalCodat:
    """Serve a Codat that takes a moment to read the books."""
    return start_codat(refresh_seconds=0.1)


@pytest.fixture
def refresh(attempt: Attempts, local_codat: LocalCodat) -> Attempts:
    """Make an attempt at a refresh."""

    def make(*, start_date: datetime | None = None, **given: object) -> Attempt:
        arguments = {
            "task_id": "refresh",
            "company_id": local_codat.company_id,
            "poll_interval_seconds": 0.05,
            "completion_timeout_seconds": 10,
            "hook_params": {"retry_budget_seconds": 0.01},
            **given,
        }
        return replace(
            attempt(),
            kind=CodatDataRefreshOperator,
            given=arguments,
            start_date=start_date,
        )

    return make


@pytest.fixture(params=[False, True], ids=["worker", "triggerer"])
def run(request: pytest.FixtureRequest) -> Run:
    """Carry a task out to its end, wherever it waits."""

    def to_the_end(made: Attempt) -> dict[str, Any]:
        made = replace(made, given={**made.given, "deferrable": request.param})
        go_on: Callable[[], dict[str, Any]] = made.execute
        while True:
            try:
                return go_on()
            except TaskDeferred as left:
                assert request.param
                go_on = partial(made.resume, left)

    return to_the_end


def queries(codat: LocalCodat) -> list[dict[str, str]]:
    """Return the query of each POST."""
    posts = [entry for entry in codat.journal() if entry.method == "POST"]
    return [dict(parse_qsl(entry.query)) for entry in posts]


def datasets(codat: LocalCodat, hook: CodatHook) -> list[str]:
    """Return the ids of all refreshes, oldest first."""
    listed = hook.run("GET", f"/companies/{codat.company_id}/data/history")
    return [each["id"] for each in listed["results"]]


def event_of(deferred: TaskDeferred, **given: object) -> dict[str, Any]:
    """Return an event of a trigger that has not run."""
    trigger = deferred.trigger
    return {
        "status": "ended",
        "dataset_id": trigger.dataset_id,
        "fresh": trigger.fresh,
        "newest": trigger.newest,
        "deadline": trigger.deadline,
        "error": "",
        "message": "",
        **given,
    }


# --- what it promises


def test_what_was_in_the_books_is_in_the_copy(
    refresh: Attempts, run: Run, local_codat: LocalCodat, hook: CodatHook
) -> None:
    """A record of before the task is found after it; the result tells how."""
    record_id = local_codat.typed_in({"customerName": "Ada"}).record_id
    result = run(refresh())
    assert hook.get_customer(local_codat.company_id, record_id)["id"] == record_id
    [dataset_id] = datasets(local_codat, hook)
    found = hook.get_pull_operation(local_codat.company_id, dataset_id)
    assert result == {
        "dataset_id": dataset_id,
        "company_id": local_codat.company_id,
        "connection_id": None,
        "data_type": "customers",
        "status": "Complete",
        "requested_at": found["requested"],
        "completed_at": found["completed"],
    }


def test_a_refresh_that_runs_already_is_followed_by_ours(
    refresh: Attempts,
    run: Run,
    start_codat: Callable[..., LocalCodat],
    hook: CodatHook,
) -> None:
    """It began too early to show what the books held when the task began."""
    codat = start_codat(refresh_seconds=0.3)
    earlier = hook.refresh(codat.company_id)["id"]
    record_id = codat.typed_in({"customerName": "Ada"}).record_id
    result = run(refresh(company_id=codat.company_id))
    assert datasets(codat, hook) == [earlier, result["dataset_id"]]
    assert hook.get_customer(codat.company_id, record_id)["id"] == record_id


@pytest.mark.parametrize("given", [None, "", " None "], ids=repr)
def test_by_default_all_connections_are_read(
    given: str | None,
    refresh: Attempts,
    run: Run,
    local_codat: LocalCodat,
    hook: CodatHook,
) -> None:
    """A connection that is not named, or renders to nothing, means all of them."""
    strict = local_codat.connections["strict"]
    record = local_codat.typed_in(
        {"id": "ADA", "customerName": "Ada"}, connection_id=strict
    )
    result = run(refresh(connection_id=given))
    assert hook.get_customer(local_codat.company_id, record.record_id)
    assert queries(local_codat) == [{}]
    assert result["connection_id"] is None


def test_one_connection_alone_may_be_read(
    refresh: Attempts, run: Run, local_codat: LocalCodat
) -> None:
    """It is named on the wire, and in the result, in one spelling."""
    strict = local_codat.connections["strict"]
    result = run(refresh(connection_id=strict.upper(), data_type="suppliers"))
    assert queries(local_codat) == [{"connectionId": strict}]
    assert (result["connection_id"], result["data_type"]) == (strict, "suppliers")


@pytest.mark.parametrize("runs", [False, True], ids=["idle", "while another runs"])
def test_it_need_not_wait(
    refresh: Attempts, start_codat: Callable[..., LocalCodat], *, runs: bool
) -> None:
    """Then it succeeds once a refresh runs, whoever started it."""
    codat = start_codat(refresh_seconds=600)
    hook = CodatHook()
    earlier = hook.refresh(codat.company_id)["id"] if runs else None
    made = refresh(
        company_id=codat.company_id, wait_for_completion=False, deferrable=True
    )
    result = made.execute()
    assert earlier in {None, result["dataset_id"]}
    assert datasets(codat, hook) == [result["dataset_id"]]
    assert (result["status"], result["completed_at"]) == ("Initial", None)
    hook.close()


def test_a_retry_refreshes_again(
    refresh: Attempts, run: Run, local_codat: LocalCodat, hook: CodatHook
) -> None:
    """It promises the same of its own start."""
    made = refresh()
    ids = [run(made)["dataset_id"], run(made.retried())["dataset_id"]]
    assert datasets(local_codat, hook) == ids


# --- how it may end

# Whether another refresh may end better, and what is said.
ENDS: dict[str, tuple[bool, str]] = {
    "AuthError": (False, "must link it to its accounting software again"),
    "Cancelled": (True, "somebody stopped it"),
    "FetchError": (True, "could not read the accounting software"),
    "InternalError": (True, "Codat itself failed"),
    "MapError": (True, "could not make its own data"),
    "NotSupported": (False, "does not offer this data type"),
    "PermissionsError": (False, "may not read this"),
    "PrerequisiteNotMet": (False, "Refresh that one first"),
    "ProcessingError": (True, "could not make its own data"),
    "RateLimitError": (True, "asked too often"),
    "SomethingNewError": (True, "refresh again later"),
    "ValidationError": (True, "could not make its own data"),
}


@pytest.mark.parametrize("status", ENDS)
def test_each_bad_end_is_told_apart(
    status: str, refresh: Attempts, run: Run, local_codat: LocalCodat, hook: CodatHook
) -> None:
    """The error says what to do; what would end the same fails the task at once."""
    passing, words = ENDS[status]
    local_codat.order("refresh_fails", message=status)
    made = refresh()
    error = made.fails(RefreshFailed, words, work=lambda: run(made))
    assert may_pass(error) is passing
    [dataset_id] = datasets(local_codat, hook)
    assert f"{dataset_id} of customers ended as {status}: " in str(error)
    assert "could not be read" not in str(error)


def test_a_failure_of_the_one_before_is_not_ours(
    refresh: Attempts,
    run: Run,
    start_codat: Callable[..., LocalCodat],
    hook: CodatHook,
) -> None:
    """However it ended, ours follows."""
    codat = start_codat(refresh_seconds=0.3)
    codat.order("refresh_fails", message="AuthError")
    hook.refresh(codat.company_id)
    assert run(refresh(company_id=codat.company_id))["status"] == "Complete"


@pytest.mark.parametrize("runs", [False, True], ids=["ours", "the one before"])
def test_desktop_software_may_be_switched_off(
    refresh: Attempts, run: Run, local_codat: LocalCodat, hook: CodatHook, *, runs: bool
) -> None:
    """The error of a refresh that stays queued says that this may be why."""
    local_codat.order("refresh_stays_queued")
    if runs:
        hook.refresh(local_codat.company_id)
    made = refresh(completion_timeout_seconds=0.2)
    error = made.fails(StillInProgress, "the desktop is off", work=lambda: run(made))
    [dataset_id] = datasets(local_codat, hook)
    assert f"{dataset_id} is Queued" in str(error)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"company_id": "Fen"}, "company_id must be a UUID"),
        ({"connection_id": "Fen"}, "connection_id must be a UUID"),
        ({"data_type": ".."}, "cannot be part of a Codat path"),
        ({"data_type": ""}, "cannot be part of a Codat path"),
        ({"completion_timeout_seconds": "soon"}, "completion_timeout_seconds must"),
        ({"completion_timeout_seconds": 0}, "completion_timeout_seconds must"),
        ({"poll_interval_seconds": 0}, "poll_interval_seconds must"),
        ({"codat_conn_id": "nobody"}, "no Airflow connection 'nobody'"),
    ],
    ids=str,
)
@pytest.mark.parametrize("waiting", [True, False])
def test_a_wrong_argument_is_told_before_anything_is_sent(
    given: dict[str, Any],
    words: str,
    refresh: Attempts,
    local_codat: LocalCodat,
    *,
    waiting: bool,
) -> None:
    """Its value is not repeated; Codat hears nothing."""
    made = refresh(**given, wait_for_completion=waiting)
    error = made.fails(SettingsInvalid, words)
    assert "Fen" not in str(error)
    assert local_codat.journal() == []


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"company_id": NOBODY}, NotFound),
        ({"connection_id": NOBODY}, NotFound),
        ({"data_type": "unheardOf"}, NotFound),
    ],
    ids=["company", "connection", "data type"],
)
def test_what_codat_refuses(
    given: dict[str, Any], kind: type[CodatError], refresh: Attempts, run: Run
) -> None:
    """Nobody waits for what was never begun."""
    made = refresh(**given)
    made.fails(kind, work=lambda: run(made))


# --- waiting without a worker


def test_it_leaves_once_codat_has_begun(
    refresh: Attempts, local_codat: LocalCodat, hook: CodatHook
) -> None:
    """The trigger knows what to ask for, and until when; no secret is among it."""
    before = time.time()
    made = refresh(
        deferrable=True, completion_timeout_seconds="600", poll_interval_seconds=7
    )
    deferred = made.defers()
    assert deferred.method_name == "execute_complete"
    assert deferred.timeout > timedelta(seconds=660)
    assert not deferred.kwargs
    assert type(deferred.trigger) is CodatPullOperationTrigger
    _, stored = deferred.trigger.serialize()
    assert before + 600 <= stored.pop("deadline") <= time.time() + 600
    assert before + 7 <= stored.pop("begin_at") <= time.time() + 7
    [dataset_id] = datasets(local_codat, hook)
    assert stored == {
        "codat_conn_id": "codat_default",
        "company_id": local_codat.company_id,
        "dataset_id": dataset_id,
        "fresh": True,
        "newest": "",
        "poll_interval_seconds": 7,
        "hook_params": made.given["hook_params"],
    }


def test_only_a_worker_sends(
    refresh: Attempts, start_codat: Callable[..., LocalCodat], hook: CodatHook
) -> None:
    """The triggerer begins nothing, not even the refresh that has to follow."""
    codat = start_codat(refresh_seconds=60)
    hook.refresh(codat.company_id)
    made = refresh(company_id=codat.company_id, deferrable=True)
    deferred = made.defers()
    assert not deferred.trigger.fresh
    codat.advance(seconds=61)
    again = made.defers(lambda: made.resume(deferred))
    assert again.trigger.fresh
    assert again.trigger.deadline == deferred.trigger.deadline
    codat.advance(seconds=61)
    sent = len(codat.journal())
    assert made.resume(again)["status"] == "Complete"
    assert {entry.method for entry in codat.journal()[sent:]} == {"GET"}
    # The first one, ours in vain, and ours.
    assert len(queries(codat)) == 3


@pytest.mark.parametrize("named", [True, False], ids=["one connection", "all"])
def test_somebody_elses_later_refresh_may_do(
    refresh: Attempts,
    local_codat: LocalCodat,
    hook: CodatHook,
    *,
    named: bool,
) -> None:
    """One of the same connection; where all are wanted, nobody knows what it reads."""
    connection = local_codat.connection_id if named else None
    local_codat.order("refresh_stays_queued", seconds=60)
    hook.refresh(local_codat.company_id)
    made = refresh(connection_id=connection, deferrable=True)
    deferred = made.defers()
    local_codat.advance(seconds=61)
    local_codat.order("refresh_stays_queued", seconds=60)
    theirs = hook.refresh(local_codat.company_id, connection_id=connection)["id"]
    event = event_of(deferred)
    again = made.defers(lambda: made.resume(deferred, event)).trigger
    assert (again.dataset_id, again.fresh) == (theirs, named)


def test_headers_do_not_travel(refresh: Attempts, local_codat: LocalCodat) -> None:
    """Airflow keeps a trigger's arguments: a secret in them is refused at once."""
    params = {"headers": {"x-gateway-key": "s3cret"}}
    error = refresh(deferrable=True, hook_params=params).fails(SettingsInvalid)
    assert "s3cret" not in str(error)
    assert local_codat.journal() == []


def test_it_does_not_leave_for_nothing(
    refresh: Attempts, start_codat: Callable[..., LocalCodat]
) -> None:
    """A refresh that has ended before it is answered is not waited for."""
    codat = start_codat(refresh_seconds=0)
    made = refresh(company_id=codat.company_id, deferrable=True)
    assert made.execute()["status"] == "Complete"
    assert len(codat.journal()) == 1


def test_execution_timeout_holds_while_it_waits(
    refresh: Attempts, local_codat: LocalCodat, hook: CodatHook
) -> None:
    """Airflow does not see to it; the error is Airflow's, and names what goes on."""
    local_codat.order("refresh_stays_queued")
    made = refresh(
        deferrable=True,
        execution_timeout=timedelta(seconds=60),
        start_date=datetime.now(UTC) - timedelta(seconds=59.8),
    )
    deferred = made.defers()
    assert deferred.trigger.deadline < time.time() + 1
    [dataset_id] = datasets(local_codat, hook)
    with pytest.raises(AirflowTaskTimeout, match=f"{dataset_id} goes on at Codat"):
        made.resume(deferred)


def test_what_the_trigger_could_not_do_the_worker_may(
    refresh: Attempts, local_codat: LocalCodat
) -> None:
    """An error of the triggerer's does not matter where the refresh has ended."""
    made = refresh(deferrable=True)
    deferred = made.defers()
    local_codat.advance(seconds=60)
    event = event_of(deferred, status="error", error="Unreachable", message="no answer")
    assert made.resume(deferred, event)["status"] == "Complete"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("SettingsInvalid", SettingsInvalid),
        ("NotAuthorised", CodatError),
        ("Strange", Busy),
    ],
)
def test_an_error_of_the_trigger_is_told(
    error: str, kind: type[CodatError], refresh: Attempts, local_codat: LocalCodat
) -> None:
    """Where the refresh goes on, the task ends with why nobody waits for it."""
    local_codat.order("refresh_stays_queued")
    made = refresh(deferrable=True)
    deferred = made.defers()
    event = event_of(deferred, status="error", error=error, message="what happened")
    made.fails(kind, "what happened", work=lambda: made.resume(deferred, event))


@pytest.mark.parametrize(
    "change",
    [
        {"status": "odd"},
        {"status": "error"},
        {"error": "SettingsInvalid"},
        {"dataset_id": None},
        {"dataset_id": "Fen"},
        {"fresh": "yes"},
        {"newest": 7},
        {"deadline": None},
        {"deadline": float("inf")},
        {"deadline": float("nan")},
        {"message": {"a": 1}},
        {"more": 1},
        None,
    ],
    ids=str,
)
def test_an_event_is_checked(
    change: dict[str, Any] | None, refresh: Attempts, local_codat: LocalCodat
) -> None:
    """What is no event of this package fails the task, and is not repeated."""
    made = refresh(deferrable=True)
    deferred = made.defers()
    asked = len(local_codat.journal())
    event = None if change is None else event_of(deferred, **change)
    error = made.fails(
        CodatError, "could not be read", work=partial(made.resume, deferred, event)
    )
    assert "Fen" not in str(error)
    assert len(local_codat.journal()) == asked


def test_another_refresh_is_not_taken_for_ours(refresh: Attempts) -> None:
    """A dataset that Codat does not know fails the task."""
    made = refresh(deferrable=True)
    deferred = made.defers()
    event = event_of(deferred, dataset_id=NOBODY)
    made.fails(NotFound, work=lambda: made.resume(deferred, event))


# --- mishaps


@pytest.mark.parametrize(
    ("kind", "route"),
    [
        ("reset_before_commit", "refresh"),
        ("reset_after_commit", "refresh"),
        ("codat_error_after_commit", "refresh"),
        ("gateway_error_before_commit", "get_pull"),
        ("junk_body", "get_pull"),
    ],
)
def test_a_mishap_is_survived(
    kind: str, route: str, refresh: Attempts, run: Run, local_codat: LocalCodat
) -> None:
    """Whatever breaks on the way, the copy is fresh in the end."""
    local_codat.order(kind, route=route)
    record_id = local_codat.typed_in({"customerName": "Ada"}).record_id
    run(refresh(hook_params={"retry_budget_seconds": 5}))
    hook = CodatHook()
    assert hook.get_customer(local_codat.company_id, record_id)["id"] == record_id
    hook.close()


def test_who_kills_it_is_told_what_goes_on(
    refresh: Attempts, local_codat: LocalCodat, logged: Callable[..., list[str]]
) -> None:
    """The log names the refresh; nothing more is sent."""
    local_codat.order("refresh_stays_queued")
    made = refresh(completion_timeout_seconds=0.1)
    made.fails(StillInProgress)
    asked = len(local_codat.journal())
    made.operator.on_kill()
    made.fails(Busy, "told to stop")
    [line] = logged("Killed while pull operation")
    assert "was Queued; it may go on at Codat" in line
    assert len(local_codat.journal()) == asked
