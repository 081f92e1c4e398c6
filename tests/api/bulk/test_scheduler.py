"""The laws of many conversations in one thread."""

import json
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import pytest

from airflow_provider_codat.api.bulk.scheduler import (
    ReconcileRequest,
    RunningConversation,
    Scheduler,
)
from airflow_provider_codat.api.create.journal import Entry, Kind
from airflow_provider_codat.api.errors import CodatError, Unreachable
from airflow_provider_codat.api.http.exchange import Note, Pause, Send, Turn
from airflow_provider_codat.api.http.request import Reply, Request, Response
from airflow_provider_codat.api.http.sender_threads import NOT_SENT
from airflow_provider_codat.api.pace.rate_limit import WINDOW_SECONDS, Pace

Clock: TypeAlias = Any
Says = Generator[Any, Any, Any]
COMPANY = "8a210b68-6988-11ed-a1eb-0242ac120002"
SEARCH: Any = "what is looked for"


def ask(name: str) -> Says:
    """Send one request, in its turn."""
    assert (yield Turn(Pace(1), COMPANY, 0.0)) == 0.0
    return (yield Send(Request("GET", f"/{name}")))


def note(kind: Kind) -> Note:
    return Note(Entry(kind, 0, 0.0))


def answer(status: int = 200, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, named, json.dumps({}).encode(), 0.0)


class Wire:
    """Stands for the threads: what was given, and the replies that a test gives."""

    def __init__(self) -> None:
        self.given: list[tuple[RunningConversation, Request]] = []
        self.replies: list[tuple[RunningConversation, Reply]] = []
        self.waited: list[float] = []
        self.stopped = False

    @property
    def under_way(self) -> int:
        return len(self.given) + len(self.replies)

    def give(self, running: RunningConversation, request: Request) -> None:
        self.given.append((running, request))

    def take(self, timeout_seconds: float) -> tuple[RunningConversation, Reply] | None:
        self.waited.append(timeout_seconds)
        return self.replies.pop(0) if self.replies else None

    def stop(self) -> None:
        self.stopped = True

    def reply(self, reply: Reply) -> None:
        """Answer the oldest request."""
        running, _ = self.given.pop(0)
        self.replies.append((running, reply))

    @property
    def asked(self) -> list[str]:
        return [request.path for _, request in self.given]


class Watched(Pace):
    """A pace that tells what was taken of it and given back, and may say no."""

    def __init__(self, requests: int) -> None:
        super().__init__(requests)
        self.told: list[object] = []
        self.held_seconds = 0.0

    def acquire(self, company_id: str, now: float) -> float:
        seconds = self.held_seconds or super().acquire(company_id, now)
        if seconds <= 0:
            self.told.append(company_id)
        return seconds

    def release(self, company_id: str, limited_seconds: float) -> None:
        self.told.append((company_id, limited_seconds))


@dataclass
class Scene:
    """A scheduler, and all that came of its conversations."""

    clock: Clock
    most: int = 10
    requests_per_minute: int = 900
    goes_on: tuple[Kind, ...] = ()
    said: list[object] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.pace = Watched(self.requests_per_minute)
        self.codat_request = Wire()
        senders: Any = self.codat_request
        self.scheduler = Scheduler(senders, self.pace, COMPANY, self.most, self.clock)

    def running(self, conversation: Says) -> RunningConversation:
        return RunningConversation(
            conversation, self._note, self.said.append, self.said.append
        )

    def begin(self, conversation: Says) -> RunningConversation:
        running = self.running(conversation)
        self.scheduler.begin(running)
        return running

    def _note(self, entry: Entry) -> bool:
        self.said.append(entry.kind)
        return entry.kind in self.goes_on

    def run_once(self) -> None:
        self.scheduler.run_once(0.5)


def asking(*names: str) -> Says:
    """Send one request after the other; return the statuses."""
    statuses = []
    for name in names:
        reply = yield from ask(name)
        statuses.append(reply.status)
    return statuses


