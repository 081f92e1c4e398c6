"""The laws of the sensor, in each of its modes, without Airflow's database."""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Any
from uuid import uuid4

import pytest
from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    TaskDeferred,
)

from airflow_provider_codat.api import (
    Busy,
    CodatError,
    NotAuthorised,
    OutcomeUnknown,
    PushFailed,
    PushTimedOut,
    SettingsInvalid,
)
from airflow_provider_codat.failures import HAS_RETRY_POLICIES, CodatRetryPolicy
from airflow_provider_codat.hooks.codat import CodatHook
from airflow_provider_codat.sensors.codat import CodatPushOperationSensor
from airflow_provider_codat.simulator import LocalCodat
from airflow_provider_codat.triggers.codat import CodatPushOperationTrigger
from airflow_provider_codat.triggers.event import PushOperationsEvent, event_of_error

try:
    from airflow.sdk.exceptions import AirflowRescheduleException
except ImportError:
    from airflow.exceptions import AirflowRescheduleException

AIRFLOW = tuple(int(part) for part in version("apache-airflow").split(".")[:2])
KEY = "7d9f0f0c-54c8-4e4c-9e0e-3a0f3f5d1c11"
FAIL = {"kind": "fail", "message": "It exists already."}


@dataclass
class Run:
    """What the sensor asks of its DAG run, in the shape of Airflow 2 or 3."""

    run_after: datetime | None = field(default_factory=lambda: datetime.now(UTC))
    data_interval_end: datetime | None = None


@dataclass
class Rescheduled:
    """What a sensor that is rescheduled asks of its task instance."""

    first: datetime = field(default_factory=lambda: datetime.now(UTC))

    def get_first_reschedule_date(self, _context: object) -> datetime:
        return self.first


def context(**given: Any) -> Any:  # noqa: ANN401 - Airflow's context
    return {"dag_run": Run(), "ti": Rescheduled(), **given}


@pytest.fixture
def push(start_codat: Callable[..., LocalCodat]) -> Callable[..., list[str]]:
    """Create customers at a Codat whose operations end at once, unless told else."""

    def do(codat: LocalCodat, count: int = 1) -> list[str]:
        hook = CodatHook()
        place = (codat.company_id, codat.connection_id)
        customer = {"customerName": "Ada", "status": "Active"}
        made = [hook.create_customer(*place, customer) for _ in range(count)]
        hook.close()
        return [operation["pushOperationKey"] for operation in made]

    assert start_codat
    return do


def sensor(codat: LocalCodat, keys: object, **given: Any) -> CodatPushOperationSensor:  # noqa: ANN401 - whatever it takes
    return CodatPushOperationSensor(
        **{
            "task_id": "wait",
            "company_id": codat.company_id,
            "push_operation_keys": keys,
            "poke_interval": 0.05,
            "timeout": 10,
            "hook_params": {"retry_budget_seconds": 0.01},
            **given,
        }
    )


def deferred(waiting: CodatPushOperationSensor) -> TaskDeferred:
    with pytest.raises(TaskDeferred) as raised:
        waiting.execute(context())
    return raised.value


def told(left: TaskDeferred) -> Any:  # noqa: ANN401 - JSON
    """Run the trigger of a task that has left, as the triggerer does."""
    path, kwargs = json.loads(json.dumps(left.trigger.serialize()))
    assert path.endswith(".CodatPushOperationTrigger")

    async def main() -> Any:  # noqa: ANN401 - JSON
        waiting = CodatPushOperationTrigger(**kwargs)
        return [event.payload async for event in waiting.run()]

    [event] = asyncio.run(main())
    return json.loads(json.dumps(event))


def resumed(waiting: CodatPushOperationSensor, event: object) -> Any:  # noqa: ANN401 - of execute
    """Go on as the worker does that takes over from the trigger."""
    return waiting.resume_execution("execute_complete", {"event": event}, context())


def through(waiting: CodatPushOperationSensor, **given: Any) -> Any:  # noqa: ANN401 - of execute
    """Wait to the end, whatever the mode."""
    try:
        return waiting.execute(context(**given))
    except TaskDeferred as left:
        return resumed(waiting, told(left))


def fails(waiting: CodatPushOperationSensor, kind: type[CodatError]) -> CodatError:
    """Wait for an end that has to be bad; return the error behind what is raised."""
    with pytest.raises((kind, AirflowFailException)) as raised:
        through(waiting)
    error = raised.value
    if isinstance(error, AirflowFailException):
        assert not HAS_RETRY_POLICIES
        error = error.__cause__
    assert type(error) is kind
    return error


