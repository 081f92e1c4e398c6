"""Servers of bare sockets, a clock that a test moves, and what the tables share."""

import datetime as dt
import ipaddress
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Self

import pytest

from airflow_provider_codat.api.connection.settings import Settings, read_settings
from airflow_provider_codat.api.http.exchange import Patience
from airflow_provider_codat.api.http.transport import Transport
from airflow_provider_codat.api.pace.rate_limit import Pace
from airflow_provider_codat.simulator import API_KEY, LocalCodat

RESET = "reset"
CLOSE = "close"


class Listener:
    """Gives each connection a thread of its own, until it is left.

    A socket is closed when its thread has ended: its number is at once another one's,
    perhaps the next test's, and TLS that is amid a record would go on with that.
    """

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        _shut(self._listening)
        self._accepting.join(5)
        _shut(*self._open)
        for thread in self._threads:
            thread.join(5)
        for each in [self._listening, *self._open]:
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                accepted, _ = self._listening.accept()
                self._open.append(accepted)
                serving = threading.Thread(
                    target=self._serve, args=(accepted,), daemon=True
                )
                self._threads.append(serving)
                serving.start()

    def _serve(self, connection: socket.socket) -> None:
        raise NotImplementedError


def _shut(*sockets: socket.socket) -> None:
    """End what goes on over sockets, and leave them open."""
    for each in sockets:
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


class RawServer(Listener):
    """Answers the first request with the first script, and so on; the last one stays.

    :param scripts: of bytes to send, seconds to wait, and ``reset`` or ``close``.
        Without one of these two the connection is kept for the next request.
    :param tls: serves TLS instead of plain HTTP.
    """

    def __init__(
        self, *scripts: tuple[bytes | float | str, ...], tls: ssl.SSLContext | None
    ) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self._scripts = list(scripts)
        self._tls = tls
        self._lock = threading.Lock()
        super().__init__()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            self.connections += 1
            while arrived := _request_from(connection):
                with self._lock:
                    self.requests.append(arrived)
                    at = min(len(self.requests), len(self._scripts)) - 1
                if not self._perform(connection, self._scripts[at]):
                    break
            connection.close()

    def _perform(
        self, connection: socket.socket, script: tuple[bytes | float | str, ...]
    ) -> bool:
        for step in script:
            if isinstance(step, bytes):
                connection.sendall(step)
            elif isinstance(step, int | float):
                self._stopped.wait(step)
            else:
                if step == RESET:
                    linger = struct.pack("ii", 1, 0)
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                return False
        return True


def _request_from(connection: socket.socket) -> bytes:
    """Read one request, head and body; nothing when the client went away."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (more := connection.recv(65536)):
            return b""
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


class RecordingProxy(Listener):
    """An HTTP proxy that notes what it is told, and leads each tunnel to one port.

    :param target: the port of this machine at the end of each tunnel; None: it
        refuses.
    :param delay_seconds: before it opens a tunnel, and before the first byte passes.
    """

    def __init__(self, target: int | None, delay_seconds: float = 0.0) -> None:
        self._delay_seconds = delay_seconds
        self.heads: list[bytes] = []
        self._target = target
        super().__init__()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client:
            if not (head := _request_from(client)):
                return
            self.heads.append(head)
            if self._target is None or not head.startswith(b"CONNECT "):
                client.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
                return
            server = socket.create_connection(("127.0.0.1", self._target))
            self._open.append(server)
            self._stopped.wait(self._delay_seconds)
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            self._stopped.wait(self._delay_seconds)
            back = threading.Thread(target=_pump, args=(server, client), daemon=True)
            back.start()
            _pump(client, server)
            back.join(5)
            server.close()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


class MovableClock:
    """Epoch seconds that pass only when somebody sleeps, or a test says so."""

    def __init__(self) -> None:
        self._now = time.time()
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += seconds

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.advance(seconds)

    async def asleep(self, seconds: float) -> None:
        self.sleep(seconds)


@pytest.fixture
def raw_server() -> Iterator[Callable[..., RawServer]]:
    """Start servers of scripted bytes; all are stopped after the test."""
    with ExitStack() as stack:

        def start(
            *scripts: tuple[bytes | float | str, ...],
            tls: ssl.SSLContext | None = None,
        ) -> RawServer:
            return stack.enter_context(RawServer(*scripts, tls=tls))

        yield start


@pytest.fixture
def proxy() -> Iterator[Callable[..., RecordingProxy]]:
    """Start proxies; all are stopped after the test."""
    with ExitStack() as stack:
        yield lambda *fields: stack.enter_context(RecordingProxy(*fields))


@pytest.fixture
def clock() -> MovableClock:
    """Tell a time that starts now and moves only by sleeping."""
    return MovableClock()


@pytest.fixture
def patience(clock: MovableClock) -> Callable[..., Patience]:
    """Be patient for ten seconds of the movable clock; the dice always show a half."""

    def do(budget_seconds: float = 10.0, requests_per_minute: int = 900) -> Patience:
        return Patience(
            budget_seconds, Pace(requests_per_minute), clock=clock, dice=lambda: 0.5
        )

    return do


@pytest.fixture
def settings() -> Callable[..., Settings]:
    """Read the settings of a connection to a URL."""

    def do(url: str, *, password: str = API_KEY, **extra: object) -> Settings:
        fields: dict[str, Any] = {
            "host": url,
            "schema": None,
            "port": None,
            "password": password,
        }
        read, warnings = read_settings(**fields, extra=extra)
        assert warnings == ()
        return read

    return do


@pytest.fixture
def transport(settings: Callable[..., Settings]) -> Iterator[Callable[..., Transport]]:
    """Sign in to a URL; all connections are closed after the test."""
    with ExitStack() as stack:

        def do(url: str, **fields: object) -> Transport:
            made = Transport(settings(url, **fields))
            stack.callback(made.close)
            return made

        yield do


@pytest.fixture
def codat() -> Iterator[LocalCodat]:
    """Serve a Codat without limits whose operations settle at once."""
    with LocalCodat(
        settle_seconds=0, requests_per_minute=None, daily_quota=None
    ) as started:
        yield started


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Make a certificate for this machine and for codat.invalid, and another one."""
    folder = tmp_path_factory.mktemp("certificates")
    return {
        "certificate": _self_signed(folder / "server.pem"),
        "other": _self_signed(folder / "other.pem"),
    }


@pytest.fixture
def tls(certificate: dict[str, Path]) -> ssl.SSLContext:
    """Serve with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate["certificate"])
    return context


def _self_signed(path: Path) -> Path:
    """Write a key and its certificate to one file."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import (  # noqa: PLC0415 - Airflow brings it
        hashes,
        serialization,
    )
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 - the same

    key = ec.generate_private_key(ec.SECP256R1())
    name: Any = x509.Name(
        [x509.NameAttribute(x509.NameOID.COMMON_NAME, "a local Codat")]
    )
    now = dt.datetime.now(dt.UTC)
    names = [
        x509.DNSName("localhost"),
        x509.DNSName("codat.invalid"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    ]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path
