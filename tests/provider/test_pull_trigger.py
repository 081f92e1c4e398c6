"""The laws of the trigger that waits for a refresh: it only reads, and tells once."""

import asyncio
import json
import time
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import pytest

from airflow_provider_codat.hooks.codat import CodatHook
from airflow_provider_codat.simulator import LocalCodat
from airflow_provider_codat.triggers.event import PullOperationEvent
from airflow_provider_codat.triggers.pull import CodatPullOperationTrigger

COMPANY = "8a210b68-6988-11ed-a1eb-0242ac120002"
DATASET = "943accd0-4247-42d8-865b-363c8629e1da"
EARLIER = "11111111-54c8-4e4c-9e0e-3a0f3f5d1c11"


@pytest.fixture
def local_codat(start_codat: Callable[..., LocalCodat]) -> LocalCodat:
    """Serve a Codat that takes a moment to read the books."""
    return start_codat(refresh_seconds=0.1)


@pytest.fixture
def trigger(
    local_codat: LocalCodat, hook: CodatHook
) -> Callable[..., CodatPullOperationTrigger]:
    """Make a trigger that waits for a refresh that has been started."""

    def make(**given: Any) -> CodatPullOperationTrigger:  # noqa: ANN401 - whatever it takes
        if "dataset_id" not in given:
            given["dataset_id"] = hook.refresh(local_codat.company_id)["id"]
        return CodatPullOperationTrigger(
            **{
                "codat_conn_id": "codat_default",
                "company_id": local_codat.company_id,
                "fresh": True,
                "newest": "",
                "deadline": time.time() + 60,
                "poll_interval_seconds": 0.05,
                **given,
            }
        )

    return make


Triggers = Callable[..., CodatPullOperationTrigger]


def event_of(waiting: CodatPullOperationTrigger) -> PullOperationEvent:
    """Run a trigger, made anew as the triggerer does; return the one event."""
    path, kwargs = json.loads(json.dumps(waiting.serialize()))
    assert path == "airflow_provider_codat.triggers.pull.CodatPullOperationTrigger"
    again = CodatPullOperationTrigger(**kwargs)
    assert again.serialize() == waiting.serialize()

    async def main() -> list[Any]:
        async with aclosing(again.run()) as events:
            return [event.payload async for event in events]

    [payload] = asyncio.run(main())
    return PullOperationEvent.from_json(json.loads(json.dumps(payload)))


def looks(codat: LocalCodat) -> int:
    return sum(entry.method == "GET" for entry in codat.journal())


def test_it_tells_when_the_refresh_has_ended(
    trigger: Triggers, local_codat: LocalCodat
) -> None:
    """What the task needs to go on comes back as it was given; only GETs were sent."""
    waiting = trigger(fresh=False, newest=EARLIER)
    sent = len(local_codat.journal())
    assert event_of(waiting) == PullOperationEvent(
        "ended",
        dataset_id=waiting.dataset_id,
        fresh=False,
        newest=EARLIER,
        deadline=waiting.deadline,
    )
    asked = local_codat.journal()[sent:]
    assert {(e.method, e.path.rpartition("/")[2]) for e in asked} == {
        ("GET", waiting.dataset_id)
    }


@pytest.mark.parametrize("status", ["AuthError", "FetchError", "NotSupported"])
def test_a_bad_end_is_an_end(
    status: str, trigger: Triggers, local_codat: LocalCodat
) -> None:
    """What it means is for the task to say."""
    local_codat.order("refresh_fails", message=status)
    assert event_of(trigger()).status == "ended"


def test_a_deadline_is_kept(trigger: Triggers, local_codat: LocalCodat) -> None:
    """A refresh that stays queued is told to the task."""
    local_codat.order("refresh_stays_queued")
    event = event_of(trigger(deadline=time.time() + 5))
    assert (event.status, event.error) == ("deadline", "")
    assert looks(local_codat) >= 2


def test_a_deadline_that_has_passed_is_told_at_once(
    trigger: Triggers, local_codat: LocalCodat
) -> None:
    """Whatever the triggerer did meanwhile, the task gets to know."""
    assert event_of(trigger(deadline=time.time() - 1)).status == "deadline"
    assert looks(local_codat) == 0


