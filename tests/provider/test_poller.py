"""The laws of the one poller that serves all waits on a company."""

import asyncio
import json
import logging
import threading
import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from itertools import pairwise
from typing import Any, Literal
from uuid import uuid4

import pytest
from airflow.providers.common.compat.sdk import redact

from airflow_provider_codat.hooks.codat import CodatHook
from airflow_provider_codat.simulator import LocalCodat
from airflow_provider_codat.simulator.world import authorization
from airflow_provider_codat.triggers.event import UNSEEN, PushOperationsEvent
from airflow_provider_codat.triggers.poller import Place, Wait, waited

CODAT = "codat_default"
WRONG_KEY = "NotTheKeyOfThisCodat00000000000000000000"

Events = list[PushOperationsEvent]


@pytest.fixture
def slow_codat(start_codat: Callable[..., LocalCodat]) -> LocalCodat:
    """Serve a Codat whose operations end only when its clock is moved."""
    return start_codat(settle_seconds=600)


def pushed(codat: LocalCodat, count: int = 1, conn_id: str = CODAT) -> list[str]:
    """Create customers; return the keys of their push operations."""
    hook = CodatHook(conn_id, requests_per_minute=100_000)
    place = (codat.company_id, codat.connection_id)
    customers = [{"customerName": f"C{i}", "status": "Active"} for i in range(count)]
    keys = [hook.create_customer(*place, c)["pushOperationKey"] for c in customers]
    hook.close()
    return keys


def place_of(codat: LocalCodat, conn_id: str = CODAT, **hook_params: object) -> Place:
    params = json.dumps(hook_params) if hook_params else "null"
    return Place(conn_id, codat.company_id, params)


def waiting(
    place: Place,
    keys: list[str],
    **given: Any,  # noqa: ANN401 - whatever a wait takes
) -> "asyncio.Task[PushOperationsEvent]":
    """Start to wait, in a task of its own as each trigger has."""
    not_before = given.pop("not_before", 0.0)
    now = time.time()
    wait = Wait(
        keys,
        **{
            "since": now - 60,
            "deadline": now + 600,
            "poll_interval_seconds": 0.05,
            **given,
        },
    )
    return asyncio.create_task(waited(place, wait, not_before=not_before))


def run(main: Awaitable[Any]) -> Any:  # noqa: ANN401 - whatever the test returns
    """Run a test in a fresh event loop, and see that no poller outlives it."""

    async def whole() -> Any:  # noqa: ANN401 - the same
        result = await main
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not pollers()
        return result

    return asyncio.run(whole())


def pollers() -> list["asyncio.Task[Any]"]:
    return [task for task in asyncio.all_tasks() if task.get_name() == "codat-poll"]


def polls(codat: LocalCodat) -> list[Any]:
    return [entry for entry in codat.journal() if entry.method == "GET"]


def lists(codat: LocalCodat) -> list[Any]:
    return [entry for entry in polls(codat) if entry.path.endswith("/push")]


async def until(condition: Callable[[], object]) -> None:
    """Wait for something that another thread does."""
    while not await asyncio.to_thread(condition):  # noqa: ASYNC110 - a thread cannot set an event of the loop
        await asyncio.sleep(0.01)


# --- who asks for what


def test_one_wait_asks_for_its_own_key(slow_codat: LocalCodat) -> None:
    """Without company, the list would say more than is wanted."""

    async def main() -> PushOperationsEvent:
        [key] = pushed(slow_codat)
        task = waiting(place_of(slow_codat), [key])
        await until(lambda: polls(slow_codat))
        slow_codat.advance(minutes=20)
        return await task

    event = run(main())
    assert event.status == "ended"
    [(key, state)] = event.push_operations.items()
    [record] = slow_codat.ledger()
    assert (state.status, state.record_id) == ("Success", record.record_id)
    assert {entry.path.rsplit("/", 1)[1] for entry in polls(slow_codat)} == {key}


