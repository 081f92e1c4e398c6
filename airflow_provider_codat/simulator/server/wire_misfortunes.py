"""Misfortunes on the wire: wrong replies, silence, resets, drips and cuts."""

import asyncio
import json
import socket
import struct
import uuid
from collections.abc import Callable, Mapping
from http import HTTPStatus

from airflow_provider_codat.simulator.misfortunes import Misfortune
from airflow_provider_codat.simulator.replies import Reply, json_text
from airflow_provider_codat.simulator.routes.arrivals import Arrival
from airflow_provider_codat.simulator.rules.limits import too_many
from airflow_provider_codat.simulator.service import Codat
from airflow_provider_codat.simulator.world import (
    SECOND_COMPANY_ID,
    SECOND_CONNECTION_ID,
)

_NEVER_ARRIVES = frozenset(
    {
        "no_answer_before_commit",
        "reset_before_commit",
        "gateway_error_before_commit",
        "redirect",
        "too_many_requests",
    }
)
SILENT = frozenset({"no_answer_before_commit", "no_answer_after_commit"})
RESETS = frozenset({"reset_before_commit", "reset_after_commit"})
RAW = frozenset({"drip", "drip_headers", "cut_body"})


async def reply_under(
    misfortune: Misfortune | None, codat: Codat, arrival: Arrival
) -> Reply | None:
    """Return the reply that sets out to the client; None: Codat never saw the request.

    :param misfortune: what befalls the request on the wire, or None.
    """
    if misfortune is None:
        return await codat.answer(arrival)
    true_reply = None
    if misfortune.kind not in _NEVER_ARRIVES:
        true_reply = await codat.answer(arrival)
    forged = _FORGED.get(misfortune.kind)
    return true_reply if forged is None else forged(misfortune, codat, true_reply)


def _gateway(order: Misfortune, _codat: Codat, _true: Reply | None) -> Reply:
    status = HTTPStatus(order.status or 502)
    page = f"<html><body><h1>{status.value} {status.phrase}</h1></body></html>\r\n"
    text = order.message or page
    return Reply(status.value, text.encode(), "text/html", from_codat=False)


def _redirect(order: Misfortune, _codat: Codat, _true: Reply | None) -> Reply:
    headers = {"Location": order.location}
    return Reply(order.status or 302, b"", "text/html", headers, from_codat=False)


def _too_many(order: Misfortune, codat: Codat, _true: Reply | None) -> Reply:
    style = order.retry_after_format or codat.settings.retry_after_format
    return too_many(codat.clock.now(), order.retry_after, style)


def _junk(order: Misfortune, _codat: Codat, true: Reply | None) -> Reply:
    """Return junk in place of a yes: it is "after commit", and an error is not."""
    if true is not None and true.status >= HTTPStatus.BAD_REQUEST:
        return true
    text = order.message or "<html><body>Welcome</body></html>"
    if order.junk == "shape":
        text = json_text({"unexpected": ["shape"]})
    elif order.junk == "foreign" and true is not None and true.body:
        text = _foreign(true.body)
    return Reply(order.status or 200, text.encode())


def _foreign(body: bytes) -> str:
    """Return the reply with the ids of somebody else's push operation."""
    value = json.loads(body)
    strange = {
        "companyId": SECOND_COMPANY_ID,
        "dataConnectionKey": SECOND_CONNECTION_ID,
        "pushOperationKey": str(uuid.uuid4()),
    }
    return json_text({**value, **strange})


_FORGED: dict[str, Callable[[Misfortune, Codat, Reply | None], Reply]] = {
    "gateway_error_before_commit": _gateway,
    "gateway_error_after_commit": _gateway,
    "redirect": _redirect,
    "too_many_requests": _too_many,
    "junk_body": _junk,
}


def reset(transport: asyncio.Transport) -> None:
    """Close with a TCP RST: no lingering, nothing is flushed."""
    connected = transport.get_extra_info("socket")
    if connected is not None:
        no_linger = struct.pack("ii", 1, 0)
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_linger)
    transport.abort()


async def send_raw(
    transport: asyncio.Transport,
    misfortune: Misfortune,
    reply: Reply,
    headers: Mapping[str, str],
) -> None:
    """Write a reply in pieces or in part, then close.

    :param reply: the right one.
    :param headers: all headers but Content-Length.
    """
    head = _head(reply, headers)
    step = misfortune.pause(0.1)
    if misfortune.kind == "drip_headers":
        await _drip(transport, head, step)
        transport.write(reply.body)
    elif misfortune.kind == "drip":
        transport.write(head)
        await _drip(transport, reply.body, step)
    else:
        transport.write(head + reply.body[: len(reply.body) // 2])
    transport.close()


async def _drip(transport: asyncio.Transport, data: bytes, step: float) -> None:
    for at in range(len(data)):
        if transport.is_closing():
            return
        transport.write(data[at : at + 1])
        await asyncio.sleep(step)


def _head(reply: Reply, headers: Mapping[str, str]) -> bytes:
    phrase = HTTPStatus(reply.status).phrase
    lines = [f"HTTP/1.1 {reply.status} {phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {len(reply.body)}", "", ""]
    return "\r\n".join(lines).encode("latin-1")