def polls(codat: LocalCodat) -> list[str]:
    return [entry.path for entry in codat.journal() if entry.method == "GET"]


rescheduling = pytest.mark.skipif(
    AIRFLOW < (3, 0), reason="Airflow 2 asks its database since when it waits"
)
modes = pytest.mark.parametrize(
    "mode",
    [
        pytest.param({"mode": "poke"}, id="poke"),
        pytest.param({"mode": "reschedule"}, id="reschedule", marks=rescheduling),
        pytest.param({"deferrable": True}, id="deferrable"),
    ],
)

Push = Callable[..., list[str]]
Mode = dict[str, Any]


# --- what it returns


@modes
def test_the_results_tell_which_records_they_became(
    start_codat: Callable[..., LocalCodat], push: Push, mode: Mode
) -> None:
    """A dict for each key, in their order, as the operator returns it."""
    codat = start_codat(settle_seconds=0)
    keys = push(codat, 3)
    results = through(sensor(codat, keys[::-1], **mode))
    records = {r.push_operation_key: r.record_id for r in codat.ledger()}
    assert [(r["push_operation_key"], r["record_id"]) for r in results] == [
        (key, records[key]) for key in keys[::-1]
    ]
    assert {result["status"] for result in results} == {"Success"}
    assert json.loads(json.dumps(results)) == results


@modes
def test_it_waits_until_all_have_ended(
    start_codat: Callable[..., LocalCodat], push: Push, mode: Mode
) -> None:
    """In a worker or without one: one that is Pending keeps the task waiting."""
    codat = start_codat(settle_seconds=600)
    keys = push(codat, 2)
    waiting = sensor(codat, keys, **mode)
    if mode.get("mode") == "reschedule":
        with pytest.raises(AirflowRescheduleException):
            waiting.execute(context())
    elif waiting.deferrable:
        left = deferred(waiting)
        codat.advance(minutes=20)
        assert len(resumed(waiting, told(left))) == 2
        return
    else:
        assert not waiting.poke(context())
    codat.advance(minutes=20)
    assert len(waiting.execute(context())) == 2


@pytest.mark.parametrize(
    ("given", "alone"),
    [
        pytest.param(lambda key: key, True, id="a key"),
        pytest.param(lambda key: f" {key.upper()}\n", True, id="an untidy key"),
        pytest.param(lambda key: [key], False, id="a list"),
        pytest.param(lambda key: (key,), False, id="a tuple"),
        pytest.param(json.dumps, True, id="a key as JSON"),
        pytest.param(lambda key: json.dumps([key]), False, id="JSON"),
        pytest.param(lambda key: str([key]), False, id="a Python literal"),
        pytest.param(lambda key: {"push_operation_key": key}, True, id="a result"),
        pytest.param(
            lambda key: [{"push_operation_key": key, "status": "Pending"}],
            False,
            id="results",
        ),
        pytest.param(
            lambda key: str({"push_operation_key": key, "record_id": None}),
            True,
            id="a result as a Python literal",
        ),
    ],
)
def test_keys_may_come_as_upstream_tasks_give_them(
    start_codat: Callable[..., LocalCodat],
    push: Push,
    given: Callable[[str], object],
    *,
    alone: bool,
) -> None:
    """Also as whole results, or as the text that a template makes of them."""
    codat = start_codat(settle_seconds=0)
    [key] = push(codat)
    result = sensor(codat, given(key)).execute(context())
    [found] = [result] if alone else result
    assert found["push_operation_key"] == key


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param(None, id="None"),
        pytest.param("None", id="a template that found nothing"),
        pytest.param("", id="an empty text"),
        pytest.param("Fen Bakery", id="another text"),
        pytest.param("[1", id="half a list"),
        pytest.param(7, id="a number"),
        pytest.param([KEY, None], id="a list with nothing in it"),
        pytest.param([KEY, "Fen Bakery"], id="a list with another text"),
        pytest.param({"record_id": KEY}, id="another dict"),
        pytest.param([[KEY]], id="a list in a list"),
    ],
)
def test_anything_else_fails_at_once(local_codat: LocalCodat, keys: object) -> None:
    """Nothing is asked, and what was given is not repeated."""
    error = fails(sensor(local_codat, keys), SettingsInvalid)
    assert "push_operation_keys" in str(error)
    assert "Fen" not in str(error)
    assert local_codat.journal() == []


def test_no_keys_are_no_wait(local_codat: LocalCodat) -> None:
    """An upstream task that had nothing to create leaves nothing to wait for."""
    assert sensor(local_codat, []).execute(context()) == []
    assert local_codat.journal() == []


