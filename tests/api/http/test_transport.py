"""The laws of one request on a real socket: one reply, in time, to nobody else."""

import base64
import gc
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from airflow_provider_codat.api.connection.settings import Settings
from airflow_provider_codat.api.errors import Malformed, SettingsInvalid
from airflow_provider_codat.api.http.deadline import Deadline
from airflow_provider_codat.api.http.request import NoAnswer, Request, Response
from airflow_provider_codat.api.http.response import described, json_of
from airflow_provider_codat.api.http.session import new_session
from airflow_provider_codat.api.http.transport import Transport

if TYPE_CHECKING:
    from tests.api.conftest import RawServer, RecordingProxy

RawServers = Callable[..., "RawServer"]
Proxies = Callable[..., "RecordingProxy"]
Transports = Callable[..., Transport]

KEY = "bJdfN3UrP6zQmY8vT1xK5sWc0LhG7aEoR9iBt2Vq"
ENCODED = base64.b64encode(KEY.encode())
GUID = "8a210b68-6988-11ed-a1eb-0242ac120002"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
# Together they are the deadline, and long enough for a request to go out.
HURRIED = {"connect_timeout_seconds": 3, "read_timeout_seconds": 0.2}
PATIENT = {"connect_timeout_seconds": 60, "read_timeout_seconds": 60}
GET = Request("GET", "/companies")
POST = Request("POST", "/companies", "", b'{"a":1}', GUID)
BOTH = pytest.mark.parametrize("request_", [GET, POST], ids=["GET", "POST"])
DRIP = tuple(step for _ in range(6000) for step in (b"x", 0.05))
# What drips, or is silent, goes on for far longer than this.
LONG_SECONDS = 60

