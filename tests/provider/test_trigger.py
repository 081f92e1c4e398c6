"""The laws of the triggers: one event each, whatever happens; and they only read."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import uuid4

import pytest
from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_codat.hooks.codat import CodatHook
from airflow_provider_codat.simulator import LocalCodat
from airflow_provider_codat.triggers.codat import (
    CodatPauseTrigger,
    CodatPushOperationTrigger,
)
from airflow_provider_codat.triggers.event import UNSEEN, PushOperationsEvent

COMPANY = "8a210b68-6988-11ed-a1eb-0242ac120002"
KEY = "7d9f0f0c-54c8-4e4c-9e0e-3a0f3f5d1c11"


def trigger(**given: Any) -> CodatPushOperationTrigger:  # noqa: ANN401 - whatever it takes
    now = time.time()
    return CodatPushOperationTrigger(
        **{
            "codat_conn_id": "codat_default",
            "company_id": COMPANY,
            "push_operation_keys": [KEY],
            "requested_since": now - 60,
            "deadline": now + 60,
            "poll_interval_seconds": 0.05,
            **given,
        }
    )


def events(waiting: BaseTrigger) -> list[Any]:
    """Run a trigger in a fresh event loop; return what it yields."""

    async def main() -> list[Any]:
        return [event.payload async for event in waiting.run()]

    return asyncio.run(main())


def through_json(made: BaseTrigger) -> Any:  # noqa: ANN401 - a trigger of the same class
    """Make a trigger again, as the triggerer does."""
    path, kwargs = json.loads(json.dumps(made.serialize()))
    assert path == f"{type(made).__module__}.{type(made).__name__}"
    return type(made)(**kwargs)


def test_what_the_triggerer_makes_is_what_was_deferred(
    local_codat: LocalCodat, hook: CodatHook
) -> None:
    """A trigger survives its journey through JSON, and then does its work."""
    place = (local_codat.company_id, local_codat.connection_id)
    customer = {"customerName": "Ada", "status": "Active"}
    key = hook.create_customer(*place, customer)["pushOperationKey"]
    made = trigger(
        company_id=local_codat.company_id.upper(),
        push_operation_keys=(key.upper(),),
        hook_params={"requests_per_minute": 60},
        not_before=0.5,
    )
    again = through_json(made)
    assert again.serialize() == made.serialize()
    [payload] = events(again)
    event = PushOperationsEvent.from_json(json.loads(json.dumps(payload)))
    assert event.status == "ended"
    assert list(event.push_operations) == [key]
    [record] = local_codat.ledger()
    assert event.push_operations[key].record_id == record.record_id


def test_it_carries_no_secret(local_codat: LocalCodat) -> None:
    """Airflow keeps a trigger's arguments in its database, and shows them."""
    made = trigger(company_id=local_codat.company_id)
    events(trigger(company_id=local_codat.company_id, deadline=time.time()))
    assert local_codat.api_key not in repr(made)
    assert set(made.serialize()[1]) == {
        "codat_conn_id",
        "company_id",
        "push_operation_keys",
        "requested_since",
        "deadline",
        "poll_interval_seconds",
        "hook_params",
        "not_before",
        "begin_at",
    }


@pytest.mark.parametrize(
    ("given", "words"),
    [
        pytest.param({"company_id": "Fen"}, "company_id must be a UUID", id="company"),
        pytest.param(
            {"push_operation_keys": [KEY, "Fen"]},
            "push_operation_keys must be a UUID",
            id="key",
        ),
        pytest.param(
            {"poll_interval_seconds": 0},
            "poll_interval_seconds must be above 0",
            id="interval",
        ),
        pytest.param(
            {"codat_conn_id": "nobody"}, "no Airflow connection 'nobody'", id="conn"
        ),
        pytest.param(
            {"hook_params": {"verfy": True}}, "did you mean 'verify'", id="params"
        ),
    ],
)
def test_a_wrong_argument_is_an_event(
    local_codat: LocalCodat, given: dict[str, Any], words: str
) -> None:
    """A trigger that ends without an event leaves its task waiting for ever."""
    [payload] = events(trigger(**given))
    event = PushOperationsEvent.from_json(payload)
    assert (event.status, event.error) == ("error", "SettingsInvalid")
    assert words in event.message
    assert "Fen" not in event.message
    assert local_codat.journal() == []


