"""The one poller that serves all waits of this process on one company.

A thousand tasks that wait for one company cost as many requests as one does. Each
poller has a connection and a thread of its own: a company whose answers do not come
holds up neither another one nor the event loop that all triggers share.
"""

import asyncio
import json
import logging
import time
import traceback
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import Context
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, NamedTuple, NoReturn

from airflow_provider_codat.api.books.push_status import (
    PushStatus,
    poll,
    report_ended,
    requested_since,
)
from airflow_provider_codat.api.create.settle import FIRST_POLL_SECONDS
from airflow_provider_codat.api.errors import (
    Busy,
    CodatError,
    CodatFaulted,
    Malformed,
    NotAuthorised,
    OutcomeUnknown,
    RateLimited,
    Unreachable,
)
from airflow_provider_codat.api.http.exchange import Patience, adrive
from airflow_provider_codat.api.http.response import CLOCK_SKEW_SECONDS
from airflow_provider_codat.api.models import PushOperation
from airflow_provider_codat.hooks.codat import CodatHook
from airflow_provider_codat.triggers.connected import connected
from airflow_provider_codat.triggers.event import (
    UNSEEN,
    PushOperationsEvent,
    PushOperationState,
    event_of_error,
)

if TYPE_CHECKING:
    from airflow_provider_codat.api.http.transport import Transport

log = logging.getLogger(__name__)

LONGEST_SLEEP_SECONDS = 10.0
"""After which the wall clock is looked at again: somebody may have set it."""

_READ_TIMEOUT_SECONDS = 10.0
_SLOWER = 1.5
_MOST_SINGLY = 20
"""How many operations that are not in Codat's list one poll asks for by their keys."""


class Place(NamedTuple):
    """What one poller asks, and as whom.

    :param hook_params: as JSON.
    """

    codat_conn_id: str
    company_id: str
    hook_params: str


class Wait:
    """One trigger's wait for push operations of a company. Made in the event loop.

    :param keys: of the push operations.
    :param since: epoch seconds before which none of them was requested.
    :param deadline: epoch seconds.
    :param poll_interval_seconds: the longest pause between two looks.
    :raises ValueError: when the interval is not above 0.
    """

    def __init__(
        self,
        keys: Iterable[str],
        *,
        since: float,
        deadline: float,
        poll_interval_seconds: float,
    ) -> None:
        if not poll_interval_seconds > 0:
            raise ValueError("poll_interval_seconds must be above 0")
        self.deadline = deadline
        self.poll_interval_seconds = poll_interval_seconds
        self.open = dict.fromkeys(keys)
        self.told: asyncio.Future[PushOperationsEvent]
        self.told = asyncio.get_running_loop().create_future()
        self._keys = tuple(self.open)
        self._seen: dict[str, PushOperation] = {}
        # By Codat's clock, which may differ from ours.
        self._since = since - CLOCK_SKEW_SECONDS

    @property
    def since(self) -> float:
        """Epoch seconds before which none of the open ones was requested."""
        return requested_since(self.open, self._seen, self._since)

    def take(self, found: Mapping[str, PushStatus]) -> None:
        """Take what a poll has found; tell the trigger once there is nothing open."""
        for key in list(self.open):
            match found.get(key):
                case OutcomeUnknown() as error:
                    self.give_up(error)
                    return
                case PushOperation() as operation:
                    self._seen[key] = operation
                    if operation.ended:
                        del self.open[key]
        if not self.open:
            self.told.set_result(self.event("ended"))

    def give_up(self, error: BaseException) -> None:
        """Tell the trigger of an error."""
        self.told.set_result(event_of_error(error, self._states()))

    def event(self, status: Literal["ended", "deadline"]) -> PushOperationsEvent:
        """Return what to tell the task."""
        return PushOperationsEvent(status, self._states())

    def _states(self) -> dict[str, PushOperationState]:
        seen = {key: PushOperationState.of(each) for key, each in self._seen.items()}
        return {key: seen.get(key, UNSEEN) for key in self._keys}


_pollers: dict[tuple[asyncio.AbstractEventLoop, Place], "_Poller"] = {}
_not_before: dict[Place, float] = {}
"""Epoch seconds: what Codat asked for outlives the poller that was told so."""


async def waited(
    place: Place, wait: Wait, *, not_before: float = 0.0
) -> PushOperationsEvent:
    """Wait until push operations have ended, together with all who wait at a place.

    :param not_before: epoch seconds before which Codat does not want to be asked.
    """
    if not_before:
        _not_before[place] = max(not_before, _not_before.get(place, 0.0))
    key = (asyncio.get_running_loop(), place)
    if key not in _pollers:
        _pollers[key] = _Poller(*key)
    poller = _pollers[key]
    poller.join(wait)
    try:
        while not wait.told.done():
            left = wait.deadline - time.time()
            if left <= 0:
                return wait.event("deadline")
            # Its own future, which nobody else cancels; and never the poller's task.
            await asyncio.wait([wait.told], timeout=min(left, LONGEST_SLEEP_SECONDS))
        return wait.told.result()
    finally:
        poller.leave(wait)


