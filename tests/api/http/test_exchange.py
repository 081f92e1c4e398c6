"""The laws of a conversation: every answer, both drivers, over a real socket."""

import asyncio
import json
import logging
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from email.utils import formatdate
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from airflow_provider_codat.api.create.journal import Entry
from airflow_provider_codat.api.create.settle import judged, settle
from airflow_provider_codat.api.data_types import CUSTOMERS
from airflow_provider_codat.api.errors import (
    CodatError,
    CodatFaulted,
    IdempotencyConflict,
    JournalFailed,
    Malformed,
    NotAuthorised,
    NotFound,
    OutcomeUnknown,
    PaymentRequired,
    RateLimited,
    Refused,
    StillInProgress,
    Unreachable,
)
from airflow_provider_codat.api.http import exchange as client
from airflow_provider_codat.api.http import request as codat_request
from airflow_provider_codat.api.http.exchange import (
    Conversation,
    DeferrablePause,
    Note,
    Patience,
    Pause,
    Send,
    adrive,
    create,
    drive,
    get,
    post,
    send_once,
)
from airflow_provider_codat.api.http.response import json_of
from airflow_provider_codat.api.http.retry import KEY_LIFETIME_SECONDS, Sends
from airflow_provider_codat.api.http.transport import Transport
from airflow_provider_codat.api.models import Destination, Json
from airflow_provider_codat.api.pace.rate_limit import WINDOW_SECONDS
from airflow_provider_codat.api.payload.canonical import canonical
from airflow_provider_codat.api.payload.redaction import redactor
from airflow_provider_codat.simulator import FOREIGN_API_KEY, LocalCodat
from airflow_provider_codat.simulator.clock import utc_text

if TYPE_CHECKING:
    from tests.api.conftest import MovableClock, RawServer

Script = tuple[bytes | float | str, ...]
Patiences = Callable[..., Patience]
RawServers = Callable[..., "RawServer"]
Transports = Callable[..., Transport]

GET = codat_request.Request("GET", "/companies")
KEY = "7d9f0f0c-54c8-4e4c-9e0e-3a0f3f5d1c11"
PATIENT = {"connect_timeout_seconds": 20, "read_timeout_seconds": 20}
# Less than a dripping answer takes, and long enough for one that comes at once.
HURRIED = {"connect_timeout_seconds": 1, "read_timeout_seconds": 3}


def http(status: int, body: object = b"", **headers: object) -> bytes:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    head = "\r\n".join([f"HTTP/1.1 {status} X", f"Content-Length: {len(data)}", *lines])
    return head.encode() + b"\r\n\r\n" + data


def error(status: int, retry: str = "Unknown", **more: object) -> bytes:
    body = {
        "statusCode": status,
        "error": "No.",
        "correlationId": "a1b2c3",
        "canBeRetried": retry,
        **more,
    }
    return http(status, body)


OK = http(200, {"a": 1})
HTML = b"<html>Gateway</html>"
VALUE = {"a": 1}
FOREVER = [0.375, 0.75, 1.5, 3.0]  # the next would pass the ten seconds
ENDLESS = (
    "quota-reset",
    http(429, x_rate_limit_remaining="0", x_rate_limit_reset="2099-01-01T00:00:00Z"),
)

