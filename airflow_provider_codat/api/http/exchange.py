"""Conversations with Codat, and the two drivers that carry them out.

A conversation is a generator. It yields :class:`Send` or :class:`Pause`, is sent
the reply, and decides everything; it does nothing itself. So the worker and the
triggerer, which wait in different ways, cannot come to different decisions.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any, TypeAlias, TypeVar

from airflow_provider_codat.api.data_types import DataType
from airflow_provider_codat.api.errors import CodatError, Malformed, RateLimited
from airflow_provider_codat.api.http.exchange_outcome import Outcome
from airflow_provider_codat.api.http.request import NoAnswer, Reply, Request, Response
from airflow_provider_codat.api.http.response import (
    LIMITED_SECONDS,
    is_ours,
    limited_seconds,
    push_operation_of,
    retry_after_seconds,
)
from airflow_provider_codat.api.http.retry import (
    KEY_MEMORY_SECONDS,
    Answer,
    Sends,
    Verdict,
    after_get,
    after_post,
    after_single,
    after_update,
    backoff,
)
from airflow_provider_codat.api.http.telemetry import UNHEARD, Exchange, Telemetry
from airflow_provider_codat.api.models import Destination, PushOperation
from airflow_provider_codat.api.pace.rate_limit import WINDOW_SECONDS, Pace

T = TypeVar("T")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Turn:
    """Take the next send, and come back with 0; or with how many seconds to wait.

    :param pace: of whom to take it.
    :param company_id: whose books are asked for; empty where nobody's are.
    :param now: epoch seconds.
    """

    pace: Pace
    company_id: str
    now: float


@dataclass(frozen=True, slots=True)
class Send:
    """Send this request, and come back with the reply."""

    request: Request


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait so long.

    :param reason: for the log; empty where it is not worth a line.
    """

    seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class DeferrablePause(Pause):
    """Wait so long, here or elsewhere.

    All that is needed to go on is in the journal: whoever carries out the conversation
    may stop, and begin a new one when the time has come.
    """


@dataclass(frozen=True, slots=True)
class Note:
    """Write this into the journal, and go on once it is kept.

    :param entry: whatever the journal keeps.
    """

    entry: Any


Noted: TypeAlias = Callable[[Verdict, Answer, float], Any]
"""What an answer, judged and come at a moment, means for the journal."""


def _unnoted(_verdict: Verdict, _answer: Answer, _at: float) -> None:
    """Note nothing: there is no journal."""


Conversation: TypeAlias = Generator[Turn | Send | Pause | Note, Any, T]


@dataclass(frozen=True, slots=True)
class Patience:
    """How a conversation takes its time.

    :param budget_seconds: how long one call may go on repeating and waiting.
    :param pace: how fast requests may follow each other.
    :param clock: gives epoch seconds.
    :param dice: gives a number from 0 up to 1.
    :param telemetry: is told what happens meanwhile.
    """

    budget_seconds: float
    pace: Pace
    clock: Callable[[], float] = time.time
    dice: Callable[[], float] = random.random
    telemetry: Telemetry = UNHEARD


def get(
    request: Request, read: Callable[[Response], T], patience: Patience
) -> Conversation[T]:
    """Ask, as often as it takes.

    :param read: turns a 2xx into a value, or raises :class:`Malformed`.
    """
    return _exchange(request, _timeless(read), _deciding(after_get), patience, Sends())


def post(
    request: Request,
    read: Callable[[Response], T],
    patience: Patience,
    *,
    redact: Callable[[str], str] = str,
) -> Conversation[T]:
    """Send a POST or PATCH that carries an idempotency key."""
    return _exchange(request, _timeless(read), after_post, patience, Sends(), redact)


def send_once(
    request: Request,
    read: Callable[[Response], T],
    patience: Patience,
    *,
    redact: Callable[[str], str] = str,
) -> Conversation[T]:
    """Send a PUT or DELETE: again only where it provably changed nothing."""
    decide = _deciding(after_single)
    return _exchange(request, _timeless(read), decide, patience, Sends(), redact)


