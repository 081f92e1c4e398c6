"""Real requests to real simulators: nothing here is patched."""

import json
import socket
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from airflow_provider_codat.simulator import API_KEY, CodatControls, LocalCodat
from airflow_provider_codat.simulator.world import authorization

UNLIMITED = {"requests_per_minute": None, "daily_quota": None}


@pytest.fixture
def start() -> Iterator[Callable[..., LocalCodat]]:
    """Start simulators with given settings; all are stopped after the test."""
    with ExitStack() as stack:

        def begin(**settings: object) -> LocalCodat:
            fields = {"settle_seconds": 0, **UNLIMITED, **settings}
            return stack.enter_context(LocalCodat(**fields))

        yield begin


@pytest.fixture
def codat(start: Callable[..., LocalCodat]) -> LocalCodat:
    """Serve a Codat whose operations settle at once."""
    return start()


@pytest.fixture
def send() -> Callable[..., requests.Response]:
    """Send one authorised request to a path."""

    def do(
        codat: CodatControls, method: str, path: str, **options: object
    ) -> requests.Response:
        headers = {
            "Authorization": authorization(API_KEY),
            **options.pop("headers", {}),
        }
        options = {"timeout": 10, "allow_redirects": False, **options}
        return requests.request(method, codat.url + path, headers=headers, **options)

    return do


@pytest.fixture
def create(send: Callable[..., requests.Response]) -> Callable[..., requests.Response]:
    """Create one customer."""

    def do(
        codat: CodatControls,
        name: str = "Acme",
        *,
        key: str | None = None,
        connection: str = "lenient",
        body: object = None,
        query: str = "",
        **options: object,
    ) -> requests.Response:
        value = {"customerName": name, "status": "Active"} if body is None else body
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        headers = {"Idempotency-Key": key} if key else {}
        headers = {"Content-Type": "application/json", **headers}
        path = create_path(codat, connection) + query
        return send(codat, "POST", path, data=data, headers=headers, **options)

    return do


@pytest.fixture
def update(send: Callable[..., requests.Response]) -> Callable[..., requests.Response]:
    """Update one customer."""

    def do(
        codat: CodatControls,
        record_id: str,
        body: object,
        connection: str = "lenient",
        query: str = "",
        **options: object,
    ) -> requests.Response:
        path = f"{create_path(codat, connection)}/{record_id}{query}"
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return send(codat, "PUT", path, data=data, **options)

    return do


@pytest.fixture
def poll(send: Callable[..., requests.Response]) -> Callable[..., dict[str, Any]]:
    """Read one push operation again."""

    def do(codat: CodatControls, reply: requests.Response) -> dict[str, Any]:
        key = reply.json()["pushOperationKey"]
        answer = send(codat, "GET", f"/companies/{codat.company_id}/push/{key}")
        assert answer.status_code == 200
        return answer.json()

    return do


@pytest.fixture
def listed(send: Callable[..., requests.Response]) -> Callable[..., dict[str, Any]]:
    """Read a page of the push list."""

    def do(codat: CodatControls, **params: object) -> dict[str, Any]:
        path = f"/companies/{codat.company_id}/push"
        answer = send(codat, "GET", path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return do


@pytest.fixture
def data(send: Callable[..., requests.Response]) -> Callable[..., requests.Response]:
    """Send a request to a path below the default company."""

    def do(
        codat: CodatControls, method: str, path: str, **options: object
    ) -> requests.Response:
        return send(codat, method, f"/companies/{codat.company_id}/{path}", **options)

    return do


@pytest.fixture
def refreshed(
    data: Callable[..., requests.Response],
) -> Callable[..., dict[str, Any]]:
    """Start a refresh of customers, and move the clock to its end."""

    def do(codat: CodatControls) -> dict[str, Any]:
        answer = data(codat, "POST", "data/queue/customers")
        assert answer.status_code == 200, answer.text
        codat.advance(seconds=1)
        return answer.json()

    return do


@pytest.fixture
def raw() -> Iterator[Callable[..., socket.socket]]:
    """Send a create over a bare socket, to see exactly what comes back."""
    with ExitStack() as stack:

        def do(
            codat: CodatControls, name: str = "Acme", key: str | None = None
        ) -> socket.socket:
            where = urlsplit(codat.url)
            assert where.hostname is not None
            opened = socket.create_connection((where.hostname, where.port), timeout=10)
            stack.enter_context(opened)
            body = json.dumps({"customerName": name, "status": "Active"})
            opened.sendall(
                f"POST {create_path(codat, 'lenient')} HTTP/1.1\r\n"
                f"Host: local\r\nAuthorization: {authorization(API_KEY)}\r\n"
                f"Idempotency-Key: {key or uuid.uuid4()}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
            )
            return opened

        yield do


def create_path(codat: CodatControls, connection: str) -> str:
    connection_id = codat.connections.get(connection, connection)
    return f"/companies/{codat.company_id}/connections/{connection_id}/push/customers"