# What the server answers, the last of it again and again; what becomes of the
# conversation; its waits. There is one request more than there are waits.
GET_ROWS: dict[str, tuple[list[Script], object, list[float]]] = {
    "200": ([(OK,)], VALUE, []),
    "204": ([(http(204),)], None, []),
    "junk, then 200": ([(http(200, HTML),), (OK,)], VALUE, [0.375]),
    "junk": ([(http(200, HTML),)], Malformed, FOREVER),
    "reset, then 200": ([("reset",), (OK,)], VALUE, [0.375]),
    "reset": ([("reset",)], Unreachable, FOREVER),
    "closed": ([("close",)], Unreachable, FOREVER),
    "cut": ([(OK[:-1], "close")], Unreachable, FOREVER),
    "502 of a gateway, then 200": ([(http(502, HTML),), (OK,)], VALUE, [0.375]),
    "502 of a gateway": ([(http(502, HTML),)], CodatFaulted, FOREVER),
    "500 of Codat's, then 200": ([(error(500),), (OK,)], VALUE, [0.375]),
    "500 of Codat's": ([(error(500),)], CodatFaulted, FOREVER),
    "503 thrice, then 200": ([*[(error(503),)] * 3, (OK,)], VALUE, [0.375, 0.75, 1.5]),
    "500 that Codat calls final": ([(error(500, "No"),)], CodatFaulted, []),
    "408, then 200": ([(http(408),), (OK,)], VALUE, [0.375]),
    "408": ([(http(408),)], CodatFaulted, FOREVER),
    "429 of seconds": ([(http(429, Retry_After=7),), (OK,)], VALUE, [7.0]),
    "429 of no time": ([(http(429, Retry_After=0),), (OK,)], VALUE, [0.375]),
    "429 of no time for ever": ([(http(429, Retry_After=0),)], RateLimited, FOREVER),
    "429 that does not say": ([(http(429),), (OK,)], VALUE, [7.5]),
    "429 that never says": ([(http(429),)], RateLimited, [7.5]),
    "429 of minutes": ([(http(429, Retry_After=600),)], RateLimited, []),
    "429 until the quota is renewed": ([(ENDLESS[1],)], RateLimited, []),
    "400": ([(error(400),)], Refused, []),
    "400 that Codat calls passing": ([(error(400, "True"),), (OK,)], VALUE, [0.375]),
    "401": ([(error(401),)], NotAuthorised, []),
    "402": ([(error(402),)], PaymentRequired, []),
    "403": ([(error(403),)], NotAuthorised, []),
    "403 of a firewall": ([(http(403, HTML),)], NotAuthorised, []),
    "404": ([(error(404),)], NotFound, []),
    "405": ([(error(405),)], Refused, []),
    "409": ([(error(409),)], StillInProgress, []),
    "422": ([(error(422),)], IdempotencyConflict, []),
    "451": ([(error(451),)], Refused, []),
    "103": ([(b"HTTP/1.1 103 Early Hints\r\n\r\n", "close")], Refused, []),
    "301": ([(http(301, Location="/x"),)], Refused, []),
    "304": ([(b"HTTP/1.1 304 Not Modified\r\n\r\n",)], Refused, []),
}


def sync_way(
    conversation: Conversation[Any], sender: Transport, clock: "MovableClock"
) -> object:
    return drive(conversation, sender.send, clock.sleep)


def async_way(
    conversation: Conversation[Any], sender: Transport, clock: "MovableClock"
) -> object:
    with ThreadPoolExecutor(1) as executor:
        return asyncio.run(adrive(conversation, sender.send, executor, clock.asleep))


@pytest.mark.parametrize("way", [sync_way, async_way], ids=["worker", "triggerer"])
@pytest.mark.parametrize(("scripts", "end", "waits"), GET_ROWS.values(), ids=GET_ROWS)
def test_every_answer_to_a_get(
    scripts: list[Script],
    end: object,
    waits: list[float],
    way: Callable[..., object],
    raw_server: RawServers,
    transport: Transports,
    clock: "MovableClock",
    patience: Patiences,
) -> None:
    """Worker and triggerer get the same, by as many requests and equal waits."""
    server = raw_server(*scripts)
    conversation = get(GET, json_of, patience())
    sender = transport(server.url, **PATIENT)
    if isinstance(end, type):
        with pytest.raises(CodatError) as raised:
            way(conversation, sender, clock)
        assert type(raised.value) is end
        assert str(raised.value).startswith("GET /companies: ")
    else:
        assert way(conversation, sender, clock) == end
    assert len(server.requests) == len(waits) + 1
    assert clock.waits == waits


def test_retry_after_as_a_date(
    raw_server: RawServers,
    transport: Transports,
    clock: "MovableClock",
    patience: Patiences,
) -> None:
    """A date is waited for by Codat's clock, not by ours."""
    date, later = (formatdate(at, usegmt=True) for at in (86_400, 86_407))
    server = raw_server((http(429, Date=date, Retry_After=later),), (OK,))
    drive(get(GET, json_of, patience()), transport(server.url).send, clock.sleep)
    assert clock.waits == [7.0]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_triggerer_only_reads(
    method: str,
    raw_server: RawServers,
    transport: Transports,
    clock: "MovableClock",
    patience: Patiences,
) -> None:
    """The async driver refuses anything but a GET before it is sent."""
    server = raw_server((OK,))
    request = codat_request.Request(method, "/x", idempotency_key=KEY)
    with pytest.raises(CodatError, match=f"only a worker may send {method} /x"):
        async_way(post(request, json_of, patience()), transport(server.url), clock)
    assert server.connections == 0


def test_the_event_loop_is_not_held_up(
    raw_server: RawServers, transport: Transports, patience: Patiences
) -> None:
    """While a triggerer waits for an answer, its other triggers go on."""
    server = raw_server((0.3, OK))
    sender = transport(server.url)
    ticks = []

    async def tick() -> None:
        while True:
            ticks.append(server.requests)
            await asyncio.sleep(0.01)

    async def both() -> None:
        ticking = asyncio.create_task(tick())
        with ThreadPoolExecutor(1) as executor:
            await adrive(get(GET, json_of, patience()), sender.send, executor)
        ticking.cancel()

    asyncio.run(both())
    assert len(ticks) > 3


