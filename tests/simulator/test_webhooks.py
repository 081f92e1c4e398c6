"""The laws of what the local Codat sends by itself, to a server that notes it."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from airflow_provider_codat.simulator import LocalCodat
from airflow_provider_codat.simulator.settings import WEBHOOK_SECRET
from airflow_provider_codat.simulator.webhooks import RETRY_SECONDS

SECONDS = 60.0


class Receiver(ThreadingHTTPServer):
    """Notes what comes, and answers with the statuses that a test has ordered."""

    def __init__(self) -> None:
        self.came: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        self.lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/here"

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.came]


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        with self.server.lock:
            self.server.came.append((headers, body))
            statuses = self.server.statuses
            status = statuses.pop(0) if statuses else 204
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Serve a receiver."""
    with Receiver() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def codat(receiver: Receiver, start: Callable[..., LocalCodat]) -> LocalCodat:
    """Serve a Codat that sends its events there."""
    return start(webhook_url=receiver.url, refresh_seconds=0)


def until(told: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not told():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def push(codat: LocalCodat, name: str = "Fen Bakery", **how: str) -> dict[str, Any]:
    return codat.stranger_pushes({"customerName": name, "status": "Active"}, **how)


def statuses(codat: LocalCodat) -> list[int | None]:
    """Return what was answered to the first message."""
    return [status for each in codat.webhooks()[:1] for status in each["statuses"]]


def is_signed(headers: dict[str, str], body: bytes) -> bool:
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(WEBHOOK_SECRET.removeprefix("whsec_"))
    digest = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    recent = abs(time.time() - float(headers["webhook-timestamp"])) < 300
    return headers["webhook-signature"] == f"v1,{digest}" and recent


def test_a_write(codat: LocalCodat, receiver: Receiver) -> None:
    """A push operation that has ended is told once, signed, with its record."""
    key = push(codat)["pushOperationKey"]
    until(lambda: receiver.came)
    until(lambda: codat.webhooks()[0]["is_over"])
    ((headers, body),) = receiver.came
    assert is_signed(headers, body)
    (record,) = codat.ledger()
    event = json.loads(body)
    assert event["eventType"] == "customers.write.successful"
    payload = event["payload"]
    assert (payload["id"], payload["status"]) == (key, "Success")
    assert payload["record"] == {"id": record.record_id}
    assert payload["referenceCompany"]["id"] == codat.company_id
    (told,) = codat.webhooks()
    assert (told["id"], told["statuses"]) == (headers["webhook-id"], [204])


@pytest.mark.parametrize(
    ("outcome", "status"), [("fail", "Failed"), ("timed_out", "TimedOut")]
)
def test_a_write_that_fails(
    codat: LocalCodat, receiver: Receiver, outcome: str, status: str
) -> None:
    """One that has failed, or timed out, is told as unsuccessful, without a record."""
    push(codat, outcome=outcome)
    codat.advance(seconds=86_400)
    until(lambda: receiver.came)
    (event,) = receiver.events()
    assert event["eventType"] == "customers.write.unsuccessful"
    assert (event["payload"]["status"], event["payload"]["record"]) == (status, None)


def test_what_has_not_ended_is_not_told(codat: LocalCodat, receiver: Receiver) -> None:
    """A push operation is told when it has ended, and not before."""
    push(codat, "Waits", outcome="stay_pending")
    push(codat, "Ends")
    until(lambda: receiver.came)
    codat.settle_creates()
    assert len(codat.webhooks()) == 1


def test_a_read(
    codat: LocalCodat, receiver: Receiver, send: Callable[..., Any]
) -> None:
    """A refresh is told with whether it has brought anything new."""
    path = f"/companies/{codat.company_id}/data/queue/customers"
    codat.typed_in({"customerName": "Fen Bakery"})
    for number in (1, 2):
        assert send(codat, "POST", path).ok
        until(lambda number=number: len(receiver.came) == number)
    changed = [
        e["payload"]["dataTypes"][0]["recordsModified"] for e in receiver.events()
    ]
    assert changed == [True, False]


def test_again_until_it_is_taken(codat: LocalCodat, receiver: Receiver) -> None:
    """What is not taken comes again by Codat's schedule, the same but for its time."""
    receiver.statuses = [500, 401, 302, 503]
    push(codat)
    for number, seconds in enumerate(RETRY_SECONDS[1:5], 1):
        until(lambda number=number: len(statuses(codat)) == number)
        codat.advance(seconds=seconds)
    until(lambda: codat.webhooks()[0]["is_over"])
    assert statuses(codat) == [500, 401, 302, 503, 204]
    assert len({headers["webhook-id"] for headers, _ in receiver.came}) == 1
    assert len({body for _, body in receiver.came}) == 1


def test_not_for_ever(start: Callable[..., LocalCodat], receiver: Receiver) -> None:
    """After the last time of the schedule a message is given up."""
    url = receiver.url
    receiver.server_close()
    codat = start(webhook_url=url)
    push(codat)
    for number, seconds in enumerate([*RETRY_SECONDS[1:], 0], 1):
        until(lambda number=number: len(statuses(codat)) == number)
        codat.advance(seconds=seconds)
    until(lambda: codat.webhooks()[0]["is_over"])
    assert statuses(codat) == [None] * len(RETRY_SECONDS)


def test_twice(codat: LocalCodat, receiver: Receiver) -> None:
    """A message that comes twice has the same id both times."""
    codat.order("webhook_twice")
    push(codat)
    until(lambda: len(receiver.came) == 2)
    assert len({headers["webhook-id"] for headers, _ in receiver.came}) == 1


def test_late(codat: LocalCodat, receiver: Receiver) -> None:
    """A message that is late comes after those that were made after it."""
    codat.order("webhook_late", seconds=60)
    codat.send_webhook("first", {})
    codat.send_webhook("second", {})
    until(lambda: receiver.came)
    codat.advance(seconds=60)
    until(lambda: len(receiver.came) == 2)
    assert [event["eventType"] for event in receiver.events()] == ["second", "first"]


@pytest.mark.parametrize(
    "kind", ["webhook_wrong_signature", "webhook_old_timestamp", "webhook_cut_body"]
)
def test_spoilt(codat: LocalCodat, receiver: Receiver, kind: str) -> None:
    """A message that is spoilt once is not signed as it came; the next one is."""
    receiver.statuses = [401]
    codat.order(kind)
    push(codat)
    until(lambda: receiver.came)
    codat.advance(seconds=5)
    until(lambda: len(receiver.came) == 2)
    assert [is_signed(*each) for each in receiver.came] == [False, True]


def test_a_reset(codat: LocalCodat, receiver: Receiver) -> None:
    """After a reset nothing is told of what was before."""
    codat.order("webhook_late", seconds=60)
    push(codat)
    until(codat.webhooks)
    codat.reset()
    assert codat.webhooks() == []
    push(codat, "Another")
    until(lambda: receiver.came)
    assert len(codat.webhooks()) == 1
