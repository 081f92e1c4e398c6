"""One request over ``requests``, one reply, within one deadline.

What ``requests`` and ``urllib3`` raise is translated here, and nowhere else.
"""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import MaxRetryError, NameResolutionError, NewConnectionError

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
        self._connection: HTTPConnection | None = None
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def watch(self, connection: HTTPConnection) -> None:
        """Take the connection on which the request goes out.

        :raises TimeoutError: when the time is over, so that nothing is sent late.
        """
        self._connection = connection
        if self.passed:
            raise TimeoutError

    def start(self) -> None:
        self._timer.start()

    def stop(self) -> None:
        self._timer.cancel()

    def _end(self) -> None:
        self.passed = True
        open_socket = self._connection.sock if self._connection else None
        if open_socket is not None:
            with suppress(OSError):
                open_socket.shutdown(socket.SHUT_RDWR)


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


def new_session(settings: Settings) -> requests.Session:
    """Return a session that is signed in to Codat.

    :raises SettingsInvalid: when a certificate file is not there.
    """
    session = _Session()
    session.mount("https://", _Adapter())
    session.mount("http://", _Adapter())
    session.auth = _CodatAuth(settings)
    session.verify = settings.verify
    session.cert = _certificate(settings)
    if isinstance(settings.verify, str):
        _existing(settings.verify, "verify")
    # Without TLS a proxy would read the key; and nothing stands before loopback.
    session.trust_env = settings.base_url.startswith("https") and not settings.loopback
    return session


def _certificate(settings: Settings) -> str | tuple[str, str] | None:
    """Return the client's certificate in the form that ``requests`` takes."""
    if settings.client_certificate_path is None:
        return None
    certificate = _existing(settings.client_certificate_path, "client_certificate_path")
    if settings.client_key_path is None:
        return certificate
    return certificate, _existing(settings.client_key_path, "client_key_path")


def _existing(path: str, name: str) -> str:
    if not os.path.exists(path):  # noqa: PTH110 - a path as text, for requests
        raise SettingsInvalid(f"{name} names a file that is not there: {path}")
    return path


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
            # A body without a length ends where the socket was shut.
            if deadline.passed:
                return NoAnswer(f"no whole answer within {allowed:g} s")
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
    if isinstance(cause, NameResolutionError):
        return NoAnswer("the host name could not be resolved", sent=False)
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return NoAnswer("no connection in time", sent=False)
    if isinstance(cause, NewConnectionError):
        return NoAnswer("the connection was refused", sent=False)
    if passed or isinstance(error, (requests.exceptions.Timeout, TimeoutError)):
        return NoAnswer("no whole answer in time")
    if isinstance(error, requests.exceptions.ProxyError):
        return NoAnswer("the proxy did not let it through")
    return NoAnswer("the connection broke before the whole answer had come")


_USER_AGENT = f"airflow-provider-codat/{__version__} requests/{requests.__version__}"
