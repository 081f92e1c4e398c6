"""Many conversations at once, in one thread; only their requests go out in others.

Each conversation decides for itself, as it would alone. Here is decided whose turn it
is: requests share one pace, and when Codat asks one of them to come back later, all
hold back.
"""

import heapq
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

from airflow_provider_codat.api.create.journal import Entry, Kind
from airflow_provider_codat.api.create.search import Search
from airflow_provider_codat.api.errors import CodatError
from airflow_provider_codat.api.http.exchange import (
    Conversation,
    Note,
    Pause,
    Send,
    Turn,
)
from airflow_provider_codat.api.http.request import Reply, Request, Response
from airflow_provider_codat.api.http.response import limited_seconds
from airflow_provider_codat.api.http.sender_threads import NOT_SENT, SenderThreads
from airflow_provider_codat.api.pace.rate_limit import WINDOW_SECONDS, Pace

_FAULTS = 3
"""How many faults in a row, for each request at a time, are an outage."""

_BEFORE_A_SEND: set[Kind] = {"intent", "stale_resolution"}
"""After which entries a conversation goes on to send."""


@dataclass(frozen=True, slots=True)
class ReconcileRequest(Pause):
    """Wait until the books have been asked, for this search and for others.

    :param closely: whether to compare what is found; else the list alone is read.
    """

    search: Search
    closely: bool = True


@dataclass(slots=True, eq=False)
class RunningConversation:
    """One conversation under way.

    :param note: takes an entry; returns whether the conversation may go on before the
        entry is written down.
    :param done: takes what the conversation returns.
    :param failed: takes the error that it ends in.
    :param item: names the row that it is of; empty where it is of none.
    :param sent: how many requests it has sent.
    """

    conversation: Conversation[Any]
    note: Callable[[Entry], bool]
    done: Callable[[Any], None]
    failed: Callable[[CodatError], None]
    item: bytes = b""
    sent: int = 0