def test_a_conversation(clock: Clock) -> None:
    """A conversation is carried out to its end; what it returns is handed over."""
    scene = Scene(clock)
    scene.begin(asking("a", "b"))
    scene.run_once()
    assert scene.codat_request.asked == ["/a"]
    scene.codat_request.reply(answer(201))
    scene.run_once()
    assert scene.codat_request.asked == ["/b"]
    scene.codat_request.reply(answer(202))
    scene.run_once()
    assert scene.said == [[201, 202]]
    assert (scene.scheduler.requests, scene.scheduler.under_way) == (2, 0)


def test_in_their_order(clock: Clock) -> None:
    """Conversations send in the order in which they came to have something to send."""
    scene = Scene(clock)
    for name in "abc":
        scene.begin(asking(name))
    scene.scheduler.queue(scene.running(asking("d")))
    scene.run_once()
    assert scene.codat_request.asked == ["/a", "/b", "/c", "/d"]


def test_so_many_at_a_time(clock: Clock) -> None:
    """No more requests are given to the threads than may be under way."""
    scene = Scene(clock, most=2)
    for number in range(20):
        scene.begin(asking(str(number)))
    scene.run_once()
    assert scene.codat_request.under_way == 2
    assert scene.scheduler.due == 18
    scene.codat_request.reply(answer())
    scene.run_once()
    assert scene.codat_request.under_way == 2


def test_one_pace(clock: Clock) -> None:
    """The pace is that of all conversations together."""
    scene = Scene(clock, requests_per_minute=2)
    for name in "abc":
        scene.begin(asking(name))
    scene.run_once()
    assert scene.codat_request.asked == ["/a", "/b"]
    clock.advance(WINDOW_SECONDS - 1)
    scene.run_once()
    assert scene.codat_request.asked == ["/a", "/b"]
    clock.advance(1.001)
    scene.run_once()
    assert scene.codat_request.asked == ["/a", "/b", "/c"]


def test_every_turn_is_taken_and_given_back(clock: Clock) -> None:
    """What is sent was taken of the pace, once; every answer gives it back, 429 or not.

    The pace may be that of many processes: one turn too many is another one's.
    """
    scene = Scene(clock)
    for name in "abc":
        scene.begin(asking(name))
    scene.run_once()
    scene.run_once()
    assert scene.pace.told == [COMPANY] * 3
    for reply in (answer(), NOT_SENT, answer(429, retry_after="7")):
        scene.codat_request.reply(reply)
    scene.run_once()
    assert scene.pace.told[3:] == [(COMPANY, 0.0), (COMPANY, 0.0), (COMPANY, 7.0)]


def test_a_turn_that_nobody_used_is_used_by_the_next(clock: Clock) -> None:
    """A conversation that sends nothing in its turn leaves it to the next one."""

    def silent() -> Says:
        return "sent nothing"
        yield

    scene = Scene(clock)
    scene.scheduler.queue(scene.running(silent()))
    scene.run_once()
    assert scene.said == ["sent nothing"]
    scene.begin(asking("a"))
    scene.run_once()
    assert scene.codat_request.asked == ["/a"]
    assert scene.pace.told == [COMPANY]


def test_a_turn_that_nobody_will_use_is_given_back(clock: Clock) -> None:
    """Who stops holds nothing that others share."""

    def silent() -> Says:
        return "sent nothing"
        yield

    scene = Scene(clock)
    scene.scheduler.queue(scene.running(silent()))
    scene.run_once()
    for _ in range(2):
        scene.scheduler.stop()
    assert scene.pace.told == [COMPANY, (COMPANY, 0.0)]