def test_a_company_that_is_none_fails_at_once(local_codat: LocalCodat) -> None:
    """An argument that was rendered is checked before anything is asked."""
    waiting = sensor(local_codat, KEY, company_id="Fen Bakery")
    assert "company_id must be a UUID" in str(fails(waiting, SettingsInvalid))


# --- how it asks


@pytest.mark.parametrize(
    "run",
    [
        pytest.param(Run(), id="of now"),
        pytest.param(Run(datetime.now(UTC) - timedelta(days=400)), id="of long ago"),
        pytest.param(Run(None, datetime.now(UTC)), id="of Airflow 2"),
        pytest.param(Run(None, None), id="without any time"),
    ],
)
def test_many_keys_cost_one_request(
    start_codat: Callable[..., LocalCodat], push: Push, run: Run
) -> None:
    """They are looked for in the company's list, whatever the DAG run's date."""
    codat = start_codat(settle_seconds=0)
    keys = push(codat, 12)
    sensor(codat, keys).execute(context(dag_run=run))
    assert [path.endswith("/push") for path in polls(codat)] == [True]


def test_the_list_is_read_no_further_back_than_the_dag_run(
    start_codat: Callable[..., LocalCodat], push: Push
) -> None:
    """What was created before it began is not paged through."""
    codat = start_codat(settle_seconds=0)
    push(codat, 501)
    codat.advance(minutes=60)
    keys = push(codat, 2)
    # By Codat's clock, which is now ahead of ours.
    run = Run(datetime.now(UTC) + timedelta(minutes=60))
    sensor(codat, keys).execute(context(dag_run=run))
    assert len(polls(codat)) == 1


def test_what_is_known_is_not_asked_again(
    start_codat: Callable[..., LocalCodat], push: Push
) -> None:
    """In one process, only the push operations that have not ended are looked for."""
    codat = start_codat(settle_seconds=0)
    done = push(codat, 2)
    codat.order("stay_pending")
    [open_] = push(codat)
    waiting = sensor(codat, [*done, open_])
    for _ in range(3):
        assert not waiting.poke(context()).is_done
    assert polls(codat)[0].endswith("/push")
    assert [path.rsplit("/", 1)[1] for path in polls(codat)[1:]] == [open_] * 2
    assert deferred(sensor(codat, [*done, open_], deferrable=True)).trigger.serialize()[
        1
    ]["push_operation_keys"] == [open_]


@modes
def test_what_may_pass_is_waited_out(
    start_codat: Callable[..., LocalCodat], push: Push, mode: Mode
) -> None:
    """An outage does not fail a task that only wants to know."""
    codat = start_codat(settle_seconds=0)
    keys = push(codat, 2)
    codat.order("gateway_error_before_commit", route="list_push", count=1)
    waiting = sensor(codat, keys, **mode)
    if mode.get("mode") == "reschedule":
        with pytest.raises(AirflowRescheduleException):
            waiting.execute(context())
    assert len(through(waiting)) == 2


@modes
def test_codat_is_not_asked_before_it_wants_to_be(
    start_codat: Callable[..., LocalCodat], push: Push, mode: Mode
) -> None:
    """A 429 sets the time of the next look, in each mode."""
    codat = start_codat(settle_seconds=0)
    keys = push(codat, 2)
    codat.order("too_many_requests", retry_after=1, route="list_push", count=1)
    waiting = sensor(codat, keys, **mode)
    if mode.get("mode") == "reschedule":
        begun = datetime.now(UTC)
        with pytest.raises(AirflowRescheduleException) as raised:
            waiting.execute(context())
        # How long the base class reckons from the moment it is at.
        assert raised.value.reschedule_date >= begun + timedelta(seconds=0.9)
        return
    assert len(through(waiting)) == 2
    gets = [entry for entry in codat.journal() if entry.method == "GET"]
    assert [entry.status for entry in gets[:2]] == [429, 200]
    assert (gets[1].at - gets[0].at).total_seconds() >= 1


def test_it_does_not_outstay_its_timeout_for_a_429(
    start_codat: Callable[..., LocalCodat], push: Push
) -> None:
    """However long Codat wants to be left alone, the task ends on time."""
    codat = start_codat(settle_seconds=0)
    keys = push(codat)
    codat.order("too_many_requests", retry_after=3600, route="get_push")
    waiting = sensor(codat, keys, timeout=0.2)
    with pytest.raises(AirflowSensorTimeout):
        waiting.execute(context())
    assert len(polls(codat)) == 1


