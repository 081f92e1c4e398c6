"""One request over ``requests``, one reply, within one deadline.

What ``requests`` and ``urllib3`` raise is translated here, and nowhere else.
"""

import time
from contextlib import closing, nullcontext
from functools import cached_property
from http.client import HTTPException, LineTooLong
from typing import IO, Any

import requests
from urllib3.exceptions import (
    HTTPError,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
    ReadTimeoutError,
)

from airflow_provider_codat import __version__
from airflow_provider_codat.api.connection.settings import Settings
from airflow_provider_codat.api.http.deadline import Deadline
from airflow_provider_codat.api.http.request import (
    FileBody,
    NoAnswer,
    Reply,
    Request,
    Response,
)
from airflow_provider_codat.api.http.session import new_session


class Transport:
    """Sends requests to one Codat. Not to be shared between threads.

    :param settings: where Codat is, who asks, and how patiently.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.session = new_session(settings)
        self._headers = {**self.session.headers, **_HEADERS}

    def send(self, request: Request) -> Reply:
        """Send a request once, and return what came of it. It never raises for that.

        The whole of it, from the first byte of the request to the last one of the
        answer, ends within connect and read time-out together.
        """
        settings, most = self._settings, self._settings.max_response_bytes
        allowed = settings.connect_timeout_seconds + settings.read_timeout_seconds
        allowed += _upload_seconds(request)
        try:
            body = _opened(request)
        except OSError:
            words = "the file that is to be sent cannot be read"
            return NoAnswer(words, sent=False, hopeless=True)
        with closing(body) if body else nullcontext(), Deadline(allowed) as deadline:
            try:
                answer = self._request(request, body)
                content = _read(answer, most)
            except (requests.RequestException, OSError) as error:
                return _no_answer(error, passed=deadline.passed)
            except HTTPError:
                return NoAnswer("it cannot be asked", sent=False, hopeless=True)
            # A body without a length ends where the socket was shut.
            if deadline.passed:
                return NoAnswer(f"no whole answer within {allowed:g} s")
        return _reply(answer, content, 0 if content is not None else most)

    def _request(self, request: Request, file: IO[bytes] | None) -> requests.Response:
        settings, session = self._settings, self.session
        headers, body = self._headers.copy(), request.body
        if isinstance(body, FileBody):
            headers["Content-Type"] = body.content_type
        elif body is not None:
            headers["Content-Type"] = "application/json"
        if request.idempotency_key is not None:
            headers["Idempotency-Key"] = request.idempotency_key
        query = f"?{request.query}" if request.query else ""
        # Not Session.request: it would merge in cookies, hooks and parameters, none of
        # which is wanted, and takes longer for that than all of this does.
        prepared = requests.PreparedRequest()
        prepared.prepare(
            method=request.method,
            url=f"{settings.base_url}{request.path}{query}",
            headers=headers,
            data=file or body,
            auth=session.auth,
        )
        return session.send(
            prepared,
            timeout=(settings.connect_timeout_seconds, settings.read_timeout_seconds),
            allow_redirects=False,
            **self._surroundings,
        )

    @cached_property
    def _surroundings(self) -> dict[str, Any]:
        """The proxies and authorities of the environment, read once: all of it."""
        found = self.session.merge_environment_settings(
            self._settings.base_url, {}, stream=True, verify=None, cert=None
        )
        return {**found}

    def close(self) -> None:
        """Close the connections that were kept alive."""
        self.session.close()


def _opened(request: Request) -> IO[bytes] | None:
    """Return the file that is to be sent, if it is one."""
    return request.body.open() if isinstance(request.body, FileBody) else None


def _upload_seconds(request: Request) -> float:
    """Return how much longer a file may take than what is in memory."""
    body = request.body
    return body.size / _SLOWEST_BYTES if isinstance(body, FileBody) else 0.0


def _read(answer: requests.Response, most: int) -> bytes | None:
    """Return the body, unpacked; None, and close the connection, where it is longer."""
    chunks, length = [], 0
    for chunk in answer.iter_content(_CHUNK_BYTES):
        length += len(chunk)
        if length > most:
            answer.close()
            return None
        chunks.append(chunk)
    return b"".join(chunks)


def _reply(answer: requests.Response, content: bytes | None, longer_than: int) -> Reply:
    """Return what came, unless it ended too early.

    :param content: None where it is longer than so many bytes.
    """
    if content is not None and _cut(answer, content):
        return NoAnswer(_BROKEN)
    return Response(
        status=answer.status_code,
        headers={name.lower(): text for name, text in answer.headers.items()},
        body=content or b"",
        received_at=time.time(),
        longer_than=longer_than,
    )


def _cause(error: Exception) -> object:
    """Return what is behind an error of requests'."""
    reason = error.args[0] if error.args else None
    return reason.reason if isinstance(reason, MaxRetryError) else reason


def _no_answer(error: Exception, *, passed: bool) -> NoAnswer:
    """Say what happened. The error's own text is not used: it may quote a header."""
    cause = _cause(error)
    if isinstance(error, requests.exceptions.SSLError) and "VERIFY" in repr(cause):
        return NoAnswer(
            "its TLS certificate could not be verified", sent=False, hopeless=True
        )
    for kinds, words, sent in _WORDS:
        if isinstance(error, kinds) or isinstance(cause, kinds):
            return NoAnswer(words, sent=sent)
    if _has_too_many_headers(cause):
        return NoAnswer(_HEADERS_WORDS)
    return NoAnswer(_LATE if passed else _BROKEN)


def _has_too_many_headers(cause: object) -> bool:
    """Whether Python would not read the headers: more than 100, or one of 64 KiB."""
    found = getattr(cause, "args", ())[1:]
    return any(type(each) in {HTTPException, LineTooLong} for each in found)


def _cut(answer: requests.Response, content: bytes) -> bool:
    """Whether an answer ended amid its headers, which http.client lets pass."""
    if content or answer.status_code not in {200, 201, 202}:
        return False
    return not {"content-length", "transfer-encoding"} & {
        *map(str.lower, answer.headers)
    }


_CHUNK_BYTES = 16_384
"""How much of a body is unpacked at a time."""

_SLOWEST_BYTES = 65_536
"""How many bytes of a file a second brings, at the least."""

_BROKEN = "the connection broke before the whole answer had come"
_LATE = "no whole answer in time"
_HEADERS_WORDS = "its answer has more headers, or a longer one, than can be read"

# The most specific first: what was raised or its cause, what it means, and whether the
# request may have been sent.
_WORDS: tuple[tuple[type[Exception], str, bool], ...] = (
    (requests.exceptions.SSLError, "TLS could not be spoken with it", True),
    (NameResolutionError, "the host name could not be resolved", False),
    (requests.exceptions.ConnectTimeout, "no connection in time", False),
    (NewConnectionError, "the connection was refused", False),
    # urllib3 raises it only before the tunnel stands.
    (requests.exceptions.ProxyError, "the proxy did not let it through", False),
    (requests.exceptions.Timeout, _LATE, True),
    (ReadTimeoutError, _LATE, True),
    (TimeoutError, _LATE, True),
)

_AGENT = f"airflow-provider-codat/{__version__} requests/{requests.__version__}"
# What unpacks by more than a thousand times at once is not asked for.
_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate",
    "User-Agent": _AGENT,
}