@pytest.mark.parametrize("seconds", [0.5, 30.0, 4000.0])
def test_who_shares_the_pace_may_hold_all_back(clock: Clock, seconds: float) -> None:
    """Nothing is sent, and the pace is not asked, before the time that it has said."""
    scene = Scene(clock)
    scene.begin(asking("a"))
    scene.pace.held_seconds = seconds
    scene.run_once()
    scene.pace.held_seconds = 0.0
    clock.advance(seconds - 0.1)
    scene.run_once()
    assert (scene.codat_request.asked, scene.pace.told) == ([], [])
    assert scene.codat_request.waited[-1] == pytest.approx(0.1)
    clock.advance(0.2)
    scene.run_once()
    assert scene.codat_request.asked == ["/a"]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        pytest.param({"retry_after": "300"}, 300, id="as long as Codat says"),
        pytest.param({"retry_after": "0"}, 0, id="at once"),
        pytest.param({}, 10, id="where it does not say"),
    ],
)
def test_a_429_holds_all_back(
    clock: Clock, headers: dict[str, str], seconds: float
) -> None:
    """When Codat asks one to come back later, none sends before then."""
    scene = Scene(clock)
    scene.begin(asking("a"))
    scene.run_once()
    scene.codat_request.reply(answer(429, **headers))
    scene.run_once()
    scene.begin(asking("b"))
    scene.scheduler.queue(scene.running(asking("c")))
    if seconds:
        clock.advance(seconds - 1)
        scene.run_once()
        assert scene.codat_request.asked == []
        clock.advance(1.001)
    scene.run_once()
    assert scene.codat_request.asked == ["/b", "/c"]


def test_a_shorter_wait_does_not_undo_a_longer_one(clock: Clock) -> None:
    """Of two answers that ask to wait, the longer wait holds."""
    scene = Scene(clock)
    scene.begin(asking("a"))
    scene.begin(asking("b"))
    scene.run_once()
    scene.codat_request.reply(answer(429, retry_after="300"))
    scene.codat_request.reply(answer(429, retry_after="1"))
    scene.run_once()
    scene.begin(asking("c"))
    clock.advance(200)
    scene.run_once()
    assert scene.codat_request.asked == []


def test_nothing_is_sent_before_it_is_written(clock: Clock) -> None:
    """Who waits for the journal goes on when it is written, and not before."""

    def creating(name: str) -> Says:
        yield note("intent")
        yield from ask(name)

    scene = Scene(clock)
    scene.begin(creating("a"))
    scene.begin(creating("b"))
    for _ in range(3):
        clock.advance(100)
        scene.run_once()
    assert scene.codat_request.asked == []
    assert len(scene.scheduler.unwritten) == 2
    scene.scheduler.written()
    scene.begin(creating("c"))
    scene.run_once()
    assert scene.codat_request.asked == ["/a", "/b"]
    assert len(scene.scheduler.unwritten) == 1


def test_some_entries_hold_nothing_up(clock: Clock) -> None:
    """Who need not wait for the journal goes on at once."""

    def concluding() -> Says:
        yield note("op")
        yield note("end")
        return "done"

    scene = Scene(clock, goes_on=("op", "end"))
    scene.begin(concluding())
    assert scene.said == ["op", "end", "done"]


@pytest.mark.parametrize("kind", ["no", "5xx", "2xx", "released", "limited", "doubt"])
def test_what_an_answer_means_waits_for_no_turn(clock: Clock, kind: Kind) -> None:
    """However long nothing may be sent, what an answer means is known when written."""

    def refused() -> Says:
        reply = yield from ask("a")
        yield note(kind)
        raise Unreachable(str(reply.status))

    scene = Scene(clock)
    scene.begin(refused())
    scene.run_once()
    scene.codat_request.reply(answer(429, retry_after="20000"))
    scene.run_once()
    scene.scheduler.written()
    assert scene.said[0] == kind
    assert isinstance(scene.said[1], Unreachable)


@pytest.mark.parametrize("kind", ["intent", "stale_resolution"])
def test_who_sends_next_looks_at_the_clock_then(clock: Clock, kind: Kind) -> None:
    """Between its look at the clock and its send nobody waits for a pause to end."""

    def punctual() -> Says:
        yield note(kind)
        scene.said.append(clock())
        yield from ask("a")

    scene = Scene(clock)
    scene.scheduler.held_until = clock() + 4000
    scene.begin(punctual())
    scene.scheduler.written()
    scene.run_once()
    clock.advance(4001)
    scene.run_once()
    assert scene.said == [kind, clock()]
    assert scene.codat_request.asked == ["/a"]


def test_who_is_queued_looks_at_the_clock_in_its_turn(clock: Clock) -> None:
    """A conversation that is queued does not begin before it may send."""

    def punctual() -> Says:
        scene.said.append(clock())
        yield from ask("a")

    scene = Scene(clock)
    scene.scheduler.held_until = clock() + 4000
    scene.scheduler.queue(scene.running(punctual()))
    scene.run_once()
    assert scene.said == []
    clock.advance(4001)
    scene.run_once()
    assert scene.said == [clock()]


