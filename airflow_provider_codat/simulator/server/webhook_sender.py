"""Sends what Codat sends by itself, until the server stops."""

import asyncio

import aiohttp

from airflow_provider_codat.simulator.service import Codat
from airflow_provider_codat.simulator.webhooks import Message, Outbox

_LOOK_SECONDS = 0.05
_AT_A_TIME = 10
_ANSWER_SECONDS = 15.0
"""How long Codat waits for an answer."""


async def send_webhooks(codat: Codat, url: str) -> None:
    """Send all messages of a Codat to one URL, for ever."""
    timeout = aiohttp.ClientTimeout(total=_ANSWER_SECONDS)
    turns = asyncio.Semaphore(_AT_A_TIME)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        asyncio.TaskGroup() as sending,
    ):
        while True:
            # A reset of the simulator begins another one.
            outbox = codat.outbox
            for message in outbox.due():
                sending.create_task(_send(session, url, outbox, message, turns))
            await asyncio.sleep(_LOOK_SECONDS)


async def _send(
    session: aiohttp.ClientSession,
    url: str,
    outbox: Outbox,
    message: Message,
    turns: asyncio.Semaphore,
) -> None:
    async with turns:
        headers, body = outbox.request(message)
        try:
            async with session.post(
                url, data=body, headers=headers, allow_redirects=False
            ) as answer:
                status: int | None = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            status = None
    outbox.answered(message, status)