def test_hopeless_tls_is_given_up_at_once(
    raw_server: RawServers,
    transport: Transports,
    clock: "MovableClock",
    patience: Patiences,
    tls: Any,  # noqa: ANN401 - an ssl.SSLContext
) -> None:
    """What would meet the same obstacle again is not repeated."""
    server = raw_server((OK,), tls=tls)
    with pytest.raises(Unreachable, match="certificate could not be verified"):
        drive(get(GET, json_of, patience()), transport(server.url).send, clock.sleep)
    assert clock.waits == []


def test_the_pace_is_kept_across_conversations(
    raw_server: RawServers,
    transport: Transports,
    clock: "MovableClock",
    patience: Patiences,
) -> None:
    """Requests beyond the minute's number wait, whichever conversation they are of."""
    server = raw_server((OK,))
    sender, shared = transport(server.url), patience(requests_per_minute=2)
    for _ in range(5):
        drive(get(GET, json_of, shared), sender.send, clock.sleep)
    assert clock.waits == pytest.approx([WINDOW_SECONDS, WINDOW_SECONDS])
    assert len(server.requests) == 5


# --- creating ---

CANARY = "canary7731"
CUSTOMER: dict[str, Any] = {
    "customerName": f"{CANARY} name",
    "contactName": f"{CANARY} contact",
    "emailAddress": f"{CANARY}@mail.example",
    "phone": f"{CANARY} phone",
    "registrationNumber": f"{CANARY} registration",
    "taxNumber": f"{CANARY} tax",
    "defaultCurrency": f"{CANARY} currency",
    "status": "Active",
    "addresses": [
        {
            "type": "Billing",
            **{
                name: f"{CANARY} {name}"
                for name in (
                    "line1",
                    "line2",
                    "city",
                    "region",
                    "country",
                    "postalCode",
                )
            },
        }
    ],
    "contacts": [
        {
            "name": f"{CANARY} person",
            "email": f"{CANARY}.person@mail.example",
            "phone": [{"number": f"{CANARY} number", "type": "Mobile"}],
            "status": "Active",
        }
    ],
    "supplementalData": {"content": {"crm": {"account": f"{CANARY} account"}}},
}
NAME = CUSTOMER["customerName"]


class Creating:
    """Creates one customer in the simulator, by a clock that moves by sleeping."""

    def __init__(
        self,
        codat: LocalCodat,
        clock: "MovableClock",
        patience: Patience,
        transport: Transports,
    ) -> None:
        self.codat = codat
        self.clock = clock
        self.patience = patience
        self.transport = transport
        self.fields: dict[str, object] = dict(PATIENT)
        self.destination = Destination(codat.company_id, codat.connection_id)
        self.payload: Json = CUSTOMER
        self.key = str(uuid4())
        self.sends = Sends()
        self.pause_seconds = 0.0

    def request(self) -> codat_request.Request:
        return codat_request.create(
            self.destination,
            CUSTOMERS,
            canonical(self.payload),
            idempotency_key=self.key,
        )

    def sleep(self, seconds: float) -> None:
        self.clock.sleep(seconds)
        self.codat.advance(seconds=seconds)
        time.sleep(self.pause_seconds)

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.codat.advance(seconds=seconds)

    def __call__(self, url: str = "") -> Any:  # noqa: ANN401 - a push operation
        conversation = create(
            self.request(),
            self.destination,
            CUSTOMERS,
            self.patience,
            sends=self.sends,
            redact=redactor(self.payload),
        )
        sender = self.transport(url or self.codat.url, **self.fields)

        def send(request: codat_request.Request) -> codat_request.Reply:
            reply = sender.send(request)
            if isinstance(reply, codat_request.NoAnswer):
                return reply
            return replace(reply, received_at=self.clock())

        return drive(conversation, send, self.sleep)


@pytest.fixture
def creating(
    codat: LocalCodat,
    clock: "MovableClock",
    patience: Patiences,
    transport: Transports,
) -> Creating:
    return Creating(codat, clock, patience(60.0), transport)