class _Poller:
    """Asks how all open push operations of a place stand, time and again."""

    def __init__(self, loop: asyncio.AbstractEventLoop, place: Place) -> None:
        self._loop = loop
        self._place = place
        self._waits: set[Wait] = set()
        self._joined = asyncio.Event()
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="codat-poll")
        self._codat: tuple[Transport, Patience] | None = None
        # Empty, or it would log as the trigger that happens to be the first.
        context = Context()
        self._task = loop.create_task(self._run(), name="codat-poll", context=context)
        self._task.add_done_callback(self._finish, context=context)

    def join(self, wait: Wait) -> None:
        """Ask for one more."""
        self._waits.add(wait)
        self._joined.set()

    def leave(self, wait: Wait) -> None:
        """Ask for one less; stop when it was the last."""
        self._waits.discard(wait)
        if not self._waits:
            self._retire()
            self._task.cancel()

    def _retire(self) -> None:
        """Take nobody in any more: the next one gets another poller."""
        if _pollers.get((self._loop, self._place)) is self:
            del _pollers[self._loop, self._place]

    def _finish(self, task: asyncio.Task[NoReturn]) -> None:
        """Let go of everything, and tell those who still wait what has happened."""
        self._retire()
        self._disconnect()
        self._executor.shutdown(wait=False)
        failed = None if task.cancelled() else task.exception()
        error = failed or asyncio.CancelledError()
        if self._waits and not isinstance(error, CodatError):
            # Where it was, without its words: they may quote anything.
            frames = "".join(traceback.format_tb(error.__traceback__))
            log.error("A poller was broken off by %s\n%s", type(error).__name__, frames)
        for wait in self._waiting():
            wait.give_up(error)

    def _waiting(self) -> list[Wait]:
        return [wait for wait in self._waits if not wait.told.done()]

    async def _run(self) -> NoReturn:
        seconds = FIRST_POLL_SECONDS
        while True:
            seconds = _SLOWER * await self._pause(seconds)
            await self._poll()

    async def _pause(self, seconds: float) -> float:
        """Wait for the next poll; return for how long at most.

        Who joins with a shorter interval brings it forward.
        """
        begun = time.monotonic()
        while True:
            seconds = min([seconds, *(w.poll_interval_seconds for w in self._waits)])
            left = max(
                begun + seconds - time.monotonic(),
                _not_before.get(self._place, 0.0) - time.time(),
            )
            if left <= 0:
                _not_before.pop(self._place, None)
                return seconds
            self._joined.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(min(left, LONGEST_SLEEP_SECONDS)):
                    await self._joined.wait()

    async def _poll(self) -> None:
        """Ask once. What may pass is waited out, until the deadline of each wait."""
        try:
            try:
                await self._look()
            except NotAuthorised:
                # The connection may have been given another key since it was read.
                self._disconnect()
                await self._look()
        except RateLimited as error:
            _not_before[self._place] = error.until
            log.warning("Push operations are asked for later: %s", error)
        except (Busy, CodatFaulted, Malformed, Unreachable) as error:
            log.warning("Push operations are asked for again: %s", error)

    async def _look(self) -> None:
        """Ask how they all stand, and tell whom it concerns."""
        transport, patience = self._codat or await self._connect()
        waits = self._waiting()
        found: dict[str, PushStatus] = {}
        asking = poll(
            self._place.company_id,
            list({key: None for wait in waits for key in wait.open}),
            patience,
            since=min((wait.since for wait in waits), default=0.0),
            found=found,
            most_singly=_MOST_SINGLY,
        )
        try:
            await adrive(asking, transport.send, self._executor)
        finally:
            report_ended(found, patience)
            for wait in self._waiting():
                wait.take(found)

    async def _connect(self) -> "tuple[Transport, Patience]":
        params = json.loads(self._place.hook_params)
        hook = CodatHook(self._place.codat_conn_id, hook_params=params)
        await hook.aconnect()
        settings = hook.settings
        seconds = min(settings.read_timeout_seconds, _READ_TIMEOUT_SECONDS)
        hurried = replace(settings, read_timeout_seconds=seconds)
        made = await self._loop.run_in_executor(self._executor, connected, hurried)
        self._codat = made
        return made

    def _disconnect(self) -> None:
        if self._codat is not None:
            # In the thread, which may still be sending.
            self._executor.submit(self._codat[0].close)
            self._codat = None