def test_a_thousand_waits_cost_one_walk_per_interval(slow_codat: LocalCodat) -> None:
    """However many wait for a company, each poll is one request for a page."""
    keys = pushed(slow_codat, 40)
    place = place_of(slow_codat)

    async def main() -> Events:
        tasks = [waiting(place, [keys[i % 40]]) for i in range(1_000)]
        await until(lambda: len(polls(slow_codat)) > 1)
        slow_codat.advance(minutes=20)
        # Two who come late ask nothing of their own.
        late = [waiting(place, [key]) for key in keys[:2]]
        return list(await asyncio.gather(*tasks, *late))

    events = run(main())
    assert {event.status for event in events} == {"ended"}
    assert [list(event.push_operations) for event in events[:3]] == [
        [key] for key in keys[:3]
    ]
    assert lists(slow_codat) == polls(slow_codat)
    times = [entry.at.timestamp() for entry in polls(slow_codat)]
    assert all(later - earlier >= 0.05 for earlier, later in pairwise(times))


def test_what_is_not_in_the_list_is_asked_for_by_its_key(
    start_codat: Callable[..., LocalCodat],
) -> None:
    """Codat's list may lag behind; its push operations are found all the same."""
    codat = start_codat(settle_seconds=0, list_lag_seconds=600)
    keys = pushed(codat, 2)

    async def main() -> PushOperationsEvent:
        return await waiting(place_of(codat), keys)

    event = run(main())
    assert event.status == "ended"
    assert set(event.push_operations) == set(keys)
    assert len(lists(codat)) == 1
    assert len(polls(codat)) == 3


def test_few_are_asked_for_singly_at_a_time(
    start_codat: Callable[..., LocalCodat],
) -> None:
    """A list that lags must not use up the quota: 20 by their keys in each poll."""
    codat = start_codat(settle_seconds=0, list_lag_seconds=600)
    keys = pushed(codat, 30)

    async def main() -> PushOperationsEvent:
        return await waiting(place_of(codat), keys)

    event = run(main())
    assert event.status == "ended"
    assert len(event.push_operations) == 30
    paths = [entry.path.endswith("/push") for entry in polls(codat)]
    assert paths == [True, *[False] * 20, True, *[False] * 10]


def test_the_list_is_read_no_further_back_than_the_oldest_wait(
    slow_codat: LocalCodat,
) -> None:
    """What was requested long before anybody waits is not paged through."""
    old = pushed(slow_codat, 501)
    slow_codat.advance(minutes=20)
    keys = pushed(slow_codat, 2)
    # By Codat's clock, which is now ahead of ours.
    since = time.time() + 20 * 60

    async def main() -> PushOperationsEvent:
        task = waiting(place_of(slow_codat), keys, since=since)
        await until(lambda: polls(slow_codat))
        slow_codat.advance(minutes=20)
        return await task

    assert run(main()).status == "ended"
    assert len(old) == 501
    assert {entry.query.count("page=1&") for entry in lists(slow_codat)} == {1}


def test_the_shortest_interval_counts(slow_codat: LocalCodat) -> None:
    """One who comes with a shorter interval brings the next poll forward."""
    keys = pushed(slow_codat, 2)
    place = place_of(slow_codat)

    async def main() -> Events:
        patient = waiting(place, keys[:1], poll_interval_seconds=600)
        await until(lambda: len(polls(slow_codat)) == 2)
        slow_codat.advance(minutes=20)
        # Earlier than the four and a half seconds for which the patient one waits now.
        hasty = waiting(place, keys[1:], deadline=time.time() + 4)
        return list(await asyncio.gather(patient, hasty))

    assert [event.status for event in run(main())] == ["ended", "ended"]