# --- bad ends


@modes
@pytest.mark.parametrize(
    ("orders", "kind", "words"),
    [
        pytest.param([FAIL], PushFailed, ["It exists already"], id="failed"),
        pytest.param(
            [{"kind": "timed_out"}], PushTimedOut, ["may still appear"], id="timed out"
        ),
        pytest.param(
            [{"kind": "fail_without_reason"}],
            OutcomeUnknown,
            ["A record may exist"],
            id="unknown",
        ),
        pytest.param(
            [FAIL, {"kind": "fail", "message": "It is blue."}],
            PushFailed,
            ["It exists already", "It is blue"],
            id="two have failed",
        ),
        pytest.param(
            [FAIL, {"kind": "timed_out"}],
            PushTimedOut,
            ["It exists already", "may still appear"],
            id="one may still land",
        ),
        pytest.param(
            [FAIL, {"kind": "timed_out"}, {"kind": "fail_with_record"}],
            OutcomeUnknown,
            ["It exists already", "may still appear", "A record may exist"],
            id="one may be there",
        ),
    ],
)
def test_a_bad_end_fails_it_with_all_reasons(
    start_codat: Callable[..., LocalCodat],
    push: Push,
    mode: Mode,
    orders: list[dict[str, Any]],
    kind: type[CodatError],
    words: list[str],
) -> None:
    """Codat's own words for each that ended badly, whatever still goes on."""
    codat = start_codat(settle_seconds=0)
    for order in orders:
        codat.order(**order)
    bad = push(codat, len(orders))
    codat.order("stay_pending")
    open_ = push(codat)
    error = fails(sensor(codat, [*open_, *bad], **mode), kind)
    assert all(word in str(error) for word in words)
    assert all(key in str(error) for key in bad)
    assert open_[0] not in str(error)


@modes
def test_an_operation_that_is_gone_fails_it(
    start_codat: Callable[..., LocalCodat], mode: Mode
) -> None:
    """Codat accepted it once: a record may exist, and no waiting will tell."""
    codat = start_codat()
    assert KEY in str(fails(sensor(codat, [KEY], **mode), OutcomeUnknown))


def test_one_that_goes_missing_meanwhile_fails_it(
    start_codat: Callable[..., LocalCodat], push: Push
) -> None:
    """The trigger's error is the task's error."""
    codat = start_codat(settle_seconds=600)
    [key] = push(codat)
    waiting = sensor(codat, key, deferrable=True)
    left = deferred(waiting)
    codat.reset()
    event = told(left)
    with pytest.raises((OutcomeUnknown, AirflowFailException), match="known no more"):
        resumed(waiting, event)


def test_a_wrong_key_fails_it(
    local_codat: LocalCodat, connection: Callable[..., str]
) -> None:
    """What will not change is not waited out."""
    connection(
        host=local_codat.url, password="NotTheKey0000000000000000000000000000000"
    )
    waiting = sensor(local_codat, KEY, codat_conn_id="codat_other")
    fails(waiting, NotAuthorised)
    assert len(polls(local_codat)) == 1


# --- its timeout, and failing softly


@modes
def test_its_timeout_ends_it(
    start_codat: Callable[..., LocalCodat], push: Push, mode: Mode
) -> None:
    """As every sensor's; the push operation goes on at Codat."""
    codat = start_codat(settle_seconds=600)
    waiting = sensor(codat, push(codat), timeout=0.1, **mode)
    begun = datetime.now(UTC) - timedelta(seconds=1)
    with pytest.raises(AirflowSensorTimeout):
        through(waiting, ti=Rescheduled(begun))


def test_a_success_at_the_last_moment_counts(
    start_codat: Callable[..., LocalCodat], push: Push
) -> None:
    """The deadline is the trigger's; the worker looks once more."""
    codat = start_codat(settle_seconds=600)
    [key] = push(codat)
    waiting = sensor(codat, key, timeout=0.1, deferrable=True)
    event = told(deferred(waiting))
    assert event["status"] == "deadline"
    codat.advance(minutes=20)
    assert resumed(waiting, event)["status"] == "Success"