class Scheduler:
    """Carries out conversations, many at once.

    :param senders: send the requests.
    :param pace: how fast requests may follow each other, of all together.
    :param company_id: whose books they ask for.
    :param most: how many requests there may be at a time.
    :param is_stopped: whether the task was told to stop.
    """

    def __init__(
        self,
        senders: SenderThreads[RunningConversation],
        pace: Pace,
        company_id: str,
        most: int,
        clock: Callable[[], float] = time.time,
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._pace = pace
        self._company_id = company_id
        self._is_stopped = is_stopped
        self._senders = senders
        self.most = most
        self._clock = clock
        self._queued: deque[RunningConversation] = deque()
        self._ready: deque[RunningConversation] = deque()
        self._has_turn = False
        self._next_turn_at = 0.0
        self._asleep: list[tuple[float, int, RunningConversation]] = []
        self._order = count()
        self.unwritten: list[tuple[RunningConversation, Kind]] = []
        self.reconcile_requests: list[tuple[RunningConversation, ReconcileRequest]] = []
        self.held_until = 0.0
        self.requests = 0
        self.rate_limited = 0
        self.halted = False
        self._faults_in_a_row = 0
        self._finishing = False
        self.latest: Response | None = None

    @property
    def due(self) -> int:
        """How many conversations have something to send now."""
        return len(self._queued) + len(self._ready)

    @property
    def in_trouble(self) -> bool:
        """Whether nothing but faults has come back for a while."""
        return self._faults_in_a_row >= _FAULTS * self.most

    @property
    def under_way(self) -> int:
        """How many requests are not answered yet."""
        return self._senders.under_way

    @property
    def wakes_at(self) -> float | None:
        """When the next conversation goes on that waits for a time: epoch seconds."""
        return self._asleep[0][0] if self._asleep else None

    @property
    def asleep(self) -> int:
        """How many conversations wait for a time."""
        return len(self._asleep)

    def begin(self, running: RunningConversation) -> None:
        """Take up a conversation, as far as it goes without a request."""
        self._step(running)

    def queue(self, running: RunningConversation) -> None:
        """Take up a conversation when it is its turn to send.

        One that has nothing to write down before would else look at the clock long
        before it sends.
        """
        self._queued.append(running)

    def written(self) -> None:
        """Let those go on whose entries are written down; to send, in their turn."""
        written, self.unwritten = self.unwritten, []
        for running, kind in written:
            if kind in _BEFORE_A_SEND:
                self._queued.append(running)
            else:
                # What an answer means is known, however long nothing may be sent.
                self._step(running)

    def answer(
        self,
        running: RunningConversation,
        value: object,
        error: CodatError | None = None,
    ) -> None:
        """Let a conversation go on that has asked for the books."""
        self._step(running, value, error)

    def run_once(self, most_seconds: float) -> None:
        """Send what may be sent, and take in what comes within a time."""
        self.halted = self.halted or self._is_stopped()
        self._wake()
        self._send()
        seconds = min(most_seconds, self._idle_seconds())
        answered = self._senders.take(seconds)
        while answered is not None:
            self._take(*answered)
            self._send()
            answered = self._senders.take(0.0)

    def finish(self) -> None:
        """Start no request any more; what is under way is awaited."""
        self._finishing = True

    def stop(self) -> None:
        """Start no request any more, and wait for nothing."""
        if self._has_turn:
            self._has_turn = False
            self._pace.release(self._company_id, 0.0)
        self._senders.stop()

    def _wake(self) -> None:
        now = self._clock()
        while self._asleep and self._asleep[0][0] <= now:
            self._queued.append(heapq.heappop(self._asleep)[2])

    def _idle_seconds(self) -> float:
        """Return after how long there is something to do, answers apart."""
        now = self._clock()
        moments = [self._asleep[0][0]] if self._asleep else []
        if self._may_give():
            moments.append(max(self.held_until, self._next_turn_at))
        return max(0.0, min(moments, default=now + 3600.0) - now)

    def _send(self) -> None:
        """Give the senders what they may send."""
        while self._may_give() and self._take_turn():
            if self._ready:
                self._step(self._ready.popleft(), 0.0)
            else:
                # Not before it is its turn: it looks at the clock when it goes on.
                self._step(self._queued.popleft())

    def _may_give(self) -> bool:
        """Whether there is something to send, and a thread for it."""
        free = self._senders.under_way < self.most
        return self.due > 0 and free and not self._finishing

    def _take_turn(self) -> bool:
        """Whether the next request may go out; whoever goes on next may send it."""
        now = self._clock()
        if now < self.held_until:
            return False
        if not self._has_turn and now >= self._next_turn_at:
            seconds = self._pace.acquire(self._company_id, now)
            self._has_turn = seconds <= 0
            self._next_turn_at = now + seconds
            if seconds > WINDOW_SECONDS:
                self.held_until = self._next_turn_at
        return self._has_turn

    def _give(self, running: RunningConversation, request: Request) -> None:
        self._has_turn = False
        self.requests += 1
        running.sent += 1
        self._senders.give(running, request)

    def _take(self, running: RunningConversation, reply: Reply) -> None:
        seconds = limited_seconds(reply)
        self._pace.release(self._company_id, seconds)
        if reply is NOT_SENT:
            self.requests -= 1
            running.sent -= 1
            self.halted = True
            return
        if running.item:
            # The list may be read while nothing can be created.
            faulted = not isinstance(reply, Response) or reply.status >= 500  # noqa: PLR2004 - HTTP's own number
            self._faults_in_a_row = self._faults_in_a_row + 1 if faulted else 0
        if isinstance(reply, Response):
            self.latest = reply
            self.rate_limited += reply.status == 429  # noqa: PLR2004 - HTTP's own number
            if seconds:
                self.held_until = max(self.held_until, self._clock() + seconds)
        self._step(running, reply)

    def _step(
        self,
        running: RunningConversation,
        value: object = None,
        error: CodatError | None = None,
    ) -> None:
        """Let a conversation go on until it has to wait for something."""
        try:
            if error is not None:
                step = running.conversation.throw(error)
            else:
                step = running.conversation.send(value)
            while (reply := self._at_once(running, step)) is not None:
                step = running.conversation.send(reply)
        except StopIteration as end:
            running.done(end.value)
        except CodatError as failure:
            running.failed(failure)
        else:
            self._wait(running, step)

    def _at_once(
        self, running: RunningConversation, step: Turn | Send | Pause | Note
    ) -> float | None:
        """Return what a conversation goes on with that need not wait; else None."""
        goes_on = (isinstance(step, Note) and running.note(step.entry)) or (
            isinstance(step, Turn) and self._has_turn
        )
        return 0.0 if goes_on else None

    def _wait(
        self, running: RunningConversation, step: Turn | Send | Pause | Note
    ) -> None:
        """Let a conversation wait for what it has asked for."""
        match step:
            case Note(entry):
                self.unwritten.append((running, entry.kind))
            case Turn():
                self._ready.append(running)
            case Send(request):
                self._give(running, request)
            case ReconcileRequest():
                self.reconcile_requests.append((running, step))
            case Pause(seconds):
                wakes_at = self._clock() + seconds
                heapq.heappush(self._asleep, (wakes_at, next(self._order), running))