def test_who_wants_something_else_has_another_poller(slow_codat: LocalCodat) -> None:
    """Waits share a poller only if they ask the same Codat, in the same way."""
    [key] = pushed(slow_codat)

    async def main() -> int:
        tasks = [
            waiting(place_of(slow_codat), [key]),
            waiting(place_of(slow_codat), [key]),
            waiting(place_of(slow_codat, connect_timeout_seconds=1), [key]),
        ]
        await asyncio.sleep(0)
        count = len(pollers())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return count

    assert run(main()) == 2


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_an_interval_must_be_above_0(seconds: float) -> None:
    """Without a pause, Codat would be asked without end."""

    async def main() -> None:
        place = Place(CODAT, "", "null")
        with pytest.raises(ValueError, match="above 0"):
            await waiting(place, ["x"], poll_interval_seconds=seconds)

    run(main())


# --- leaving


def test_one_may_leave_while_the_other_waits_on(slow_codat: LocalCodat) -> None:
    """A cancelled trigger takes its own wait along, and nobody else's."""
    keys = pushed(slow_codat, 2)

    async def main() -> PushOperationsEvent:
        place = place_of(slow_codat)
        leaving, staying = (waiting(place, [key]) for key in keys)
        await until(lambda: polls(slow_codat))
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        # Who is alone now asks for one key.
        await until(lambda: not polls(slow_codat)[-1].path.endswith("/push"))
        slow_codat.advance(minutes=20)
        return await staying

    event = run(main())
    assert event.status == "ended"
    assert list(event.push_operations) == keys[1:]


def test_the_last_who_leaves_stops_the_poller(slow_codat: LocalCodat) -> None:
    """Nothing is asked, and no thread waits, once nobody wants to know."""
    keys = pushed(slow_codat, 2)

    async def main() -> None:
        tasks = [waiting(place_of(slow_codat), [key]) for key in keys]
        await until(lambda: polls(slow_codat))
        assert poll_threads()
        for task in tasks:
            task.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(each) for each in done} == {asyncio.CancelledError}
        await until(lambda: not poll_threads())

    run(main())


def poll_threads() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name.startswith("codat-poll")]


def test_who_comes_after_the_last_has_left_is_served(slow_codat: LocalCodat) -> None:
    """A poller that is about to stop takes nobody in any more."""
    [key] = pushed(slow_codat)
    slow_codat.advance(minutes=20)

    async def main() -> PushOperationsEvent:
        first = waiting(place_of(slow_codat), [key])
        await asyncio.sleep(0)
        first.cancel()
        second = waiting(place_of(slow_codat), [key])
        await asyncio.gather(first, return_exceptions=True)
        return await second

    assert run(main()).status == "ended"


# --- deadlines


def test_a_deadline_that_passes_is_told(slow_codat: LocalCodat) -> None:
    """With what was seen last: the push operation goes on at Codat."""
    keys = pushed(slow_codat, 2)

    async def main() -> Events:
        early, late = (
            waiting(place_of(slow_codat), [key], deadline=time.time() + seconds)
            for key, seconds in zip(keys, [5, 600], strict=True)
        )
        events = [await early]
        slow_codat.advance(minutes=20)
        return [*events, await late]

    early, late = run(main())
    assert early.status == "deadline"
    assert [state.status for state in early.push_operations.values()] == ["Pending"]
    assert late.status == "ended"


def test_a_deadline_in_the_past_asks_nothing(slow_codat: LocalCodat) -> None:
    """It is a moment, not a duration: a triggerer that restarts grants no more time."""
    [key] = pushed(slow_codat)

    async def main() -> PushOperationsEvent:
        return await waiting(place_of(slow_codat), [key], deadline=time.time() - 1)

    assert run(main()) == PushOperationsEvent("deadline", {key: UNSEEN})
    assert polls(slow_codat) == []


