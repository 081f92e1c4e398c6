"""One request over ``requests``, one reply, within one deadline.

What ``requests`` and ``urllib3`` raise is translated here, and nowhere else.
"""

import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import (
    HTTPError,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
    ReadTimeoutError,
)

from airflow_provider_codat import __version__
from airflow_provider_codat.api.errors import SettingsInvalid
from airflow_provider_codat.api.settings import Settings
from airflow_provider_codat.api.wire import NoAnswer, Reply, Request, Response

_POOL_SIZE = 10
"""Codat takes at most ten requests at a time for one company."""


class _Deadline:
    """The end of one request's time. When it comes, the socket is shut.

    Time-outs of a socket run anew with every byte; only this ends a dripping answer.
    """

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def watch(self, connection: HTTPConnection) -> None:
        """Take the connection on which the request goes out.

        :raises TimeoutError: when the time is over, so that nothing is sent late.
        """
        # The socket itself: http.client forgets the one that is to be closed after
        # the answer while the answer is still being read.
        self._socket = connection.sock
        if self.passed:
            raise TimeoutError

    def start(self) -> None:
        self._timer.start()

    def stop(self) -> None:
        self._timer.cancel()

    def _end(self) -> None:
        self.passed = True
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


class _Calls(threading.local):
    """The deadline of the request that this thread is sending."""

    deadline: _Deadline | None = None


_calls = _Calls()


class _Watched(HTTPConnection):
    """A connection that shows itself to the deadline of the request it carries."""

    def connect(self) -> None:
        super().connect()
        self._show()

    def putrequest(
        self,
        method: str,
        url: str,
        skip_host: bool = False,
        skip_accept_encoding: bool = False,
    ) -> None:
        self._show()
        super().putrequest(method, url, skip_host, skip_accept_encoding)

    def _show(self) -> None:
        if _calls.deadline is not None:
            _calls.deadline.watch(self)


class _WatchedTls(_Watched, HTTPSConnection):
    """The same, over TLS."""


class _WatchedPool(HTTPConnectionPool):
    ConnectionCls = _Watched


class _WatchedTlsPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedTls


class _Adapter(HTTPAdapter):
    """Keeps connections alive, repeats nothing by itself, and honours deadlines."""

    def __init__(self) -> None:
        super().__init__(pool_maxsize=_POOL_SIZE, max_retries=0)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:  # noqa: ANN401 - as in HTTPAdapter
        """Let a proxy's connections honour deadlines, too."""
        manager = super().proxy_manager_for(proxy, **proxy_kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager


_POOLS = {"http": _WatchedPool, "https": _WatchedTlsPool}


class _CodatAuth(AuthBase):
    """Puts the credential on requests to Codat, and on no others.

    A header of the session would be replaced by a ``.netrc``, and would go wherever
    the session is sent.
    """

    def __init__(self, settings: Settings) -> None:
        self._place = _place(settings.base_url)
        self._headers = {
            **settings.headers,
            "Authorization": settings.credential.header,
        }

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if _place(request.url or "") == self._place:
            request.headers.update(self._headers)
        return request


def _place(url: str) -> tuple[str, str, int]:
    """Return what of a URL decides where a request goes."""
    parts = urlsplit(url)
    port = parts.port or {"https": 443}.get(parts.scheme, 80)
    return parts.scheme, parts.hostname or "", port


class _Session(requests.Session):
    """A session that follows no redirect: neither a key nor a POST travels on."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Say that there is nowhere to go."""

    def merge_environment_settings(
        self,
        url: Any,  # noqa: ANN401 - as in Session
        proxies: Any,  # noqa: ANN401 - the same
        stream: Any,  # noqa: ANN401 - the same
        verify: Any,  # noqa: ANN401 - the same
        cert: Any,  # noqa: ANN401 - the same
    ) -> Any:  # noqa: ANN401 - the same
        """Let REQUESTS_CA_BUNDLE count only where the connection says nothing."""
        said = self.verify if verify is None else verify
        return super().merge_environment_settings(url, proxies, stream, said, cert)


def new_session(settings: Settings) -> requests.Session:
    """Return a session that is signed in to Codat.

    :raises SettingsInvalid: when a certificate file is not there, or is none.
    """
    session = _Session()
    session.mount("https://", _Adapter())
    session.mount("http://", _Adapter())
    session.auth = _CodatAuth(settings)
    session.verify = settings.verify
    session.cert = _certificate(settings)
    if isinstance(settings.verify, str) and not os.path.isdir(settings.verify):  # noqa: PTH112 - a path as text, for requests
        _check(_tls().load_verify_locations, settings.verify, "verify")
    # Without TLS a proxy would read the key; and nothing stands before loopback.
    session.trust_env = settings.base_url.startswith("https") and not settings.loopback
    return session


def _certificate(settings: Settings) -> str | tuple[str, str] | None:
    """Return the client's certificate in the form that ``requests`` takes."""
    certificate, key = settings.client_certificate_path, settings.client_key_path
    if certificate is None:
        return None
    _check(_tls().load_verify_locations, certificate, "client_certificate_path")
    # The password, so that nobody asks for one at a terminal: requests knows none.
    load = partial(_tls().load_cert_chain, certificate, password="")
    if key is None:
        _check(load, certificate, "client_certificate_path (without client_key_path)")
        return certificate
    _check(load, key, "client_key_path")
    return certificate, key


def _tls() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _check(load: Callable[[str], None], path: str, name: str) -> None:
    """Load a file as it will be loaded for each connection, or name its field."""
    try:
        load(path)
    except FileNotFoundError:
        raise SettingsInvalid(
            f"{name} names a file that is not there: {path}"
        ) from None
    except OSError:  # an ssl.SSLError, too
        raise SettingsInvalid(
            f"{name} names a file that cannot be used: {path}. It must be readable, in "
            "PEM format and without a password; a key must fit its certificate"
        ) from None


class Transport:
    """Sends requests to one Codat. Not to be shared between threads.

    :param settings: where Codat is, who asks, and how patiently.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.session = new_session(settings)

    def send(self, request: Request) -> Reply:
        """Send a request once, and return what came of it. It never raises for that.

        The whole of it, from the first byte of the request to the last one of the
        answer, ends within connect and read time-out together.
        """
        settings = self._settings
        allowed = settings.connect_timeout_seconds + settings.read_timeout_seconds
        with _deadline(allowed) as deadline:
            try:
                answer = self._request(request)
            except (requests.RequestException, OSError) as error:
                return _no_answer(error, passed=deadline.passed)
            except HTTPError:
                return NoAnswer("it cannot be asked", sent=False, hopeless=True)
            # A body without a length ends where the socket was shut.
            if deadline.passed:
                return NoAnswer(f"no whole answer within {allowed:g} s")
        if _cut(answer):
            return NoAnswer(_BROKEN)
        return Response(
            status=answer.status_code,
            headers={name.lower(): text for name, text in answer.headers.items()},
            body=answer.content,
            received_at=time.time(),
        )

    def _request(self, request: Request) -> requests.Response:
        settings = self._settings
        headers = {"Accept": "application/json", "User-Agent": _USER_AGENT}
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        if request.idempotency_key is not None:
            headers["Idempotency-Key"] = request.idempotency_key
        query = f"?{request.query}" if request.query else ""
        return self.session.request(
            request.method,
            f"{settings.base_url}{request.path}{query}",
            data=request.body,
            headers=headers,
            timeout=(settings.connect_timeout_seconds, settings.read_timeout_seconds),
            allow_redirects=False,
        )

    def close(self) -> None:
        """Close the connections that were kept alive."""
        self.session.close()


@contextmanager
def _deadline(seconds: float) -> Iterator[_Deadline]:
    """Let the requests of this thread end by a deadline."""
    deadline = _Deadline(seconds)
    _calls.deadline = deadline
    deadline.start()
    try:
        yield deadline
    finally:
        deadline.stop()
        _calls.deadline = None


def _no_answer(error: Exception, *, passed: bool) -> NoAnswer:
    """Say what happened. The error's own text is not used: it may quote a header."""
    reason = error.args[0] if error.args else None
    cause = reason.reason if isinstance(reason, MaxRetryError) else reason
    if isinstance(error, requests.exceptions.SSLError) and "VERIFY" in repr(cause):
        return NoAnswer(
            "its TLS certificate could not be verified", sent=False, hopeless=True
        )
    if isinstance(error, requests.exceptions.SSLError):
        return NoAnswer("TLS could not be spoken with it")
    if isinstance(cause, NameResolutionError):
        return NoAnswer("the host name could not be resolved", sent=False)
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return NoAnswer("no connection in time", sent=False)
    if isinstance(cause, NewConnectionError):
        return NoAnswer("the connection was refused", sent=False)
    if isinstance(error, requests.exceptions.ProxyError):
        # urllib3 raises it only before the tunnel stands.
        return NoAnswer("the proxy did not let it through", sent=False)
    late = (requests.exceptions.Timeout, TimeoutError)
    if passed or isinstance(error, late) or isinstance(cause, ReadTimeoutError):
        return NoAnswer("no whole answer in time")
    return NoAnswer(_BROKEN)


def _cut(answer: requests.Response) -> bool:
    """Whether an answer ended amid its headers, which http.client lets pass."""
    if answer.content or answer.status_code not in {200, 201, 202}:
        return False
    return not {"content-length", "transfer-encoding"} & {
        *map(str.lower, answer.headers)
    }


_BROKEN = "the connection broke before the whole answer had come"

_USER_AGENT = f"airflow-provider-codat/{__version__} requests/{requests.__version__}"