Order = tuple[str, dict[str, Any]]
HURRY, LONG = {"hurry": True}, {"count": 99}
# What is ordered of the simulator; how it ends; how many POSTs; records in the books.
MISFORTUNES: dict[str, tuple[list[Order], type[CodatError] | None, int, int]] = {
    "none": ([], None, 1, 1),
    "reset before": ([("reset_before_commit", {})], None, 2, 1),
    "reset after": ([("reset_after_commit", {})], None, 2, 1),
    "reset thrice after": ([("reset_after_commit", {"count": 3})], None, 4, 1),
    "no answer before": ([("no_answer_before_commit", {})], None, 2, 1),
    "no answer after": ([("no_answer_after_commit", {})], None, 2, 1),
    "never an answer": ([("no_answer_after_commit", LONG)], Unreachable, 8, 1),
    "dripping body": ([("drip", HURRY)], None, 2, 1),
    "dripping headers": ([("drip_headers", HURRY)], None, 2, 1),
    "cut": ([("cut_body", {})], None, 2, 1),
    "junk": ([("junk_body", {})], None, 2, 1),
    "junk in JSON": ([("junk_body", {"junk": "shape"})], None, 2, 1),
    "somebody else's": ([("junk_body", {"junk": "foreign"})], None, 2, 1),
    "junk twice": ([("junk_body", {"count": 2})], None, 3, 1),
    "always junk": ([("junk_body", LONG)], OutcomeUnknown, 3, 1),
    "always somebody else's": (
        [("junk_body", {"junk": "foreign", **LONG})],
        OutcomeUnknown,
        3,
        1,
    ),
    "gateway before": ([("gateway_error_before_commit", {})], None, 2, 1),
    "gateway after": ([("gateway_error_after_commit", {"status": 504})], None, 2, 1),
    "always a gateway": ([("gateway_error_after_commit", LONG)], Unreachable, 8, 1),
    "Codat's error before": (
        [("codat_error_before_commit", {})],
        OutcomeUnknown,
        1,
        0,
    ),
    "Codat's error after": (
        [("codat_error_after_commit", {"status": 503})],
        OutcomeUnknown,
        1,
        1,
    ),
    "429": ([("too_many_requests", {"retry_after": 7})], None, 2, 1),
    "429 by date": (
        [("too_many_requests", {"retry_after": 7, "retry_after_format": "http-date"})],
        None,
        2,
        1,
    ),
    "429 thrice": ([("too_many_requests", {"retry_after": 7, "count": 3})], None, 4, 1),
    "429 without a time": ([("too_many_requests", {"retry_after": None})], None, 2, 1),
    "429 of hours": ([("too_many_requests", {"retry_after": 7200})], RateLimited, 1, 0),
    "redirect": ([("redirect", {})], None, 2, 1),
    "always a redirect": ([("redirect", LONG)], OutcomeUnknown, 3, 0),
    "400": ([("codat_error_before_commit", {"status": 400})], Refused, 1, 0),
    "402": ([("codat_error_before_commit", {"status": 402})], PaymentRequired, 1, 0),
    "404": ([("codat_error_before_commit", {"status": 404})], NotFound, 1, 0),
    "408, remembered": (
        [("codat_error_before_commit", {"status": 408})],
        Unreachable,
        8,
        0,
    ),
    "409, remembered": (
        [("codat_error_before_commit", {"status": 409})],
        StillInProgress,
        8,
        0,
    ),
    "422": ([("codat_error_before_commit", {"status": 422})], OutcomeUnknown, 1, 0),
    "451": ([("codat_error_before_commit", {"status": 451})], Refused, 1, 0),
    "a refusal after a lost answer": (
        [
            ("reset_after_commit", {}),
            ("gateway_error_before_commit", {"status": 403}),
        ],
        OutcomeUnknown,
        2,
        1,
    ),
    "a refusal after junk": (
        [("junk_body", {}), ("gateway_error_before_commit", {"status": 401})],
        OutcomeUnknown,
        2,
        1,
    ),
    "a refusal after 429": (
        [
            ("too_many_requests", {}),
            ("gateway_error_before_commit", {"status": 403}),
        ],
        NotAuthorised,
        2,
        0,
    ),
    "everything once": (
        [
            ("too_many_requests", {}),
            ("reset_before_commit", {}),
            ("gateway_error_before_commit", {}),
            ("cut_body", {}),
            ("junk_body", {}),
        ],
        None,
        6,
        1,
    ),
}


@pytest.mark.parametrize(
    ("orders", "end", "posts", "records"), MISFORTUNES.values(), ids=MISFORTUNES
)
def test_every_misfortune_of_a_create(
    orders: list[Order],
    end: type[CodatError] | None,
    posts: int,
    records: int,
    creating: Creating,
) -> None:
    """However a create goes wrong, it ends as the table says, and never twice."""
    codat = creating.codat
    for kind, fields in orders:
        if "hurry" in fields:
            creating.fields = dict(HURRIED)
        codat.order(kind, **{k: v for k, v in fields.items() if k != "hurry"})
    if end is None:
        operation = creating()
        assert [operation.record_id] == [r.record_id for r in codat.ledger()]
    else:
        with pytest.raises(CodatError) as raised:
            creating()
        assert type(raised.value) is end
    arrived = codat.journal()
    assert len(arrived) == posts
    assert len({(e.path, e.query, e.body, e.idempotency_key) for e in arrived}) == 1
    assert {e.idempotency_key for e in arrived} == {creating.key}
    assert len(codat.ledger()) == records <= 1
    asked = [fields.get("retry_after", 0) for kind, fields in orders if "429" in kind]
    assert all(
        wait >= (seconds or 0)
        for wait, seconds in zip(creating.clock.waits, asked, strict=False)
    )
    assert sum(creating.clock.waits) <= 60.0