def create(  # noqa: PLR0913 - one for each thing that differs
    request: Request,
    destination: Destination,
    data_type: DataType,
    patience: Patience,
    *,
    sends: Sends,
    noted: Noted = _unnoted,
    reused_key: bool = False,
    redact: Callable[[str], str] = str,
    read: Callable[[Response, float], PushOperation] | None = None,
) -> Conversation[PushOperation]:
    """Ask Codat to create a record, and return the push operation that does it.

    :param sends: what earlier tries left open.
    :param noted: what an answer means for the journal.
    :param reused_key: whether somebody may have sent this key before, so that Codat
        may answer with a push operation of then.
    :param redact: takes the payload's own values out of Codat's words.
    :param read: reads the answer; by default it has to be such a push operation.
    """
    memory = KEY_MEMORY_SECONDS if reused_key else 0
    read = read or _ours(destination, data_type, memory)
    return _exchange(request, read, after_post, patience, sends, redact, noted)


def update(
    request: Request,
    destination: Destination,
    data_type: DataType,
    patience: Patience,
    *,
    sends: Sends,
    noted: Noted = _unnoted,
    redact: Callable[[str], str] = str,
) -> Conversation[PushOperation]:
    """Ask Codat to change a record, and return the push operation that does it.

    :param sends: what earlier tries left open.
    :param noted: what an answer means for the journal.
    :param redact: takes the payload's own values out of Codat's words.
    :raises OutcomeUnknown: when it was refused after a send whose outcome is open; the
        refusal is its cause.
    """
    read = _ours(destination, data_type)
    return _exchange(request, read, after_update, patience, sends, redact, noted)


def _ours(
    destination: Destination, data_type: DataType, memory_seconds: float = 0.0
) -> Callable[[Response, float], PushOperation]:
    """Return what reads a push operation, and no other one than ours.

    :param memory_seconds: for how long before the first send it may have been asked
        for.
    """

    def read(response: Response, first_sent_at: float) -> PushOperation:
        operation = push_operation_of(response)
        if not is_ours(
            operation,
            response,
            destination=destination,
            data_type=data_type,
            first_sent_at=first_sent_at - memory_seconds,
        ):
            raise Malformed("the answer describes another push operation than ours")
        return operation

    return read


def _timeless(read: Callable[[Response], T]) -> Callable[[Response, float], T]:
    """Let a reader that needs no time stand where one that does may stand."""
    return lambda response, _: read(response)


def _deciding(
    table: Callable[[Answer], Verdict],
) -> Callable[[Answer, Sends], Verdict]:
    """Let a table that needs no history stand where one that does may stand."""
    return lambda answer, _: table(answer)


def _exchange(
    request: Request,
    read: Callable[[Response, float], T],
    decide: Callable[[Answer, Sends], Verdict],
    patience: Patience,
    sends: Sends,
    redact: Callable[[str], str] = str,
    noted: Noted = _unnoted,
) -> Conversation[T]:
    """Send, judge, wait, send again: until it is answered or hopeless."""
    give_up_at = patience.clock() + patience.budget_seconds
    outcome = Outcome(request, sends, redact)
    for attempt in count():
        yield from _turn(request, patience, give_up_at)
        outcome.begin(patience.clock())
        reply = yield from _sent(request, patience)
        value, answer = outcome.take(reply, read)
        verdict = decide(answer, outcome.sends)
        if verdict is Verdict.ACCEPT:
            return value  # type: ignore[return-value] # an accepted reply was read
        if entry := noted(verdict, answer, patience.clock()):
            yield Note(entry)
        outcome.sends = outcome.sends.answered(answer)
        if verdict in {Verdict.REFUSE, Verdict.UNKNOWN}:
            raise outcome.ended(verdict) from _refusal(outcome, verdict, answer)
        seconds = _wait_seconds(verdict, reply, attempt, patience)
        if patience.clock() + seconds > give_up_at or outcome.hopeless:
            raise outcome.given_up(patience.clock() + seconds)
        patience.telemetry.repeated(Exchange.of(request, reply))
        yield Pause(seconds, outcome.said())
    raise AssertionError  # pragma: no cover - count() does not end


def _refusal(outcome: Outcome, verdict: Verdict, answer: Answer) -> CodatError | None:
    """Return the refusal that proves nothing, where it is one."""
    refused = 400 <= (answer.status or 0) < 500  # noqa: PLR2004 - HTTP's own numbers
    proves_nothing = verdict is Verdict.UNKNOWN and refused
    return outcome.ended(Verdict.REFUSE) if proves_nothing else None


def _sent(request: Request, patience: Patience) -> Conversation[Reply]:
    """Send it once."""
    reply: Reply = yield Send(request)
    patience.telemetry.requested(Exchange.of(request, reply))
    return reply