def test_pauses(clock: Clock) -> None:
    """Each conversation sleeps as long as it asked to, whoever else sleeps."""

    def sleeping(name: str, seconds: float) -> Says:
        yield Pause(seconds, "")
        yield from ask(name)

    scene = Scene(clock)
    scene.begin(sleeping("late", 20.0))
    scene.begin(sleeping("soon", 5.0))
    assert scene.scheduler.asleep == 2
    assert scene.scheduler.wakes_at == clock() + 5.0
    clock.advance(4.9)
    scene.run_once()
    assert scene.codat_request.asked == []
    assert scene.codat_request.waited[-1] == pytest.approx(0.1)
    clock.advance(0.2)
    scene.run_once()
    assert scene.codat_request.asked == ["/soon"]
    clock.advance(15.0)
    scene.run_once()
    assert scene.codat_request.asked == ["/soon", "/late"]
    assert scene.scheduler.wakes_at is None


def test_the_books(clock: Clock) -> None:
    """Who asks the books waits until all are answered, or told why they are not."""

    def searching() -> Says:
        try:
            found = yield ReconcileRequest(0.0, "", SEARCH)
        except CodatError as error:
            return error
        return found

    scene = Scene(clock)
    scene.begin(searching())
    scene.begin(searching())
    clock.advance(1000)
    scene.run_once()
    assert scene.said == []
    (first, reconcile), (second, _) = scene.scheduler.reconcile_requests
    assert reconcile.search == SEARCH
    scene.scheduler.answer(first, "found")
    error = Unreachable("no answer")
    scene.scheduler.answer(second, None, error)
    assert scene.said == ["found", error]


def test_errors(clock: Clock) -> None:
    """The error that a conversation ends in is handed over, and hurts no other one."""

    def failing() -> Says:
        yield from ask("a")
        raise Unreachable("no answer")

    scene = Scene(clock)
    scene.begin(failing())
    scene.begin(asking("b"))
    scene.run_once()
    scene.codat_request.reply(answer())
    scene.codat_request.reply(answer(204))
    scene.run_once()
    assert isinstance(scene.said[0], Unreachable)
    assert scene.said[1] == [204]


def test_the_finish(clock: Clock) -> None:
    """After the finish nothing is sent; what is under way is still taken in."""
    scene = Scene(clock)
    scene.begin(asking("a", "b"))
    scene.begin(asking("c"))
    scene.run_once()
    scene.scheduler.finish()
    scene.scheduler.queue(scene.running(asking("d")))
    scene.codat_request.reply(answer())
    scene.codat_request.reply(answer(204))
    scene.run_once()
    assert scene.codat_request.asked == []
    assert scene.said == [[204]]
    assert scene.codat_request.waited[-1] == 0.0
    scene.run_once()
    assert scene.codat_request.waited[-1] == 0.5, (
        "nothing is to be done: it has to wait"
    )


def test_the_stop(clock: Clock) -> None:
    """The stop is told to the threads."""
    scene = Scene(clock)
    scene.scheduler.stop()
    assert scene.codat_request.stopped


def test_what_was_not_sent(clock: Clock) -> None:
    """What the threads did not send any more counts as never sent, and goes no further.

    Its conversation does not learn of it: it would send again.
    """
    scene = Scene(clock)
    running = scene.begin(asking("a", "b"))
    scene.run_once()
    assert (running.sent, scene.scheduler.requests) == (1, 1)
    scene.codat_request.reply(NOT_SENT)
    scene.run_once()
    assert (running.sent, scene.scheduler.requests) == (0, 0)
    assert scene.scheduler.halted
    assert scene.codat_request.asked == []


def test_the_latest_answer(clock: Clock) -> None:
    """The latest answer is at hand: it tells what is left of the day."""
    scene = Scene(clock)
    scene.begin(asking("a"))
    scene.run_once()
    reply = answer(200, x_rate_limit_remaining="7")
    scene.codat_request.reply(reply)
    scene.run_once()
    assert scene.scheduler.latest is reply
