"""Waiting for Codat without a worker."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_codat.api.errors import SettingsInvalid
from airflow_provider_codat.api.models import checked_uuid
from airflow_provider_codat.triggers.event import PushOperationsEvent, event_of_error
from airflow_provider_codat.triggers.poller import (
    LONGEST_SLEEP_SECONDS,
    Place,
    Wait,
    waited,
)

# Airflow's own has no types.
trigger_event: Callable[[dict[str, Any]], TriggerEvent] = TriggerEvent


PAUSE_IS_OVER = {"status": "pause is over"}
"""The event of a trigger that only waits for a moment."""


class CodatTrigger(BaseTrigger):
    """A trigger of this package."""

    def __init__(self) -> None:
        # The same.
        begin: Callable[[], None] = super().__init__
        begin()

    @classmethod
    def _path(cls) -> str:
        return f"{cls.__module__}.{cls.__qualname__}"


async def until(moment: float) -> None:
    """Wait until a moment, in epoch seconds."""
    while (left := moment - time.time()) > 0:  # noqa: ASYNC110 - it is the wall clock that is waited for, and somebody may set it
        await asyncio.sleep(min(left, LONGEST_SLEEP_SECONDS))


class CodatPushOperationTrigger(CodatTrigger):
    """Waits until push operations of one company have ended, or until a deadline.

    It only reads: a triggerer that is restarted repeats what it did. All triggers of a
    process that wait for the same company ask Codat together. What keeps them from
    asking, such as an outage, is waited out until the deadline.

    Its one event is the JSON of a
    :class:`airflow_provider_codat.triggers.event.PushOperationsEvent`.

    :param codat_conn_id: the Airflow connection.
    :param company_id: Codat's company, a UUID.
    :param push_operation_keys: UUIDs.
    :param requested_since: epoch seconds before which none of them was requested.
    :param deadline: epoch seconds.
    :param poll_interval_seconds: the longest wait between two looks; the first comes
        after 2 seconds.
    :param hook_params: extras of the connection, overridden. Airflow shows a trigger's
        arguments: secrets belong into the connection.
    :param not_before: epoch seconds before which Codat does not want to be asked.
    :param begin_at: epoch seconds before which this one does not begin to wait. A task
        that comes back before its first worker has ended may be taken for lost by
        Airflow's scheduler.
    """

    def __init__(  # noqa: PLR0913 - a parameter for all that the triggerer is told
        self,
        *,
        codat_conn_id: str,
        company_id: str,
        push_operation_keys: Sequence[str],
        requested_since: float,
        deadline: float,
        poll_interval_seconds: float,
        hook_params: Mapping[str, Any] | None = None,
        not_before: float = 0.0,
        begin_at: float = 0.0,
    ) -> None:
        super().__init__()
        self.codat_conn_id = codat_conn_id
        self.company_id = company_id
        self.push_operation_keys = list(push_operation_keys)
        self.requested_since = requested_since
        self.deadline = deadline
        self.poll_interval_seconds = poll_interval_seconds
        self.hook_params = None if hook_params is None else dict(hook_params)
        self.not_before = not_before
        self.begin_at = begin_at

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what the triggerer makes this trigger from."""
        return self._path(), {
            "codat_conn_id": self.codat_conn_id,
            "company_id": self.company_id,
            "push_operation_keys": self.push_operation_keys,
            "requested_since": self.requested_since,
            "deadline": self.deadline,
            "poll_interval_seconds": self.poll_interval_seconds,
            "hook_params": self.hook_params,
            "not_before": self.not_before,
            "begin_at": self.begin_at,
        }

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield one event, whatever happens: without it the task waits for ever."""
        try:
            event = await self._outcome()
        except ValueError as error:
            event = event_of_error(SettingsInvalid(str(error)))
        yield trigger_event(event.to_json())

    async def _outcome(self) -> PushOperationsEvent:
        place = Place(
            self.codat_conn_id,
            checked_uuid(self.company_id, "company_id"),
            json.dumps(self.hook_params, sort_keys=True),
        )
        wait = Wait(
            [
                checked_uuid(key, "push_operation_keys")
                for key in self.push_operation_keys
            ],
            since=self.requested_since,
            deadline=self.deadline,
            poll_interval_seconds=self.poll_interval_seconds,
        )
        await until(self.begin_at)
        return await waited(place, wait, not_before=self.not_before)

    async def on_kill(self) -> None:
        """Say what goes on at Codat: nothing can cancel a push operation."""
        self.log.warning(
            "Killed while waiting for push operations %s of company %s; they go on at "
            "Codat",
            ", ".join(self.push_operation_keys),
            self.company_id,
        )


class CodatPauseTrigger(CodatTrigger):
    """Waits until a moment, such as the one for which Codat asked.

    :param until: epoch seconds.
    """

    def __init__(self, *, until: float) -> None:
        super().__init__()
        self.until = until

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what the triggerer makes this trigger from."""
        return self._path(), {"until": self.until}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield one event when the moment has come."""
        await until(self.until)
        yield trigger_event(PAUSE_IS_OVER)