@pytest.mark.parametrize("style", ["seconds", "http-date"])
def test_a_create_does_not_come_back_early(style: Any, creating: Creating) -> None:  # noqa: ANN401 - a literal
    """No wait after a 429 is shorter than Codat asked for."""
    creating.codat.order(
        "too_many_requests", retry_after=9, retry_after_format=style, count=4
    )
    creating()
    assert len(creating.clock.waits) == 4
    assert min(creating.clock.waits) >= 9.0


@pytest.mark.parametrize(
    ("password", "kind"),
    [("bJdfN3UrP6zQmY8vT1xK5sWc0LhG7aEoR9iBt2Vq", 401), (FOREIGN_API_KEY, 403)],
    ids=["unknown", "foreign"],
)
def test_a_wrong_key(password: str, kind: int, creating: Creating) -> None:
    """A key that Codat does not take is refused once, and creates nothing."""
    creating.fields["password"] = password
    with pytest.raises(NotAuthorised) as refused:
        creating()
    assert refused.value.status == kind
    assert refused.value.correlation_id in str(refused.value)
    assert len(creating.codat.journal()) == 1


def test_a_wrong_company(creating: Creating) -> None:
    """A company that Codat does not know is refused."""
    creating.destination = Destination(KEY, KEY)
    with pytest.raises(NotFound):
        creating()
    assert creating.codat.ledger() == []


def test_a_body_that_codat_does_not_take(creating: Creating) -> None:
    """A body against the contract is refused with each of Codat's reasons."""
    creating.payload = {"customerName": NAME}
    with pytest.raises(Refused) as refused:
        creating()
    assert refused.value.status == 400
    assert creating.codat.ledger() == []


def test_a_key_that_was_used_for_another_body(creating: Creating) -> None:
    """A 422 says that a record may exist under our key: nobody here can tell."""
    creating()
    creating.payload = {**CUSTOMER, "customerName": "Fen Bakery"}
    with pytest.raises(OutcomeUnknown, match="used before with another body"):
        creating()
    assert len(creating.codat.ledger()) == 1


def test_a_create_that_is_still_at_work(creating: Creating) -> None:
    """A 409 is waited out with the same key, and ends in the first one's record."""
    creating.codat.order("slow", seconds=6)
    creating.fields = {"connect_timeout_seconds": 20, "read_timeout_seconds": 2}
    creating.pause_seconds = 1.0
    operation = creating()
    statuses = [entry.status for entry in creating.codat.journal()]
    assert 409 in statuses
    assert [r.record_id for r in creating.codat.ledger()] == [operation.record_id]


def test_an_old_key_is_not_sent_again(creating: Creating) -> None:
    """Between two sends of one call, too, the age of the key is looked at."""
    creating.patience = Patience(
        1e6, creating.patience.pace, creating.clock, creating.patience.dice
    )
    creating.codat.order("reset_after_commit", count=1)
    creating.codat.order("too_many_requests", retry_after=KEY_LIFETIME_SECONDS)
    with pytest.raises(OutcomeUnknown) as unknown:
        creating()
    assert len(creating.codat.journal()) == 2
    assert "was not sent" in str(unknown.value)
    assert creating.key in str(unknown.value)


def test_a_key_of_429_alone_is_sent_at_any_age(creating: Creating) -> None:
    """A key that Codat released each time is as good as new after hours."""
    creating.patience = Patience(
        1e6, creating.patience.pace, creating.clock, creating.patience.dice
    )
    creating.codat.order("too_many_requests", retry_after=7200, count=2)
    creating()
    assert creating.clock.waits == [7200.0, 7200.0]
    assert len(creating.codat.ledger()) == 1


@pytest.mark.parametrize(
    ("age", "posts"), [(KEY_LIFETIME_SECONDS - 60, 1), (KEY_LIFETIME_SECONDS + 60, 0)]
)
def test_earlier_tries_count(age: float, posts: int, creating: Creating) -> None:
    """What an earlier try left open is repeated while it is young, and then no more."""
    creating.sends = Sends(first_at=creating.clock() - age, unresolved=True)
    if posts:
        creating()
    else:
        with pytest.raises(OutcomeUnknown, match="more than 75 minutes ago"):
            creating()
    assert len(creating.codat.journal()) == posts


def test_a_refusal_after_an_earlier_try_proves_nothing(creating: Creating) -> None:
    """A key that was rotated between two tries does not undo the first."""
    creating.sends = Sends(first_at=creating.clock() - 60, unresolved=True)
    creating.fields["password"] = "bJdfN3UrP6zQmY8vT1xK5sWc0LhG7aEoR9iBt2Vq"
    with pytest.raises(OutcomeUnknown, match="the API key is wrong"):
        creating()