@pytest.mark.parametrize(
    "order",
    [
        pytest.param({"kind": "codat_error_before_commit", "status": 500}, id="500"),
        pytest.param({"kind": "gateway_error_before_commit"}, id="502"),
        pytest.param({"kind": "reset_before_commit"}, id="reset"),
        pytest.param({"kind": "cut_body"}, id="cut"),
        pytest.param({"kind": "junk_body"}, id="junk"),
        pytest.param({"kind": "junk_body", "junk": "shape"}, id="another shape"),
        pytest.param({"kind": "junk_body", "junk": "foreign"}, id="of another company"),
        pytest.param({"kind": "too_many_requests", "retry_after": 0}, id="429"),
    ],
)
def test_what_may_pass_is_waited_out(
    slow_codat: LocalCodat, order: dict[str, Any]
) -> None:
    """An outage is no answer: it is asked again, until the deadline."""
    [key] = pushed(slow_codat)
    slow_codat.order(**order, route="get_push", count=3)
    slow_codat.advance(minutes=20)

    async def main() -> PushOperationsEvent:
        return await waiting(place_of(slow_codat), [key])

    assert run(main()).status == "ended"
    assert len(polls(slow_codat)) == 4


# --- errors


def test_an_error_reaches_all(slow_codat: LocalCodat) -> None:
    """What will not change ends every wait, with its reason and what was seen."""
    keys = pushed(slow_codat, 2)

    async def main() -> Events:
        tasks = [waiting(place_of(slow_codat), [key]) for key in keys]
        await until(lambda: polls(slow_codat))
        slow_codat.order(
            "codat_error_before_commit", status=402, route="list_push", count=9
        )
        return list(await asyncio.gather(*tasks))

    events = run(main())
    assert [(event.status, event.error) for event in events] == [
        ("error", "PaymentRequired")
    ] * 2
    assert "402" in events[0].message
    assert [list(event.push_operations) for event in events] == [[key] for key in keys]


def test_an_operation_that_is_gone_ends_its_own_wait(slow_codat: LocalCodat) -> None:
    """Codat once accepted it, so a record may exist; others wait on."""
    [key] = pushed(slow_codat)
    gone = str(uuid4())

    async def main() -> Events:
        lost = waiting(place_of(slow_codat), [gone])
        kept = waiting(place_of(slow_codat), [key])
        event = await lost
        slow_codat.advance(minutes=20)
        return [event, await kept]

    lost, kept = run(main())
    assert (lost.status, lost.error) == ("error", "OutcomeUnknown")
    assert f"{gone} is known no more, so a record may exist" in lost.message
    assert kept.status == "ended"


def test_an_event_names_every_operation(slow_codat: LocalCodat) -> None:
    """One that was never seen has an empty status: the task is to ask for it too."""
    [key] = pushed(slow_codat)
    gone = str(uuid4())

    async def main() -> PushOperationsEvent:
        return await waiting(place_of(slow_codat), [key, gone])

    event = run(main())
    assert (event.status, event.error) == ("error", "OutcomeUnknown")
    states = event.push_operations
    assert {key: state.status for key, state in states.items()} == {
        key: "Pending",
        gone: "",
    }


def test_one_operation_that_cannot_be_read_holds_up_no_other(
    slow_codat: LocalCodat,
) -> None:
    """What a poll has found before it failed is told all the same."""
    [key] = pushed(slow_codat)
    slow_codat.order(
        "codat_error_before_commit", status=500, route="get_push", count=9_999
    )
    slow_codat.advance(minutes=20)

    async def main() -> PushOperationsEvent:
        stuck = waiting(place_of(slow_codat), [str(uuid4())])
        event = await waiting(place_of(slow_codat), [key])
        stuck.cancel()
        await asyncio.gather(stuck, return_exceptions=True)
        return event

    assert run(main()).status == "ended"