SURROUNDINGS = (
    "http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY",
    "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC",
)  # fmt: skip


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Clear the environment of what HTTP libraries heed."""
    for name in SURROUNDINGS:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_an_answer(raw_server: RawServers, transport: Transports) -> None:
    """An answer that arrives whole is a response: status, headers, body, time."""
    server = raw_server((b"HTTP/1.1 418 X\r\nX-A: b\r\nContent-Length: 2\r\n\r\nhi",))
    before = time.time()
    reply = transport(server.url).send(GET)
    assert isinstance(reply, Response)
    assert (reply.status, reply.body, reply.headers["x-a"]) == (418, b"hi", "b")
    assert before <= reply.received_at <= time.time()


NO_ANSWERS = {
    "reset at once": (("reset",), "broke"),
    "closed at once": (("close",), "broke"),
    "reset amid the headers": ((OK[:20], "reset"), "broke"),
    "closed amid the headers": ((OK[:20], "close"), "broke"),
    "closed amid the body": ((OK[:-1], "close"), "broke"),
    "reset amid the body": ((OK[:-1], 0.1, "reset"), "broke"),
    "closed amid a chunk": (
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "close"),
        "broke",
    ),
    "closed between chunks": (
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", "close"),
        "broke",
    ),
    "a chunk of junk": (
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nab\r\n", "close"),
        "broke",
    ),
    "not HTTP": ((b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "close"), "broke"),
    "a status that is none": ((b"HTTP/1.1 ok\r\n\r\n", "close"), "broke"),
    "no end of headers": (
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000, "close"),
        "longer",
    ),
    "five hundred headers": (
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n{}", "close"),
        "more headers",
    ),
    "two lengths": (
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",),
        "broke",
    ),
    "gzip that is none": (
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",),
        "broke",
    ),
    "silence": ((300.0,), "in time"),
    "silence amid the body": ((OK[:-1], 300.0), "in time"),
    "a dripping body": ((OK.replace(b"h: 2", b"h: 999"), *DRIP), "in time"),
    "a dripping body, then closed": (
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", *DRIP),
        "within",
    ),
    "a dripping body of HTTP/1.0": ((b"HTTP/1.0 200 OK\r\n\r\n", *DRIP), "within"),
    "dripping chunks": (
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            *(step for _ in range(200) for step in (b"1\r\nx\r\n", 0.05)),
        ),
        "in time",
    ),
    "a dripping header": ((b"HTTP/1.1 200 OK\r\nX: ", *DRIP), "no whole answer"),
    "dripping headers": (
        (
            b"HTTP/1.1 200 OK\r\n",
            *(step for _ in range(90) for step in (b"X: y\r\n", 3.0)),
        ),
        "no whole answer",
    ),
}


@BOTH
@pytest.mark.parametrize(("script", "detail"), NO_ANSWERS.values(), ids=NO_ANSWERS)
def test_no_whole_answer(
    script: tuple[object, ...],
    detail: str,
    request_: Request,
    raw_server: RawServers,
    transport: Transports,
) -> None:
    """What does not arrive whole, and in time, is no answer; and it was sent once."""
    server = raw_server(script)
    began = time.monotonic()
    late = {"in time", "within", "no whole answer"}
    times = HURRIED if detail in late else PATIENT
    reply = transport(server.url, **times).send(request_)
    assert isinstance(reply, NoAnswer)
    # On a busy machine a drop may be later than the next one has to be.
    told = {"within", "in time"} if detail == "within" else {detail}
    assert any(words in reply.detail for words in told)
    assert (reply.sent, reply.hopeless) == (True, False)
    assert len(server.requests) == 1
    assert time.monotonic() - began < LONG_SECONDS


GZIP = b"HTTP/1.1 %d X\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
MEBIBYTE = 1024 * 1024


def packed(mebibytes: int) -> bytes:
    """Return many spaces, packed a thousand times as small."""
    packer = zlib.compressobj(wbits=31)
    parts = [packer.compress(b" " * MEBIBYTE) for _ in range(mebibytes)]
    return b"".join([*parts, packer.flush()])


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("kind", ["plain", "chunked", "gzip"])
def test_an_answer_that_is_too_long(
    kind: str, status: int, raw_server: RawServers, transport: Transports
) -> None:
    """No more is read than may be: what came is not kept, and the connection closed."""
    body = b" " * 5_000_000
    start = b"HTTP/1.1 %d X\r\nContent-Length: 99000000000\r\n\r\n" % status
    if kind == "chunked":
        start = b"HTTP/1.1 %d X\r\nTransfer-Encoding: chunked\r\n\r\n" % status
        start += b"4c4b40\r\n"
    if kind == "gzip":
        body = packed(64)
        start = GZIP % (status, len(body))
    server = raw_server((start, body, 300.0))
    reply = transport(server.url, max_response_bytes=MEBIBYTE, **PATIENT).send(POST)
    assert isinstance(reply, Response)
    assert (reply.status, reply.body, reply.longer_than) == (status, b"", MEBIBYTE)
    with pytest.raises(Malformed, match=f"longer than {MEBIBYTE} bytes"):
        json_of(reply)
    assert f"longer than {MEBIBYTE} bytes" in described(reply)


def test_an_answer_that_is_as_long_as_it_may_be(
    raw_server: RawServers, transport: Transports
) -> None:
    """The last byte that may be read is read; the connection is used again."""
    body = b"[" + b" " * 998 + b"]"
    start = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
    server = raw_server((start, body))
    sender = transport(server.url, max_response_bytes=1000)
    for _ in range(2):
        reply = sender.send(GET)
        assert isinstance(reply, Response)
        assert (reply.body, reply.longer_than) == (body, 0)
    assert server.connections == 1


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["plain", "gzip"])
def test_a_gibibyte_takes_no_memory(kind: str, raw_server: RawServers) -> None:
    """An answer of 1 GiB, packed or not, costs a process less than 256 MiB.

    Each GET asks for it several times over, as it cannot be read.
    """
    body = packed(1024) if kind == "gzip" else b" " * MEBIBYTE
    steps: tuple[object, ...] = (GZIP % (200, len(body)), body)
    if kind == "plain":
        start = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (1024 * MEBIBYTE)
        steps = (start, *(body,) * 1024)
    server = raw_server(steps)
    program = """
