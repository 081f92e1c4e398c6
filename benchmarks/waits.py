"""What a thousand waits on one company cost a triggerer, beside a wait for each.

All triggers of an Airflow triggerer share one event loop. Here the waits run in such a
loop, against a local Codat in a process of its own:

* ours: a thousand ``CodatPushOperationTrigger``;
* aiohttp: a thousand coroutines, each asking for its own push operation, as the
  triggers of other providers do;
* to_thread: the same with ``requests`` in ``asyncio.to_thread``.

Each is measured while the operations come to their ends, and once more while Codat does
not answer. Prints the table and writes ``benchmarks/waits.json``.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import aiohttp
import requests

from airflow_provider_codat.simulator import API_KEY, RemoteCodat
from airflow_provider_codat.simulator.world import authorization
from airflow_provider_codat.triggers.codat import CodatPushOperationTrigger

RESULT = Path(__file__).with_suffix(".json")
WAITS = 1000
INTERVAL_SECONDS = 5.0
SETTLE_SECONDS = 20.0
HANGING_SECONDS = 15.0
TIMEOUT_SECONDS = 10.0
HEADERS = {"Authorization": authorization(API_KEY)}

Wait = Callable[[RemoteCodat, str, float], Awaitable[None]]


async def ours(codat: RemoteCodat, key: str, deadline: float) -> None:
    """Wait as a deferred task does."""
    trigger = CodatPushOperationTrigger(
        codat_conn_id="codat_default",
        company_id=codat.company_id,
        push_operation_keys=[key],
        requested_since=time.time() - 60,
        deadline=deadline,
        poll_interval_seconds=INTERVAL_SECONDS,
    )
    async for _ in trigger.run():
        return


async def with_aiohttp(codat: RemoteCodat, key: str, deadline: float) -> None:
    """Ask for one push operation, time and again."""
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
    url = f"{codat.url}/companies/{codat.company_id}/push/{key}"
    async with aiohttp.ClientSession(timeout=timeout, headers=HEADERS) as session:
        while time.time() < deadline:
            with suppress(aiohttp.ClientError, TimeoutError):
                async with session.get(url) as answer:
                    if (await answer.json())["status"] != "Pending":
                        return
            await asyncio.sleep(INTERVAL_SECONDS)


async def with_to_thread(codat: RemoteCodat, key: str, deadline: float) -> None:
    """Ask for one push operation, time and again, in the loop's own threads."""
    url = f"{codat.url}/companies/{codat.company_id}/push/{key}"
    while time.time() < deadline:
        with suppress(requests.RequestException):
            answer = await asyncio.to_thread(
                requests.get, url, headers=HEADERS, timeout=TIMEOUT_SECONDS
            )
            if answer.json()["status"] != "Pending":
                return
        await asyncio.sleep(INTERVAL_SECONDS)


CLIENTS: dict[str, Wait] = {
    "CodatPushOperationTrigger": ours,
    "aiohttp, each for itself": with_aiohttp,
    "requests in asyncio.to_thread": with_to_thread,
}


@contextmanager
def simulator() -> Iterator[RemoteCodat]:
    """Start a local Codat in a process of its own, without limits."""
    unlimited = "--requests-per-minute none --daily-quota none --concurrency none"
    with TemporaryDirectory() as folder:
        ready = Path(folder) / "ready.json"
        settings = f"--quiet --settle-seconds {SETTLE_SECONDS} {unlimited}".split()
        command = [sys.executable, "-m", "airflow_provider_codat.simulator", *settings]
        process = subprocess.Popen([*command, "--ready-file", str(ready)])
        try:
            while not ready.exists():
                time.sleep(0.1)
            yield RemoteCodat(json.loads(ready.read_text(encoding="utf-8"))["url"])
        finally:
            process.terminate()
            process.wait()


def pushed(codat: RemoteCodat) -> list[str]:
    """Create the customers; return the keys of their push operations."""
    url = (
        f"{codat.url}/companies/{codat.company_id}/connections/{codat.connection_id}"
        "/push/customers"
    )
    keys = []
    with requests.Session() as session:
        for number in range(WAITS):
            customer = {"customerName": f"Customer {number}", "status": "Active"}
            headers = {**HEADERS, "Idempotency-Key": str(uuid4())}
            answer = session.post(url, json=customer, headers=headers, timeout=10)
            keys.append(answer.json()["pushOperationKey"])
    return keys


async def watched(
    waiting: Awaitable[Any], lags: list[float], names: list[float]
) -> None:
    """Wait, and measure meanwhile how late the loop is, and how slow names are."""

    async def watch() -> None:
        loop = asyncio.get_running_loop()
        while True:
            begun = time.monotonic()
            await asyncio.sleep(0.02)
            lags.append(time.monotonic() - begun - 0.02)
            begun = time.monotonic()
            try:
                await loop.getaddrinfo("localhost", 80)
            finally:
                # Also when it has not come back by the end.
                names.append(time.monotonic() - begun)

    watcher = asyncio.create_task(watch())
    try:
        await waiting
    finally:
        watcher.cancel()
        await asyncio.wait([watcher])


def measured(wait: Wait, *, hanging: bool) -> dict[str, float]:
    """Let all wait in one loop, and return what that cost."""
    lags: list[float] = []
    names: list[float] = []
    with simulator() as codat:
        os.environ["AIRFLOW_CONN_CODAT_DEFAULT"] = codat.airflow_connection()
        keys = pushed(codat)
        if hanging:
            codat.order("slow", route="any", count=100_000, seconds=60)
        before = len(codat.journal())
        begun = time.time()
        deadline = begun + (HANGING_SECONDS if hanging else 120)

        async def main() -> None:
            every = asyncio.gather(*(wait(codat, key, deadline) for key in keys))
            limited = asyncio.wait_for(every, deadline - time.time() + 5)
            with suppress(TimeoutError):
                await watched(limited, lags, names)

        asyncio.run(main())
        seconds = time.time() - begun
        requests_sent = len(codat.journal()) - before
    return {
        "requests": requests_sent,
        "seconds": round(seconds, 1),
        "lag_median_ms": round(statistics.median(lags) * 1000, 1),
        "lag_worst_ms": round(max(lags) * 1000),
        "name_median_ms": round(statistics.median(names) * 1000, 1),
        "name_worst_ms": round(max(names) * 1000),
    }


def main() -> None:
    """Measure, print the table, write the result."""
    result = {
        name: {
            "ending": measured(wait, hanging=False),
            "hanging": measured(wait, hanging=True),
        }
        for name, wait in CLIENTS.items()
    }
    RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    for name, plans in result.items():
        for plan, found in plans.items():
            print(f"| {name} | {plan} | " + " | ".join(map(str, found.values())) + " |")


if __name__ == "__main__":
    main()
