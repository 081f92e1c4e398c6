"""The bare limit: keep-alive sockets, bodies encoded beforehand, one thread.

It validates nothing, journals nothing and repeats nothing: what a client could do at
best if it need not care.
"""

import http.client
import json
import re
import selectors
import socket
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from load import job, list_until_settled, measured

JOB = job()
WHERE = urlsplit(JOB.base_url)
PLACE = (WHERE.hostname or "", WHERE.port or 80)
KEY = re.compile(rb'"pushOperationKey":"([^"]+)"')
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


def encoded() -> list[bytes]:
    """Return all requests, ready for the socket."""
    head = (
        f"POST {JOB.path} HTTP/1.1\r\nHost: {WHERE.netloc}\r\n"
        f"Authorization: {JOB.authorization}\r\nContent-Type: application/json\r\n"
        "Idempotency-Key: {}\r\nContent-Length: {}\r\n\r\n"
    )
    return [head.format(uuid4(), len(row)).encode() + row for row in JOB.rows()]


def answers(requests: list[bytes]) -> Iterator[bytes]:
    """Send all requests, a few at a time and so many in 60 s; yield the answers."""
    free = [socket.create_connection(PLACE) for _ in range(JOB.threads)]
    for each in free:
        each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    times: list[float] = []
    with selectors.DefaultSelector() as waiting:
        while len(times) < len(requests) or waiting.get_map():
            wait = None
            if free and len(times) < len(requests):
                wait = max(0.0, due(times) - time.monotonic())
                if not wait:
                    sender = free.pop()
                    sender.sendall(requests[len(times)])
                    times.append(time.monotonic())
                    waiting.register(sender, selectors.EVENT_READ)
                    continue
            for ready, _ in waiting.select(wait):
                opened = ready.fileobj
                assert isinstance(opened, socket.socket)  # noqa: S101 - for the type checker
                yield answer(opened)
                waiting.unregister(opened)
                free.append(opened)
    for each in free:
        each.close()


def due(times: list[float]) -> float:
    """Return when the next request may go, after those at some times."""
    most = JOB.requests_per_minute
    # A little more than the minute: what counts is when they arrive.
    return times[-most] + 60.1 if len(times) >= most else 0.0


def answer(opened: socket.socket) -> bytes:
    """Read one answer whole."""
    data = opened.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = LENGTH.search(head)
    if not head.startswith(b"HTTP/1.1 200 ") or length is None:
        raise ValueError(head.decode())
    while len(body) < int(length[1]):
        body += opened.recv(65536)
    return body


def page(path: str) -> Any:  # noqa: ANN401 - any JSON
    """Ask for a path."""
    connection = http.client.HTTPConnection(*PLACE)
    connection.request("GET", path, headers={"Authorization": JOB.authorization})
    found = json.load(connection.getresponse())
    connection.close()
    return found


REQUESTS = encoded()
with measured(JOB):
    KEYS = set()
    for body in answers(REQUESTS):
        found = KEY.search(body)
        assert found is not None  # noqa: S101 - a 200 has a key, or the measure is void
        KEYS.add(found[1].decode())
    list_until_settled(JOB, KEYS, page)
