"""The receiver of Codat's webhooks, in Airflow's API server.

Whoever knows its address can make it compute a hash, and no more: what is refused is
refused before anything is parsed, stored or logged, and without a word why.
"""

import asyncio
import logging
import time
from collections import Counter
from typing import TYPE_CHECKING

from anyio import CapacityLimiter, to_thread
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from airflow_provider_codat.api.errors import CodatError, Malformed
from airflow_provider_codat.api.webhooks.event import MOST_BYTES, events_of
from airflow_provider_codat.api.webhooks.signature import is_signed, signature_of
from airflow_provider_codat.metrics import webhook_received
from airflow_provider_codat.webhooks.asset_events import tell
from airflow_provider_codat.webhooks.endpoints import Endpoints

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_codat.api.webhooks.signature import Signature

log = logging.getLogger(__name__)

NOT_FOUND = 404
_PATH = "/webhooks/{codat_conn_id}"
_LONGEST_CONN_ID = 250
_BODY_SECONDS = 15.0
"""For how long a body may arrive: Codat itself waits no longer for the answer."""

_AT_A_TIME = 4
"""How many webhooks ask the database at a time: Airflow's own API asks it, too."""

_SUMMARY_SECONDS = 60.0


def application() -> Starlette:
    """Return the ASGI application."""
    return Starlette(routes=[Route(_PATH, Receiver().receive, methods=["POST"])])


class _Refused(Exception):
    """A request that is answered with a status and nothing else."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Receiver:
    """Takes webhooks, one after the other or several at once.

    :param endpoints: knows the signing secrets.
    """

    def __init__(self, endpoints: Endpoints | None = None) -> None:
        self._endpoints = endpoints or Endpoints()
        self._limiter = CapacityLimiter(_AT_A_TIME)
        self._refusals = Refusals()

    async def receive(self, request: Request) -> Response:
        """Answer one request: 204 once DAGs are told of it, 200 if they were before."""
        try:
            status = await self._received(request)
        except _Refused as refused:
            status = refused.status
            self._refusals.count(status)
        # As where nothing is.
        return Response("Not Found" if status == NOT_FOUND else None, status)

    async def _received(self, request: Request) -> int:
        secrets = await self._secrets(request.path_params["codat_conn_id"])
        try:
            signature = signature_of(request.headers)
        except Malformed:
            raise _Refused(401) from None
        if int(request.headers.get("content-length", 0)) > MOST_BYTES:
            raise _Refused(413)
        body = await _body(request)
        if not is_signed(signature, body, secrets):
            raise _Refused(401)
        return await self._told(signature, body)

    async def _secrets(self, codat_conn_id: str) -> tuple[str, ...]:
        """Return the secrets of a connection that has some."""
        if len(codat_conn_id) > _LONGEST_CONN_ID:
            raise _Refused(NOT_FOUND)
        found = self._endpoints.remembered(codat_conn_id)
        if found is None:
            found = await self._looked_up(codat_conn_id)
        if not found:
            raise _Refused(NOT_FOUND)
        return found

    async def _looked_up(self, codat_conn_id: str) -> tuple[str, ...]:
        look_up = self._endpoints.look_up
        try:
            return await to_thread.run_sync(
                look_up, codat_conn_id, limiter=self._limiter
            )
        except CodatError as error:
            log.warning("Codat's webhooks for %s are refused: %s", codat_conn_id, error)
            raise _Refused(NOT_FOUND) from None

    async def _told(self, signature: "Signature", body: bytes) -> int:
        """Tell what a signed webhook says."""
        try:
            events = events_of(body)
        except Malformed as error:
            log.warning("A webhook of Codat's is refused: %s", error)
            raise _Refused(400) from None
        try:
            told = await to_thread.run_sync(
                tell, signature.id, events, limiter=self._limiter
            )
        except SQLAlchemyError:
            log.exception("Codat's event is taken later: it could not be written")
            raise _Refused(503) from None
        webhook_received(told)
        for event in events:
            log.info(
                "Codat's event %s of company %s: %s",
                event.type,
                event.company_id or "none",
                told,
            )
        return 200 if told == "repeated" else 204


async def _body(request: Request) -> bytes:
    """Read a body, up to what a webhook may have."""
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MOST_BYTES:
                    raise _Refused(413)
    except (TimeoutError, ClientDisconnect):
        raise _Refused(408) from None
    return bytes(body)


class Refusals:
    """Counts what is refused, and says so once a minute at most.

    :param say: takes the summary.
    """

    def __init__(
        self,
        say: "Callable[..., None]" = log.warning,
        clock: "Callable[[], float]" = time.monotonic,
    ) -> None:
        self._say = say
        self._clock = clock
        self._counts: Counter[int] = Counter()
        self._said_at = -_SUMMARY_SECONDS

    def count(self, status: int) -> None:
        """Count one that was answered with a status."""
        webhook_received(f"refused_{status}")
        self._counts[status] += 1
        now = self._clock()
        if now - self._said_at < _SUMMARY_SECONDS:
            return
        words = ", ".join(f"{n:,} with {s}" for s, n in sorted(self._counts.items()))
        self._say(
            "Webhooks that were not taken: %s. If they are Codat's, see why: python -m "
            "airflow_provider_codat.webhooks check",
            words,
        )
        self._counts.clear()
        self._said_at = now
