"""What a client sees on its socket when the wire has its troubles."""

import errno
import json
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from airflow_provider_codat.simulator import (
    SECOND_COMPANY_ID,
    SECOND_CONNECTION_ID,
    LocalCodat,
)

Call = Callable[..., requests.Response]
Raw = Callable[..., socket.socket]
KEY = "11111111-2222-4333-8444-555555555555"


def read_all(opened: socket.socket) -> bytes:
    found = b""
    while piece := opened.recv(65536):
        found += piece
    return found


def body_of(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[2]


def assert_once_after_repeat(codat: LocalCodat, create: Call, committed: int) -> None:
    """Repeat with the same key: one record, whether the first was committed or not."""
    assert len(codat.ledger()) == committed
    answer = create(codat, key=KEY)
    assert answer.status_code == 200
    assert answer.json()["companyId"] == codat.company_id
    assert codat.counts_by_name() == {"Acme": 1}
    assert codat.journal()[-1].replayed == bool(committed)


@pytest.mark.parametrize("when", ["before", "after"])
def test_no_answer(codat: LocalCodat, raw: Raw, create: Call, when: str) -> None:
    """The connection is held, then closed in good order without one byte."""
    codat.order(f"no_answer_{when}_commit", seconds=0.2)
    begun = time.monotonic()
    assert read_all(raw(codat, key=KEY)) == b""
    assert time.monotonic() - begun >= 0.2
    assert codat.journal()[0].status is None
    assert codat.journal()[0].misfortune == f"no_answer_{when}_commit"
    assert_once_after_repeat(codat, create, when == "after")


@pytest.mark.parametrize("when", ["before", "after"])
def test_reset(codat: LocalCodat, raw: Raw, create: Call, when: str) -> None:
    """The connection is reset: a true RST, not an orderly end."""
    codat.order(f"reset_{when}_commit")
    with pytest.raises(ConnectionResetError) as caught:
        read_all(raw(codat, key=KEY))
    assert caught.value.errno == errno.ECONNRESET
    assert codat.journal()[0].status is None
    assert_once_after_repeat(codat, create, when == "after")


def test_slow(codat: LocalCodat, create: Call) -> None:
    """The answer is the usual one, only late."""
    codat.order("slow", seconds=0.2)
    begun = time.monotonic()
    assert create(codat).status_code == 200
    assert time.monotonic() - begun >= 0.2


@pytest.mark.parametrize("kind", ["drip", "drip_headers"])
def test_drip(codat: LocalCodat, raw: Raw, create: Call, kind: str) -> None:
    """The right answer comes byte by byte, so that no single read is ever late."""
    codat.order(kind, seconds=0.001)
    opened = raw(codat, key=KEY)
    pieces = []
    while piece := opened.recv(65536):
        pieces.append(piece)
    answer = b"".join(pieces)
    assert len(pieces) > 50
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert json.loads(body_of(answer))["status"] == "Success"
    assert body_of(answer) == create(codat, key=KEY).content


def test_drip_outlasts_a_read_timeout(codat: LocalCodat, create: Call) -> None:
    """A client with a timeout per read alone is held far longer than that timeout."""
    codat.order("drip", seconds=0.01)
    begun = time.monotonic()
    answer = create(codat, timeout=3)
    assert answer.json()["status"] == "Success"
    assert time.monotonic() - begun > 3


def test_drip_to_a_client_that_leaves(
    codat: LocalCodat, raw: Raw, create: Call
) -> None:
    """A client that leaves amid a drip does no harm to the server."""
    codat.order("drip", seconds=0.01)
    opened = raw(codat)
    assert opened.recv(100)
    opened.close()
    assert create(codat).status_code == 200


def test_cut_body(codat: LocalCodat, raw: Raw, create: Call) -> None:
    """Content-Length promises more than is sent before the end; it was committed."""
    codat.order("cut_body")
    answer = read_all(raw(codat, key=KEY))
    head = answer.partition(b"\r\n\r\n")[0].decode()
    promised = int(head.partition("Content-Length: ")[2].split("\r\n")[0])
    assert 0 < len(body_of(answer)) < promised
    assert_once_after_repeat(codat, create, committed=1)


@pytest.mark.parametrize(
    ("fields", "check"),
    [
        ({}, lambda text: not text.startswith("{")),
        ({"message": "so sorry"}, lambda text: text == "so sorry"),
        ({"junk": "shape"}, lambda text: "pushOperationKey" not in json.loads(text)),
    ],
    ids=["text", "message", "shape"],
)
def test_junk_body(
    codat: LocalCodat,
    create: Call,
    fields: dict[str, Any],
    check: Callable[[str], bool],
) -> None:
    """A 200 with a useless body, although the create was committed."""
    codat.order("junk_body", **fields)
    answer = create(codat, key=KEY)
    assert answer.status_code == 200
    assert check(answer.text)
    assert_once_after_repeat(codat, create, committed=1)


def test_junk_body_of_an_error(codat: LocalCodat, create: Call) -> None:
    """An error goes out as it is: only a yes, which was committed, turns into junk."""
    codat.order("codat_error_before_commit")
    codat.order("junk_body")
    assert create(codat, key=KEY).status_code == 500
    assert codat.operations() == []


def test_foreign_body(codat: LocalCodat, create: Call) -> None:
    """A valid push operation, but somebody else's."""
    codat.order("junk_body", junk="foreign")
    body = create(codat, key=KEY).json()
    assert body["companyId"] == SECOND_COMPANY_ID
    assert body["dataConnectionKey"] == SECOND_CONNECTION_ID
    known = {each["pushOperationKey"] for each in codat.operations()}
    assert body["pushOperationKey"] not in known
    assert_once_after_repeat(codat, create, committed=1)


def test_foreign_body_of_nothing(codat: LocalCodat, data: Call) -> None:
    """Where the true reply has no body, a foreign one is a page of text."""
    codat.order("junk_body", junk="foreign", route="refresh_all")
    answer = data(codat, "POST", "data/all")
    assert (answer.status_code, answer.text[:6]) == (200, "<html>")


@pytest.mark.parametrize("status", [502, 503, 504])
@pytest.mark.parametrize("when", ["before", "after"])
def test_gateway_error(codat: LocalCodat, create: Call, when: str, status: int) -> None:
    """A gateway's HTML error; Codat remembers nothing of before, a 200 of after."""
    codat.order(f"gateway_error_{when}_commit", status=status)
    answer = create(codat, key=KEY)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "text/html"
    assert "X-Rate-Limit-Limit" not in answer.headers
    assert_once_after_repeat(codat, create, when == "after")


def test_too_many_requests(codat: LocalCodat, create: Call) -> None:
    """A 429 tells the wait in seconds, as a date, or not; nothing is committed."""
    codat.order("too_many_requests", retry_after=7)
    codat.order("too_many_requests", retry_after=7, retry_after_format="http-date")
    codat.order("too_many_requests", retry_after=None)
    began = time.time()
    first, second, third = (create(codat, key=KEY) for _ in range(3))
    ended = time.time()
    assert {each.status_code for each in (first, second, third)} == {429}
    assert first.headers["Retry-After"] == "7"
    until = parsedate_to_datetime(second.headers["Retry-After"])
    assert began + 6 <= until.timestamp() <= ended + 8
    assert "Retry-After" not in third.headers
    assert_once_after_repeat(codat, create, committed=0)


@pytest.mark.parametrize("status", [302, 307])
def test_redirect(codat: LocalCodat, create: Call, status: int) -> None:
    """A redirect leads elsewhere; Codat never saw the request."""
    codat.order("redirect", status=status, location="http://127.0.0.1:9/there")
    answer = create(codat, key=KEY)
    assert answer.status_code == status
    assert answer.headers["Location"] == "http://127.0.0.1:9/there"
    assert_once_after_repeat(codat, create, committed=0)


@pytest.mark.parametrize("route", ["get_push", "list_push", "companies", "options"])
def test_reads_have_troubles_too(codat: LocalCodat, send: Call, route: str) -> None:
    """A misfortune befalls the route it was ordered for, and no other."""
    company = f"/companies/{codat.company_id}"
    connection = f"{company}/connections/{codat.connection_id}"
    paths = {
        "get_push": f"{company}/push/{KEY}",
        "list_push": f"{company}/push",
        "companies": "/companies",
        "options": f"{connection}/options/customers",
    }
    codat.order("codat_error_before_commit", route=route, status=503)
    for name, path in paths.items():
        assert (send(codat, "GET", path).status_code == 503) == (name == route)


def test_connection_lives_on(codat: LocalCodat, send: Call) -> None:
    """After trouble on one connection the others work on, and so does a new one."""
    with requests.Session() as session:
        session.trust_env = False
        for kind in ("reset_before_commit", "cut_body", "drip"):
            codat.order(kind, route="companies", seconds=0)
            with suppress(requests.RequestException):
                session.get(f"{codat.url}/companies", timeout=5)
            assert send(codat, "GET", "/companies").status_code == 200


def test_stop_does_not_wait_for_a_hold() -> None:
    """The server stops at once although it holds a connection."""
    with LocalCodat() as codat:
        codat.order("no_answer_before_commit", route="any", seconds=60)
        with pytest.raises(requests.Timeout):
            requests.get(f"{codat.url}/companies", timeout=0.1)
        begun = time.monotonic()
    assert time.monotonic() - begun < 50