@modes
@pytest.mark.parametrize(
    ("softly", "order"),
    [
        pytest.param("soft_fail", "fail", id="soft_fail, failed"),
        pytest.param("soft_fail", "stay_pending", id="soft_fail, timed out"),
        pytest.param("never_fail", "fail", id="never_fail, failed"),
    ],
)
def test_it_fails_softly_where_that_is_wanted(
    start_codat: Callable[..., LocalCodat],
    push: Push,
    mode: Mode,
    softly: str,
    order: str,
) -> None:
    """A bad end, and a timeout, skip the task then."""
    codat = start_codat(settle_seconds=0)
    codat.order(order)
    waiting = sensor(codat, push(codat), timeout=0.1, **mode, **{softly: True})
    begun = datetime.now(UTC) - timedelta(seconds=1)
    # A timeout is Airflow's own, and so are its words.
    words = r"^PushFailed: \[CODAT-E26\] " if order == "fail" else None
    with pytest.raises(AirflowSkipException, match=words):
        through(waiting, ti=Rescheduled(begun))


# --- in the triggerer


def test_what_it_hands_to_the_trigger(
    start_codat: Callable[..., LocalCodat], push: Push
) -> None:
    """Moments are absolute, and Airflow's own end comes later than the trigger's."""
    codat = start_codat(settle_seconds=600)
    keys = push(codat, 2)
    begun = time.time()
    given = {"timeout": 100, "poke_interval": 7, "pool_slots": 3}
    left = deferred(sensor(codat, keys, deferrable=True, **given))
    kwargs = left.trigger.serialize()[1]
    assert kwargs["push_operation_keys"] == keys
    assert kwargs["hook_params"] == {"retry_budget_seconds": 0.01, "task_slots": 3}
    assert begun + 100 <= kwargs["deadline"] <= time.time() + 100
    assert kwargs["poll_interval_seconds"] == 7
    # Not before Airflow has seen that this worker has ended.
    assert begun + 7 <= kwargs["begin_at"] <= time.time() + 7
    # It has looked, so it knows from when they are.
    assert begun - 60 < kwargs["requested_since"] <= begun
    assert left.method_name == "execute_complete"
    assert left.timeout > timedelta(seconds=100)


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(None, id="nothing"),
        pytest.param({"status": "success"}, id="of another provider"),
    ],
)
def test_an_event_that_is_not_ours_fails_it(
    local_codat: LocalCodat, event: object
) -> None:
    """Without a word from the trigger, nothing is taken for granted."""
    waiting = sensor(local_codat, KEY, deferrable=True)
    with pytest.raises((CodatError, AirflowFailException), match="could not be read"):
        resumed(waiting, event)


def test_what_befell_the_triggerer_may_be_tried_again(local_codat: LocalCodat) -> None:
    """The push operations go on: the task's retries find them."""
    waiting = sensor(local_codat, KEY, deferrable=True)
    with pytest.raises(Busy, match="broken off by KeyError"):
        resumed(waiting, event_of_error(KeyError()).to_json())


def test_an_end_that_cannot_be_read_is_tried_again(
    start_codat: Callable[..., LocalCodat], push: Push
) -> None:
    """The trigger saw the end; the worker that is to read it finds Codat down."""
    codat = start_codat(settle_seconds=0)
    [key] = push(codat)
    codat.order("gateway_error_before_commit", route="get_push", count=1)
    waiting = sensor(codat, key, deferrable=True)
    with pytest.raises(Busy, match=r"^\[CODAT-E11\] .* cannot be read now"):
        resumed(waiting, PushOperationsEvent("ended").to_json())


def test_headers_do_not_go_to_the_triggerer(local_codat: LocalCodat) -> None:
    """They may hold secrets, and a deferred task's arguments are stored."""
    params = {"headers": {"x-secret": "Fen"}}
    waiting = sensor(local_codat, KEY, deferrable=True, hook_params=params)
    assert "headers in hook_params" in str(fails(waiting, SettingsInvalid))
    assert local_codat.journal() == []


@pytest.mark.skipif(not HAS_RETRY_POLICIES, reason="came with Airflow 3.3")
def test_its_retry_policy_can_be_replaced(local_codat: LocalCodat) -> None:
    """It fails at once what will fail again, unless the author wants otherwise."""
    assert isinstance(sensor(local_codat, KEY).retry_policy, CodatRetryPolicy)
    own = CodatRetryPolicy()
    assert sensor(local_codat, KEY, retry_policy=own).retry_policy is own


def test_its_keys_are_templated(local_codat: LocalCodat) -> None:
    """They come from other tasks; no text of theirs is taken for a file."""
    waiting = sensor(local_codat, "{{ key }}", company_id="{{ company }}")
    waiting.render_template_fields({"key": str(uuid4()), "company": KEY})
    assert waiting.company_id == KEY
    assert len(waiting.push_operation_keys) == 36
    assert list(waiting.template_ext) == []
