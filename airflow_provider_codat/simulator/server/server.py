"""The HTTP server: from sockets to :class:`Codat` and back."""

import asyncio
import json
from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_address

from aiohttp import web

from airflow_provider_codat.simulator.clock import http_date
from airflow_provider_codat.simulator.control.control import Control, ControlError
from airflow_provider_codat.simulator.misfortunes import Misfortune
from airflow_provider_codat.simulator.replies import JSON_TYPE, Reply, error_reply
from airflow_provider_codat.simulator.routes.arrivals import Arrival
from airflow_provider_codat.simulator.server.webhook_sender import send_webhooks
from airflow_provider_codat.simulator.server.wire_misfortunes import (
    RAW,
    RESETS,
    SILENT,
    reply_under,
    reset,
    send_raw,
)
from airflow_provider_codat.simulator.service import Codat

CONTROL_PREFIX = "/_local/"
_date_text = lru_cache(maxsize=2)(http_date)


class Server:
    """Serve one Codat over HTTP.

    :param codat: the state behind it.
    :param log: takes one line per request: method, path, status; None: no log.
    """

    def __init__(self, codat: Codat, log: Callable[[str], None] | None = None) -> None:
        self._codat = codat
        self._control = Control(codat)
        self._log = log
        self._webhooks: asyncio.Task[None] | None = None
        self._runner = web.ServerRunner(
            web.Server(self._handle, access_log=None), shutdown_timeout=0.2
        )

    async def start(self, host: str, port: int) -> int:
        """Listen, and return the port.

        :param host: address to bind to.
        :param port: 0: any free one.
        """
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port, backlog=1024).start()
        url = self._codat.settings.webhook_url
        if url is not None:
            self._webhooks = asyncio.create_task(send_webhooks(self._codat, url))
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Stop listening and close all connections."""
        if self._webhooks is not None:
            self._webhooks.cancel()
            await asyncio.gather(self._webhooks, return_exceptions=True)
        await self._runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.raw_path.startswith(CONTROL_PREFIX):
            return await self._handle_control(request)
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            body = None
        arrival = self._arrive(request, body or b"")
        self._codat.journal.write(arrival)
        # A reset of the simulator meanwhile begins another count.
        traffic = self._codat.traffic
        traffic.begin(arrival.at, arrival.address, arrival.match.name)
        try:
            return await self._treat(request, arrival, too_large=body is None)
        finally:
            traffic.end(arrival.status)

    async def _treat(
        self, request: web.BaseRequest, arrival: Arrival, *, too_large: bool
    ) -> web.Response:
        if too_large:
            return self._respond(arrival, error_reply(413, "The body is too large."))
        misfortune = self._codat.strike("wire", arrival)
        reply = await reply_under(misfortune, self._codat, arrival)
        if misfortune is not None and await self._close_by_hand(
            request, arrival, misfortune, reply
        ):
            # The connection is gone: aiohttp finds it closed and writes nothing.
            return web.Response()
        assert reply is not None
        return self._respond(arrival, reply)

    def _arrive(self, request: web.BaseRequest, body: bytes) -> Arrival:
        return Arrival(
            at=self._codat.clock.now(),
            method=request.method,
            target=request.raw_path,
            headers=request.headers,
            body=body,
            address=request.remote or "",
            authorization=request.headers.get("Authorization"),
            idempotency_keys=tuple(request.headers.getall("Idempotency-Key", ())),
        )

    async def _close_by_hand(
        self,
        request: web.BaseRequest,
        arrival: Arrival,
        misfortune: Misfortune,
        reply: Reply | None,
    ) -> bool:
        """Do what a web framework cannot; False: the reply is sent in the usual way."""
        kind, transport = misfortune.kind, request.transport
        if kind in RAW:
            assert reply is not None
            arrival.status = reply.status
            self._note(arrival)
            if transport is not None:
                await send_raw(transport, misfortune, reply, self._headers(reply))
            return True
        if kind not in SILENT | RESETS:
            return False
        arrival.status = None
        self._note(arrival)
        await asyncio.sleep(misfortune.pause(0.0))
        if transport is not None:
            reset(transport) if kind in RESETS else transport.close()
        return True

    def _respond(self, arrival: Arrival, reply: Reply) -> web.Response:
        arrival.status = reply.status
        self._note(arrival)
        return web.Response(
            status=reply.status, body=reply.body, headers=self._headers(reply)
        )

    def _headers(self, reply: Reply) -> dict[str, str]:
        now = self._codat.clock.now()
        headers = {"Date": _date_text(int(now)), "Content-Type": reply.content_type}
        if reply.from_codat:
            headers["Server"] = "LocalCodat"
            headers.update(self._codat.limits.headers(now))
        headers.update(reply.headers)
        return headers

    def _note(self, arrival: Arrival) -> None:
        if self._log is not None:
            answered = arrival.status or "no answer"
            self._log(f"{arrival.method} {arrival.path} {answered}")

    async def _handle_control(self, request: web.BaseRequest) -> web.Response:
        if not ip_address(request.remote or "0.0.0.0").is_loopback:  # noqa: S104 - not bound to, only not loopback
            return _control_reply(403, {"error": "Loopback only."})
        command = request.raw_path.removeprefix(CONTROL_PREFIX)
        try:
            arguments = json.loads(await request.read() or b"{}")
            return _control_reply(200, self._control.perform(command, arguments))
        except (ControlError, ValueError) as error:
            return _control_reply(400, {"error": str(error)})


def _control_reply(status: int, value: object) -> web.Response:
    # ASCII, because a journal's body may hold bytes that are not text.
    body = json.dumps(value).encode("ascii")
    return web.Response(status=status, body=body, headers={"Content-Type": JSON_TYPE})