def test_an_answer_older_than_our_first_send_is_not_ours(creating: Creating) -> None:
    """An operation from before our first send cannot be the one that we asked for."""
    creating()  # by somebody else, with the same key, long ago
    creating.pass_time(3600)
    with pytest.raises(OutcomeUnknown, match="another push operation than ours"):
        creating()
    assert len(creating.codat.journal()) == 4


def test_giving_up_says_until_when_a_repetition_is_safe(creating: Creating) -> None:
    """Unreachable, after something was sent, names key and time of safety."""
    first = creating.clock()
    creating.codat.order("reset_after_commit", count=99)
    with pytest.raises(Unreachable) as unreachable:
        creating()
    until = utc_text(first + KEY_LIFETIME_SECONDS)[:16].replace("T", " ")
    assert f"({creating.key}) creates nothing twice until {until} UTC" in str(
        unreachable.value
    )


def test_giving_up_what_was_never_sent_says_nothing_of_records(
    creating: Creating,
) -> None:
    """Where no connection was made, nothing can exist, and nothing is said of it."""
    with pytest.raises(Unreachable) as unreachable:
        creating("http://127.0.0.1:9")
    assert str(unreachable.value) == (
        "POST .../push/customers: no answer: the connection was refused"
    )


def test_a_limit_says_until_when(creating: Creating) -> None:
    """RateLimited carries the moment before which nobody should ask again."""
    creating.codat.order("too_many_requests", retry_after=7200)
    with pytest.raises(RateLimited) as limited:
        creating()
    assert limited.value.until == pytest.approx(creating.clock() + 7200, abs=1)
    assert "not before 20" in str(limited.value)
    assert "may have acted" not in str(limited.value)


def test_an_unknown_outcome_says_where_to_look(creating: Creating) -> None:
    """OutcomeUnknown names time, key and place, and what to do."""
    creating.codat.order("codat_error_after_commit")
    with pytest.raises(OutcomeUnknown) as unknown:
        creating()
    words = str(unknown.value)
    for part in ("Codat answered 500", "correlation id", creating.key, "push history"):
        assert part in words
    assert words.startswith(unknown.value.reason + "\n")
    assert "Look at" not in unknown.value.reason


@pytest.mark.parametrize(
    ("orders", "may_tell"),
    [
        pytest.param([("codat_error_after_commit", {})], True, id="Codat's fault"),
        pytest.param([("junk_body", LONG)], True, id="junk"),
        pytest.param([("redirect", LONG)], True, id="redirect"),
        pytest.param([("codat_error_before_commit", {"status": 422})], False, id="422"),
        pytest.param(
            [
                ("reset_after_commit", {}),
                ("gateway_error_before_commit", {"status": 403}),
            ],
            False,
            id="a refusal after a lost answer",
        ),
        pytest.param(
            [
                ("reset_after_commit", {}),
                ("too_many_requests", {"retry_after": KEY_LIFETIME_SECONDS}),
            ],
            True,
            id="a key that is too old",
        ),
    ],
)
def test_whether_the_books_may_tell(
    orders: list[Order], creating: Creating, *, may_tell: bool
) -> None:
    """A look at the books is worth it, but for what a person has to put right first."""
    creating.patience = replace(creating.patience, budget_seconds=1e6)
    for kind, fields in orders:
        creating.codat.order(kind, **fields)
    with pytest.raises(OutcomeUnknown) as unknown:
        creating()
    assert unknown.value.books_may_tell is may_tell


def test_codats_own_fault_carries_its_correlation_id(
    raw_server: RawServers, transport: Transports, patience: Patiences
) -> None:
    """What support asks for can be read by a program, too."""
    server = raw_server((error(500, "No"),))
    with pytest.raises(CodatFaulted, match="a1b2c3") as faulted:
        drive(get(GET, json_of, patience()), transport(server.url).send)
    assert (faulted.value.status, faulted.value.correlation_id) == (500, "a1b2c3")


# --- requests that carry no key, and free POSTs ---

