"""Waiting without a worker for Codat to read a company's books anew."""

import time
from collections.abc import AsyncIterator, Mapping
from typing import Any, Literal

from airflow.triggers.base import TriggerEvent

from airflow_provider_codat.api.books.pull_operations import pull_operation_expected
from airflow_provider_codat.api.errors import CodatError, SettingsInvalid
from airflow_provider_codat.api.http import request as codat_request
from airflow_provider_codat.api.models import checked_uuid
from airflow_provider_codat.hooks.codat import CodatHook
from airflow_provider_codat.triggers.codat import CodatTrigger, trigger_event, until
from airflow_provider_codat.triggers.event import PullOperationEvent
from airflow_provider_codat.triggers.looks import Looks

_FIRST_POLL_SECONDS = 2.0
_SLOWER = 1.5


class CodatPullOperationTrigger(CodatTrigger):
    """Waits until one pull operation has ended, or until a deadline.

    It only reads: a triggerer that is restarted repeats what it did. What keeps it from
    reading, such as an outage, is waited out until the deadline.

    Its one event is the JSON of a
    :class:`airflow_provider_codat.triggers.event.PullOperationEvent`.

    :param codat_conn_id: the Airflow connection.
    :param company_id: Codat's company, a UUID.
    :param dataset_id: the pull operation's id, a UUID.
    :param fresh: see :class:`airflow_provider_codat.api.books.records.Refresh`; it
        comes back with the event.
    :param newest: the same.
    :param deadline: epoch seconds.
    :param poll_interval_seconds: the longest wait between two looks; the second one
        comes 2 seconds after the first.
    :param hook_params: extras of the connection, overridden. Airflow shows a trigger's
        arguments: secrets belong into the connection.
    :param begin_at: epoch seconds before which it does not look. A task that comes back
        before its first worker has ended may be taken for lost by Airflow's scheduler.
    """

    def __init__(  # noqa: PLR0913 - a parameter for all that the triggerer is told
        self,
        *,
        codat_conn_id: str,
        company_id: str,
        dataset_id: str,
        fresh: bool,
        newest: str,
        deadline: float,
        poll_interval_seconds: float,
        hook_params: Mapping[str, Any] | None = None,
        begin_at: float = 0.0,
    ) -> None:
        super().__init__()
        self.codat_conn_id = codat_conn_id
        self.company_id = company_id
        self.dataset_id = dataset_id
        self.fresh = fresh
        self.newest = newest
        self.deadline = deadline
        self.poll_interval_seconds = poll_interval_seconds
        self.hook_params = None if hook_params is None else dict(hook_params)
        self.begin_at = begin_at

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what the triggerer makes this trigger from."""
        return self._path(), {
            "codat_conn_id": self.codat_conn_id,
            "company_id": self.company_id,
            "dataset_id": self.dataset_id,
            "fresh": self.fresh,
            "newest": self.newest,
            "deadline": self.deadline,
            "poll_interval_seconds": self.poll_interval_seconds,
            "hook_params": self.hook_params,
            "begin_at": self.begin_at,
        }

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield one event; an error is one, too."""
        try:
            event = self._told(await self._waited())
        except CodatError as error:
            event = self._told("error", error)
        except ValueError as error:
            event = self._told("error", SettingsInvalid(str(error)))
        yield trigger_event(event.to_json())

    def _told(
        self,
        status: Literal["ended", "deadline", "error"],
        error: CodatError | None = None,
    ) -> PullOperationEvent:
        return PullOperationEvent(
            status,
            dataset_id=self.dataset_id,
            fresh=self.fresh,
            newest=self.newest,
            deadline=self.deadline,
            error="" if error is None else type(error).__name__,
            message="" if error is None else str(error),
        )

    async def _waited(self) -> Literal["ended", "deadline"]:
        if not self.poll_interval_seconds > 0:
            raise ValueError("poll_interval_seconds must be above 0")
        company_id = checked_uuid(self.company_id, "company_id")
        dataset_id = checked_uuid(self.dataset_id, "dataset_id")
        looks = Looks(
            CodatHook(self.codat_conn_id, hook_params=self.hook_params),
            codat_request.read_pull_operation(company_id, dataset_id),
            pull_operation_expected(company_id, dataset_id),
        )
        await until(self.begin_at)
        seconds = min(_FIRST_POLL_SECONDS, self.poll_interval_seconds)
        try:
            while (now := time.time()) < self.deadline:
                operation = await looks.next()
                if operation is not None and operation.ended:
                    return "ended"
                moment = max(now + seconds, looks.not_before)
                await until(min(moment, self.deadline))
                seconds = min(self.poll_interval_seconds, seconds * _SLOWER)
        finally:
            looks.end()
        return "deadline"

    async def on_kill(self) -> None:
        """Say what goes on at Codat: nothing can cancel a pull operation."""
        self.log.warning(
            "Killed while waiting for pull operation %s of company %s; it goes on at "
            "Codat",
            self.dataset_id,
            self.company_id,
        )