def test_a_deadline_that_has_passed_is_an_event(local_codat: LocalCodat) -> None:
    """Whatever the triggerer did meanwhile, the task gets to know."""
    made = trigger(company_id=local_codat.company_id, deadline=time.time() - 1)
    [payload] = events(made)
    event = PushOperationsEvent.from_json(payload)
    assert event == PushOperationsEvent("deadline", {KEY: UNSEEN})


def test_an_operation_that_nobody_knows_is_an_event(local_codat: LocalCodat) -> None:
    """A 404 is not waited out: the record may exist, and a person has to look."""
    made = trigger(company_id=local_codat.company_id)
    [payload] = events(made)
    assert PushOperationsEvent.from_json(payload).error == "OutcomeUnknown"


def test_it_does_not_begin_to_wait_before_it_may(local_codat: LocalCodat) -> None:
    """Until then not even an error is told: the task's worker may still be there."""
    begin_at = time.time() + 0.2
    made = trigger(company_id=local_codat.company_id, begin_at=begin_at)
    events(made)
    assert time.time() >= begin_at
    [poll] = local_codat.journal()
    assert poll.at.timestamp() >= begin_at


def test_one_that_begins_later_delays_no_other(
    local_codat: LocalCodat, hook: CodatHook
) -> None:
    """Those who wait for the same company are asked for meanwhile, and it is not."""
    place = (local_codat.company_id, local_codat.connection_id)
    customer = {"customerName": "Ada", "status": "Active"}
    key = hook.create_customer(*place, customer)["pushOperationKey"]
    company = {"company_id": local_codat.company_id}
    later = trigger(**company, begin_at=time.time() + 60)
    now = trigger(**company, push_operation_keys=[key], deadline=time.time() + 50)

    async def main() -> Any:  # noqa: ANN401 - what an event holds
        patient = asyncio.create_task(first(later.run()))
        await asyncio.sleep(0)
        told = await first(now.run())
        assert not patient.done()
        patient.cancel()
        await asyncio.gather(patient, return_exceptions=True)
        return told.payload

    assert PushOperationsEvent.from_json(asyncio.run(main())).status == "ended"
    asked = [e.path for e in local_codat.journal() if e.method == "GET"]
    assert {path.rsplit("/", 1)[1] for path in asked} == {key}


async def first(waiting: AsyncIterator[TriggerEvent]) -> TriggerEvent:
    return await anext(waiting)


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(
            lambda: trigger(company_id=str(uuid4()), not_before=time.time() + 60),
            id="operation",
        ),
        pytest.param(lambda: CodatPauseTrigger(until=time.time() + 60), id="pause"),
    ],
)
def test_airflow_may_cancel_it(
    local_codat: LocalCodat, made: Callable[[], BaseTrigger]
) -> None:
    """A triggerer that stops gets no event: another one starts the trigger again."""
    assert local_codat.url

    async def main() -> None:
        task = asyncio.create_task(first(made().run()))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelled()

    asyncio.run(main())


def test_who_kills_it_is_told_what_goes_on(
    local_codat: LocalCodat, logged: Callable[..., list[str]]
) -> None:
    """Nothing can cancel a push operation; the log names it, and nothing is asked."""
    asyncio.run(trigger(push_operation_keys=[KEY, str(uuid4())]).on_kill())
    [line] = logged("they go on at Codat")
    assert KEY in line
    assert COMPANY in line
    assert local_codat.journal() == []


def test_it_only_reads(local_codat: LocalCodat) -> None:
    """A triggerer that restarts repeats what it did: it must create nothing."""
    keys = [KEY, str(uuid4())]
    events(trigger(company_id=local_codat.company_id, push_operation_keys=keys))
    assert {entry.method for entry in local_codat.journal()} == {"GET"}
    assert local_codat.operations() == []


@pytest.mark.parametrize("seconds", [-3600, 0, 0.05])
def test_a_pause_ends_at_its_moment(seconds: float) -> None:
    """It is a moment, not a duration; one that is past ends at once."""
    until = time.time() + seconds
    made = CodatPauseTrigger(until=until)
    assert events(through_json(made)) == [{"status": "pause is over"}]
    assert time.time() >= until