SINGLE_ROWS: dict[str, tuple[list[Script], object, int]] = {
    "200": ([(OK,)], VALUE, 1),
    "204": ([(http(204),)], None, 1),
    "429": ([(http(429, Retry_After=3),), (OK,)], VALUE, 2),
    "429 of hours": ([(http(429, Retry_After=7200),)], RateLimited, 1),
    "reset": ([("reset",)], OutcomeUnknown, 1),
    "junk": ([(http(200, HTML),)], OutcomeUnknown, 1),
    "302": ([(http(302, Location="/x"),)], OutcomeUnknown, 1),
    "408": ([(http(408),)], OutcomeUnknown, 1),
    "500": ([(error(500),)], OutcomeUnknown, 1),
    "502": ([(http(502, HTML),)], OutcomeUnknown, 1),
    "400": ([(error(400),)], Refused, 1),
    "401": ([(error(401),)], NotAuthorised, 1),
    "409": ([(error(409),)], StillInProgress, 1),
    "103": ([(b"HTTP/1.1 103 Early Hints\r\n\r\n", "close")], OutcomeUnknown, 1),
}
POST_ROWS: dict[str, tuple[list[Script], object, int]] = {
    "200": ([(OK,)], VALUE, 1),
    "201": ([(http(201, VALUE),)], VALUE, 1),
    "204": ([(http(204),)], None, 1),
    "cut amid the headers": ([(OK[:20], "close"), (OK,)], VALUE, 2),
    "103": ([(b"HTTP/1.1 103 Early Hints\r\n\r\n", "close"), (OK,)], VALUE, 2),
    "409": ([(error(409),), (OK,)], VALUE, 2),
    "always 409": ([(error(409),)], StillInProgress, 5),
    "junk, and no time left": (
        [(http(429, Retry_After=9),), (http(200, HTML),)],
        OutcomeUnknown,
        3,
    ),
}


@pytest.mark.parametrize(
    ("scripts", "end", "count"), SINGLE_ROWS.values(), ids=SINGLE_ROWS
)
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_every_answer_to_a_request_without_a_key(
    scripts: list[Script],
    end: object,
    count: int,
    method: str,
    raw_server: RawServers,
    transport: Transports,
    clock: "MovableClock",
    patience: Patiences,
) -> None:
    """A PUT or DELETE goes out again only where it provably changed nothing."""
    server = raw_server(*scripts)
    conversation = send_once(codat_request.Request(method, "/x"), json_of, patience())
    check(conversation, end, transport(server.url, **PATIENT), clock)
    assert len(server.requests) == count


@pytest.mark.parametrize(("scripts", "end", "count"), POST_ROWS.values(), ids=POST_ROWS)
def test_a_free_post(
    scripts: list[Script],
    end: object,
    count: int,
    raw_server: RawServers,
    transport: Transports,
    clock: "MovableClock",
    patience: Patiences,
) -> None:
    """A POST to any endpoint is as careful as a create."""
    server = raw_server(*scripts)
    request = codat_request.Request("POST", "/x", "", b"{}", KEY)
    conversation = post(request, json_of, patience())
    check(conversation, end, transport(server.url, **PATIENT), clock)
    assert len(server.requests) == count
    assert len(set(server.requests)) == 1


def check(
    conversation: Conversation[Any],
    end: object,
    sender: Transport,
    clock: "MovableClock",
) -> None:
    if isinstance(end, type):
        with pytest.raises(CodatError) as raised:
            drive(conversation, sender.send, clock.sleep)
        assert type(raised.value) is end
    else:
        assert drive(conversation, sender.send, clock.sleep) == end


def test_a_put_that_was_never_sent_is_repeated(
    transport: Transports, clock: "MovableClock", patience: Patiences
) -> None:
    """Where there was no connection, a PUT may be repeated."""
    sender = transport("http://127.0.0.1:9")
    with pytest.raises(Unreachable):
        drive(
            send_once(codat_request.Request("PUT", "/x"), json_of, patience()),
            sender.send,
            clock.sleep,
        )
    assert clock.waits == FOREVER


# --- what must not be told ---

ECHOES = {
    **{
        f"create: {name}": (row[0], None)
        for name, row in MISFORTUNES.items()
        if row[1] is not None and name != "always a gateway"
    },
    "quoted by Codat": (
        [("codat_error_before_commit", {"status": 400, "message": f"{NAME} is bad"})],
        None,
    ),
    "quoted by Codat's fault": (
        [("codat_error_before_commit", {"message": f"{NAME.upper()} broke it"})],
        None,
    ),
    "quoted by a gateway": (
        [("gateway_error_before_commit", {"message": json.dumps(CUSTOMER), **LONG})],
        None,
    ),
    "quoted by junk": (
        [("junk_body", {"message": json.dumps(CUSTOMER), **LONG})],
        None,
    ),
    "redirected with it": ([("redirect", {"location": f"/{NAME}", **LONG})], None),
    "failed": ([("fail", {"message": f"'{NAME}' already exists"})], "judged"),
    "failed with a record": (
        [("fail_with_record", {"message": f"'{NAME}' already exists"})],
        "judged",
    ),
    "failed without a reason": ([("fail_without_reason", {})], "judged"),
    "timed out": ([("timed_out", {})], "judged"),
    "warned": ([("warn", {"message": f"{NAME}: phone is ignored"})], "judged"),
}  # fmt: skip


