"""Watching without a worker whether Codat has read a company's books anew.

For Airflow 3.0 and later, whose assets have watchers.
"""

import asyncio
import contextvars
import json
import math
import time
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias
from weakref import WeakKeyDictionary

from airflow.triggers import base as bases
from airflow.triggers.base import TriggerEvent

from airflow_provider_codat.api.books.pull_operations import data_status_of
from airflow_provider_codat.api.errors import CodatError
from airflow_provider_codat.api.http import request as codat_request
from airflow_provider_codat.api.models import DATA_TYPE_NAME, Json, checked_uuid
from airflow_provider_codat.hooks.codat import CodatHook
from airflow_provider_codat.triggers.codat import CodatTrigger, trigger_event, until
from airflow_provider_codat.triggers.looks import Looks
from airflow_provider_codat.triggers.watermarks import Store, Watermarks

if TYPE_CHECKING:
    from airflow.triggers.base import BaseEventTrigger
else:
    # In Airflow 2, which has none, the module can be imported, and no more.
    BaseEventTrigger = getattr(bases, "BaseEventTrigger", bases.BaseTrigger)

_WRITTEN_SECONDS = 5.0
"""For how long Airflow may take to write an event down, once it was told."""

Status: TypeAlias = dict[str, dict[str, Json]]


class CodatDataChangedTrigger(CodatTrigger, BaseEventTrigger):
    """Tells an asset's watcher when Codat's copy of a company's books is another.

    One event for each data type whose ``lastSuccessfulSync`` has moved forward::

        {"codat_company_id": "8a210b68-...", "data_type": "invoices",
         "last_successful_sync": "2026-03-01T12:00:00Z"}

    Whoever watches the same company by the same interval shares one request.

    What was told last is remembered by Airflow 3.3, beside the asset: a triggerer that
    was away tells what came meanwhile, and once. Earlier versions have nothing to
    remember it by: there each start of the trigger tells how things stand.

    :param company_id: Codat's company, a UUID; no template.
    :param data_types: Codat's keys, such as ``invoices``.
    :param codat_conn_id: the Airflow connection.
    :param poll_interval_seconds: between two looks. Each costs a request: 96 a day with
        the default, 15 minutes.
    :param hook_params: extras of the connection, overridden. Airflow shows a trigger's
        arguments: secrets belong into the connection.
    :raises ValueError: when one of them is none.
    """

    def __init__(
        self,
        *,
        company_id: str,
        data_types: Sequence[str],
        codat_conn_id: str = CodatHook.default_conn_name,
        poll_interval_seconds: float = 900.0,
        hook_params: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        if isinstance(data_types, str) or not data_types:
            raise ValueError("data_types must be a list such as ['invoices', 'bills']")
        if unknown := [n for n in data_types if not DATA_TYPE_NAME.fullmatch(str(n))]:
            raise ValueError(f"data_types must be Codat's keys, not {unknown[0]!r}")
        if not poll_interval_seconds > 0:
            raise ValueError("poll_interval_seconds must be above 0")
        self.company_id = checked_uuid(company_id, "company_id")
        self.data_types = sorted(set(data_types))
        self.codat_conn_id = codat_conn_id
        self.poll_interval_seconds = float(poll_interval_seconds)
        self.hook_params = None if hook_params is None else dict(hook_params)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what the triggerer makes this trigger from."""
        return self._path(), {
            "company_id": self.company_id,
            "data_types": self.data_types,
            "codat_conn_id": self.codat_conn_id,
            "poll_interval_seconds": self.poll_interval_seconds,
            "hook_params": self.hook_params,
        }

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield an event whenever a data type was read anew, for ever."""
        marks = Watermarks(self._stores(), self.company_id, self.data_types)
        with _watched(self._place(), self.hook_params) as company:
            while True:
                try:
                    await marks.load()
                    # What could not be read says nothing of how things stand.
                    if (status := await company.status()) is not None:
                        for data_type, moment in marks.moved(status):
                            yield self._told(data_type, moment)
                    await marks.keep(self._written_seconds)
                except CodatError as error:
                    self.log.warning("Not looked at now: %s", error)
                await until(company.next_at)

    def _told(self, data_type: str, moment: str) -> TriggerEvent:
        return trigger_event(
            {
                "codat_company_id": self.company_id,
                "data_type": data_type,
                "last_successful_sync": moment,
            }
        )

    def _place(self) -> "_Place":
        params = json.dumps(self.hook_params, sort_keys=True)
        seconds = self.poll_interval_seconds
        return _Place(self.codat_conn_id, self.company_id, params, seconds)

    def _stores(self) -> list[Store]:
        """Return what remembers, of each asset that is watched by this trigger.

        Airflow makes one trigger of all that have the same arguments. It hands on the
        stores by the names of their assets, which a trigger is not told.
        """
        stores = getattr(self, "asset_state_store", None)
        by = ("_by_name", "_by_uri")
        return [each for name in by for each in getattr(stores, name, {}).values()]

    @property
    def _written_seconds(self) -> float:
        return min(_WRITTEN_SECONDS, self.poll_interval_seconds / 2)


class _Place(NamedTuple):
    """What those have in common who share their looks."""

    codat_conn_id: str
    company_id: str
    hook_params: str
    seconds: float


class _Company:
    """One company, looked at once in each interval for all who watch it."""

    def __init__(self, place: _Place, looks: Looks[Status]) -> None:
        self.watchers = 0
        self._looks = looks
        self._seconds = place.seconds
        # Not all companies in the same second, and each always in the same.
        self._offset = zlib.crc32(place.company_id.encode()) % 1000 / 1000
        self._turn = -1
        self._asked: asyncio.Task[Status | None] | None = None

    async def status(self) -> Status | None:
        """Return how things stand; None where that could not be read."""
        turn = self._turn_now()
        if self._asked is None or self._turn != turn:
            self._turn = turn
            # In a context of its own: it is of no single watcher.
            self._asked = asyncio.get_running_loop().create_task(
                self._looks.next(), context=contextvars.Context()
            )
        # Who is cancelled takes the others' look with him no more than his own.
        return await asyncio.shield(self._asked)

    def end(self) -> None:
        """Look no more."""
        if self._asked is not None:
            self._asked.cancel()
        self._looks.end()

    @property
    def next_at(self) -> float:
        """When to look again: epoch seconds."""
        turn = self._turn_now() + 1
        return max((turn + self._offset) * self._seconds, self._looks.not_before)

    def _turn_now(self) -> int:
        return math.floor(time.time() / self._seconds - self._offset)


_COMPANIES: "WeakKeyDictionary[asyncio.AbstractEventLoop, dict[_Place, _Company]]"
_COMPANIES = WeakKeyDictionary()


@contextmanager
def _watched(
    place: _Place, hook_params: Mapping[str, Any] | None
) -> Iterator[_Company]:
    """Watch a company, together with all who do in this process."""
    companies = _COMPANIES.setdefault(asyncio.get_running_loop(), {})
    if place not in companies:
        hook = CodatHook(place.codat_conn_id, hook_params=hook_params)
        request = codat_request.read_data_status(place.company_id)
        companies[place] = _Company(place, Looks(hook, request, data_status_of))
    company = companies[place]
    company.watchers += 1
    try:
        yield company
    finally:
        company.watchers -= 1
        if not company.watchers:
            del companies[place]
            company.end()