@pytest.mark.parametrize("status", [401, 403])
def test_a_new_key_is_taken_up(
    slow_codat: LocalCodat, connection: Callable[..., str], status: int
) -> None:
    """A key that was replaced while tasks wait ends none of them."""
    keys = pushed(slow_codat, 2)
    place = place_of(slow_codat, conn_id="codat_other")

    def declare(version: str) -> None:
        fields = json.loads(slow_codat.airflow_connection())
        connection(**fields, extra={"headers": {"x-version": version}})

    async def main() -> Events:
        declare("old")
        tasks = [waiting(place, [key]) for key in keys]
        await until(lambda: polls(slow_codat))
        declare("new")
        slow_codat.order(
            "codat_error_before_commit", status=status, route="list_push", count=1
        )
        await until(lambda: versions(slow_codat)[-1] == "new")
        slow_codat.advance(minutes=20)
        return list(await asyncio.gather(*tasks))

    assert [event.status for event in run(main())] == ["ended", "ended"]
    assert [entry.status for entry in polls(slow_codat)].count(status) == 1


def versions(codat: LocalCodat) -> list[str | None]:
    found = [
        {name.lower(): text for name, text in entry.headers.items()}.get("x-version")
        for entry in polls(codat)
    ]
    return found or [None]


def test_a_key_that_stays_wrong_is_tried_twice(
    slow_codat: LocalCodat, connection: Callable[..., str]
) -> None:
    """Then all are told, with the reason: a person has to mend the connection."""
    keys = pushed(slow_codat, 2)
    connection(host=slow_codat.url, password=WRONG_KEY)

    async def main() -> Events:
        place = place_of(slow_codat, conn_id="codat_other")
        return list(await asyncio.gather(*(waiting(place, [key]) for key in keys)))

    events = run(main())
    assert {event.error for event in events} == {"NotAuthorised"}
    assert [event.push_operations for event in events] == [
        {key: UNSEEN} for key in keys
    ]
    assert "check the API key" in events[0].message
    assert [entry.status for entry in polls(slow_codat)] == [401, 401]
    assert WRONG_KEY not in str(events)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="no such connection"),
        pytest.param('{"conn_type": "codat"}', id="no key"),
        pytest.param(
            '{"conn_type": "codat", "password": "k", '
            '"extra": {"client_certificate_path": "/nowhere.pem"}}',
            id="a certificate that is not there",
        ),
    ],
)
def test_a_poller_that_dies_tells_all_and_the_next_join_gets_another(
    slow_codat: LocalCodat, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """No wait hangs on a poller that is no more, and none inherits its end."""
    keys = pushed(slow_codat, 2)
    slow_codat.advance(minutes=20)
    place = place_of(slow_codat, conn_id="codat_other")

    async def main() -> tuple[Events, Events]:
        if text:
            monkeypatch.setenv("AIRFLOW_CONN_CODAT_OTHER", text)
        dead = await asyncio.gather(*(waiting(place, [key]) for key in keys))
        mended = slow_codat.airflow_connection()
        monkeypatch.setenv("AIRFLOW_CONN_CODAT_OTHER", mended)
        alive = await asyncio.gather(*(waiting(place, [key]) for key in keys))
        return list(dead), list(alive)

    dead, alive = run(main())
    assert {event.error for event in dead} == {"SettingsInvalid"}
    assert {event.status for event in alive} == {"ended"}


def test_what_nobody_foresaw_is_told_and_logged_without_its_words(
    slow_codat: LocalCodat, logged: Callable[..., list[str]]
) -> None:
    """An error that is not ours may quote anything; where it was is in the log."""
    place = Place(CODAT, slow_codat.company_id, '["Fen"]')

    async def main() -> Events:
        tasks = [waiting(place, [str(uuid4())]) for _ in range(2)]
        return list(await asyncio.gather(*tasks))

    events = run(main())
    assert {event.error for event in events} == {"TypeError"}
    [line] = logged("broken off by TypeError")
    assert "_connect" in line
    assert "not a mapping" not in line
    assert "not a mapping" not in str(events)


def test_a_poller_that_is_cancelled_from_outside_tells_all(
    slow_codat: LocalCodat,
) -> None:
    """A wait that ended without a word would leave its task waiting for ever.

    And who joins before they have left joins another poller.
    """
    keys = pushed(slow_codat, 2)
    place = place_of(slow_codat)

    async def main() -> tuple[Events, PushOperationsEvent]:
        tasks = [waiting(place, [key]) for key in keys]
        await until(lambda: polls(slow_codat))
        slow_codat.advance(minutes=20)
        [poller] = pollers()
        poller.cancel()
        await asyncio.wait([poller])
        now = time.time()
        wait = Wait(keys, since=now, deadline=now + 9, poll_interval_seconds=0.05)
        later = await waited(place, wait)
        return list(await asyncio.gather(*tasks)), later

    events, later = run(main())
    assert {event.error for event in events} == {"CancelledError"}
    assert {event.status for event in events} == {"error"}
    assert later.status == "ended"


def test_secrets_are_masked_without_the_worker(
    slow_codat: LocalCodat, connection: Callable[..., str]
) -> None:
    """Airflow's masker knows what a poller sends before it is sent."""
    secrets = {"password": f"Key{uuid4().hex}", "x-secret-token": f"Tok{uuid4().hex}"}
    headers = {"x-secret-token": secrets["x-secret-token"]}
    connection(
        host=slow_codat.url, password=secrets["password"], extra={"headers": headers}
    )

    async def main() -> PushOperationsEvent:
        place = place_of(slow_codat, conn_id="codat_other")
        return await waiting(place, [str(uuid4())])

    assert run(main()).error == "NotAuthorised"
    encoded = authorization(secrets["password"]).removeprefix("Basic ")
    for secret in (*secrets.values(), encoded):
        assert secret not in redact(f"sent {secret}")


def test_a_poller_does_not_log_as_the_trigger_that_was_first(
    slow_codat: LocalCodat,
) -> None:
    """Airflow tells the log lines of triggers apart by their context."""
    [key] = pushed(slow_codat)
    slow_codat.order("gateway_error_before_commit", route="get_push", count=1)
    slow_codat.advance(minutes=20)
    whose: ContextVar[str] = ContextVar("whose", default="nobody's")
    heard = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.append((whose.get(), record.getMessage()))

    async def main() -> PushOperationsEvent:
        whose.set("the first trigger's")
        return await waiting(place_of(slow_codat), [key])

    logger, ear = logging.getLogger(waited.__module__), Ear()
    logger.addHandler(ear)
    try:
        assert run(main()).status == "ended"
    finally:
        logger.removeHandler(ear)
    assert {owner for owner, text in heard if "asked for again" in text} == {"nobody's"}


# --- nobody is held up


def test_a_company_that_hangs_or_fails_disturbs_no_other(
    slow_codat: LocalCodat,
    start_codat: Callable[..., LocalCodat],
    connection: Callable[..., str],
) -> None:
    """Each has its own thread: one that never answers delays nobody else's."""
    healthy, broken = slow_codat, start_codat()
    fields = json.loads(healthy.airflow_connection())
    [key] = pushed(healthy, conn_id=connection(**fields))
    for kind in ("no_answer_before_commit", "codat_error_before_commit"):
        broken.order(kind, status=500, seconds=5, route="get_push", count=99)
    healthy.advance(minutes=20)

    async def main() -> PushOperationsEvent:
        others = [
            waiting(place_of(broken, connect_timeout_seconds=n), [str(uuid4())])
            for n in (1, 2)
        ]
        await until(lambda: len(polls(broken)) == 2)
        event = await waiting(place_of(healthy, conn_id="codat_other"), [key])
        assert not any(task.done() for task in others)
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        return event

    assert run(main()).status == "ended"


def test_the_event_loop_is_not_held_up(slow_codat: LocalCodat) -> None:
    """While Codat hangs on 40 pollers, names are looked up and the loop runs on."""
    slow_codat.order("no_answer_before_commit", seconds=20, route="get_push", count=99)

    async def main() -> bool:
        # As each differs in a setting, none shares a poller.
        tasks = [
            waiting(place_of(slow_codat, connect_timeout_seconds=n), [str(uuid4())])
            for n in range(1, 41)
        ]
        await until(lambda: len(polls(slow_codat)) == 40)
        loop = asyncio.get_running_loop()
        for _ in range(20):
            await loop.getaddrinfo("localhost", 80)
            await asyncio.sleep(0)
        hanging = not any(task.done() for task in tasks)
        unanswered = [entry for entry in polls(slow_codat) if entry.status is None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return hanging and len(unanswered) == 40

    assert run(main())


# --- how often


def gap_after_429(codat: LocalCodat) -> float:
    """Return the seconds between the last 429 and the request after it.

    By Codat's clock.
    """
    entries = polls(codat)
    *_, index = (i for i, entry in enumerate(entries) if entry.status == 429)
    return (entries[index + 1].at - entries[index].at).total_seconds()


@pytest.mark.parametrize("form", ["seconds", "http-date"])
def test_nobody_asks_before_codat_wants_to_be_asked(
    local_codat: LocalCodat,
    form: Literal["seconds", "http-date"],
    logged: Callable[..., list[str]],
) -> None:
    """After a 429 neither those who wait nor those who join ask too early."""

    async def main() -> Events:
        # Its clock stays where ours is: a date is read by both.
        keys, before = pushed(local_codat, 3), len(polls(local_codat))
        local_codat.order(
            "too_many_requests", retry_after=1, retry_after_format=form, route="any"
        )
        place = place_of(local_codat)
        first, leaving = (waiting(place, [key]) for key in keys[:2])
        await until(lambda: len(polls(local_codat)) > before)
        joining = waiting(place, keys[2:], poll_interval_seconds=0.01)
        leaving.cancel()
        return [await first, await joining]

    # On a busy machine the answer may come too late to be read, and tells nobody.
    while not logged("asked for later"):
        assert [event.status for event in run(main())] == ["ended", "ended"]
    assert gap_after_429(local_codat) >= 1


def test_the_next_poller_knows_how_long_codat_wants_to_be_left_alone(
    slow_codat: LocalCodat, logged: Callable[..., list[str]]
) -> None:
    """The pause outlives those who caused it."""

    async def main() -> PushOperationsEvent:
        [key], place = pushed(slow_codat), place_of(slow_codat)
        slow_codat.advance(minutes=20)
        slow_codat.order("too_many_requests", retry_after=3, route="get_push")
        first = waiting(place, [key])
        # As above, or the answer comes too late to be read.
        await until(lambda: first.done() or logged("asked for later"))
        first.cancel()
        return await waiting(place, [key])

    while not logged("asked for later"):
        assert run(main()).status == "ended"
    assert gap_after_429(slow_codat) >= 3


def test_what_the_worker_was_told_counts(slow_codat: LocalCodat) -> None:
    """A wait may bring along how long Codat wants to be left alone."""
    [key] = pushed(slow_codat)
    begun = time.time()

    async def main() -> PushOperationsEvent:
        slow_codat.advance(minutes=20)
        return await waiting(place_of(slow_codat), [key], not_before=begun + 0.5)

    assert run(main()).status == "ended"
    [poll] = polls(slow_codat)
    assert poll.at.timestamp() - 20 * 60 >= begun + 0.5


def test_only_reads_leave_the_triggerer(slow_codat: LocalCodat) -> None:
    """Whatever befalls a poller, nothing that it sends can create a record."""
    keys = pushed(slow_codat, 2)
    sent = len(slow_codat.journal())
    for kind in ("reset_before_commit", "codat_error_before_commit", "junk_body"):
        slow_codat.order(kind, route="any")
    slow_codat.advance(minutes=20)

    async def main() -> PushOperationsEvent:
        return await waiting(place_of(slow_codat), keys)

    assert run(main()).status == "ended"
    methods = {entry.method for entry in slow_codat.journal()[sent:]}
    assert methods == {"GET"}
    assert len(slow_codat.operations()) == 2