@pytest.mark.parametrize(("orders", "then"), ECHOES.values(), ids=ECHOES)
def test_no_value_and_no_key_is_told(
    orders: list[Order],
    then: str | None,
    creating: Creating,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Neither an error, nor what led to it, nor the log at its finest holds a value."""
    caplog.set_level(logging.DEBUG)
    for kind, fields in orders:
        creating.codat.order(kind, **fields)

    def whole_way() -> None:
        operation = creating()
        assert then == "judged"
        deadline = creating.clock() + 60
        waiting = settle(
            operation, creating.patience, poll_interval_seconds=2, deadline=deadline
        )
        sender = creating.transport(creating.codat.url)
        ended = drive(waiting, sender.send, creating.clock.sleep)
        judged(ended, redact=redactor(CUSTOMER), fail_on_warning=True)

    with pytest.raises(CodatError) as raised:
        whole_way()
    told = [*traceback.format_exception(raised.value), repr(raised.value), caplog.text]
    told += [repr(getattr(raised.value, "remarks", "")), str(raised.value.args)]
    secrets = creating.transport(creating.codat.url)._settings.credential.secrets  # noqa: SLF001 - the key's spellings
    for secret in (CANARY, *secrets):
        assert [text for text in told if secret.lower() in text.lower()] == []


def test_pauses_are_logged_with_their_reason(
    creating: Creating, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever watches the log learns why nothing happens, and for how long."""
    caplog.set_level(logging.INFO, logger=client.__name__)
    creating.codat.order("gateway_error_before_commit", status=503)
    creating()
    (said,) = caplog.messages
    assert said.startswith("POST .../push/customers: the answer was 503 ")
    assert said.endswith("; going on in 0.4 s")


def test_a_put_hides_what_codat_quotes(
    raw_server: RawServers, transport: Transports, patience: Patiences
) -> None:
    """Codat's words about a PUT or DELETE name the payload's properties, too."""
    payload = {"customerName": "Secret Name Ltd"}
    request = codat_request.free(
        "PUT",
        "/companies/x",
        params=None,
        json_body=payload,
        idempotency_key=None,
    )
    server = raw_server((error(400, error="Secret Name Ltd is not unique."),))
    conversation = send_once(request, json_of, patience(), redact=redactor(payload))
    with pytest.raises(Refused, match="<customerName> is not unique"):
        drive(conversation, transport(server.url).send)


# --- what is written down, and where a conversation may be broken off ---

ENTRY = Entry("intent", 0, 1.0)


def scripted(*steps: Send | Pause | Note) -> Conversation[list[Any]]:
    """Yield these steps, and return what came back for each of them."""
    replies: list[Any] = []
    for step in steps:
        replies = [*replies, (yield step)]
    return replies


def test_an_entry_is_kept_before_the_conversation_goes_on(
    clock: "MovableClock",
) -> None:
    """A note is handed over in its turn, and no reply of before comes back for it."""
    order: list[object] = []

    def send(request: codat_request.Request) -> codat_request.Reply:
        order.append(request)
        return codat_request.NoAnswer("gone")

    steps = scripted(Send(GET), Note(ENTRY), Pause(1.0, "x"), Send(GET))
    replies = drive(steps, send, clock.sleep, note=order.append)
    assert order == [GET, ENTRY, GET]
    assert [reply is None for reply in replies] == [False, True, True, False]
    assert clock.waits == [1.0]


def test_what_cannot_be_written_ends_the_conversation() -> None:
    """After a note that was not kept, nothing more is sent."""

    def fail(_entry: Entry) -> None:
        raise JournalFailed("full")

    def send(_request: codat_request.Request) -> codat_request.Reply:
        raise AssertionError

    with pytest.raises(JournalFailed):
        drive(scripted(Note(ENTRY), Send(GET)), send, note=fail)


def test_a_rest_may_be_taken_elsewhere(clock: "MovableClock") -> None:
    """Who drives may take a rest otherwise than a pause; by default it is slept."""
    rested: list[DeferrablePause] = []
    steps = [Pause(1.0, "short"), DeferrablePause(60.0, "long")]

    def send(_request: codat_request.Request) -> codat_request.Reply:
        raise AssertionError

    drive(scripted(*steps), send, clock.sleep, on_pause=rested.append)
    assert (clock.waits, rested) == ([1.0], [DeferrablePause(60.0, "long")])
    drive(scripted(*steps), send, clock.sleep)
    assert clock.waits == [1.0, 1.0, 60.0]


def test_a_triggerer_writes_nothing_down(
    transport: Transports, clock: "MovableClock"
) -> None:
    """The async driver waits as the other one does, and keeps no journal."""
    sender = transport("http://127.0.0.1:9")
    with pytest.raises(CodatError, match="only a worker may write into the journal"):
        async_way(scripted(DeferrablePause(2.0, "x"), Note(ENTRY)), sender, clock)
    assert clock.waits == [2.0]