def _turn(
    request: Request, patience: Patience, give_up_at: float
) -> Conversation[None]:
    """Wait until the next request may go out.

    What is written down before it is sent may not wait for long: a later try reckons
    from then.

    :raises RateLimited: when that takes too long: others are before it, or Codat has
        asked one of them to come back later.
    """
    last = patience.clock() + WINDOW_SECONDS
    if request.method == "GET":
        last = max(last, give_up_at)
    while True:
        now = patience.clock()
        seconds: float = yield Turn(patience.pace, request.company_id, now)
        if seconds <= 0:
            return
        if now + seconds > last:
            raise RateLimited(
                f"{request} was not sent: the requests that all processes share are "
                "used up, or Codat has asked one of them to come back later",
                until=now + seconds,
            )
        # A short one is not worth a line: many wait in turn for one that ends.
        worth = seconds >= _TOLD_SECONDS
        yield Pause(seconds, "requests_per_minute are used up" if worth else "")


def _wait_seconds(
    verdict: Verdict, reply: Reply, attempt: int, patience: Patience
) -> float:
    """Return how long to wait before the same is sent again; tell of a 429."""
    if verdict is not Verdict.REPEAT_LATER:
        return backoff(attempt, patience.dice)
    asked = None if isinstance(reply, NoAnswer) else retry_after_seconds(reply)
    if asked is None:
        seconds = backoff(attempt, patience.dice, first_seconds=LIMITED_SECONDS)
    else:
        # "0" may be repeated without end.
        seconds = max(asked, backoff(attempt, patience.dice))
    patience.telemetry.rate_limited(seconds)
    return seconds


_TOLD_SECONDS = 1.0


def drive(
    conversation: Conversation[T],
    send: Callable[[Request], Reply],
    sleep: Callable[[float], None] = time.sleep,
    *,
    note: Callable[[Any], None] = lambda _entry: None,
    on_pause: Callable[[DeferrablePause], None] | None = None,
) -> T:
    """Carry out a conversation in this thread.

    :param send: sends once and never raises, such as ``Transport.send``.
    :param note: keeps an entry of the journal; by default there is none.
    :param on_pause: waits where the conversation may be broken off; it may raise, to go
        on in another process. By default, ``sleep``.
    """
    reply: Reply | float | None = None
    turn: Turn | None = None
    try:
        while True:
            step = conversation.send(reply)
            reply = None
            match step:
                case Turn():
                    turn, reply = step, _acquired(step)
                case Send():
                    reply = _sent_in(turn, step.request, send)
                case Note():
                    note(step.entry)
                case DeferrablePause() if on_pause is not None:
                    on_pause(step)
                case _:
                    _tell(step)
                    sleep(step.seconds)
    except StopIteration as end:
        result: T = end.value
        return result


async def adrive(
    conversation: Conversation[T],
    send: Callable[[Request], Reply],
    executor: Executor,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> T:
    """Carry out a conversation of GETs without holding up the event loop.

    :param executor: where the blocking sends run. Not the loop's own, which the
        name look-ups of every other trigger share.
    :raises CodatError: when the conversation wants to send anything but a GET, which a
        triggerer that is restarted would send again, or to write into the journal.
    """
    loop = asyncio.get_running_loop()
    reply: Reply | float | None = None
    turn: Turn | None = None
    try:
        while True:
            step = conversation.send(reply)
            reply = None
            match step:
                case Turn():
                    turn = step
                    reply = await loop.run_in_executor(executor, _acquired, turn)
                case Send(Request(method="GET") as asked):
                    work = partial(_sent_in, turn, asked, send)
                    reply = await loop.run_in_executor(executor, work)
                case Pause():
                    _tell(step)
                    await sleep(step.seconds)
                case Send(request):
                    raise CodatError(f"only a worker may send {request}")
                case Note():
                    raise CodatError("only a worker may write into the journal")
    except StopIteration as end:
        result: T = end.value
        return result


def _acquired(turn: Turn) -> float:
    return turn.pace.acquire(turn.company_id, turn.now)


def _sent_in(
    turn: Turn | None, request: Request, send: Callable[[Request], Reply]
) -> Reply:
    """Send a request in its turn, and let the next one have it."""
    reply = send(request)
    if turn is not None:
        turn.pace.release(turn.company_id, limited_seconds(reply))
    return reply


def _tell(pause: Pause) -> None:
    if pause.reason:
        log.info("%s; going on in %.1f s", pause.reason, pause.seconds)