def test_it_does_not_look_before_it_may(
    trigger: Triggers, local_codat: LocalCodat
) -> None:
    """Until then the task's worker may still be there."""
    begin_at = time.time() + 0.2
    event_of(trigger(begin_at=begin_at))
    times = [e.at.timestamp() for e in local_codat.journal() if e.method == "GET"]
    assert min(times) >= begin_at


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"company_id": "Fen"}, "company_id must be a UUID"),
        ({"dataset_id": "Fen"}, "dataset_id must be a UUID"),
        ({"poll_interval_seconds": 0}, "poll_interval_seconds must be above 0"),
        ({"codat_conn_id": "nobody"}, "no Airflow connection 'nobody'"),
        ({"hook_params": {"verfy": True}}, "did you mean 'verify'"),
    ],
    ids=["company", "dataset", "interval", "connection", "params"],
)
def test_a_wrong_argument_is_an_event(
    given: dict[str, Any], words: str, trigger: Triggers, local_codat: LocalCodat
) -> None:
    """A trigger that ends without an event fails its task without a reason."""
    waiting = trigger(**{"dataset_id": DATASET, **given})

    async def main() -> Any:  # noqa: ANN401 - what an event holds
        async with aclosing(waiting.run()) as events:
            return (await anext(events)).payload

    told = asyncio.run(main())
    assert (told["status"], told["error"]) == ("error", "SettingsInvalid")
    assert words in told["message"]
    assert "Fen" not in told["message"]
    assert local_codat.journal() == []


def test_a_refresh_that_nobody_knows_is_an_event(
    trigger: Triggers, local_codat: LocalCodat
) -> None:
    """A 404 is not waited out."""
    event = event_of(trigger(dataset_id=DATASET))
    assert (event.status, event.error) == ("error", "NotFound")
    assert looks(local_codat) == 1


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("reset_before_commit", {}),
        ("gateway_error_before_commit", {}),
        ("codat_error_before_commit", {}),
        ("junk_body", {}),
        ("too_many_requests", {"seconds": 0}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_outage_is_waited_out(
    kind: str,
    given: dict[str, Any],
    trigger: Triggers,
    local_codat: LocalCodat,
    logged: Callable[..., list[str]],
) -> None:
    """What may pass is asked again, until the deadline; the log tells of it."""
    local_codat.order(kind, route="get_pull", count=2, **given)
    assert event_of(trigger()).status == "ended"
    assert len(logged("Codat is asked ")) == 2
    assert looks(local_codat) >= 3


def test_codat_is_left_alone_as_long_as_it_asks_for(
    trigger: Triggers, local_codat: LocalCodat
) -> None:
    """Within the deadline nobody asks before Codat's own moment."""
    local_codat.order("too_many_requests", route="get_pull", retry_after=30)
    assert event_of(trigger(deadline=time.time() + 5)).status == "deadline"
    assert looks(local_codat) == 1


def test_a_key_that_is_refused_is_read_again(
    trigger: Triggers, local_codat: LocalCodat
) -> None:
    """The connection may have been given another one since."""
    local_codat.order("codat_error_before_commit", route="get_pull", status=401)
    assert event_of(trigger()).status == "ended"


def test_a_wrong_key_is_an_event(
    trigger: Triggers, local_codat: LocalCodat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is tried twice, and never repeated in the words of the event."""
    waiting = trigger()
    right = local_codat.airflow_connection()
    wrong = right.replace(local_codat.api_key, "x" * 40)
    monkeypatch.setenv("AIRFLOW_CONN_CODAT_DEFAULT", wrong)
    event = event_of(waiting)
    assert (event.status, event.error) == ("error", "NotAuthorised")
    assert "x" * 40 not in event.message
    assert looks(local_codat) == 2


def test_airflow_may_cancel_it(trigger: Triggers, local_codat: LocalCodat) -> None:
    """A triggerer that stops gets no event: another one starts the trigger again."""
    local_codat.order("refresh_stays_queued")
    waiting = trigger()

    async def main() -> None:
        task = asyncio.create_task(anext(waiting.run()))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert event_of(trigger(dataset_id=waiting.dataset_id, deadline=time.time() + 0.1))


def test_who_kills_it_is_told_what_goes_on(
    trigger: Triggers, local_codat: LocalCodat, logged: Callable[..., list[str]]
) -> None:
    """Nothing can cancel a refresh; the log names it, and nothing is asked."""
    asyncio.run(trigger(dataset_id=DATASET).on_kill())
    [line] = logged("it goes on at Codat")
    assert DATASET in line
    assert local_codat.company_id in line
    assert local_codat.journal() == []
