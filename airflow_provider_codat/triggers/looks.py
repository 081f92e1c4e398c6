"""Asking Codat the same again and again, without holding up the triggerer."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Generic, TypeVar

from airflow_provider_codat.api.errors import (
    Busy,
    CodatFaulted,
    Malformed,
    NotAuthorised,
    RateLimited,
    Unreachable,
)
from airflow_provider_codat.api.http.exchange import Patience, adrive, get
from airflow_provider_codat.triggers.connected import connected

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_codat.api.http.request import Request, Response
    from airflow_provider_codat.api.http.transport import Transport
    from airflow_provider_codat.hooks.codat import CodatHook

T = TypeVar("T")


class Looks(Generic[T]):
    """Looks at one thing, time and again, from a thread of its own.

    :param request: what is asked.
    :param read: reads the answer.
    :ivar not_before: epoch seconds before which Codat does not want to be asked.
    """

    def __init__(
        self, hook: "CodatHook", request: "Request", read: "Callable[[Response], T]"
    ) -> None:
        self.not_before = 0.0
        self._hook = hook
        self._request = request
        self._read = read
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="codat-looks")
        self._codat: tuple[Transport, Patience] | None = None

    async def next(self) -> T | None:
        """Look once; None where that is to be done again later."""
        try:
            try:
                return await self._look()
            except NotAuthorised:
                # The connection may have been given another key since it was read.
                self._disconnect()
                return await self._look()
        except RateLimited as error:
            self.not_before = error.until
            self._hook.log.warning("Codat is asked later: %s", error)
        except (Busy, CodatFaulted, Malformed, Unreachable) as error:
            self._hook.log.warning("Codat is asked again: %s", error)
        return None

    def end(self) -> None:
        """Let go of thread and connection, which may still be in use."""
        self._disconnect()
        self._executor.shutdown(wait=False)

    async def _look(self) -> T:
        if self._codat is None:
            await self._hook.aconnect()
            self._codat = await asyncio.get_running_loop().run_in_executor(
                self._executor, connected, self._hook.settings
            )
        transport, patience = self._codat
        asking = get(self._request, self._read, patience)
        return await adrive(asking, transport.send, self._executor)

    def _disconnect(self) -> None:
        if self._codat is not None:
            self._executor.submit(self._codat[0].close)
            self._codat = None