import resource, sys
from airflow_provider_codat.api.connection.settings import read_settings
from airflow_provider_codat.api.http.request import list_companies
from airflow_provider_codat.api.http.transport import Transport
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
settings, _ = read_settings(host=sys.argv[1], schema=None, port=None, password="k",
                            extra={"read_timeout_seconds": 600})
for _ in range(2):
    assert Transport(settings).send(list_companies()).longer_than == 64 * 1024 * 1024
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
    ran = subprocess.run(
        [sys.executable, "-c", program, server.url],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(ran.stdout) < 256


def test_a_body_without_a_length_may_end_with_the_connection(
    raw_server: RawServers, transport: Transports
) -> None:
    """A server that says no length says the end by closing."""
    server = raw_server((b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}", "close"))
    reply = transport(server.url).send(GET)
    assert isinstance(reply, Response)
    assert reply.body == b"{}"


def test_a_slow_answer_within_its_time_is_an_answer(
    raw_server: RawServers, transport: Transports
) -> None:
    """The deadline stops nobody who is in time, nor the next request."""
    server = raw_server((OK[:20], 0.2, OK[20:]))
    sender = transport(server.url, **PATIENT)
    assert [type(sender.send(GET)) for _ in range(3)] == [Response] * 3
    assert server.connections == 1


def test_an_answer_after_a_dripping_one(
    raw_server: RawServers, transport: Transports
) -> None:
    """A connection that was shut is not used again; the next request has its own."""
    server = raw_server((OK.replace(b"h: 2", b"h: 999"), *DRIP), (OK,))
    times = {"connect_timeout_seconds": 1, "read_timeout_seconds": 3}
    sender = transport(server.url, **times)
    assert isinstance(sender.send(POST), NoAnswer)
    assert isinstance(sender.send(POST), Response)
    assert server.connections == 2
    assert server.requests[0] == server.requests[1]


def test_deadlines_of_many_requests(
    raw_server: RawServers, transport: Transports
) -> None:
    """Each of many requests ends in its own time, and one thread watches them all."""
    slow, dripping = raw_server((9.0, OK)), raw_server((OK[:20], *DRIP))
    patient = [transport(slow.url, **PATIENT) for _ in range(4)]
    hurried = [transport(dripping.url, **HURRIED) for _ in range(4)]
    began = time.monotonic()
    with ThreadPoolExecutor(8) as threads:
        first = [threads.submit(sender.send, POST) for sender in patient]
        while len(slow.requests) < len(patient):  # so that theirs are watched already
            time.sleep(0.01)
        then = [threads.submit(sender.send, POST) for sender in hurried]
        assert all(isinstance(each.result(), NoAnswer) for each in then)
        names = [thread.name for thread in threading.enumerate()]
        assert all(isinstance(each.result(), Response) for each in first)
    assert names.count("codat-deadlines") == 1
    assert time.monotonic() - began < LONG_SECONDS  # that of the patient is longer


def test_deadlines_that_were_met_are_forgotten(
    raw_server: RawServers, transport: Transports
) -> None:
    """A task of many hours does not grow by its requests."""
    sender = transport(raw_server((OK,)).url, **PATIENT)
    for _ in range(20):
        assert isinstance(sender.send(GET), Response)
    gc.collect()
    # Not isinstance(): it would wake the lazy objects of what Airflow has imported.
    assert [each for each in gc.get_objects() if type(each) is Deadline] == []


@pytest.mark.filterwarnings("ignore:This process")  # has threads: as Airflow's have
def test_deadlines_after_a_fork(raw_server: RawServers, transport: Transports) -> None:
    """A forked process has deadlines of its own, and does not end its parent's."""
    kept, dripping = raw_server((0.3, OK), (OK,)), raw_server((OK[:20], *DRIP))
    sender = transport(kept.url, **PATIENT)
    other = transport(dripping.url, **HURRIED)
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(sender.send, POST)
        while not kept.requests:
            time.sleep(0.01)
        if not (child := os.fork()):
            signal.alarm(LONG_SECONDS)  # the dripping goes on for longer
            code = 1
            try:
                code = 0 if isinstance(other.send(POST), NoAnswer) else 1
            finally:
                os._exit(code)
        assert os.waitpid(child, 0) == (child, 0)
        assert isinstance(answer.result(), Response)
    assert isinstance(sender.send(POST), Response)
    assert kept.connections == 1


@pytest.fixture
def closed_port() -> Iterator[int]:
    """Hold a port on which nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@BOTH
def test_a_refused_connection(
    request_: Request, closed_port: int, transport: Transports
) -> None:
    """Where nobody listens, nothing was sent: that much is sure."""
    reply = transport(f"http://127.0.0.1:{closed_port}").send(request_)
    assert reply == NoAnswer("the connection was refused", sent=False)


@BOTH
def test_a_name_that_does_not_exist(request_: Request, transport: Transports) -> None:
    """A host that cannot be found was sent nothing."""
    reply = transport("https://codat.invalid").send(request_)
    assert reply == NoAnswer("the host name could not be resolved", sent=False)


def test_a_server_that_does_not_take_the_connection(transport: Transports) -> None:
    """A connection that is not made in time was sent nothing."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting = []
        for _ in range(4):  # until its queue is full
            knock = socket.socket()
            knock.setblocking(False)  # noqa: FBT003 - the name of the method says it
            knock.connect_ex(("127.0.0.1", port))
            waiting.append(knock)
        time.sleep(0.05)
        reply = transport(f"http://127.0.0.1:{port}", **HURRIED).send(POST)
        for knock in waiting:
            knock.close()
    assert reply == NoAnswer("no connection in time", sent=False)


def test_what_no_library_can_send_is_no_answer(
    settings: Callable[..., Settings],
) -> None:
    """Whatever a library makes of an odd host, sending does not raise."""
    read = settings("http://localhost:1")
    object.__setattr__(read, "base_url", "http://a..localhost:1")
    reply = Transport(read).send(GET)
    assert isinstance(reply, NoAnswer)
    assert not reply.sent


@BOTH
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer(
    status: int, request_: Request, raw_server: RawServers, transport: Transports
) -> None:
    """A redirect is not followed, so that neither key nor payload travels on."""
    elsewhere = raw_server((OK,))
    head = f"HTTP/1.1 {status} X\r\nLocation: {elsewhere.url}/x\r\nContent-Length: 0"
    server = raw_server((head.encode() + b"\r\n\r\n",))
    sender = transport(server.url, password=KEY)
    reply = sender.send(request_)
    assert isinstance(reply, Response)
    assert reply.status == status
    followed = sender.session.request(
        request_.method, server.url, allow_redirects=True, timeout=5
    )
    assert followed.status_code == status
    assert elsewhere.requests == []


def test_the_credential_stays_with_codat(
    raw_server: RawServers, transport: Transports
) -> None:
    """A session that is sent elsewhere carries neither the key nor the headers."""
    codat, stranger = raw_server((OK,)), raw_server((OK,))
    sender = transport(
        codat.url, password=KEY, client_id=GUID, headers={"X-Token": "canary-7731"}
    )
    for url in (
        stranger.url,
        f"http://localhost:{codat.port}",
        codat.url.replace("http://", "http://user:pass@"),
        codat.url,
    ):
        sender.session.get(url, timeout=5)
    there = b"".join([*stranger.requests, codat.requests[0]])
    for secret in (ENCODED, b"authorization", b"x-codat-client", b"canary-7731"):
        assert secret.lower() not in there.lower()
    for own in codat.requests[1:]:
        assert own.count(b"Basic ") == 1
        assert b"Authorization: Basic " + ENCODED in own
        assert b"X-Token: canary-7731" in own


def test_what_is_said_besides(raw_server: RawServers, transport: Transports) -> None:
    """A request carries these headers, each once, and no cookie that it was given."""
    cookie = b"Set-Cookie: a=b; Path=/\r\nContent-Length"
    server = raw_server((OK.replace(b"Content-Length", cookie),))
    sender = transport(server.url)
    for request in (GET, POST, GET):
        assert isinstance(sender.send(request), Response)
    always = ["Accept", "Accept-Encoding", "Authorization", "Connection", "Host"]
    of_get = sorted([*always, "User-Agent"])
    of_post = sorted([*of_get, "Content-Length", "Content-Type", "Idempotency-Key"])
    assert [
        sorted(line.split(":")[0] for line in each.decode().split("\r\n")[1:-2])
        for each in server.requests
    ] == [of_get, of_post, of_get]
    for said in (
        b"POST /companies HTTP/1.1\r\n",
        b"\r\nAccept: application/json\r\n",
        b"\r\nContent-Type: application/json\r\n",
        b"\r\nContent-Length: 7\r\n",
        b"\r\nIdempotency-Key: " + GUID.encode(),
        b"\r\nUser-Agent: airflow-provider-codat/",
        b'\r\n\r\n{"a":1}',
    ):
        assert said in server.requests[1]


def test_connections_are_kept(raw_server: RawServers, transport: Transports) -> None:
    """Many requests of one hook use one connection."""
    server = raw_server((OK,))
    sender = transport(server.url)
    for request in [GET, POST] * 10:
        assert isinstance(sender.send(request), Response)
    assert len(server.requests) == 20
    assert server.connections == 1


def test_a_closed_transport_lets_go(
    raw_server: RawServers, transport: Transports
) -> None:
    """After close, the next request makes a new connection."""
    server = raw_server((OK,))
    sender = transport(server.url)
    sender.send(GET)
    sender.close()
    sender.send(GET)
    assert server.connections == 2


@pytest.mark.parametrize("url", ["http://localhost:{}", "http://127.0.0.1:{}"])
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_loopback_ignores_proxies(
    variable: str,
    url: str,
    raw_server: RawServers,
    proxy: Proxies,
    transport: Transports,
    surroundings: pytest.MonkeyPatch,
) -> None:
    """No proxy of the environment stands between a simulator and its user."""
    server, between = raw_server((OK,)), proxy(None)
    surroundings.setenv(variable, between.url)
    reply = transport(url.format(server.port)).send(GET)
    assert isinstance(reply, Response)
    assert between.heads == []


def test_plain_http_ignores_proxies(
    proxy: Proxies, transport: Transports, surroundings: pytest.MonkeyPatch
) -> None:
    """Without TLS a proxy would read the key, so it is not asked."""
    between = proxy(None)
    surroundings.setenv("HTTP_PROXY", between.url)
    surroundings.setenv("ALL_PROXY", between.url)
    reply = transport("http://codat.invalid", allow_insecure_http=True).send(GET)
    assert reply == NoAnswer("the host name could not be resolved", sent=False)
    assert between.heads == []


@pytest.mark.parametrize("variable", ["NO_PROXY", "no_proxy"])
def test_a_host_that_needs_no_proxy(
    variable: str,
    proxy: Proxies,
    transport: Transports,
    surroundings: pytest.MonkeyPatch,
) -> None:
    """A host that the environment excepts is asked without its proxy."""
    between = proxy(None)
    surroundings.setenv("HTTPS_PROXY", between.url)
    surroundings.setenv(variable, "example.com,codat.invalid")
    reply = transport("https://codat.invalid").send(GET)
    assert reply == NoAnswer("the host name could not be resolved", sent=False)
    assert between.heads == []


def test_a_proxy_sees_a_tunnel_and_no_key(
    raw_server: RawServers,
    proxy: Proxies,
    transport: Transports,
    tls: ssl.SSLContext,
    certificate: dict[str, Path],
    surroundings: pytest.MonkeyPatch,
) -> None:
    """Through a proxy only CONNECT is said in the clear; the key is inside TLS."""
    server = raw_server((OK,), tls=tls)
    between = proxy(server.port)
    surroundings.setenv("HTTPS_PROXY", between.url.replace("//", "//user:pass@"))
    sender = transport(
        "https://codat.invalid",
        password=KEY,
        client_id=GUID,
        verify=str(certificate["certificate"]),
    )
    assert isinstance(sender.send(POST), Response)
    assert isinstance(sender.send(POST), Response)
    assert len(between.heads) == 1
    head = between.heads[0]
    assert head.startswith(b"CONNECT codat.invalid:443 HTTP/1.")
    assert b"Proxy-Authorization: Basic dXNlcjpwYXNz" in head
    assert b"\nauthorization" not in head.lower()
    assert ENCODED not in head
    assert b"x-codat-client" not in head.lower()
    assert [b"Basic " + ENCODED in each for each in server.requests] == [True, True]
    assert b"Proxy-Authorization" not in b"".join(server.requests)


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")  # verify=False asks so
def test_a_dripping_answer_through_a_proxy(
    raw_server: RawServers,
    proxy: Proxies,
    transport: Transports,
    tls: ssl.SSLContext,
    surroundings: pytest.MonkeyPatch,
) -> None:
    """The deadline holds inside TLS and behind a proxy, too."""
    server = raw_server((OK.replace(b"h: 2", b"h: 999"), *DRIP), tls=tls)
    surroundings.setenv("HTTPS_PROXY", proxy(server.port).url)
    began = time.monotonic()
    reply = transport("https://codat.invalid", verify=False, **HURRIED).send(POST)
    assert isinstance(reply, NoAnswer)
    assert reply.sent
    assert time.monotonic() - began < LONG_SECONDS


@pytest.fixture
def tls_before(tls: ssl.SSLContext) -> Iterator[Callable[[str], str]]:
    """Put TLS before a proxy, for one connection."""
    listening = socket.create_server(("127.0.0.1", 0))
    leading: list[threading.Thread] = []

    def copy(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for each in (source, sink):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def lead(port: int) -> None:
        with (
            suppress(OSError),
            tls.wrap_socket(listening.accept()[0], server_side=True) as outer,
            socket.create_connection(("127.0.0.1", port)) as inner,
        ):
            back = threading.Thread(target=copy, args=(inner, outer), daemon=True)
            back.start()
            copy(outer, inner)
            back.join()

    def do(url: str) -> str:
        port = int(url.rpartition(":")[2])
        leading.append(threading.Thread(target=lead, args=(port,), daemon=True))
        leading[-1].start()
        return f"https://127.0.0.1:{listening.getsockname()[1]}"

    with listening:
        yield do
        for each in leading:
            each.join(5)


def test_a_dripping_answer_through_a_proxy_over_tls(
    raw_server: RawServers,
    proxy: Proxies,
    transport: Transports,
    tls: ssl.SSLContext,
    tls_before: Callable[[str], str],
    certificate: dict[str, Path],
    surroundings: pytest.MonkeyPatch,
) -> None:
    """The deadline holds inside the TLS that is inside a proxy's TLS."""
    server = raw_server((OK.replace(b"h: 2", b"h: 999"), *DRIP), tls=tls)
    surroundings.setenv("HTTPS_PROXY", tls_before(proxy(server.port).url))
    began = time.monotonic()
    trusted = str(certificate["certificate"])
    sender = transport("https://codat.invalid", verify=trusted, **HURRIED)
    assert isinstance(sender.send(POST), NoAnswer)
    assert len(server.requests) == 1
    assert time.monotonic() - began < LONG_SECONDS


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")  # verify=False asks so
def test_nothing_is_sent_late(
    raw_server: RawServers,
    proxy: Proxies,
    transport: Transports,
    tls: ssl.SSLContext,
    surroundings: pytest.MonkeyPatch,
) -> None:
    """A request whose time was used up by connecting does not go out any more."""
    server = raw_server((OK,), tls=tls)
    surroundings.setenv("HTTPS_PROXY", proxy(server.port, 0.5).url)
    times = {"connect_timeout_seconds": 0.8, "read_timeout_seconds": 0.05}
    reply = transport("https://codat.invalid", verify=False, **times).send(POST)
    assert isinstance(reply, NoAnswer)
    assert server.requests == []


def test_a_proxy_that_refuses(
    proxy: Proxies, transport: Transports, surroundings: pytest.MonkeyPatch
) -> None:
    """A tunnel that was never opened carried nothing to Codat."""
    between = proxy(None)
    surroundings.setenv("HTTPS_PROXY", between.url)
    reply = transport("https://codat.invalid").send(POST)
    assert reply == NoAnswer("the proxy did not let it through", sent=False)


@pytest.mark.parametrize("host", ["codat.invalid", "127.0.0.1"])
def test_a_netrc_is_not_used(
    host: str,
    raw_server: RawServers,
    proxy: Proxies,
    transport: Transports,
    tls: ssl.SSLContext,
    certificate: dict[str, Path],
    surroundings: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """A password that lies about in the home directory does not replace the key."""
    netrc = tmp_path / "netrc"
    netrc.write_text(
        f"machine {host} login me password canary\ndefault login me password canary\n"
    )
    netrc.chmod(0o600)
    server = raw_server((OK,), tls=tls)
    surroundings.setenv("NETRC", str(netrc))
    surroundings.setenv("HTTPS_PROXY", proxy(server.port).url)
    url = server.url if host == "127.0.0.1" else f"https://{host}"
    trusted = str(certificate["certificate"])
    sender = transport(url, password=KEY, verify=trusted)
    sender.send(GET)
    sender.session.get(url, timeout=5)
    assert [b"Authorization: Basic " + ENCODED in r for r in server.requests] == [
        True,
        True,
    ]


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
@pytest.mark.parametrize(
    ("verify", "trusted"),
    [("certificate", True), ("other", False), (False, True)],
    ids=["right file", "wrong file", "off"],
)
@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")  # verify=False asks so
def test_the_connection_outdoes_the_environment(
    verify: str | bool,
    name: str,
    raw_server: RawServers,
    proxy: Proxies,
    transport: Transports,
    tls: ssl.SSLContext,
    certificate: dict[str, Path],
    surroundings: pytest.MonkeyPatch,
    *,
    trusted: bool,
) -> None:
    """Where the connection says whom to trust, the environment has no say."""
    server = raw_server((OK,), tls=tls)
    surroundings.setenv("HTTPS_PROXY", proxy(server.port).url)
    contrary = "other" if trusted else "certificate"
    surroundings.setenv(name, str(certificate[contrary]))
    said = str(certificate[verify]) if isinstance(verify, str) else verify
    reply = transport("https://codat.invalid", verify=said).send(GET)
    assert isinstance(reply, Response if trusted else NoAnswer)


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_environment_is_heeded_where_the_connection_is_silent(
    name: str,
    raw_server: RawServers,
    proxy: Proxies,
    transport: Transports,
    tls: ssl.SSLContext,
    certificate: dict[str, Path],
    surroundings: pytest.MonkeyPatch,
) -> None:
    """A company's own authorities, set for the whole machine, work for Codat, too."""
    server = raw_server((OK,), tls=tls)
    surroundings.setenv("HTTPS_PROXY", proxy(server.port).url)
    surroundings.setenv(name, str(certificate["certificate"]))
    assert isinstance(transport("https://codat.invalid").send(GET), Response)


@BOTH
def test_an_unverified_certificate_is_said_so(
    request_: Request,
    raw_server: RawServers,
    transport: Transports,
    tls: ssl.SSLContext,
) -> None:
    """Nothing is sent to a stranger, and no repetition will make him known."""
    server = raw_server((OK,), tls=tls)
    reply = transport(server.url).send(request_)
    assert reply == NoAnswer(
        "its TLS certificate could not be verified", sent=False, hopeless=True
    )
    assert server.requests == []


def test_a_certificate_for_another_name_is_not_verified(
    raw_server: RawServers,
    proxy: Proxies,
    transport: Transports,
    tls: ssl.SSLContext,
    certificate: dict[str, Path],
    surroundings: pytest.MonkeyPatch,
) -> None:
    """A good certificate of somebody else is none."""
    server = raw_server((OK,), tls=tls)
    surroundings.setenv("HTTPS_PROXY", proxy(server.port).url)
    trusted = str(certificate["certificate"])
    reply = transport("https://other.invalid", verify=trusted).send(GET)
    assert isinstance(reply, NoAnswer)
    assert reply.hopeless
    assert server.requests == []


def test_no_tls_where_tls_is_asked_for(transport: Transports) -> None:
    """Https to a port that speaks plain HTTP is told from a broken connection."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        accepted = []

        def answer() -> None:
            connection, _ = listening.accept()
            accepted.append(connection)
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        url = f"https://127.0.0.1:{listening.getsockname()[1]}"
        reply = transport(url).send(GET)
        thread.join()
        accepted[0].close()
    assert reply == NoAnswer("TLS could not be spoken with it")


def test_a_client_certificate_is_shown(
    raw_server: RawServers,
    transport: Transports,
    tls: ssl.SSLContext,
    certificate: dict[str, Path],
) -> None:
    """Mutual TLS works, with key and certificate in one file or in two."""
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_verify_locations(certificate["other"])
    server = raw_server((OK,), tls=tls)
    trusted, own = str(certificate["certificate"]), str(certificate["other"])
    one = transport(server.url, verify=trusted, client_certificate_path=own)
    two = transport(
        server.url, verify=trusted, client_certificate_path=own, client_key_path=own
    )
    none = transport(server.url, verify=trusted)
    assert isinstance(one.send(GET), Response)
    assert isinstance(two.send(GET), Response)
    assert isinstance(none.send(GET), NoAnswer)


@pytest.mark.parametrize(
    "name", ["verify", "client_certificate_path", "client_key_path"]
)
@pytest.mark.parametrize("found", ["missing", "junk"])
def test_a_file_that_cannot_be_used_names_its_field(
    name: str,
    found: str,
    settings: Callable[..., Settings],
    certificate: dict[str, Path],
    tmp_path: Path,
) -> None:
    """A certificate that is missing or unreadable is found before the first request."""
    path = tmp_path / "file.pem"
    if found == "junk":
        path.write_text("no certificate")
    files = {"client_certificate_path": str(certificate["certificate"])}
    extra = {name: str(path)} if name == "verify" else {**files, name: str(path)}
    with pytest.raises(SettingsInvalid, match=name):
        new_session(settings("https://codat.invalid", **extra))


def test_a_folder_of_authorities(
    settings: Callable[..., Settings], tmp_path: Path
) -> None:
    """Verify may name a folder, as OpenSSL takes it."""
    assert new_session(settings("https://codat.invalid", verify=str(tmp_path))).verify


def test_no_answer_quotes_a_header(
    raw_server: RawServers, transport: Transports
) -> None:
    """What went wrong is told in our words: a library's may hold the key."""
    server = raw_server((KEY.encode() + b"\r\n\r\n", "close"))
    reply = transport(server.url, password=KEY).send(GET)
    assert KEY not in repr(reply)


def test_requests_itself_repeats_nothing(settings: Callable[..., Settings]) -> None:
    """Repeating is decided in one table, not by a library."""
    session = new_session(settings("https://codat.invalid"))
    for prefix in ("https://", "http://"):
        adapter = session.get_adapter(prefix)
        assert isinstance(adapter, requests.adapters.HTTPAdapter)
        assert adapter.max_retries.total == 0
    assert isinstance(session, requests.Session)
